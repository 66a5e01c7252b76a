import TopologyLanguage

/// A topology in the language of Graphviz.
enum DOTText {
  static func render(_ topology: Topology) -> String {
    var text = "graph \(quoted(topology.name)) {\n"
    text += "  label=\(quoted(topology.title ?? topology.name)); labelloc=t; fontname=\"Helvetica\"\n"
    text += "  node [shape=box, style=rounded, fontname=\"Helvetica\", fontsize=11]\n"
    text += "  edge [fontname=\"Helvetica\", fontsize=9]\n"
    for network in topology.networks where network.home == nil {
      text +=
        "  \(quoted(network.qualifiedName)) [shape=ellipse, label=\(quoted("\(network.name)\n\(network.prefix)"))]\n"
    }
    for node in topology.nodes where node.home == nil { text += "  " + self.node(node) }
    for home in topology.homes {
      let networks = topology.networks.filter { $0.home == home.name }.map { "\($0.name) \($0.prefix)" }
      text += "  subgraph \(quoted("cluster " + home.name)) {\n"
      text += "    label=\(quoted(([home.name] + networks).joined(separator: "\n")))\n"
      for node in topology.nodes where node.home == home.name { text += "    " + self.node(node) }
      text += "  }\n"
    }
    for link in topology.links {
      var words: [String] = []
      if let port = Captions.end(link.a) { words.append("taillabel=\(quoted(port))") }
      if let port = Captions.end(link.b) { words.append("headlabel=\(quoted(port))") }
      let labels = Captions.qualities(link)
      if !labels.isEmpty { words.append("label=\(quoted(labels.joined(separator: "\n")))") }
      if link.a.isRadio || link.b.isRadio { words.append("style=dashed") }
      let ends = "\(quoted(link.a.node)) -- \(quoted(link.b.node))"
      text += "  \(ends)\(words.isEmpty ? "" : " [\(words.joined(separator: ", "))]")\n"
    }
    for place in topology.attachments where place.link == nil {
      text += "  \(quoted(place.network)) -- \(quoted(place.node))\n"
    }
    return text + "}\n"
  }

  private static func node(_ node: Node) -> String {
    let words = node.segment == nil ? [Captions.kind(node)] + Captions.addresses(node) : [Captions.bridge(node)]
    return "\(quoted(node.name)) [label=\(quoted(([Captions.name(node)] + words).joined(separator: "\n")))]\n"
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
  }
}
