import Messages
import Octets

/// Who is where: what a topology tells the dissector about the nodes whose frames a capture holds.
///
/// Empty for captures from elsewhere: then parties are the names that the interfaces tell (`node=tv`), or addresses.
public struct PartyMap: Sendable, Hashable {
  public var nodes: [PartyNode]
  public var networks: [PartyNetwork]

  public init(nodes: [PartyNode] = [], networks: [PartyNetwork] = []) {
    self.nodes = nodes
    self.networks = networks
  }
}

/// A link-layer segment, inside a home or outside of all.
public struct PartyNetwork: Sendable, Hashable {
  /// Unique in the topology: `home-a.lan`, `internet`.
  public var name: String
  public var home: String?

  public init(name: String, home: String?) {
    self.name = name
    self.home = home
  }
}

/// A node of the topology, or the operator's end.
public struct PartyNode: Sendable, Hashable {
  /// How scenarios call it; also what its interfaces' descriptions tell (`node=tv`).
  public var name: String
  public var kind: PartyKind
  public var home: String?
  public var interfaces: [PartyInterface]
  /// True where it passes other nodes' packets on: a home gateway.
  public var forwards: Bool

  public init(name: String, kind: PartyKind, home: String? = nil, interfaces: [PartyInterface], forwards: Bool? = nil) {
    self.name = name
    self.kind = kind
    self.home = home
    self.interfaces = interfaces
    self.forwards = forwards ?? (kind == .homeGateway)
  }
}

/// An interface of a node, as the topology has it; addresses that come later are learnt.
public struct PartyInterface: Sendable, Hashable {
  /// The name of a ``PartyNetwork``.
  public var network: String
  /// With its prefix; `nil` where DHCP gives it.
  public var address: CIDR?
  public var mac: MACAddress?

  public init(network: String, address: CIDR?, mac: MACAddress?) {
    self.network = network
    self.address = address
    self.mac = mac
  }
}
