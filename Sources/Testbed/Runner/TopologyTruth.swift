import JSONText
import Octets
import TopologyLanguage

/// How a home is linked, in the terms in which a collector of HTIP can know it: segments, each a cable, or something
/// of which no frame tells (a hub, a switch without HTIP), with what is around it.
struct TopologyTruth: Sendable, Hashable {
  struct End: Sendable, Hashable {
    /// A display name.
    var node: String
    /// Of a switch that speaks HTIP.
    var port: Int?
  }

  private(set) var segments: Set<Set<End>> = []

  /// The truth, from the links that have carrier.
  ///
  /// - Parameters:
  ///   - links: by their names in results, such as `tv--sw1.3`.
  ///   - shows: whether a node tells of itself, or is known to the configurator anyway.
  init(_ topology: Topology, home: String?, links: [String], shows: (Node) -> Bool) {
    var groups = Groups()
    var around: [String: Set<End>] = [:]
    for (number, link) in links.enumerated() {
      let ends = link.split("--").map { Self.end($0, in: topology) }
      guard ends.count == 2, ends.allSatisfy({ $0?.node.home == home }) else { continue }
      var group = "link \(number)"
      for case let (node, _)? in ends where node.segment != nil && !(node.speaksHTIP && shows(node)) {
        groups.join(group, node.name)
        group = node.name
      }
      for case let (node, port)? in ends where shows(node) && (node.segment == nil || node.speaksHTIP) {
        around[group, default: []].insert(End(node: node.name, port: node.speaksHTIP ? port : nil))
      }
    }
    var joined: [String: Set<End>] = [:]
    for (group, ends) in around { joined[groups.leader(of: group), default: []].formUnion(ends) }
    segments = Set(joined.values.filter { $0.count > 1 })
  }

  /// What a configurator answered to `GET /topology`; `nil` where a linked node is none of the topology's.
  init?(_ answer: JSONValue, of topology: Topology, home: String?) {
    var names: [String: String] = [:]
    var unseen: Set<String> = []
    for node in answer["nodes"]?.array ?? [] {
      guard let id = node["id"]?.string else { return nil }
      if node["kind"] == "unknown" { unseen.insert(id) }
      names[id] = Self.node(node, in: topology, home)?.name
    }
    var around: [String: Set<End>] = [:]
    for link in answer["links"]?.array ?? [] {
      var ends: Set<End> = []
      var middle: String?
      for end in [link["a"], link["b"]] {
        guard let id = end?["node"]?.string else { return nil }
        if unseen.contains(id) {
          middle = id
        } else if let name = names[id] {
          ends.insert(End(node: name, port: end?["port"]?.int))
        } else {
          return nil
        }
      }
      if let middle { around[middle, default: []].formUnion(ends) } else { segments.insert(ends) }
    }
    segments.formUnion(around.values)
  }

  /// Whether a node shares a segment with a port, or with anything where no port is named.
  func has(_ node: String, at place: End?) -> Bool {
    segments.contains { ends in
      ends.contains { $0.node == node } && (place.map { ends.contains($0) } ?? (ends.count > 1))
    }
  }

  private static func node(_ node: JSONValue, in topology: Topology, _ home: String?) -> Node? {
    let mac = node["macAddress"]?.string.flatMap { MACAddress($0) }
    let inHome = topology.nodes.filter { $0.home == home }
    if let mac {
      let found = inHome.first { $0.ownFramesMAC == mac || $0.interfaces.contains { $0.mac == mac } }
      if let found { return found }
    }
    guard let agentId = node["agentId"]?.string else { return nil }
    return inHome.first { $0.id == agentId }
  }

  /// The node and port of `sw1.3`, `hg.lan`, `tv` or `home-a.tv`.
  private static func end(_ text: String, in topology: Topology) -> (node: Node, port: Int?)? {
    if let node = topology.node(named: text) { return (node, nil) }
    guard let dot = text.lastIndex(of: "."), let node = topology.node(named: String(text[..<dot])) else { return nil }
    return (node, Int(text[text.index(after: dot)...]))
  }

  /// Which names belong together.
  private struct Groups {
    private var leaders: [String: String] = [:]

    func leader(of name: String) -> String {
      var name = name
      while let next = leaders[name], next != name { name = next }
      return name
    }

    mutating func join(_ a: String, _ b: String) {
      let (a, b) = (leader(of: a), leader(of: b))
      if a != b { leaders[a] = b }
    }
  }
}

extension String {
  fileprivate func split(_ separator: String) -> [String] {
    guard let range = firstRange(of: separator) else { return [self] }
    return [String(self[..<range.lowerBound]), String(self[range.upperBound...])]
  }
}
