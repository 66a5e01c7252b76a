/// What a party of a message is: the node kinds of topologies, and who stands outside of them.
public enum PartyKind: String, Sendable, Hashable, CaseIterable {
  case ce
  case configurator
  case serviceServer = "service-server"
  case mobile
  case homeGateway = "home-gateway"
  case `switch`
  case hub
  case accessPoint = "access-point"
  case host
  case `operator`
  /// Everybody on the sender's link.
  case network
  /// Whoever; only the catalogue uses it.
  case any

  /// True where a message whose catalogue entry names this kind may come from, or go to, `other`.
  public func covers(_ other: PartyKind) -> Bool {
    self == other || (self == .any && other != .network)
  }
}
