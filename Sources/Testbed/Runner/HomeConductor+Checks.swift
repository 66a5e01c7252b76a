import Backends
import Messages
import Octets
import ScenarioLanguage
import Synchronization
import TopologyLanguage

/// What the operator may ask for.
enum OperatorCheck {
  case reachability
  case application(String)
}

/// `operator checks reachability of tv`, `operator checks application media of tv`: the operator asks the service server,
/// which holds its reply until the home's configurator has told what it found (4.6.3 and 4.6.4).
extension HomeConductor {
  /// Asks, and goes on when the reply is there; in `given` it must be 200.
  func check(_ check: OperatorCheck, of agent: Node, mode: ActionMode) async throws {
    guard let home = agent.home else { throw ActionFailure("\(agent.name) is in no home") }
    guard let server = topology.serviceServerAddress else { throw ActionFailure("the topology has no service server") }
    let endpoint = Endpoint(server, DefaultPort.serviceServer)
    let (resource, body): (String, JSONValue) =
      switch check {
      case .reachability: ("reachability-checks", [:])
      case .application(let name): ("application-checks", ["application": .string(name)])
      }
    let request = HTTPRequest(
      "POST", "/v1/homes/\(home)/agents/\(agent.id)/\(resource)",
      fields: [
        "Host": endpoint.description, "Authorization": "Bearer \(secrets.operatorToken)",
        "Content-Type": ProfileNames.jsonType, "Connection": "close",
      ], body: body.octets)
    let status = try await heldAnswer(to: request, at: endpoint)
    guard mode == .untilTrue, status != 200 else { return }
    throw ActionFailure("the service server answered \(status.map(String.init) ?? "nothing") to the operator's check")
  }

  /// The status of a reply that may be long in coming; what happens meanwhile is taken in. `nil` where none came.
  private func heldAnswer(to request: HTTPRequest, at endpoint: Endpoint) async throws -> Int? {
    let octets = try request.octets()
    let (home, method) = (try running(), request.method)
    let reply = HeldReply()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await reply.wait(home, for: octets, method, at: endpoint) }
      while !reply.isOver, !isOver { try await pump(until: HostClock.wall() + Pause.betweenPolls) }
    }
    return PlainHTTP.response(in: reply.octets, to: method, isEnded: true)?.status
  }
}

/// What came back to a request whose reply is held.
private final class HeldReply: Sendable {
  private let state = Mutex<[UInt8]?>(nil)
  /// How long the operator's request is held (profile section 1).
  private static let patience = Duration.seconds(40)

  var isOver: Bool { state.withLock { $0 != nil } }
  var octets: [UInt8] { state.withLock { $0 ?? [] } }

  func wait(_ home: any HomeUnderTest, for request: [UInt8], _ method: String, at endpoint: Endpoint) async {
    // That nothing comes back is no fault of the action: the server may be what is dead.
    let answer = try? await home.exchange(
      from: "operator", with: endpoint, sending: request, within: Self.patience,
      until: { PlainHTTP.response(in: $0, to: method, isEnded: false) != nil })
    state.withLock { $0 = answer ?? [] }
  }
}
