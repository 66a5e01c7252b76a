import LanguageKit
import LinuxNetwork
import Octets
import Testing
import TopologyLanguage

@testable import Runner

private let leased = """
  topology leased
  network internet 198.51.100.0/24
  home-gateway provider on internet address 198.51.100.1 on access address 100.64.0.1
  network access 100.64.0.0/10
  home home-a
    network lan 192.168.0.0/20
    home-gateway hg on access address 100.64.0.2 on lan address 192.168.0.1
      dhcp from 192.168.1.1 to 192.168.1.200 lease 5min
      dns "cloud.example" 198.51.100.10
      dns "own.example" 192.168.0.1
    configurator cfg on lan address 192.168.0.2
    host rogue on lan address 192.168.0.66
      dhcp from 192.168.2.1 to 192.168.2.200
    switch sw1 on lan ports 8
    ce tv on lan
    host laptop on lan address auto
    link hg.lan -- sw1.1
    link cfg -- sw1.2
    link tv -- sw1.3
    link rogue -- sw1.4
    link laptop -- sw1.5
  end

  """

@Suite struct LeaseTests {
  private func topology(_ text: String = leased) throws -> Topology {
    let read = TopologyFile.read("leased.topology", loader: SourceLoader(files: ["leased.topology": text]))
    return try #require(read.topology, "\(read.diagnostics.map { $0.rendered() })")
  }

  @Test func aGatewayServesWhatItsLinesSay() throws {
    let topology = try topology()
    let hg = try #require(topology.node(named: "hg"))
    let service = try #require(NameAndAddressService(hg, in: topology))
    let lines = service.configuration(log: "hg.log").split(separator: "\n")
    #expect(lines.filter { $0.hasPrefix("interface=") } == ["interface=eth1"])
    #expect(lines.contains("dhcp-range=192.168.1.1,192.168.1.200,255.255.240.0,300"))
    #expect(lines.contains("host-record=cloud.example,198.51.100.10"))
    #expect(lines.contains("host-record=own.example,192.168.0.1"))
    #expect(lines.contains("log-facility=hg.log"))
    #expect(!lines.contains { $0.hasPrefix("dhcp-option=") })
  }

  @Test func aHostServesTheNetworksGateway() throws {
    let topology = try topology()
    let rogue = try #require(topology.node(named: "rogue"))
    let service = try #require(NameAndAddressService(rogue, in: topology))
    let text = service.configuration(log: "log")
    #expect(text.contains("dhcp-range=192.168.2.1,192.168.2.200,255.255.240.0,3600\n"))
    #expect(text.contains("dhcp-option=option:router,192.168.0.1\n"))
    let cfg = try #require(topology.node(named: "cfg"))
    #expect(NameAndAddressService(cfg, in: topology) == nil)
  }

  @Test func namesAreAskedForWhereTheyAreServed() throws {
    let topology = try topology()
    func servers(_ name: String) throws -> [String] {
      let node = try #require(topology.node(named: name))
      return topology.nameServers(of: node).map(\.description)
    }
    #expect(try servers("cfg") == ["192.168.0.1", "192.168.0.66"])
    #expect(try servers("hg") == ["127.0.0.1"])
    // The gateway answers its inside alone.
    #expect(try servers("provider") == [])
  }

  @Test func theAddressAndTheGatewayComeWithTheLease() throws {
    let topology = try topology()
    let tv = try #require(topology.node(named: "tv"))
    #expect(tv.leasedInterface == 0)
    #expect(topology.node(named: "laptop")?.leasedInterface == nil)
    #expect(topology.node(named: "sw1")?.leasedInterface == nil)
    let environment = NodeEnvironment(topology: topology, secrets: RunSecrets(homes: ["home-a"]), pace: 1)
    let variables = environment.variables(for: tv, stateFolder: "s", tokenFile: nil, addresses: [:])
    #expect(variables["HOMEBED_ADDRESS"] == nil && variables["HOMEBED_GATEWAY"] == nil)
    // What the script puts in their places.
    #expect(variables["HOMEBED_INTERFACES"]?.contains(#""address":null"#) == true)
    #expect(variables["HOMEBED_INTERFACES"]?.contains(#""gateway":null"#) == true)
  }

  @Test func whatCannotBeServedIsToldBeforeItIsTried() throws {
    #expect(Support.missing(for: try topology()) == nil)
    let short = leased.replacing("lease 5min", with: "lease 119s")
    #expect(Support.missing(for: try topology(short))?.contains("2min") == true)
    let two = leased.replacing("ce tv on lan", with: "ce tv on lan on internet")
      .replacing("link tv --", with: "link tv.lan --")
    #expect(Support.missing(for: try topology(two))?.contains("2 interfaces") == true)
  }

  @Test func theScriptIsOne() throws {
    let result = try Commands.run("/bin/sh", ["-n"], input: LeaseScript.text)
    #expect(result.status == 0, "\(result.errors)")
  }
}
