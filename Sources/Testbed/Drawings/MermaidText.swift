import TopologyLanguage

/// A topology as a flowchart in Mermaid's language.
enum MermaidText {
  static func render(_ topology: Topology) -> String {
    let names = topology.networks.map(\.qualifiedName) + topology.nodes.map(\.name)
    // Identifiers of Mermaid have no dots and must not be words of its own.
    let ids = Dictionary(
      names.enumerated().map { ($1, "n\($0)") }, uniquingKeysWith: { first, _ in first })
    func id(_ name: String) -> String { ids[name] ?? "unknown" }
    var text = "%% \(topology.name)\nflowchart TB\n"
    for network in topology.networks where network.home == nil {
      text += "  \(id(network.qualifiedName))([\(quoted([network.name, "\(network.prefix)"]))])\n"
    }
    func box(_ node: Node) -> String {
      let words = node.segment == nil ? [Captions.kind(node)] + Captions.addresses(node) : [Captions.bridge(node)]
      return "\(id(node.name))[\(quoted([Captions.name(node)] + words))]\n"
    }
    for node in topology.nodes where node.home == nil { text += "  " + box(node) }
    for (number, home) in topology.homes.enumerated() {
      let networks = topology.networks.filter { $0.home == home.name }.map { "\($0.name) \($0.prefix)" }
      text += "  subgraph h\(number) [\(quoted([([home.name] + networks).joined(separator: " ")]))]\n"
      for node in topology.nodes where node.home == home.name { text += "    " + box(node) }
      text += "  end\n"
    }
    for place in topology.attachments where place.link == nil {
      text += "  \(id(place.network)) --- \(id(place.node))\n"
    }
    for link in topology.links {
      let ports = [link.a, link.b].compactMap(Captions.end).joined(separator: " - ")
      let words = (ports.isEmpty ? [] : [ports]) + Captions.qualities(link)
      let line = link.a.isRadio || link.b.isRadio ? "-.-" : "---"
      text += "  \(id(link.a.node)) \(line)\(words.isEmpty ? "" : "|\(quoted(words))|") \(id(link.b.node))\n"
    }
    return text
  }

  private static func quoted(_ lines: [String]) -> String {
    "\"" + lines.map { $0.replacing("\"", with: "#quot;").replacing("<", with: "#lt;") }.joined(separator: "<br/>")
      + "\""
  }
}
