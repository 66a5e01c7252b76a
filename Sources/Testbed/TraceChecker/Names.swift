// What references mean in a topology: which node, and which value.

import ScenarioLanguage
import TopologyLanguage

/// Looks references up; `$d` of a `for` stands for the node that its copy is about.
struct Names: Sendable {
  private let topology: TopologyNames

  init(_ topology: Topology) { self.topology = TopologyNames(topology) }

  /// What `for` has bound, by the variable's name with its `$`.
  typealias Bindings = [String: Reference]

  /// `reference` with a leading variable replaced by what it is bound to.
  static func expand(_ reference: Reference, _ bound: Bindings) -> Reference {
    guard case .variable(let name)? = reference.parts.first, let meaning = bound[name] else { return reference }
    return Reference(parts: meaning.parts + reference.parts.dropFirst(), position: reference.position)
  }

  /// One reference for every node that the list names, ranges expanded.
  static func each(_ references: [Reference]) -> [Reference] {
    references.flatMap { reference -> [Reference] in
      let range = reference.parts.firstIndex {
        switch $0 {
        case .names, .range: true
        case .name, .variable, .number: false
        }
      }
      guard let range else { return [reference] }
      let ones: [Reference.Part] =
        switch reference.parts[range] {
        case .names(let stem, let low, let high) where low <= high: (low...high).map { .name(stem + String($0)) }
        case .range(let low, let high) where low <= high: (low...high).map { .number($0) }
        default: []
        }
      return ones.map { part in
        var one = reference
        one.parts[range] = part
        return one
      }
    }
  }

  /// How scenarios and traces name the node; the reference as written where the topology has none.
  func party(_ reference: Reference, _ bound: Bindings) -> Party {
    let reference = Names.expand(reference, bound)
    guard let meaning = try? topology.resolve(reference), let node = meaning.node else {
      return .node(reference.description)
    }
    return .node(node.name)
  }

  /// What a value's reference stands for: a property of a node (`address mac id wan-address`), an interface's address,
  /// a port's number, or the name of what it means.
  func value(_ reference: Reference, _ bound: Bindings) -> Literal {
    let reference = Names.expand(reference, bound)
    switch try? topology.resolve(reference) {
    case .home(let home): return .text(home.name)
    case .network(let network): return .text(network.name)
    case .node(let node), .radio(let node): return .text(node.name)
    case .port(_, let port): return .number(Double(port))
    case .interface(let node, let index):
      return node.interfaces[index].address.map { .address($0.address, prefix: nil) } ?? .text(reference.description)
    case .property(let node, let property):
      return topology.value(of: property, node).map { Literal($0, self, [:]) { _ in 0 } }
        ?? .text(reference.description)
    case nil: return .text(reference.description)
    }
  }
}

extension TopologyNames.Meaning {
  var node: Node? {
    switch self {
    case .node(let node), .port(let node, _), .radio(let node), .interface(let node, _), .property(let node, _): node
    case .home, .network: nil
    }
  }
}

extension Fact {
  /// The fact with the variables of `for` replaced.
  func binding(_ bound: Names.Bindings) -> Fact {
    guard !bound.isEmpty else { return self }
    func expand(_ reference: Reference) -> Reference { Names.expand(reference, bound) }
    var fact = self
    fact.subject =
      switch subject {
      case .configuration(let node, let condition): .configuration(expand(node), condition)
      case .problem(let node, let name): .problem(expand(node), name)
      case .screen(let node, let value): .screen(expand(node), contains: value)
      case .connection(let node, let condition): .connection(expand(node), condition)
      case .run(let node, let condition): .run(expand(node), condition)
      case .isUp(let node): .isUp(expand(node))
      case .agent(let node, let agent, let condition): .agent(at: expand(node), expand(agent), condition)
      case .knows(let node, let other, let port): .knows(expand(node), expand(other), at: port.map(expand))
      case .topologyMatches(let node): .topologyMatches(expand(node))
      case .lastResult(let condition): .lastResult(condition)
      }
    return fact
  }
}
