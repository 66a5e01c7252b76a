import Messages
import RoleKit

/// What a configurator is told at its start.
public struct ConfiguratorSettings: Sendable, Hashable {
  /// The service server, and who we are there.
  public struct Server: Sendable, Hashable {
    public var endpoint: Endpoint
    public var homeId: String
    public var homeToken: String

    public init(endpoint: Endpoint, homeId: String, homeToken: String) {
      self.endpoint = endpoint
      self.homeId = homeId
      self.homeToken = homeToken
    }
  }

  /// A UUID in lower case; the same at every start.
  public var configuratorId: String
  public var friendlyName: String
  public var httpPort: UInt16
  /// `nil`: the home is managed without a service server.
  public var server: Server?
  /// The server's two STUN ports, at its address.
  public var stunPorts: [UInt16]
  /// `nil`: nobody may read or remove records.
  public var operatorToken: String?
  /// 4.2 step 4: whether agents are registered with the service server. Where not, their configuration is not asked for
  /// either.
  public var serverRegistration: Bool
  /// 4.2 step 5: whether configurations are asked of the service server.
  public var configurationPull: Bool
  /// Seconds that the lifetime of a `register-reply` stays within; a wish outside is moved to the nearer end.
  public var lifetimes: ClosedRange<Int>
  /// Nanoseconds below which search replies are delayed, where MX allows more.
  public var longestReplyDelay: UInt64?
  /// Where searches and announcements are sent to.
  public var ssdpGroup: Endpoint
  /// Names beside the listening address that `Host` may carry.
  public var hostNames: [String]

  public init(
    configuratorId: String, friendlyName: String = "Home configurator", httpPort: UInt16 = DefaultPort.configurator,
    server: Server? = nil, stunPorts: [UInt16] = DefaultPort.stun, operatorToken: String? = nil,
    serverRegistration: Bool = true,
    configurationPull: Bool = true, lifetimes: ClosedRange<Int> = AgentRegistration.lifetimes,
    longestReplyDelay: UInt64? = nil, ssdpGroup: Endpoint = Endpoint(ProfileNames.ssdpGroup, ProfileNames.ssdpPort),
    hostNames: [String] = []
  ) {
    self.configuratorId = configuratorId
    self.friendlyName = friendlyName
    self.httpPort = httpPort
    self.server = server
    self.stunPorts = stunPorts
    self.operatorToken = operatorToken
    self.serverRegistration = serverRegistration
    self.configurationPull = configurationPull
    self.lifetimes = lifetimes
    self.longestReplyDelay = longestReplyDelay
    self.ssdpGroup = ssdpGroup
    self.hostNames = hostNames
  }
}
