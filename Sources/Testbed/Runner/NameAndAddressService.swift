import Octets
import TopologyLanguage

/// What a node with `dhcp from ...` or `dns ...` lines serves: the configuration of its dnsmasq.
struct NameAndAddressService {
  static let program = (name: "dnsmasq", package: "dnsmasq-base")
  /// The shortest lease that dnsmasq gives, in seconds.
  static let shortestLease: Int64 = 120
  /// What it gives where the topology says nothing, in seconds.
  static let usualLease: Int64 = 3600

  let node: Node
  let topology: Topology

  /// `nil` where the node serves neither addresses nor names.
  init?(_ node: Node, in topology: Topology) {
    var serves = !node.names.isEmpty
    if case .serving? = node.dhcp { serves = true }
    guard serves else { return nil }
    self.node = node
    self.topology = topology
  }

  /// The indices of the interfaces on which it answers: not towards the provider.
  var interfaces: [Int] { node.interfaces.indices.filter { $0 != node.wanIndex } }

  /// The address at which nodes of a network ask it for names; `nil` where it does not answer there.
  func address(on network: String) -> IPAddress? {
    interfaces.first { node.interfaces[$0].network == network }.flatMap { node.interfaces[$0].address?.address }
  }

  /// The lines of dnsmasq.conf. Leases are kept in memory: a gateway that is started again has forgotten them.
  func configuration(log: String) -> String {
    var lines = interfaces.map { "interface=eth\($0)" }
    lines += ["bind-interfaces", "no-resolv", "no-hosts", "user=root", "group=", "pid-file=/run/dnsmasq.pid"]
    lines += node.names.map { "host-record=\($0.name),\($0.address)" }
    if case .serving(let from, let to, let lease)? = node.dhcp, let index = index(of: from) {
      let interface = node.interfaces[index]
      let seconds = lease.map { $0 / 1_000_000_000 } ?? Self.usualLease
      let mask = interface.address?.netmask.map { "\($0)," } ?? ""
      lines += [
        "dhcp-range=\(from),\(to),\(mask)\(seconds)", "dhcp-authoritative", "dhcp-sequential-ip", "leasefile-ro",
        "no-ping", "log-dhcp",
      ]
      if let gateway = interface.gateway { lines.append("dhcp-option=option:router,\(gateway)") }
    }
    lines.append("log-facility=\(log)")
    return lines.joined(separator: "\n") + "\n"
  }

  private func index(of address: IPAddress) -> Int? {
    node.interfaces.firstIndex { $0.address?.contains(address) ?? false }
  }
}

extension Topology {
  /// The addresses at which a node asks for names, by its topology; none where nobody in its networks answers.
  func nameServers(of node: Node) -> [IPAddress] {
    if NameAndAddressService(node, in: self) != nil { return [.v4(0x7F00_0001)] }
    let services = nodes.compactMap { NameAndAddressService($0, in: self) }
    return node.interfaces.flatMap { interface in services.compactMap { $0.address(on: interface.network) } }
  }
}

extension Node {
  /// The interface whose address DHCP gives; `nil` where none is.
  var leasedInterface: Int? { interfaces.firstIndex { $0.address == nil } }
}

extension CIDR {
  /// `255.255.255.0`; `nil` for IPv6.
  fileprivate var netmask: IPAddress? {
    guard case .v4 = address else { return nil }
    return .v4(prefixLength == 0 ? 0 : ~UInt32(0) << (32 - prefixLength))
  }
}
