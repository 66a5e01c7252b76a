import Octets
import TopologyLanguage

/// The addresses of nodes as they are now: those of the topology, and what actions made of them.
struct NodeAddresses: Sendable {
  private var byNode: [String: [Int: CIDR]] = [:]

  init(_ topology: Topology) {
    for node in topology.nodes {
      for (index, interface) in node.interfaces.enumerated() {
        if let address = interface.address { byNode[node.name, default: [:]][index] = address }
      }
    }
  }

  func all(of node: String) -> [Int: CIDR] { byNode[node] ?? [:] }

  mutating func set(_ address: CIDR, of node: String, interface: Int) {
    byNode[node, default: [:]][interface] = address
  }

  /// The address of a node's last interface: the only one, or a gateway's inner one.
  subscript(node: String) -> IPAddress? { byNode[node].flatMap { $0.max { $0.key < $1.key } }?.value.address }
}
