import LanguageKit
import ScenarioLanguage
import Testing

/// Scenarios that are in order, and the warnings that they give.
struct AcceptedScenario: CustomTestStringConvertible, Sendable {
  var testDescription: String
  var warnings: [String] = []
  var text: String
}

@Suite struct AcceptedScenarioTests {
  @Test(arguments: AcceptedScenario.all) func nothingIsRefused(_ accepted: AcceptedScenario) {
    let (checked, diagnostics) = Examples.read(accepted.text)
    #expect(diagnostics.filter { $0.severity == .error }.map { $0.rendered() } == [])
    let warnings = diagnostics.filter { $0.severity == .warning }.map { warning in
      "\(warning.position.line):\(warning.position.column): \(warning.message)"
    }
    #expect(warnings == accepted.warnings)
    #expect(checked != nil)
  }
}

extension AcceptedScenario {
  static let all: [AcceptedScenario] = [
    AcceptedScenario(
      testDescription: "every header line",
      warnings: ["4:8: no step of clause 4.2 is in the scenario"],
      text: """
        scenario x "title"
        # comments and blank lines mean nothing

        clause 4.2 figure 1
        topology one-home
        option a "title" sets cfg server-registration
        option n "nat" sets hg nat.mapping in [endpoint-independent, "address-dependent"]
        requires a implies a
        time limit 1.5min
        settle 0ms
        pace 60
        strict
        tags slow, long-names-too
        when
          power on tv if n = endpoint-independent and not a
          power on tv if n != address-dependent and a
          power on tv if n = "address-dependent"
        """),
    AcceptedScenario(
      testDescription: "a rule of the profile, and a statement over three lines",
      text:
        "\u{FEFF}scenario x\r\nprofile 3\r\ntopology \\\r\n  one-home\r\nwhen\r\n  power on \\\r\n tv, \\\r\n hg\r\n"),
    AcceptedScenario(
      testDescription: "every action",
      warnings: [
        "44:31: `home-a.tv` has no application `radio`", "54:3: a wait of fixed length",
      ],
      text: """
        scenario x
        topology two-homes
        given
          power on server, hga, cfga, lamp1
          server holds configuration for home-a.tv
            ntpServer = "198.51.100.10"
            dnsServers = [192.168.10.1, "192.168.10.2"]
            qosClass = 46
            vendor."odd name".list[0] = true
          end
        when
          power off home-a.tv, lamp[1..3]
          crash cfga
          restart cfga
          unplug home-a.tv
          unplug home-a.tv -- sw1.3
          unplug hga -- internet
          plug in home-a.tv
          plug in sw1 -- ap1
          move home-a.tv to sw2.4
          move lamp2 to ap1.radio
          degrade home-a.tv -- sw1.3 rate 10kbit delay 2.5ms jitter 100us loss 0.5% duplicate 1% reorder 100%
          degrade hga.lan -- sw1.1 towards hga delay 1s
          degrade phone -- internet rate 1gbit
          heal home-a.tv -- sw1
          cut wan of hga
          restore wan of hga
          block tcp 8200 at hga
          block udp at hga
          unblock tcp at hga
          stop application media on home-a.tv
          start application media on home-a.tv
          set home-a.tv ip.address = 192.168.10.99/24
          set home-a.tv ip.dns = [192.168.10.1, server.address]
          set home-a.tv application.media.enabled = false
          set home-a.tv remote-access.media = true
          set hga nat.filtering = endpoint-independent
          set cfga ssdp-max-delay = 20ms
          phone connects to home-a.tv media
          phone connects to home-a.tv media with token "none"
          home-a.tv connects to home-b.tv share
          operator checks reachability of home-a.tv
          operator checks application media of home-a.tv
          phone connects to home-a.tv radio
          send attacker -> server http "GET / HTTP/1.1\\r\\n" "Host: \\u{1F600}\\r\\n\\r\\n"
          send attacker -> network udp 1900 hex "0a1b" "text" hex ""
          send home-a.tv -> network ethernet hex "ffffffffffff"
          send attacker -> hga tcp 80 "x"
          run "upnpc -l" on attacker
          ask "is the lamp red?"
          wait until not home-a.tv is up
          at home-a.tv -> cfga register do drop
          at cfga -> home-a.tv configure where ntpServer exists do crash cfga
          wait 200ms
          at home-a.tv -> network discover do duplicate
          at any -> cfga register do hold 2s
          at any -> any register-reply with status = 201 do corrupt
          at home-a.tv -> cfga register do set cfga server-registration = false
        """),
    AcceptedScenario(
      testDescription: "every group",
      text: """
        scenario x
        topology two-homes
        option a sets cfga server-registration
        when
          power on lamp[1..3], home-a.tv, home-b.tv
        expect
          step 1 "one" if a
            home-a.tv -> network discover
          for $d in lamp[1..3], home-b.tv
            step 2
              $d -> any register where device.serialNumber = "1" save agentId as $x
              any -> $d register-reply with status in [200, 201] and agentId = $x within 1s of step 2
          end
          in any order if a
            step 4
              lamp1 -> cfga register
            step 3
              lamp2 -> cfga register
            lamp3 -> cfga register
          end
          either
            home-a.tv -> cfga register where lifetime > 60 and lifetime <= 61.5
          or
            home-a.tv -> cfga register where reason = "new-device"
            optional unless a
              cfga -> home-a.tv configure
            end
          end
          never
            any -> server server-deregister
          end
          repeat 1 to 3
            home-a.tv -> network discover
          end
          wait until cfga agent home-a.tv exists if a
          operator -> cfga agent-read
          attacker -> cfga register with bogus.field = 1
          home-a.tv -> any register with applications[].name = "media" and device.deviceCategory contains "AV_TV"
          home-a.tv -> any register where configurationURL matches "http://.*" with interfaces[0].defaultGateway absent
          home-a.tv -> cfga register with interfaces[0].macAddress = home-a.tv.mac and agentId = home-a.tv.id
        """),
    AcceptedScenario(
      testDescription: "every fact",
      warnings: [
        "8:3: a `not` fact holds at once where nothing has happened yet",
        "10:20: the profile's configuration has no member `nptServer`",
      ],
      text: """
        scenario x
        topology one-home
        when
          power on tv
        then
          tv configuration ntpServer = server.address
          not tv problem = "no-configurator" for 2s
          not tv is up
          tv configuration vendor."odd name"[0] exists
          tv configuration nptServer absent
          tv screen contains "no configurator"
          cfg agent tv state = "registered"
          cfg agent tv revision >= 1
          cfg agent tv exists
          cfg knows tv
          cfg knows tv at sw1.3
          cfg topology matches
          last result fault = "none"
          last result element = "tv--sw1.3"
          last result result = "ok"
          phone connection status = 200
          hg run status = 0
          hg run output contains "64 bytes"
          tv is up for 1s
        """),
    AcceptedScenario(
      testDescription: "phases, and a saved value that a later phase uses",
      text: """
        scenario x
        topology one-home
        option a sets cfg server-registration
        when
          power on tv
        expect
          tv -> cfg register save agentId as $id, device.modelName as $m if a
          tv -> cfg register save agentId as $id unless a
        then
          tv is up
        when
          restart tv
        expect
          tv -> cfg register with agentId = $id
        expect
          cfg -> tv register-reply with agentId = $id
        then
          tv is up
        then
          tv is up
        """),
    AcceptedScenario(
      testDescription: "names that are keywords elsewhere",
      text: """
        scenario x
        topology words
        when
          power on step, given
        expect
          power -> cfg register
        then
          power is up
        """),
    AcceptedScenario(
      testDescription: "lines that could take the same message",
      warnings: [
        "8:5: the line could take the same message as the one in line 7",
        "12:5: every copy of the line could take the same message",
      ],
      text: """
        scenario x
        topology two-homes
        when
          power on home-a.tv
        expect
          in any order
            any -> cfga register
            home-a.tv -> cfga register where lifetime > 60
            home-b.tv -> cfgb register
          end
          for $d in lamp[1..3]
            any -> cfga register
          end
        """),
  ]
}
