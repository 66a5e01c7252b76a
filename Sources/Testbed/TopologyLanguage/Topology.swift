// A topology after its file was read, included, expanded and checked: what backends build and what checkers ask.

// References and positions come along with this module.
@_exported import LanguageKit
import Octets

/// One or more homes and what is outside of them.
public struct Topology: Sendable, Hashable {
  public var name: String
  public var title: String?
  public var homes: [Home]
  /// Every network, those of homes included.
  public var networks: [Network]
  /// Every node, those of homes included.
  public var nodes: [Node]
  public var links: [Link]

  public init(name: String, title: String?, homes: [Home], networks: [Network], nodes: [Node], links: [Link]) {
    self.name = name
    self.title = title
    self.homes = homes
    self.networks = networks
    self.nodes = nodes
    self.links = links
  }
}

public struct Home: Sendable, Hashable {
  /// Also the homeId of the profile.
  public var name: String
  public init(name: String) { self.name = name }
}

public struct Network: Sendable, Hashable {
  public var name: String
  /// The home it lies in; `nil` for a network outside, which is one segment.
  public var home: String?
  public var prefix: CIDR
  public init(name: String, home: String?, prefix: CIDR) {
    self.name = name
    self.home = home
    self.prefix = prefix
  }
  /// `home-a.lan`, or `internet`.
  public var qualifiedName: String { (home.map { $0 + "." } ?? "") + name }
}

public struct Node: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case serviceServer = "service-server"
    case mobile
    case homeGateway = "home-gateway"
    case configurator
    case `switch`
    case hub
    case accessPoint = "access-point"
    case ce
    case host

    /// With its article, as errors call it.
    public var text: String { (self == .accessPoint ? "an " : "a ") + rawValue }
  }

  /// How scenarios, traces and results call it: the bare name where no other node has it, else `home.name`.
  public var name: String
  /// `home-a.tv`, or `server` outside of homes.
  public var qualifiedName: String
  public var home: String?
  public var kind: Kind
  /// Empty for switches, hubs and access points on layer 2 (their network is `segment`).
  public var interfaces: [Interface]
  /// The network of a switch, hub or access point.
  public var segment: String?
  /// How many ports a switch, hub or access point has.
  public var ports: Int
  /// True where a switch speaks HTIP.
  public var speaksHTIP: Bool
  public var nat: NAT
  public var device: Device
  public var applications: [Application]
  /// Settings as written.
  public var settings: [Setting]
  public var dhcp: DHCP?
  public var names: [DNSName]
  public var position: Position
  /// The address that a switch or access point is managed at, where the file gives one.
  public var managementAddress: CIDR?
  /// The address that a switch, hub or access point sends its own frames from, where the file gives one.
  public var bridgeMAC: MACAddress?

  public init(
    name: String, qualifiedName: String, home: String?, kind: Kind, interfaces: [Interface], segment: String?,
    ports: Int, speaksHTIP: Bool, nat: NAT, device: Device, applications: [Application], settings: [Setting],
    dhcp: DHCP?, names: [DNSName], position: Position
  ) {
    self.name = name
    self.qualifiedName = qualifiedName
    self.home = home
    self.kind = kind
    self.interfaces = interfaces
    self.segment = segment
    self.ports = ports
    self.speaksHTIP = speaksHTIP
    self.nat = nat
    self.device = device
    self.applications = applications
    self.settings = settings
    self.dhcp = dhcp
    self.names = names
    self.position = position
  }

  /// The address that a switch, hub or access point sends its own frames from.
  public var ownFramesMAC: MACAddress? {
    segment == nil ? nil : bridgeMAC ?? NodeIdentity.mac(qualifiedName)
  }

  /// The identifier of the node's agent or configurator: a UUID made from the qualified name, the same in every run.
  public var id: String { NodeIdentity.uuid(qualifiedName) }
}

public struct Interface: Sendable, Hashable {
  /// The qualified name of the network it is on.
  public var network: String
  /// The bare network name, as `hg.lan` refers to it.
  public var networkName: String
  /// Already chosen where the file says `auto`; `nil` where DHCP gives it.
  public var address: CIDR?
  public var mac: MACAddress
  /// The default gateway: the address of the network's gateway, `nil` where there is none or the node is it.
  public var gateway: IPAddress?
  public init(network: String, networkName: String, address: CIDR?, mac: MACAddress, gateway: IPAddress?) {
    self.network = network
    self.networkName = networkName
    self.address = address
    self.mac = mac
    self.gateway = gateway
  }
}

public struct Link: Sendable, Hashable {
  public struct End: Sendable, Hashable {
    /// A node's display name.
    public var node: String
    /// For a switch or hub its port number; for an access point 1 or `nil` (radio).
    public var port: Int?
    /// For other nodes the index of the interface.
    public var interface: Int?
    public var isRadio: Bool
    public init(node: String, port: Int?, interface: Int?, isRadio: Bool = false) {
      self.node = node
      self.port = port
      self.interface = interface
      self.isRadio = isRadio
    }
  }
  public var a: End
  public var b: End
  /// As in results: `tv--sw1.3`.
  public var name: String
  /// Qualities in both directions, and those towards one end only.
  public var qualities: [LinkQuality]
  public var position: Position
  public init(a: End, b: End, name: String, qualities: [LinkQuality], position: Position) {
    self.a = a
    self.b = b
    self.name = name
    self.qualities = qualities
    self.position = position
  }
}

public struct LinkQuality: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    /// Bits a second.
    case rate(Int64)
    /// Nanoseconds.
    case delay(Int64), jitter(Int64)
    /// 0 to 1.
    case loss(Double), duplicate(Double), reorder(Double)
  }
  public var kind: Kind
  /// The display name of the node towards which it holds; `nil`: both ways.
  public var towards: String?
  public init(kind: Kind, towards: String?) {
    self.kind = kind
    self.towards = towards
  }
}

/// The terms of RFC 4787.
public struct NAT: Sendable, Hashable {
  public enum Behaviour: String, Sendable, Hashable, CaseIterable {
    case endpointIndependent = "endpoint-independent"
    case addressDependent = "address-dependent"
    case addressAndPortDependent = "address-and-port-dependent"
  }
  public var mapping: Behaviour = .endpointIndependent
  public var filtering: Behaviour = .addressAndPortDependent
  public var hairpin = false
  public init() {}
}

public struct Device: Sendable, Hashable {
  public var categories: [String]
  public var oui: String
  public var model: String
  public var number: String
  public var serial: String
  public init(categories: [String], oui: String, model: String, number: String, serial: String) {
    self.categories = categories
    self.oui = oui
    self.model = model
    self.number = number
    self.serial = serial
  }
}

public struct Application: Sendable, Hashable {
  public enum Transport: String, Sendable, Hashable { case tcp, udp }
  public var name: String
  public var transport: Transport
  public var port: Int
  public var isRemote: Bool
  public init(name: String, transport: Transport, port: Int, isRemote: Bool) {
    self.name = name
    self.transport = transport
    self.port = port
    self.isRemote = isRemote
  }
}

public struct Setting: Sendable, Hashable {
  public var key: String
  /// JSON text.
  public var value: String
  public var position: Position
  public init(key: String, value: String, position: Position) {
    self.key = key
    self.value = value
    self.position = position
  }
}

public enum DHCP: Sendable, Hashable {
  case off
  /// The lease is in nanoseconds.
  case serving(from: IPAddress, to: IPAddress, lease: Int64?)
}

public struct DNSName: Sendable, Hashable {
  public var name: String
  public var address: IPAddress
  public init(name: String, address: IPAddress) {
    self.name = name
    self.address = address
  }
}
