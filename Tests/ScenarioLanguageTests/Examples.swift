import LanguageKit
import ScenarioLanguage
import TopologyLanguage

/// Files that the tests share.
enum Examples {
  static let oneHome = """
    topology one-home "One home behind a NAT gateway"

    network internet 198.51.100.0/24
    service-server server on internet address 198.51.100.10
    mobile phone on internet address 198.51.100.77

    home home-a                       # the block's name is the homeId
      network lan 192.168.10.0/24
      home-gateway hg on internet address 198.51.100.1 on lan address 192.168.10.1
        nat mapping endpoint-independent filtering address-and-port-dependent   # terms of RFC 4787
      configurator cfg on lan address 192.168.10.2
      switch sw1 on lan ports 8 htip
      ce tv on lan address 192.168.10.21 mac 02:00:00:00:00:21
        device category AV_TV oui 02CE01 model "TV-1" number "2026" serial "S1"
        application media tcp 8200 remote
      link hg.lan -- sw1.1
      link cfg -- sw1.2
      link tv -- sw1.3 rate 100mbit delay 2ms jitter 1ms loss 0.1%
    end

    """

  static let newDevice = """
    scenario new-device "Sequence 1: a new device is connected"
    clause 4.2
    topology one-home
    option upstream "the configurator registers the agent with the service server" sets cfg server-registration
    option configure "the service server has a configuration for the device"
    requires configure implies upstream
    time limit 10s

    given
      power on server, hg, cfg
      server holds configuration for tv if configure
        ntpServer = "198.51.100.10"
      end

    when
      power on tv

    expect
      step 1 "the agent discovers the configurator"
        tv -> network discover
      step 2 "the configurator replies its ID"
        cfg -> tv discover-reply save configuratorId as $id
      step 3 "the agent registers its information"
        tv -> cfg register with device.modelName = "TV-1" and interfaces[0].macAddress = tv.mac
        cfg -> tv register-reply with status = 201 and configuratorId = $id within 1s
      step 4 if upstream
        cfg -> server server-register with agentId = tv.id
        server -> cfg server-register-reply
      step 5 if upstream
        cfg -> server configuration-request
      step 6 if upstream
        server -> cfg configuration-reply where status = 200 if configure
        server -> cfg configuration-reply where status = 404 unless configure
      step 7 if configure
        cfg -> tv configure with ntpServer = "198.51.100.10"
        tv -> cfg configure-reply with status = 200

    then
      tv configuration ntpServer = "198.51.100.10" if configure
      cfg agent tv state = "configured" if configure
      cfg agent tv state = "registered" unless configure

    """

  /// A topology in which both homes have a `tv`.
  static let twoHomes = """
    topology two-homes

    network internet 198.51.100.0/24
    service-server server on internet address 198.51.100.10
    mobile phone on internet
    host attacker on internet

    home home-a
      network lan 192.168.10.0/24
      home-gateway hga on internet on lan
      configurator cfga on lan
      switch sw1 on lan ports 8
      access-point ap1 on lan
      ce tv on lan
        application media tcp 8200 remote
        application share udp 9000
      ce lamp[1..3] on lan
      link hga.lan -- sw1.1
      link cfga -- sw1.2
      link tv -- sw1.3
      link ap1.1 -- sw1.4
      link lamp[1..3] -- ap1.radio
    end
    home home-b
      network lan 192.168.10.0/24
      home-gateway hgb on internet on lan
      configurator cfgb on lan
      switch sw2 on lan ports 4 htip
      ce tv on lan
        application share udp 9000
      link hgb.lan -- sw2.1
      link cfgb -- sw2.2
      link tv -- sw2.3
    end

    """

  /// Nodes that are called as keywords are.
  static let words = """
    topology words
    network internet 198.51.100.0/24
    home on
      network lan 192.168.10.0/24
      home-gateway given on internet on lan
      configurator cfg on lan
      switch step on lan
      ce power on lan
      link given.lan -- step.1
      link cfg -- step.2
      link power -- step.3
    end

    """

  static func loader(_ more: [String: String] = [:]) -> SourceLoader {
    SourceLoader(
      files: [
        "topologies/one-home.topology": oneHome, "topologies/two-homes.topology": twoHomes,
        "topologies/words.topology": words,
      ].merging(more) { $1 })
  }

  /// Reads a scenario called `x` from text.
  static func read(_ text: String, name: String = "x") -> (scenario: CheckedScenario?, diagnostics: [Diagnostic]) {
    ScenarioFile.read("scenarios/\(name).scenario", loader: loader(["scenarios/\(name).scenario": text]))
  }
}
