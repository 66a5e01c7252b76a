import Messages
import RoleKit

/// What the management database holds of one agent.
struct AgentRecord: Sendable, Hashable {
  /// The first registration's key and answer. The answer carries the control token, so whoever lost it with the
  /// connection gets it again by repeating that very request.
  struct FirstAnswer: Sendable, Hashable {
    var key: String
    /// The token that the request carried: of another configurator, or of a record that was removed.
    var token: String?
    var digest: IdempotencyCache.Digest
    var status: Int
    var body: JSONValue
  }

  /// What was applied to the agent last.
  struct Applied: Sendable, Hashable {
    /// The server's revision.
    var revision: Int
    /// The server's document of that revision.
    var document: JSONValue
  }

  /// The agent's own document as it was told last.
  struct Known: Sendable, Hashable {
    var document: JSONValue
    /// `nil` where the agent sends none: `If-Match: *` then.
    var etag: String?
  }

  /// Work for the agent that the server could not be asked for yet.
  struct Owed: Sendable, Hashable {
    /// 4.2 step 4.
    var serverRegistration = false
    /// 4.2 steps 5 to 7.
    var configuration = false

    var isNothing: Bool { !serverRegistration && !configuration }
  }

  var registration: AgentRegistration
  var controlToken: String
  /// Milliseconds since 1970.
  var registeredAt: Int64
  /// Seconds, as answered.
  var lifetime: Int
  var first: FirstAnswer?
  var applied: Applied?
  var known: Known?
  /// The revision that the agent refused; a refresh does not try it again.
  var refusedRevision: Int?
  var owed = Owed()

  var agentId: String { registration.agentId }

  /// The state that `agent-read` tells (profile section 3).
  func state(at now: Moment) -> String {
    if !isLive(at: now) { return "expired" }
    return applied == nil ? "registered" : "configured"
  }

  func isLive(at now: Moment) -> Bool { now.wall < registeredAt + Int64(lifetime) * 1000 }
}
