import Backends
import LinuxNetwork
import Messages
import Octets
import ScenarioLanguage
import TopologyLanguage

enum FilterChange { case block, unblock }

/// Troubles that are no matter of cables: a port that something blocks, an application that does not run.
extension HomeConductor {
  /// `block tcp 8200 at tv`: the packet filter of the node drops what comes in, and what it would pass on.
  func filter(_ change: FilterChange, _ transport: TransportProtocol, _ port: Int?, at node: Node) async throws {
    if transport == .udp, node.kind == .homeGateway {
      throw ActionFailure("\(node.name) passes UDP on by itself, past the packet filter; hint: block it at a device")
    }
    let table = "homebed-block-\(transport.rawValue)-\(port.map(String.init) ?? "all")"
    // Adding it first makes deleting right in any case.
    var rules = "table inet \(table)\ndelete table inet \(table)\n"
    if change == .block {
      let match = port.map { "\(transport.rawValue) dport \($0)" } ?? "meta l4proto \(transport.rawValue)"
      rules += """
        table inet \(table) {
          chain arriving { type filter hook input priority -10; iifname != "lo" \(match) drop; }
          chain passing { type filter hook forward priority -10; \(match) drop; }
        }

        """
    }
    let file = "\(folder)/\(node.name).\(table).nft"
    try Files.write(rules, to: file)
    let program = try running().start(
      NodeProgram(
        node: node.name, executable: "nft", arguments: ["-f", file], environment: [:],
        logFile: logFile(of: node.name)))
    while !isOver {
      if let end = program.ended {
        guard end == .exited(0) else {
          throw ActionFailure("nft in \(node.name) \(end); \(LogTail.lines(logFile(of: node.name)).last ?? "")")
        }
        return
      }
      try await pump(until: HostClock.wall() + Pause.betweenPolls)
    }
  }

  /// `stop application media on tv`: the user at the device does it, at the interface that the device has for that.
  func turn(_ power: Power, _ application: String, on device: Node) async throws {
    guard let address = addresses[device.name] else { throw ActionFailure("\(device.name) has no address") }
    let endpoint = Endpoint(address, knowledge.url(ofAgent: device.id)?.port ?? DefaultPort.agent)
    let request = HTTPRequest(
      "POST", "/applications/\(application)/\(power == .on ? "start" : "stop")",
      fields: ["Host": endpoint.description, "Connection": "close"])
    let answer = try await running().exchange(
      from: device.name, with: endpoint, sending: try request.octets(), within: .seconds(5),
      until: { PlainHTTP.response(in: $0, to: "POST", isEnded: false) != nil })
    let status = PlainHTTP.response(in: answer, to: "POST", isEnded: true)?.status
    guard status == 204 else {
      throw ActionFailure("\(device.name) answered \(status.map(String.init) ?? "nothing"), expected 204")
    }
  }
}
