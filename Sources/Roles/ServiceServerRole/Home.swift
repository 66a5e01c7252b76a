import Messages
import RoleKit

/// What the service server knows of one home.
struct Home: Sendable, Hashable {
  var tokens: HomeTokens
  var agents: [String: RegisteredAgent] = [:]
  var configurations: [String: StoredConfiguration] = [:]
  var requests: [String: HomeRequest] = [:]
  /// Connections of mobile devices, by connectionId.
  var connections: [String: MobileConnection] = [:]
  /// Event streams that the home's configurator has open, oldest first.
  var streams: [Exchange] = []

  init(tokens: HomeTokens) { self.tokens = tokens }

  /// Requests without a result, oldest first.
  var openRequests: [HomeRequest] {
    requests.values.filter { $0.state == .open }.sorted { $0.number < $1.number }
  }
}

/// An agent as its configurator registered it last.
struct RegisteredAgent: Sendable, Hashable {
  /// The body of `server-register`.
  var body: JSONValue
  /// Milliseconds since 1970.
  var registeredAt: Int64
  /// Seconds.
  var lifetime: Int

  func isLive(at now: Moment) -> Bool { now.wall < registeredAt + Int64(lifetime) * 1000 }
}

/// The configuration that the operator wants an agent to have.
struct StoredConfiguration: Sendable, Hashable {
  /// From 1, one more with every document that differs.
  var revision: Int
  var document: JSONValue
}

/// Something that the server asks of a home's configurator (profile section 4).
struct HomeRequest: Sendable, Hashable {
  enum State: Sendable, Hashable {
    case open
    /// The result came in time. It is kept for a while, so that a repeat is told from a stray.
    case answered(JSONValue)
  }

  var requestId: String
  /// The event's id; requests are sent in this order.
  var number: Int
  var kind: RequestKind
  var agentId: String
  /// Milliseconds since 1970.
  var deadline: Int64
  /// What the kind adds to the event, such as `revision`.
  var details: JSONObject
  var correlation: String?
  var state: State = .open

  /// The event that carries the request to the configurator.
  var event: ServerSentEvent {
    var data: JSONObject = [
      "requestId": .string(requestId), "kind": .string(kind.rawValue),
      "deadline": .string(ProfileTime.rfc3339(deadline)),
      "agentId": .string(agentId),
    ]
    for member in details.members { data[member.name] = member.value }
    if let correlation { data["correlation"] = .string(correlation) }
    return ServerSentEvent(id: String(number), event: kind.rawValue, data: JSONValue.object(data).description)
  }
}

/// What a server may ask of a configurator (profile section 4).
enum RequestKind: String, Sendable, Hashable, CaseIterable {
  case control
  case peerConnection = "peer-connection"
  case reachabilityCheck = "reachability-check"
  case applicationCheck = "application-check"
  case disconnect
  case configurationChanged = "configuration-changed"

  /// Milliseconds that the configurator has for it.
  var allowance: Int64 {
    switch self {
    case .control, .disconnect: 10_000
    case .peerConnection, .reachabilityCheck, .applicationCheck: 30_000
    case .configurationChanged: 60_000
    }
  }

  var seconds: Int64 { allowance / 1000 }
}
