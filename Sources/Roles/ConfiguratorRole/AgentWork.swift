import Messages
import RoleKit

/// What the configurator is doing for one agent. Each agent has its own, so that none waits for another.
///
/// The order is 4.2 steps 4 to 7: idle, awaitingReply, registering, pulling, reading, configuring, idle. A new
/// `register` of the agent ends whatever is under way and begins anew.
struct AgentWork: Sendable {
  enum Step: Sendable {
    case idle
    /// Nothing is sent before the `register-reply` is written whole.
    case awaitingReply(Exchange, Scope)
    /// 4.2 step 4.
    case registering(Courier<Purpose>.Errand, Scope)
    /// 4.2 steps 5 and 6.
    case pulling(Courier<Purpose>.Errand)
    /// `configuration-read`: before the first `configure`, and after a 412.
    case reading(Courier<Purpose>.Errand, Wanted)
    /// 4.2 step 7.
    case configuring(Courier<Purpose>.Errand, Wanted)
    /// The agent answered 401 just after its registration: it may not have read the reply yet.
    case pausing(Wanted)
  }

  /// How far the work goes after a registration.
  enum Scope: Sendable, Hashable {
    /// Steps 4 to 7.
    case whole
    /// After a refresh: step 4, and the others only where the server tells a revision that was not tried yet.
    case refresh
  }

  /// The configuration that the server wants the agent to have.
  struct Wanted: Sendable, Hashable {
    var revision: Int
    var document: JSONValue
    /// How often a 412 has been met on the way.
    var staleTries = 0
  }

  var step: Step = .idle
  /// When the agent's last `register-reply` was written, in nanoseconds.
  var repliedAt: UInt64?
  /// What the requests made now repeat.
  var correlation: String?
  /// Requests of the server that this work fulfils.
  var requests: [String] = []
  /// Requests that came while the server's document was already on its way: they need it once more.
  var laterRequests: [String] = []
}

/// Why the configurator asked somebody something.
enum Purpose: Sendable, Hashable {
  case serverRegister(String)
  case serverDeregister(String)
  case configurationRequest(String)
  case configurationRead(String)
  case configure(String)
  case requestResult(String)
  /// By connectionId.
  case control(String)
  case connectionEnd(String)
  case gatewayDescription
  case externalAddress(MappingOwner)
  case addMapping(MappingOwner)
  case deleteMapping(MappingOwner)
  case peerNegotiate(Exchange)
  case sessionRead(String)
  case sessionConfigure(String)
  /// Of an L3 agent, by UUID.
  case agentDescription(String)
  /// By requestId.
  case check(String)
  case probe(String)
}
