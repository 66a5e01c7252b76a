import LanguageKit

/// Where a node meets the testbed: one end of a link, or its place on a network outside of homes.
public struct Attachment: Sendable, Hashable {
  /// As in results and captures: the link's name, `tv--sw1.3`, or `server--internet`.
  public var name: String
  /// The node's display name.
  public var node: String
  /// Of a switch, hub or access point.
  public var port: Int?
  /// The index of the interface, for other nodes.
  public var interface: Int?
  /// The index of the link; `nil` for a place on a network outside of homes.
  public var link: Int?
  /// The qualified name of the network.
  public var network: String
}

extension Topology {
  /// Every attachment: two for each link, and one for each interface that no link has.
  public var attachments: [Attachment] {
    var result: [Attachment] = []
    var linked: Set<String> = []
    let nodesByName = Dictionary(nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for (index, link) in links.enumerated() {
      for end in [link.a, link.b] {
        guard let node = nodesByName[end.node] else { continue }
        if let interface = end.interface { linked.insert("\(end.node)/\(interface)") }
        result.append(
          Attachment(
            name: link.name, node: end.node, port: end.port, interface: end.interface, link: index,
            network: end.interface.map { node.interfaces[$0].network } ?? node.segment ?? ""))
      }
    }
    for node in nodes {
      for (index, interface) in node.interfaces.enumerated() where !linked.contains("\(node.name)/\(index)") {
        result.append(
          Attachment(
            name: "\(node.name)--\(interface.network)", node: node.name, port: nil, interface: index, link: nil,
            network: interface.network))
      }
    }
    return result
  }

  /// The node of a display name.
  public func node(named name: String) -> Node? { nodes.first { $0.name == name } }
}

/// A link as a scenario names it.
public enum LinkMeaning: Sendable, Hashable {
  /// A link of the topology, by its index.
  case link(Int)
  /// A node's place on a network outside of homes: the node's display name and the interface.
  case place(node: String, interface: Int)
}

extension TopologyNames {
  /// The link between two ends, such as `tv` and `sw1.3`, or `hg` and `internet`; throws what is wrong with them.
  ///
  /// A node may have been moved since: the link is the one that the topology has there.
  public func link(between a: Reference, _ b: Reference) throws(Fault) -> LinkMeaning {
    let (first, second) = (try resolve(a), try resolve(b))
    if let place = place(first, second) ?? place(second, first) { return place }
    let found = topology.links.indices.filter { index in
      let link = topology.links[index]
      return matches(first, link.a) && matches(second, link.b) || matches(first, link.b) && matches(second, link.a)
    }
    guard let link = found.first else {
      let near = topology.links.filter { matches(first, $0.a) || matches(first, $0.b) }.map(\.name)
      throw Fault(
        at: a.position, "there is no link `\(a) -- \(b)`",
        expected: near.isEmpty ? "a link of topology \(topology.name)" : alternatives(near))
    }
    guard found.count == 1 else {
      throw Fault(
        at: a.position, "`\(a) -- \(b)` is \(found.count) links",
        expected: alternatives(found.map { topology.links[$0].name }))
    }
    return .link(link)
  }

  private func place(_ node: Meaning, _ network: Meaning) -> LinkMeaning? {
    guard case .network(let network) = network, network.home == nil else { return nil }
    switch node {
    case .node(let node):
      return node.interfaces.firstIndex { $0.network == network.qualifiedName }.map {
        .place(node: node.name, interface: $0)
      }
    case .interface(let node, let index) where node.interfaces[index].network == network.qualifiedName:
      return .place(node: node.name, interface: index)
    default: return nil
    }
  }

  private func matches(_ meaning: Meaning, _ end: Link.End) -> Bool {
    switch meaning {
    case .node(let node): node.name == end.node
    case .port(let node, let port): node.name == end.node && port == end.port
    case .radio(let node): node.name == end.node && end.isRadio
    case .interface(let node, let index): node.name == end.node && index == end.interface
    case .home, .network, .property: false
    }
  }
}
