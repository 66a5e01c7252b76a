import LanguageKit
import Octets

extension TopologyResolver {
  /// One end of a link, resolved.
  private struct End {
    var node: Int
    /// Port of a switch, hub or access point.
    var port: Int?
    var interface: Int?
    var isRadio = false
    var text: String
  }

  /// Resolves the links, pairwise where they are ranges, and tells interfaces that lack one.
  mutating func join() {
    for (link, home) in linkItems {
      guard !report.isFull else { break }
      let left = ends(of: link.a, home: home)
      let right = ends(of: link.b, home: home)
      guard var left, var right else {
        mention(link.a)
        mention(link.b)
        continue
      }
      // Any number of nodes may share an access point's radio.
      if left.count == 1, left[0].isRadio { left = Array(repeating: left[0], count: right.count) }
      if right.count == 1, right[0].isRadio { right = Array(repeating: right[0], count: left.count) }
      guard left.count == right.count else {
        report.error(
          at: link.b.position, "`\(link.a)` is \(left.count), `\(link.b)` is \(right.count)",
          expected: "as many on both sides")
        for end in left + right { mentioned.insert(nodes[end.node].name) }
        continue
      }
      for (a, b) in zip(left, right) { join(a, b, link, home: home) }
    }
    for node in nodes where !node.isBroken && !node.isBridge { tellMissingLinks(of: node) }
  }

  private mutating func mention(_ reference: Reference) {
    for part in reference.parts {
      switch part {
      case .name(let name): mentioned.insert(name)
      case .names(let name, let low, let high): mentioned.formUnion((low...high).map { name + String($0) })
      default: break
      }
    }
  }

  private func tellMissingLinks(of node: NodeEntry) {
    guard !mentioned.contains(node.name), !mentioned.contains(node.syntax.name.value) else { return }
    for interface in node.interfaces where !interface.isLinked {
      let network = networks[interface.network]
      guard network.home != nil else { continue }
      report.error(
        at: node.syntax.range == nil ? interface.syntax.network.position : node.syntax.name.position,
        "`\(node.name)` has no link in `\(network.name)`",
        expected: "`link \(node.name)\(node.interfaces.count > 1 ? "." + network.name : "") -- ...`")
    }
  }

  private mutating func join(_ a: End, _ b: End, _ link: LinkSyntax, home: String?) {
    if a.node == b.node {
      return report.error(
        at: link.b.position, "`\(nodes[a.node].name)` is linked to itself", expected: "two nodes")
    }
    let (first, second) = (network(of: a), network(of: b))
    if first != second {
      report.error(
        at: link.b.position,
        "`\(a.text)` is in `\(networks[first].name)`, `\(b.text)` in `\(networks[second].name)`",
        expected: "a link within one network")
    }
    let name = "\(a.text)--\(b.text)"
    guard use(a, by: name, at: link.a.position), use(b, by: name, at: link.b.position) else { return }
    var qualities = link.qualities.map { LinkQuality(kind: $0.value.linkQuality, towards: nil) }
    for towards in link.towards {
      guard let node = node(of: towards.end, home: home), node == a.node || node == b.node else {
        report.error(
          at: towards.end.position, "`\(towards.end)` is no end of the link",
          expected: "`\(nodes[a.node].displayName)` or `\(nodes[b.node].displayName)`")
        continue
      }
      qualities += towards.qualities.map {
        LinkQuality(kind: $0.value.linkQuality, towards: nodes[node].displayName)
      }
    }
    links.append(
      Link(a: linkEnd(a), b: linkEnd(b), name: name, qualities: qualities, position: link.position))
  }

  private func linkEnd(_ end: End) -> Link.End {
    Link.End(node: nodes[end.node].displayName, port: end.port, interface: end.interface, isRadio: end.isRadio)
  }

  private func network(of end: End) -> Int {
    end.interface.map { nodes[end.node].interfaces[$0].network } ?? nodes[end.node].segment ?? 0
  }

  /// False, and an error, where the port or interface is in use.
  private mutating func use(_ end: End, by link: String, at place: Position) -> Bool {
    if let interface = end.interface {
      guard !nodes[end.node].interfaces[interface].isLinked else {
        report.error(at: place, "`\(end.text)` has a link already", expected: "one link an interface")
        return false
      }
      nodes[end.node].interfaces[interface].isLinked = true
    } else if let port = end.port {
      if let other = nodes[end.node].portLinks[port] {
        report.error(
          at: place, "port `\(end.text)` is used twice", expected: "a free port", hint: "`\(other)` uses it")
        for part in [end] { mentioned.insert(nodes[part.node].name) }
        return false
      }
      nodes[end.node].portLinks[port] = link
    }
    return true
  }

  // MARK: References

  /// A node by `tv` or `home-a.tv`, without anything behind it.
  private func node(of reference: Reference, home: String?) -> Int? {
    guard let (node, rest) = split(reference, home: home, number: 0), rest.isEmpty else { return nil }
    return node
  }

