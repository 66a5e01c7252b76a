import Backends
import LanguageKit
import LinuxNetwork
import Octets
import Runner
import TopologyLanguage

/// A home of hosts at one switch, h1 at 192.168.10.2 and so on, with nothing in it but what is measured.
struct BenchHome {
  let home: NamespaceHome
  let folder: String
  let hosts: Int

  /// Made and switched on.
  static func up(hosts: Int, recording: Recording = .nothing, wiring: Wiring = Wiring()) throws -> BenchHome {
    let lines = (1...hosts).map { "host h\($0) on lan address 192.168.10.\($0 + 1)\n" }.joined()
    let loader = SourceLoader(files: ["hosts.topology": "topology hosts\nnetwork lan 192.168.10.0/24\n" + lines])
    guard let topology = TopologyFile.read("hosts.topology", loader: loader).topology else {
      throw BenchError(description: "the topology is not in order")
    }
    let folder = try Files.temporaryFolder("homebed-bench")
    let home = try NamespaceHome(
      topology: topology, folder: folder, operatorOn: nil, launcher: try Launcher.find(), recording: recording,
      wiring: wiring)
    try home.up()
    try home.setPower(.on, of: topology.nodes.map(\.name))
    return BenchHome(home: home, folder: folder, hosts: hosts)
  }

  /// One ping from the first host to the last.
  func ping() throws {
    guard let address = IPAddress("192.168.10.\(hosts + 1)"),
      try home.ping(from: "h1", to: address, within: .seconds(2))
    else { throw BenchError(description: "the ping was not answered") }
  }

  /// The first two hosts, as ends of traffic.
  func ends() throws -> TrafficEnds {
    TrafficEnds(
      a: try namespace(of: "h1"), b: try namespace(of: "h2"), addressOfB: [192, 168, 10, 3])
  }

  private func namespace(of node: String) throws -> NetworkNamespace {
    try NetworkNamespace(home.descriptor(of: node).duplicate())
  }

  func down() async throws {
    await home.down()
    try Files.remove(folder)
  }
}
