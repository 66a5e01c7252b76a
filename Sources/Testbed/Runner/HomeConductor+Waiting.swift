import Backends
import LanguageKit
import LinuxNetwork
import ScenarioLanguage
import TopologyLanguage
import TraceChecker

extension HomeConductor {
  /// Waits until every node is up: its ready line (or, of a foreign program, its open port), and for a configurator
  /// that its first stream attempt is settled.
  func waitUntilUp(_ nodes: [Node]) async throws {
    for node in nodes {
      let deadline = HostClock.wall() + Patience.ready
      while !programs.isReady(node.name) {
        try await pump(until: HostClock.wall() + Pause.betweenPolls)
        if isOver { return }
        guard programs.isRunning(node.name) else {
          throw failure("\(node.name) ended before it was ready" + logEnd(of: node))
        }
        if options.devices[node.name] != nil, await answers(node) { programs.markReady(node.name) }
        // On a busy machine what came in time may be heard late.
        guard programs.isReady(node.name) || HostClock.wall() < deadline else { throw neverReady(node) }
      }
    }
    for node in nodes where node.kind == .configurator && topology.serviceServerAddress != nil {
      let deadline = HostClock.wall() + Patience.stream
      while !knowledge.isSettled(node.name), HostClock.wall() < deadline {
        try await pump(until: HostClock.wall() + Pause.betweenPolls)
        if isOver { return }
      }
    }
  }

  private func neverReady(_ node: Node) -> any Error {
    let output = programs.output(of: node.name)
    let instead = output.isEmpty ? "" : "; it wrote: " + output.joined(separator: " | ")
    let patience = Patience.ready / 1_000_000_000
    return failure(
      "\(node.name) never became ready: no line `ready` within \(patience) s\(instead)\(logEnd(of: node))")
  }

  /// A program may fail for what the machine lacks: then the testbed is to blame, and says for what.
  private func failure(_ words: String) -> any Error {
    guard let shortage = Shortage.now(in: folder) else { return ActionFailure(words) }
    return Stop(Judgement(.error, reason: "\(words); hint: \(shortage.remedy)"))
  }

  private func logEnd(of node: Node) -> String {
    let log = LogTail.lines(logFile(of: node.name))
    return log.isEmpty ? "" : "; its log ends: " + log.joined(separator: " | ")
  }

  /// Whether a foreign program's port answers. It is asked something, since HTTP servers wait for a request.
  private func answers(_ node: Node) async -> Bool {
    guard let port = node.kind.httpPort, let address = addresses[node.name], let home else { return false }
    let question = Array("GET / HTTP/1.1\r\nHost: \(Endpoint(address, port))\r\nConnection: close\r\n\r\n".utf8)
    let answer = try? await home.exchange(
      from: node.name, with: Endpoint(address, port), sending: question, within: .milliseconds(200),
      until: { !$0.isEmpty })
    return answer != nil
  }
}

/// How long something may take before it counts as failed; nanoseconds.
enum Patience {
  static let ready: Int64 = 10_000_000_000
  /// A SYN that nobody answers is given up by the profile after 5 s.
  static let stream: Int64 = 6_000_000_000
  /// An answer to what the runner itself sends.
  static let answer = Duration.seconds(5)
  /// How long to wait before a request without an answer is sent again; `nil`: that was the last try (profile section 1).
  static let retries: [Int64?] = [500_000_000, 1_000_000_000, 2_000_000_000, nil]
}

/// An action that could not be performed.
struct ActionFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