  /// The node that the reference's start means, and the parts behind it; resolved from the left.
  private func split(_ reference: Reference, home: String?, number: Int) -> (Int, ArraySlice<Reference.Part>)? {
    func name(_ part: Reference.Part) -> String? {
      switch part {
      case .name(let text): text
      case .names(let text, _, _): text + String(number)
      default: nil
      }
    }
    guard let first = reference.parts.first.flatMap(name) else { return nil }
    if let home, let found = nodeIndex[Scoped(home: home, name: first)] { return (found, reference.parts.dropFirst()) }
    if reference.parts.count > 1, homeNames.contains(first), let second = name(reference.parts[1]),
      let found = nodeIndex[Scoped(home: first, name: second)]
    {
      return (found, reference.parts.dropFirst(2))
    }
    return nodeIndex[Scoped(home: nil, name: first)].map { ($0, reference.parts.dropFirst()) }
  }

  /// What a reference in a link means; `nil` where that was told, or a broken line is to blame.
  private func ends(of reference: Reference, home: String?) -> [End]? {
    var numbers = [0]
    if case .names(_, let low, let high)? = reference.parts.first { numbers = Array(low...high) }
    if case .variable? = reference.parts.first {
      report.error(at: reference.position, "a topology has no variables", expected: "a node")
      return nil
    }
    var result: [End] = []
    for number in numbers {
      guard let (node, rest) = split(reference, home: home, number: number) else {
        tellUnknown(reference, home: home, number: number)
        return nil
      }
      guard !nodes[node].isBroken else { return nil }
      guard let ends = ends(at: node, rest, of: reference) else { return nil }
      result += ends
    }
    return result
  }

  private func tellUnknown(_ reference: Reference, home: String?, number: Int) {
    guard let first = reference.parts.first else { return }
    var name: String
    switch first {
    case .names(let text, _, _): name = text + String(number)
    case .name(let text): name = text
    default: name = ""
    }
    var scope = home
    if homeNames.contains(name), reference.parts.count > 1,
      case .name(let inner) = reference.parts[1]
    {
      scope = name
      name = inner
    }
    let base = String(name.reversed().drop { $0.isNumber }.reversed())
    if mentioned.contains(name) || mentioned.contains(base) { return }
    let known = nodes.filter { $0.home == scope || $0.home == nil }.map(\.name)
    let elsewhere = nodes.first { $0.name == name }?.qualifiedName
    report.error(
      at: reference.position, "unknown node `\(name)`",
      expected: scope.map { "a node of home `\($0)`, or one outside of homes" } ?? "a node",
      hint: elsewhere.map { "`\($0)` is in another home" } ?? Suggestion.hint(for: name, among: known))
  }

  private func ends(at node: Int, _ rest: ArraySlice<Reference.Part>, of reference: Reference) -> [End]? {
    let entry = nodes[node]
    let name = entry.displayName
    func refuse(_ words: String, _ expected: String, hint: String? = nil) -> [End]? {
      report.error(at: reference.position, words, expected: expected, hint: hint)
      return nil
    }
    guard rest.count <= 1 else { return refuse("`\(reference)` leads nowhere", "a node, a port or a network's name") }
    if entry.isBridge {
      // The node's own line has told why it is nowhere.
      guard entry.segment != nil else { return nil }
      switch rest.first {
      case .number(let port)?:
        guard let end = self.port(port, of: node, reference) else { return nil }
        return [end]
      case .range(let low, let high)?:
        var ends: [End] = []
        for number in low...high {
          guard let end = self.port(number, of: node, reference) else { return nil }
          ends.append(end)
        }
        return ends
      case .name("radio")? where entry.kind == .accessPoint:
        return [End(node: node, port: nil, interface: nil, isRadio: true, text: "\(name).radio")]
      default:
        let example = entry.kind == .accessPoint ? "`\(name).1` or `\(name).radio`" : "a port such as `\(name).1`"
        return refuse("`\(reference)` is no port", example)
      }
    }
    guard !entry.interfaces.isEmpty else { return nil }
    switch rest.first {
    case nil:
      guard entry.interfaces.count == 1 else {
        let names = entry.interfaces.map { "\(name).\(networks[$0.network].name)" }
        return refuse("`\(reference)` has \(entry.interfaces.count) interfaces", alternatives(names))
      }
      return [End(node: node, port: nil, interface: 0, text: name)]
    case .name(let network)?:
      guard let index = entry.interfaces.firstIndex(where: { networks[$0.network].name == network }) else {
        let known = entry.interfaces.map { networks[$0.network].name }
        return refuse(
          "`\(entry.name)` is not on `\(network)`", alternatives(known),
          hint: Suggestion.hint(for: network, among: known))
      }
      return [
        End(node: node, port: nil, interface: index, text: entry.interfaces.count == 1 ? name : "\(name).\(network)")
      ]
    default: return refuse("`\(entry.name)` has no ports", "the node's name alone")
    }
  }

  private func port(_ number: Int, of node: Int, _ reference: Reference) -> End? {
    let entry = nodes[node]
    guard (1...max(1, entry.ports)).contains(number) else {
      report.error(
        at: reference.position, "`\(entry.name)` has no port \(number)", expected: "a port from 1 to \(entry.ports)",
        hint: entry.syntax.ports == nil ? "`ports N` gives it more" : nil)
      return nil
    }
    return End(node: node, port: number, interface: nil, text: "\(entry.displayName).\(number)")
  }
}
