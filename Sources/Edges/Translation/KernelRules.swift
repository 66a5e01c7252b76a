import Octets
import RoleKit

/// What the kernel does in a gateway, in nft's language: it translates TCP and ICMP, and leaves UDP that is to be passed on
/// to user space.
struct KernelRules: Sendable, Hashable {
  /// The names of the interfaces on each side.
  var outside: [String]
  var inside: [String]
  var hairpin: NATBehaviour.Hairpinning
  /// The outer addresses, and all addresses of the gateway with the broadcast addresses of its networks.
  var outerAddresses: Set<IPAddress> = []
  var ownAddresses: Set<IPAddress> = []
  /// UDP ports at the outer addresses that are the gateway's own.
  var ownPorts: [ClosedRange<UInt16>] = []
  /// Mappings by what tells them apart.
  var mappings: [MappingPlace: PortMapping] = [:]

  /// A control point's key to a mapping.
  struct MappingPlace: Sendable, Hashable {
    var transport: PortMapping.Transport
    var port: UInt16
    var remoteHost: IPAddress?

    init(_ mapping: PortMapping) {
      (transport, port, remoteHost) = (mapping.transport, mapping.externalPort, mapping.remoteHost)
    }
  }

  static let table = "homebed-gateway"

  /// Deletes both tables; adding them first makes deleting right in any case.
  static let removal = ["ip", "netdev"].map { "table \($0) \(table)\ndelete table \($0) \(table)\n" }.joined()

  /// Everything anew, in one transaction.
  var text: String { Self.removal + translation + ingress }

  /// TCP and ICMP. UDP is not tracked: the kernel must not translate what user space has.
  private var translation: String {
    let (out, home) = (Self.names(outside), Self.names(inside))
    let arrival = hairpin == .yes ? "" : "iifname \(out) "
    // Whoever comes back in by a mapping is seen from outside (RFC 5382, REQ-9).
    let hairpinned = outerAddresses.min().map {
      "iifname \(home) oifname \(home) ct status dnat snat to \($0)\n    "
    }
    return """
      table ip \(Self.table) {
        set outer_addresses { type ipv4_addr; \(Self.elements(outerAddresses.map(\.description)))}
        map tcp_of_any { type inet_service : ipv4_addr . inet_service; \(elements(fromAnyone: true))}
        set mapped_ports { type inet_service; \(Self.elements(mappedTCPPorts.map(\.description)))}
        map tcp_of_host { type ipv4_addr . inet_service : ipv4_addr . inet_service; \(elements(fromAnyone: false))}
        chain untracked_in { type filter hook prerouting priority raw; meta l4proto udp notrack; }
        chain untracked_out { type filter hook output priority raw; meta l4proto udp notrack; }
        chain mapped {
          type nat hook prerouting priority dstnat;
          \(arrival)ip daddr @outer_addresses dnat ip addr . port to ip saddr . tcp dport map @tcp_of_host
          \(arrival)ip daddr @outer_addresses dnat ip addr . port to tcp dport map @tcp_of_any
        }
        chain outbound {
          type nat hook postrouting priority srcnat;
          \(hairpin == .yes ? hairpinned ?? "" : "")iifname != \(out) oifname \(out) tcp sport @mapped_ports masquerade to :\(Self.sparePorts)
          iifname != \(out) oifname \(out) masquerade
        }
        chain inbound {
          type filter hook forward priority filter;
          meta l4proto udp drop
          iifname \(out) ct state established,related accept
          iifname \(out) ct status dnat accept
          iifname \(out) drop
        }
      }

      """
  }

