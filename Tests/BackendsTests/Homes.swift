import Foundation
import LanguageKit
import LinuxNetwork
import Octets
import TopologyLanguage

@testable import Backends

/// Topologies of the tests.
enum Homes {
  /// One switch with four hosts.
  static let four = """
    topology four
    home home
      network lan 192.168.10.0/24
      home-gateway gw on lan address 192.168.10.1
      host a on lan address 192.168.10.11
      host b on lan address 192.168.10.12
      host c on lan address 192.168.10.13
      switch sw on lan ports 8
      link gw.lan -- sw.1
      link a -- sw.2
      link b -- sw.3
      link c -- sw.4
    end
    """

  /// A gateway between a home of two switches and the Internet.
  static let gateway = """
    topology gateway
    network internet 198.51.100.0/24
    service-server server on internet address 198.51.100.10
    home home
      network lan 192.168.10.0/24
      home-gateway hg on internet address 198.51.100.1 on lan address 192.168.10.1
      ce tv on lan address 192.168.10.21 mac 02:00:00:00:00:21
      host pc on lan address 192.168.10.22
      switch sw1 on lan ports 8
      switch sw2 on lan ports 8
      link hg.lan -- sw1.1
      link tv -- sw1.3
      link sw1.8 -- sw2.8
      link pc -- sw2.1
    end
    """

  static func topology(_ text: String) throws -> Topology {
    let name = text.split(separator: "\n")[0].split(separator: " ")[1]
    let (topology, diagnostics) = TopologyFile.read(
      "\(name).topology", loader: SourceLoader { _ in .success(Array(text.utf8)) })
    guard let topology else { throw BackendError("\(diagnostics)") }
    return topology
  }
}

/// A folder that goes away with the object.
final class TestFolder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/homebed-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

extension NamespaceHome {
  /// Makes a home, hands it to `body` while it is up, and takes it down.
  static func with<Result>(
    _ text: String, operatorOn: String? = nil, wiring: Wiring = Wiring(), _ body: (NamespaceHome) async throws -> Result
  ) async throws -> Result {
    let folder = try TestFolder()
    let home = try NamespaceHome(
      topology: Homes.topology(text), folder: folder.path, operatorOn: operatorOn, launcher: .find(),
      wiring: wiring)
    try home.up()
    let result: Swift.Result<Result, any Error>
    do { result = .success(try await body(home)) } catch { result = .failure(error) }
    await home.down()
    return try withExtendedLifetime(folder) { try result.get() }
  }

  func power(_ nodes: String...) throws { for node in nodes { try setPower(.on, of: node) } }

  func reaches(_ node: String, _ address: String, within limit: Duration = .seconds(2)) throws -> Bool {
    guard let address = IPAddress(address) else { throw BackendError("\(address) is no address") }
    return try ping(from: node, to: address, within: limit)
  }
}
