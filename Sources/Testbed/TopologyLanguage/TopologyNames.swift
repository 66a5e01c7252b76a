import LanguageKit
import Octets

/// Looks names up in a topology, from the left: a home, then a node, then a port, a network's name or a property.
public struct TopologyNames: Sendable {
  /// What a reference means.
  public enum Meaning: Sendable, Hashable {
    case home(Home)
    case network(Network)
    case node(Node)
    case port(Node, Int)
    case radio(Node)
    /// An interface, by its index.
    case interface(Node, Int)
    case property(Node, Property)
  }

  public enum Property: String, Sendable, Hashable, CaseIterable {
    case address, mac, id
    case wanAddress = "wan-address"
  }

  public let topology: Topology
  private let byQualifiedName: [String: Int]
  private let byName: [String: [Int]]
  private let homes: [String: Home]

  public init(_ topology: Topology) {
    self.topology = topology
    byQualifiedName = Dictionary(
      topology.nodes.enumerated().map { ($1.qualifiedName, $0) }, uniquingKeysWith: { first, _ in first })
    homes = Dictionary(topology.homes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    byName = Dictionary(grouping: topology.nodes.indices) { index in
      let node = topology.nodes[index]
      return node.home.map { String(node.qualifiedName.dropFirst($0.count + 1)) } ?? node.qualifiedName
    }
  }

  /// The nodes, as errors suggest them.
  public var nodeNames: [String] { topology.nodes.map(\.name) }

  /// The node of a display name or qualified name.
  public func node(named name: String) -> Node? {
    if let index = byQualifiedName[name] { return topology.nodes[index] }
    guard let found = byName[name], found.count == 1 else { return nil }
    return topology.nodes[found[0]]
  }

  /// What a reference without ranges means; throws what is wrong with it.
  public func resolve(_ reference: Reference) throws(Fault) -> Meaning {
    let all = try resolveAll(reference)
    guard all.count == 1 else {
      throw Fault(at: reference.position, "`\(reference)` is \(all.count) nodes", expected: "one")
    }
    return all[0]
  }

  /// What a reference means, ranges expanded in their order.
  public func resolveAll(_ reference: Reference) throws(Fault) -> [Meaning] {
    guard let first = reference.parts.first else { return [] }
    let rest = reference.parts.dropFirst()
    switch first {
    case .names(let name, let low, let high):
      var result: [Meaning] = []
      for number in low...high { result += try meanings(of: name + String(number), rest, in: reference) }
      return result
    case .name(let name): return try meanings(of: name, rest, in: reference)
    case .variable(let name):
      throw Fault(at: reference.position, "`\(name)` stands for no node here", expected: "a node")
    case .number, .range: throw Fault(at: reference.position, "`\(reference)` is no name", expected: "a node")
    }
  }

  private func meanings(
    of name: String, _ rest: ArraySlice<Reference.Part>, in reference: Reference
  ) throws(Fault) -> [Meaning] {
    if let home = homes[name] {
      guard let next = rest.first else {
        if let node = node(named: name) { return [.node(node)] }
        return [.home(home)]
      }
      if case .name(let inner) = next {
        if let node = byQualifiedName["\(name).\(inner)"] {
          return try meanings(at: topology.nodes[node], rest.dropFirst(), in: reference)
        }
        if rest.count == 1,
          let network = topology.networks.first(where: { $0.home == name && $0.name == inner })
        {
          return [.network(network)]
        }
        if node(named: name) == nil {
          let known = topology.nodes.filter { $0.home == name }.map {
            String($0.qualifiedName.dropFirst(name.count + 1))
          }
          throw Fault(
            at: reference.position, "home `\(name)` has no node `\(inner)`", expected: alternatives(known),
            hint: Suggestion.hint(for: inner, among: known))
        }
      }
    }
    if let node = node(named: name) { return try meanings(at: node, rest, in: reference) }
    if rest.isEmpty, let network = topology.networks.first(where: { $0.qualifiedName == name }) {
      return [.network(network)]
    }
    if let several = byName[name], several.count > 1 {
      throw Fault(
        at: reference.position, "`\(name)` is more than one node",
        expected: alternatives(several.map { topology.nodes[$0].qualifiedName }))
    }
    let hint: String? =
      SourceWords.properties.contains(name) ? nil : Suggestion.hint(for: name, among: nodeNames)
    throw Fault(
      at: reference.position, "unknown node `\(name)`", expected: "a node of topology \(topology.name)", hint: hint)
  }

  private func meanings(
    at node: Node, _ rest: ArraySlice<Reference.Part>, in reference: Reference
  ) throws(Fault) -> [Meaning] {
    guard let next = rest.first else { return [.node(node)] }
    guard rest.count == 1 else {
      throw Fault(
        at: reference.position, "`\(reference)` leads nowhere", expected: "a node, then a port, a network or a property"
      )
    }
    let isBridge = node.segment != nil
    switch next {
    case .number(let port): return [.port(node, try check(port, of: node, in: reference))]
    case .range(let low, let high):
      var result: [Meaning] = []
      for port in low...high { result.append(.port(node, try check(port, of: node, in: reference))) }
      return result
    case .name(let name):
      if isBridge, node.kind == .accessPoint, name == "radio" { return [.radio(node)] }
      if let index = node.interfaces.firstIndex(where: { $0.networkName == name }) { return [.interface(node, index)] }
      if let property = Property(rawValue: name) {
        guard value(of: property, node) != nil else {
          let isLeased = property == .address && node.primaryInterface != nil
          throw Fault(
            at: reference.position, "`\(node.name)` has no `\(name)`",
            expected: property == .wanAddress ? "a home gateway with a WAN side" : "a node with an address",
            hint: isLeased ? "DHCP gives it: `save yourAddress as $a` at the `dhcp` message" : nil)
        }
        return [.property(node, property)]
      }
      let known = node.interfaces.map(\.networkName) + Property.allCases.map(\.rawValue)
      throw Fault(
        at: reference.position, "`\(node.name)` has no `\(name)`", expected: alternatives(known),
        hint: Suggestion.hint(for: name, among: known))
    case .names, .variable: throw Fault(at: reference.position, "`\(reference)` leads nowhere", expected: "a node")
    }
  }

  private func check(_ port: Int, of node: Node, in reference: Reference) throws(Fault) -> Int {
    guard node.segment != nil else {
      throw Fault(
        at: reference.position, "`\(node.name)` has no ports", expected: "a port of a switch, hub or access point")
    }
    guard (1...max(1, node.ports)).contains(port) else {
      throw Fault(
        at: reference.position, "`\(node.name)` has no port \(port)", expected: "a port from 1 to \(node.ports)")
    }
    return port
  }

  /// The value of a node's property; `nil` where the node has none.
  public func value(of property: Property, _ node: Node) -> Value? {
    switch property {
    case .address:
      node.primaryInterface?.address.map { .address($0.address) } ?? node.managementAddress.map { .address($0.address) }
    case .mac: node.kind == .hub ? nil : .mac(node.mac)
    case .id: .string(node.id)
    case .wanAddress: node.wanInterface?.address.map { .address($0.address) }
    }
  }
}

private enum SourceWords {
  static let properties = Set(TopologyNames.Property.allCases.map(\.rawValue))
}

extension Node {
  /// A gateway's interface towards its provider: the first outside of its home, else its first; `nil` for other nodes
  /// and for a gateway with one interface.
  public var wanInterface: Interface? { wanIndex.map { interfaces[$0] } }

  /// The index of ``wanInterface``.
  public var wanIndex: Int? {
    guard kind == .homeGateway, interfaces.count > 1 else { return nil }
    let prefix = home.map { $0 + "." }
    return interfaces.firstIndex { interface in prefix.map { !interface.network.hasPrefix($0) } ?? false } ?? 0
  }

  /// The interface that `address` and `mac` mean: a gateway's first inside, else the first.
  public var primaryInterface: Interface? {
    guard let wan = wanIndex else { return interfaces.first }
    return interfaces.indices.first { $0 != wan }.map { interfaces[$0] }
  }

  /// The address that the node sends frames from.
  public var mac: MACAddress { primaryInterface?.mac ?? bridgeMAC ?? NodeIdentity.mac(qualifiedName) }
}
