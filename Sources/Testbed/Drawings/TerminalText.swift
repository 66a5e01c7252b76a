import TopologyLanguage

/// A topology as a tree, for terminals.
enum TerminalText {
  static func render(_ topology: Topology) -> String {
    let tree = DrawingTree(topology)
    var lines = [([topology.name] + (topology.title.map { [$0] } ?? [])).joined(separator: ": "), ""]
    for root in tree.roots {
      lines.append(words(root, tree))
      lines += below(root, tree)
    }
    for home in tree.loneHomes {
      lines.append(words(home, topology))
      lines += indented(home.branches.map { .branch($0) }, tree)
    }
    if !tree.extras.isEmpty { lines += [""] + tree.extras.map { "also \(joint($0.joint))" } }
    return lines.joined(separator: "\n") + "\n"
  }

  private enum Entry {
    case branch(DrawingTree.Branch)
    case home(DrawingTree.HomeBranch)
  }

  private static func below(_ branch: DrawingTree.Branch, _ tree: DrawingTree) -> [String] {
    indented(branch.branches.map { .branch($0) } + branch.homes.map { .home($0) }, tree)
  }

  private static func indented(_ entries: [Entry], _ tree: DrawingTree) -> [String] {
    var lines: [String] = []
    for (index, entry) in entries.enumerated() {
      let isLast = index == entries.count - 1
      let (head, rest): (String, [String]) =
        switch entry {
        case .branch(let branch): (words(branch, tree), below(branch, tree))
        case .home(let home):
          (words(home, tree.topology), indented(home.branches.map { .branch($0) }, tree))
        }
      lines.append((isLast ? "└─ " : "├─ ") + head)
      lines += rest.map { (isLast ? "   " : "│  ") + $0 }
    }
    return lines
  }

  private static func words(_ home: DrawingTree.HomeBranch, _ topology: Topology) -> String {
    let networks = topology.networks.filter { $0.home == home.home }.map { "\($0.name) \($0.prefix)" }
    return (["home \(home.home)"] + networks).joined(separator: "  ")
  }

  private static func words(_ branch: DrawingTree.Branch, _ tree: DrawingTree) -> String {
    var parts: [String] = []
    switch branch.vertex {
    case .network(let index):
      let network = tree.topology.networks[index]
      parts = [network.name, "\(network.prefix)"]
    case .node(let index):
      let node = tree.topology.nodes[index]
      parts = [Captions.name(node)]
      parts += node.segment == nil ? [Captions.kind(node)] + Captions.addresses(node) : [Captions.bridge(node)]
      parts += Captions.applications(node)
    }
    // A place on a network says nothing that the tree does not.
    if let joint = branch.joint, joint.above != nil || joint.below != nil || !joint.labels.isEmpty {
      parts.append("(\(self.joint(joint)))")
    }
    return parts.joined(separator: "  ")
  }

  private static func joint(_ joint: DrawingTree.Joint) -> String {
    ([joint.name] + joint.labels).joined(separator: ", ")
  }
}
