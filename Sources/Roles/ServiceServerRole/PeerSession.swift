import Messages
import RoleKit

/// An agent of a home, as one end of a connection between homes.
struct PeerAgent: Sendable, Hashable {
  var homeId: String
  var agentId: String

  var json: JSONValue { ["homeId": .string(homeId), "agentId": .string(agentId)] }
}

/// How a gateway maps or filters (RFC 4787 clauses 4.1 and 5), as far as the asking configurator found out.
enum NATBehaviourWord: String, Sendable, Hashable, CaseIterable {
  case endpointIndependent = "endpoint-independent"
  case addressDependent = "address-dependent"
  case addressAndPortDependent = "address-and-port-dependent"
  case unknown
}

/// What one configurator wants for one of its agents: half of a connection (4.5 steps 2 and 4).
struct PeerHalf: Sendable, Hashable {
  var agent: PeerAgent
  var peer: PeerAgent
  var application: String
  var natMapping: NATBehaviourWord
  var natFiltering: NATBehaviourWord
  /// The `Idempotency-Key` of the request: a repeat of it after a restart gets the same half, not another one.
  var key: String?
  var correlation: String?

  /// Names the half among those that wait; the application comes last, since it alone may hold any character.
  var name: String { "\(agent.homeId)/\(agent.agentId)/\(peer.homeId)/\(peer.agentId)/\(application)" }

  /// The name of the half that would make this one whole.
  var counterpart: String { "\(peer.homeId)/\(peer.agentId)/\(agent.homeId)/\(agent.agentId)/\(application)" }
}

/// A half that waits for the other one.
struct WaitingHalf: Sendable, Hashable {
  var half: PeerHalf
  /// Milliseconds since 1970.
  var lapsesAt: Int64
}

/// An address at which an agent may be reached (profile section 6 step 5).
struct PeerCandidate: Sendable, Hashable {
  enum Kind: String, Sendable, Hashable, CaseIterable { case host, srflx, mapped }

  var kind: Kind
  var endpoint: Endpoint

  var json: JSONValue {
    ["type": .string(kind.rawValue), "address": .text(endpoint.address), "port": .int(Int(endpoint.port))]
  }

  init(kind: Kind, endpoint: Endpoint) {
    self.kind = kind
    self.endpoint = endpoint
  }

  /// Only what one host alone has: multicast, broadcast and port 0 would turn checks into a flood.
  init(_ field: BodyField) throws(FieldFault) {
    kind = try field.object()["type"].word(Kind.self)
    let address = try field["address"].address()
    guard !address.isMulticast, !address.isLimitedBroadcast, !address.isUnspecified else {
      throw field["address"].fault("is \(address), which is no host's address")
    }
    endpoint = Endpoint(address, try field["port"].port())
  }
}

/// A connection in the making: two halves that met.
struct PeerSession: Sendable, Hashable {
  enum Role: String, Sendable, Hashable { case controlling, controlled }

  struct Side: Sendable, Hashable {
    var half: PeerHalf
    /// This half's own.
    var token: String
    /// In the order in which they were offered.
    var candidates: [PeerCandidate] = []
    /// How many of the other side's candidates this side was told.
    var told = 0
    /// Its `session-join`s that are held, oldest first.
    var polls: [Exchange] = []
  }

  /// Candidates that one side may offer in all.
  static let candidateLimit = 10
  /// Milliseconds that a session lasts.
  static let lifetime: Int64 = 300_000

  var sessionId: String
  /// Common to both halves.
  var checkKey: String
  /// The `request` that told the side that came first.
  var requestId: String
  /// Milliseconds since 1970.
  var expires: Int64
  /// True from its expiry, or from the moment when one side proved gone; it is remembered a while longer.
  var isOver = false
  /// The side that came first is the controlling one.
  var controlling: Side
  var controlled: Side

  subscript(role: Role) -> Side {
    get { role == .controlling ? controlling : controlled }
    set { if role == .controlling { controlling = newValue } else { controlled = newValue } }
  }

  /// The side that a token opens.
  func role(of token: String) -> Role? {
    if token.equalsSecret(controlling.token) { return .controlling }
    return token.equalsSecret(controlled.token) ? .controlled : nil
  }

  /// The session as the configurator of one side is told it.
  func json(for role: Role, stun: Endpoint, server: Endpoint) -> JSONValue {
    let own = self[role]
    let other = self[role.other]
    return [
      "sessionId": .string(sessionId), "sessionToken": .string(own.token), "checkKey": .string(checkKey),
      "natMapping": .string(own.half.natMapping.rawValue), "peerNatMapping": .string(other.half.natMapping.rawValue),
      "role": .string(role.rawValue), "stun": .string("\(stun)"), "server": .string("http://\(server)"),
      "expires": .string(ProfileTime.rfc3339(expires)),
    ]
  }
}

extension PeerSession.Role {
  var other: PeerSession.Role { self == .controlling ? .controlled : .controlling }
}
