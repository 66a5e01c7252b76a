import LanguageKit
import Octets

/// The settings that scenarios and topologies may give to nodes: what `homebed list --settings` prints.
public struct SettingKey: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case boolean
    /// A whole number, in seconds where the meaning says so; a duration is taken too.
    case seconds
    case duration
    /// 400 to 599.
    case errorStatus
    case natBehaviour
    case address
    /// An address, with or without a prefix length.
    case addressOrCIDR
    /// An address, or a list of them.
    case addresses
    /// A list of networks.
    case cidrs

    /// For people.
    public var name: String {
      switch self {
      case .boolean: "true or false"
      case .seconds: "a number of seconds"
      case .errorStatus: "a status of HTTP from 400 to 599"
      case .duration: "a duration such as `20ms`"
      case .natBehaviour: alternatives(Words.natKinds)
      case .address: "an address"
      case .addressOrCIDR: "an address, with or without a prefix length"
      case .addresses: "an address or a list of addresses"
      case .cidrs: "a network or a list of networks"
      }
    }
  }

  /// Such as `nat.mapping`; `NAME` stands for an application's name.
  public var pattern: String
  public var nodes: [Node.Kind]
  public var kind: Kind
  /// What holds where nobody sets it, for people.
  public var standard: String
  public var meaning: String

  public static let all: [SettingKey] = [
    SettingKey(
      pattern: "server-registration", nodes: [.configurator], kind: .boolean, standard: "true",
      meaning: "registers agents with the service server; false also stops the pull of configurations"),
    SettingKey(
      pattern: "configuration-pull", nodes: [.configurator], kind: .boolean, standard: "true",
      meaning: "asks the service server for the configuration of an agent that registers"),
    SettingKey(
      pattern: "nat.mapping", nodes: [.homeGateway], kind: .natBehaviour, standard: "endpoint-independent",
      meaning: "how the gateway maps endpoints (RFC 4787 clause 4.1)"),
    SettingKey(
      pattern: "nat.filtering", nodes: [.homeGateway], kind: .natBehaviour, standard: "address-and-port-dependent",
      meaning: "what the gateway lets in (RFC 4787 clause 5)"),
    SettingKey(
      pattern: "nat.hairpin", nodes: [.homeGateway], kind: .boolean, standard: "false",
      meaning: "whether two hosts inside reach each other through mapped addresses (RFC 4787 clause 6)"),
    SettingKey(
      pattern: "register-lifetime", nodes: [.ce], kind: .seconds, standard: "3600",
      meaning: "the lifetime that the agent asks for, in seconds (profile section 3: 60 to 86400)"),
    SettingKey(
      pattern: "application.NAME.enabled", nodes: [.ce], kind: .boolean, standard: "true",
      meaning: "whether the application runs"),
    SettingKey(
      pattern: "application.NAME.answers", nodes: [.ce], kind: .errorStatus, standard: "the application serves",
      meaning: "an application that is out of order: it answers everything with this status (4.6.4)"),
    SettingKey(
      pattern: "remote-access.NAME", nodes: [.ce], kind: .boolean, standard: "as the topology says `remote`",
      meaning: "whether the application may be reached from outside the home"),
    SettingKey(
      pattern: "ip.address", nodes: [.ce], kind: .addressOrCIDR, standard: "as the topology says",
      meaning: "the address of the device's interface"),
    SettingKey(
      pattern: "ip.gateway", nodes: [.ce], kind: .address, standard: "the network's gateway",
      meaning: "the default gateway"),
    SettingKey(
      pattern: "ip.dns", nodes: [.ce], kind: .addresses, standard: "whoever answers names in the network",
      meaning: "the DNS servers"),
    SettingKey(
      pattern: "ssdp-max-delay", nodes: [.configurator, .ce, .homeGateway], kind: .duration, standard: "20ms",
      meaning: "the longest random wait before a search is answered (profile section 2)"),
    SettingKey(
      pattern: "deregister-on-stop", nodes: [.ce], kind: .boolean, standard: "false",
      meaning: "whether the agent deregisters when it is stopped (profile section 3)"),
    SettingKey(
      pattern: "connection-lifetime", nodes: [.serviceServer], kind: .seconds, standard: "300",
      meaning: "how long a mobile device's connection is given (profile section 5)"),
    SettingKey(
      pattern: "disconnect", nodes: [.mobile], kind: .boolean, standard: "false",
      meaning: "ends each connection as soon as the application has answered"),
    SettingKey(
      pattern: "visit-delay", nodes: [.mobile], kind: .duration, standard: "0s",
      meaning: "how long the device waits between the connect-reply and its connection"),
    SettingKey(
      pattern: "htip-interval", nodes: [.switch, .accessPoint, .ce, .homeGateway], kind: .duration, standard: "30s",
      meaning: "how often HTIP advertisements go out"),
    SettingKey(
      pattern: "control-points", nodes: [.homeGateway], kind: .addresses, standard: "the home's configurator",
      meaning: "who may map ports for other hosts (profile section 7)"),
    SettingKey(
      pattern: "probe-allow", nodes: [.serviceServer], kind: .cidrs, standard: "none",
      meaning: "networks that the server may probe beside the requester's own address (profile section 8)"),
    SettingKey(
      pattern: "stun-address2", nodes: [.serviceServer], kind: .address, standard: "none",
      meaning: "the second address of a full RFC 5780 STUN server (profile section 6)"),
  ]

  /// The entry that a key means on a node of some kind.
  public static func find(_ key: Path, on kind: Node.Kind) -> SettingKey? {
    all.first { $0.nodes.contains(kind) && $0.matches(key) }
  }

  /// The keys that a node of some kind has, for suggestions; application names are filled in.
  public static func names(on node: Node) -> [String] {
    all.filter { $0.nodes.contains(node.kind) }.flatMap { key in
      key.pattern.split(separator: ".").contains("NAME")
        ? node.applications.map { key.pattern.replacing("NAME", with: $0.name) } : [key.pattern]
    }
  }

  /// The application that the key names; `nil` where its pattern names none.
  public func application(in key: Path) -> String? {
    let parts = pattern.split(separator: ".")
    guard let index = parts.firstIndex(of: "NAME"), case .member(let name) = key.segments[index] else { return nil }
    return name
  }

  private func matches(_ key: Path) -> Bool {
    let parts = pattern.split(separator: ".")
    guard parts.count == key.segments.count else { return false }
    return zip(parts, key.segments).allSatisfy { part, segment in
      guard case .member(let name) = segment else { return false }
      return part == "NAME" || part == name
    }
  }

  /// Whether the setting may have the value; references must have been resolved, and a variable may be anything.
  public func takes(_ value: Value) -> Bool {
    if case .variable = value { return true }
    switch kind {
    case .boolean: if case .bool = value { return true }
    case .seconds:
      if case .duration = value { return true }
      if case .integer(let number) = value { return number >= 0 }
    case .duration: if case .duration = value { return true }
    case .errorStatus: if case .integer(let number) = value { return (400...599).contains(number) }
    case .natBehaviour:
      if case .natKind = value { return true }
      if case .string(let text) = value { return Words.natKinds.contains(text) }
    case .address: return Self.address(value) != nil
    case .addressOrCIDR:
      if case .cidr = value { return true }
      if case .string(let text) = value, CIDR(text) != nil { return true }
      return Self.address(value) != nil
    case .addresses:
      if case .list(let items) = value { return items.allSatisfy { Self.address($0) != nil } }
      return Self.address(value) != nil
    case .cidrs:
      if case .list(let items) = value { return items.allSatisfy(Self.isCIDR) }
      return Self.isCIDR(value)
    }
    return false
  }

  private static func address(_ value: Value) -> IPAddress? {
    switch value {
    case .address(let address): address
    case .string(let text): IPAddress(text)
    default: nil
    }
  }

  private static func isCIDR(_ value: Value) -> Bool {
    switch value {
    case .cidr: true
    case .string(let text): CIDR(text) != nil
    default: false
    }
  }
}
