import Messages
import RoleKit

/// The tokens that open a home: its configurator's and its mobile devices'.
public struct HomeTokens: Sendable, Hashable {
  public var homeToken: String
  public var userToken: String

  public init(homeToken: String, userToken: String) {
    self.homeToken = homeToken
    self.userToken = userToken
  }
}

/// What a service server is told at its start.
public struct ServiceServerSettings: Sendable, Hashable {
  /// `nil`: nobody may provision homes or update configurations.
  public var operatorToken: String?
  /// Homes of the token file; a home that was provisioned since keeps the tokens that it was given then.
  public var homes: [String: HomeTokens]
  /// Names beside the listening address that `Host` may carry.
  public var hostNames: [String]
  public var stun: STUNServerSettings
  /// Networks that configurators may have probed beside what is their home's own (`--probe-allow`).
  public var probeAllowed: [CIDR] = []
  /// Seconds that a mobile device's connection is given (profile section 5).
  public var connectionLifetime = 300

  public init(
    operatorToken: String?, homes: [String: HomeTokens] = [:], hostNames: [String] = [],
    stun: STUNServerSettings = STUNServerSettings()
  ) {
    self.operatorToken = operatorToken
    self.homes = homes
    self.hostNames = hostNames
    self.stun = stun
  }
}