  /// UDP that is for somebody else, and errors about such, go no further than to user space's packet socket.
  private var ingress: String {
    let own = ownAddresses.map(\.description) + ["224.0.0.0/4", "255.255.255.255"]
    let ports = ownPorts.map { "\($0.lowerBound)-\($0.upperBound)" }
    return """
      table netdev \(Self.table) {
        set outer_addresses { type ipv4_addr; \(Self.elements(outerAddresses.map(\.description)))}
        set own_addresses { type ipv4_addr; flags interval; auto-merge; \(Self.elements(own))}
        set own_ports { type inet_service; flags interval; auto-merge; \(Self.elements(ports))}
        set mapped_ports { type inet_service; \(Self.elements(mappedOwnPorts.map(\.description)))}
        chain ingress {
          type filter hook ingress devices = \(Self.names(outside + inside)) priority -500;
          ip daddr @outer_addresses udp dport @mapped_ports drop
          ip daddr @outer_addresses udp dport @own_ports accept
          ip daddr @outer_addresses ip protocol udp drop
          ip daddr @own_addresses accept
          ip protocol udp drop
          icmp type { destination-unreachable, source-quench, time-exceeded, parameter-problem } @th,136,8 17 drop
        }
      }

      """
  }

  /// The gateway's own UDP ports that are mapped all the same.
  private var mappedOwnPorts: Set<UInt16> {
    Set(mappings.keys.lazy.filter { $0.transport == .udp && isOwn($0.port) }.map(\.port))
  }

  private var mappedTCPPorts: Set<UInt16> { Set(mappings.keys.lazy.filter { $0.transport == .tcp }.map(\.port)) }

  /// Where connections from a host's port go out that is mapped outside: it stays the mapping's.
  private static let sparePorts = "61000-65535"

  func isOwn(_ port: UInt16) -> Bool { ownPorts.contains { $0.contains(port) } }

  private func elements(fromAnyone: Bool) -> String {
    Self.elements(
      mappings.values.filter { $0.transport == .tcp && ($0.remoteHost == nil) == fromAnyone }.map(Self.tcpElement))
  }

  private static func tcpElement(_ mapping: PortMapping) -> String {
    tcpKey(mapping) + " : \(mapping.client.address) . \(mapping.client.port)"
  }

  private static func tcpKey(_ mapping: PortMapping) -> String {
    (mapping.remoteHost.map { "\($0) . " } ?? "") + "\(mapping.externalPort)"
  }

  private static func tcpMap(_ mapping: PortMapping) -> String {
    mapping.remoteHost == nil ? "tcp_of_any" : "tcp_of_host"
  }

  /// Commands that make a mapping hold, and note it; empty where the kernel has nothing to do.
  mutating func add(_ mapping: PortMapping) -> String {
    let old = mappings.updateValue(mapping, forKey: MappingPlace(mapping))
    switch mapping.transport {
    case .tcp:
      if old == mapping { return "" }
      let head = "element ip \(Self.table) \(Self.tcpMap(mapping))"
      let removal = old.map { _ in "delete \(head) { \(Self.tcpKey(mapping)) }\n" } ?? ""
      return removal + "add \(head) { \(Self.tcpElement(mapping)) }\n" + Self.ports("add", "ip", mapping)
    case .udp: return isOwn(mapping.externalPort) ? Self.ports("add", "netdev", mapping) : ""
    }
  }

  /// Commands that take a mapping away, and forget it; empty where there was none like it.
  mutating func remove(_ mapping: PortMapping) -> String {
    let place = MappingPlace(mapping)
    guard mappings[place] == mapping else { return "" }
    mappings[place] = nil
    let isStillMapped = mappings.keys.contains {
      $0.transport == mapping.transport && $0.port == mapping.externalPort
    }
    switch mapping.transport {
    case .tcp:
      return "delete element ip \(Self.table) \(Self.tcpMap(mapping)) { \(Self.tcpKey(mapping)) }\n"
        + (isStillMapped ? "" : Self.ports("delete", "ip", mapping))
    case .udp:
      return isOwn(mapping.externalPort) && !isStillMapped ? Self.ports("delete", "netdev", mapping) : ""
    }
  }

  private static func ports(_ verb: String, _ family: String, _ mapping: PortMapping) -> String {
    "\(verb) element \(family) \(table) mapped_ports { \(mapping.externalPort) }\n"
  }

  private static func names(_ interfaces: [String]) -> String {
    "{ " + interfaces.map { "\"\($0)\"" }.joined(separator: ", ") + " }"
  }

  private static func elements(_ items: [String]) -> String {
    items.isEmpty ? "" : "elements = { \(items.sorted().joined(separator: ", ")) } "
  }
}
