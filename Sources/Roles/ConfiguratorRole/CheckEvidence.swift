import Messages
import RoleKit

/// All that a check has brought to light, from which ``CheckEvidence/findings`` reasons (4.6.3, 4.6.4).
struct CheckEvidence: Sendable, Hashable {
  enum Kind: String, Sendable, Hashable { case reachability, application }

  /// What the `check` of the agent came to.
  enum Agent: Sendable, Hashable {
    case notAsked
    case answered
    /// It answered, but not with what was asked for.
    case refused(String)
    case failed(Failure)

    var hasAnswered: Bool {
      switch self {
      case .answered, .refused: true
      case .notAsked, .failed: false
      }
    }
  }

  /// What the home gateway says by UPnP.
  enum Control: Sendable, Hashable {
    /// No gateway was ever found.
    case unknown
    case silent
    case answered(isConnected: Bool)
  }

  /// What a request to an application came to.
  enum Visit: Sendable, Hashable, CustomStringConvertible {
    case answered(status: Int)
    case failed(Failure)
    /// The server tried, and says this.
    case unreachable(String)

    var description: String {
      switch self {
      case .answered(let status): "status \(status)"
      case .failed(let failure): "\(failure)"
      case .unreachable(let detail): detail
      }
    }

    var isAnswered: Bool { if case .answered = self { true } else { false } }
  }

  /// The way to the application from outside.
  enum Mapping: Sendable, Hashable {
    case notAsked
    case notNeeded
    case open
    case refused(String)
  }

  var kind: Kind
  // Names as they stand in findings.
  var device: String
  var configurator: String
  var gateway: String
  var server = "server"

  var isOwnLinkUp = true
  /// The configurator's echoes; `nil` where they prove nothing, as on one machine.
  var gatewayEcho: ProbeTally?
  var deviceEcho: ProbeTally?
  /// The configurator's STUN Bindings.
  var serverBindings: ProbeTally?
  var control = Control.unknown
  var agent = Agent.notAsked
  /// The agent's own checks and findings.
  var agentItems: [CheckItem] = []
  var agentFindings: [Finding] = []
  /// The device said goodbye by SSDP and has not been heard since.
  var saidGoodbye = false
  /// As the device registered them.
  var deviceAddresses: [CIDR] = []
  var deviceGateway: IPAddress?
  var gatewayAddress: IPAddress?
  var sight = LinkSight.nothing
  var gatewaySight = LinkSight.nothing

  // Sequence 6.
  var application: String?
  var isRemote = true
  var lanVisit: Visit?
  var mapping = Mapping.notAsked
  var outsideVisit: Visit?
  /// Why the server was not asked to probe.
  var probeSkipped: String?
  /// The server does not answer the configurator's HTTP requests.
  var isServerSilent = false

  init(kind: Kind, device: String, configurator: String, gateway: String) {
    self.kind = kind
    self.device = device
    self.configurator = configurator
    self.gateway = gateway
  }

  func item(_ name: CheckName) -> CheckItem? { agentItems.first { $0.name == name } }
}
