import Messages
import RoleKit

/// An agent of another home, as an agent of this one names it.
struct PeerName: Sendable, Hashable {
  var homeId: String
  var agentId: String

  init(_ field: BodyField) throws(FieldFault) {
    let homeId = try field.object()["homeId"].text()
    guard Identifier.isHomeId(homeId) else { throw field["homeId"].fault("is not 1 to 64 of a-z, 0-9 and -") }
    self.homeId = homeId
    agentId = try field["agentId"].uuid()
  }

  var json: JSONValue { ["homeId": .string(homeId), "agentId": .string(agentId)] }
}

/// An agent's `peer-connect` that is held (4.5 steps 1 and 3).
struct PeerWish: Sendable {
  enum Step: Sendable {
    /// It is being found out how the gateway maps and filters.
    case probing
    /// 4.5 step 2 or 4. The session may come before the answer: by the request to the half that waits.
    case negotiating(Courier<Purpose>.Errand)
    /// The server has our half, and not yet the other one.
    case waiting
  }

  var agentId: String
  var peer: PeerName
  var application: String
  var correlation: String?
  var step: Step

  /// Seconds for which a `peer-connect` is held.
  static let patience = 30.0
}

/// A session of one of our agents, from the moment when the agent is told of it until it expires.
struct AgentSession: Sendable {
  enum Step: Sendable {
    /// Nothing is asked of us.
    case idle
    /// 4.5 step 6: the gateway is asked for a port.
    case mapping(Exchange)
    /// `configuration-read`, before the first `configure` and after a 412.
    case reading(Courier<Purpose>.Errand, Exchange?)
    /// `configure`, with the mapped address, or with null at the end.
    case configuring(Courier<Purpose>.Errand, Exchange?)
  }

  var sessionId: String
  var agentId: String
  /// Milliseconds since 1970.
  var expires: Int64
  /// The address that the gateway gave, which the agent's document holds, or is to hold.
  var mapped: Endpoint?
  var step = Step.idle
  /// How often a 412 has been met on the way.
  var staleTries = 0
  var correlation: String?

  init(sessionId: String, agentId: String, expires: Int64) {
    self.sessionId = sessionId
    self.agentId = agentId
    self.expires = expires
  }

  /// What the agent's document shall say of the session.
  func isOver(at now: Moment) -> Bool { expires <= now.wall }

  /// The merge patch that brings a document there; `nil` where it is there.
  func patch(for document: JSONValue, at now: Moment) -> JSONValue? {
    let present = document["connections"]?[sessionId] ?? .null
    var wanted = JSONValue.null
    if let mapped, !isOver(at: now) {
      wanted = ["address": .text(mapped.address), "port": .int(Int(mapped.port))]
    }
    guard present != wanted else { return nil }
    return ["connections": .object(JSONObject(dictionaryLiteral: (sessionId, wanted)))]
  }
}

/// What is known of the gateway's behaviour.
enum NATKnowledge: Sendable {
  case nothing
  /// Being found out; the address is our own.
  case probing(NATProbe, own: IPAddress)
  /// `until` is in nanoseconds.
  case known(NATFinding, until: UInt64)
}
