import LanguageKit

extension TopologyNames {
  /// The value with its references put in: `tv.mac` becomes a MAC address; a variable stays one.
  public func concrete(_ value: Value) throws(Fault) -> Value {
    switch value {
    case .reference(let reference):
      guard case .property(let node, let property) = try resolve(reference), let result = self.value(of: property, node)
      else {
        throw Fault(at: reference.position, "`\(reference)` has no value", expected: "a property such as `tv.mac`")
      }
      return result
    case .list(let items):
      var result: [Value] = []
      for item in items { result.append(try concrete(item)) }
      return .list(result)
    default: return value
    }
  }

  /// The nodes that a list of references names, ranges expanded, in the order written.
  public func nodes(_ references: [Reference]) throws(Fault) -> [Node] {
    var result: [Node] = []
    for reference in references {
      for meaning in try resolveAll(reference) {
        guard case .node(let node) = meaning else {
          throw Fault(at: reference.position, "`\(reference)` is no node", expected: "a node")
        }
        result.append(node)
      }
    }
    return result
  }

  /// A reference to a node, as a `for` puts it in the place of its variable.
  public func reference(to node: Node, at position: Position) -> Reference {
    Reference(parts: node.qualifiedName.split(separator: ".").map { .name(String($0)) }, position: position)
  }
}

extension Reference {
  /// The reference with the variable that it begins with replaced by what it stands for.
  public func substituting(_ variable: String, with meaning: Reference) -> Reference {
    guard parts.first == .variable(variable) else { return self }
    return Reference(parts: meaning.parts + parts.dropFirst(), position: position)
  }
}
