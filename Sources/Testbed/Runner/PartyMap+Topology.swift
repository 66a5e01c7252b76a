import Messages
import Octets
import TopologyLanguage
import Trace

extension PartyMap {
  /// Who is where in a topology, the operator included.
  init(_ topology: Topology) {
    var nodes = topology.nodes.map { node in
      PartyNode(
        name: node.name, kind: PartyKind(node.kind), home: node.home,
        interfaces: node.interfaces.map { PartyInterface(network: $0.network, address: $0.address, mac: $0.mac) }
          + node.ownFrames)
    }
    if let network = topology.operatorNetwork {
      nodes.append(
        PartyNode(
          name: "operator", kind: .operator, interfaces: [PartyInterface(network: network, address: nil, mac: nil)]))
    }
    self.init(
      nodes: nodes, networks: topology.networks.map { PartyNetwork(name: $0.qualifiedName, home: $0.home) })
  }
}

extension Node {
  /// Where the frames come from that a switch sends itself.
  fileprivate var ownFrames: [PartyInterface] {
    guard let segment, let mac = ownFramesMAC else { return [] }
    return [PartyInterface(network: segment, address: nil, mac: mac)]
  }
}

extension PartyKind {
  init(_ kind: Node.Kind) {
    self =
      switch kind {
      case .serviceServer: .serviceServer
      case .mobile: .mobile
      case .homeGateway: .homeGateway
      case .configurator: .configurator
      case .switch: .switch
      case .hub: .hub
      case .accessPoint: .accessPoint
      case .ce: .ce
      case .host: .host
      }
  }
}

extension Topology {
  /// The qualified name of the network on which the operator stands: the service server's; `nil` without a server.
  var operatorNetwork: String? { nodes.first { $0.kind == .serviceServer }?.interfaces.first?.network }
}
