import TopologyLanguage

/// A topology as a tree: what is outside at the top, homes below, and in each home its gateways, switches and devices.
///
/// Links that close a circle hang on no branch.
struct DrawingTree {
  enum Vertex: Hashable {
    /// By its index in the topology.
    case node(Int)
    /// A network outside of homes, by its index.
    case network(Int)
  }

  /// How a branch hangs on the one above.
  struct Joint {
    /// The link's name in results, or `server--internet` for a place on a network outside of homes.
    var name: String
    /// The port above and the port below, where there are such.
    var above: String?
    var below: String?
    var isRadio = false
    var labels: [String] = []
  }

  struct Branch {
    var vertex: Vertex
    var joint: Joint?
    var branches: [Branch] = []
    var homes: [HomeBranch] = []
    var isLeaf: Bool { branches.isEmpty && homes.isEmpty }
  }

  struct HomeBranch {
    var home: String
    /// The first ones hang on what is above the home, as their joints say.
    var branches: [Branch]
  }

  /// A link that is no part of the tree.
  struct Extra {
    var from: Vertex
    var to: Vertex
    var joint: Joint
  }

  private struct Edge {
    var a: Vertex
    var b: Vertex
    var joint: Joint
  }

  let topology: Topology
  private(set) var roots: [Branch] = []
  /// Homes that nothing outside leads to.
  private(set) var loneHomes: [HomeBranch] = []
  private(set) var extras: [Extra] = []

  private var edges: [Edge] = []
  private var edgesOf: [Vertex: [Int]] = [:]
  private var used: Set<Int> = []
  private var seen: Set<Vertex> = []

  init(_ topology: Topology) {
    self.topology = topology
    readEdges()
    for index in topology.networks.indices where topology.networks[index].home == nil {
      addRoot(.network(index))
    }
    for index in topology.nodes.indices where topology.nodes[index].home == nil { addRoot(.node(index)) }
    for home in topology.homes {
      let branches = rest(of: home.name)
      if !branches.isEmpty { loneHomes.append(HomeBranch(home: home.name, branches: branches)) }
    }
    for (number, edge) in edges.enumerated() where !used.contains(number) {
      extras.append(Extra(from: edge.a, to: edge.b, joint: edge.joint))
    }
  }

  func node(_ vertex: Vertex) -> Node? {
    if case .node(let index) = vertex { topology.nodes[index] } else { nil }
  }

  // MARK: Reading

  private mutating func readEdges() {
    let places = Dictionary(
      topology.nodes.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    let networks = Dictionary(
      topology.networks.enumerated().map { ($1.qualifiedName, $0) }, uniquingKeysWith: { first, _ in first })
    for link in topology.links {
      guard let a = places[link.a.node], let b = places[link.b.node] else { continue }
      add(
        Edge(
          a: .node(a), b: .node(b),
          joint: Joint(
            name: link.name, above: Captions.end(link.a), below: Captions.end(link.b),
            isRadio: link.a.isRadio || link.b.isRadio, labels: Captions.qualities(link))))
    }
    for attachment in topology.attachments where attachment.link == nil {
      guard let node = places[attachment.node], let network = networks[attachment.network],
        topology.networks[network].home == nil
      else { continue }
      add(Edge(a: .network(network), b: .node(node), joint: Joint(name: attachment.name)))
    }
  }

  private mutating func add(_ edge: Edge) {
    edgesOf[edge.a, default: []].append(edges.count)
    edgesOf[edge.b, default: []].append(edges.count)
    edges.append(edge)
  }

  private func home(_ vertex: Vertex) -> String? { node(vertex)?.home }

  /// The other end of an edge, and the joint as seen from `vertex` above.
  private func across(_ number: Int, from vertex: Vertex) -> (vertex: Vertex, joint: Joint) {
    let edge = edges[number]
    guard edge.a != vertex else { return (edge.b, edge.joint) }
    var joint = edge.joint
    swap(&joint.above, &joint.below)
    return (edge.a, joint)
  }

  // MARK: Growing

  private mutating func addRoot(_ vertex: Vertex) {
    guard seen.insert(vertex).inserted else { return }
    roots.append(grow(vertex, joint: nil))
  }

  /// The branch of a vertex, with all below it that nothing has taken before.
  private mutating func grow(_ vertex: Vertex, joint: Joint?) -> Branch {
    var branch = Branch(vertex: vertex, joint: joint)
    var next: [(vertex: Vertex, joint: Joint)] = []
    var homes: [String] = []
    var entries: [String: [(vertex: Vertex, joint: Joint)]] = [:]
    for number in edgesOf[vertex] ?? [] {
      let (other, joint) = across(number, from: vertex)
      // From a home nothing grows outwards; of several links to one neighbour the first carries it.
      if self.home(vertex) != nil, self.home(other) == nil { continue }
      guard seen.insert(other).inserted else { continue }
      used.insert(number)
      if let home = home(other), home != self.home(vertex) {
        if entries[home] == nil { homes.append(home) }
        entries[home, default: []].append((other, joint))
      } else {
        next.append((other, joint))
      }
    }
    branch.branches = sorted(next).map { grow($0.vertex, joint: $0.joint) }
    for home in homes {
      // All its gateways first: none of them is to hang below a switch.
      let grown = (entries[home] ?? []).map { grow($0.vertex, joint: $0.joint) }
      branch.homes.append(HomeBranch(home: home, branches: grown + rest(of: home)))
    }
    return branch
  }

  /// In the order of the ports above, which is that of the file where there are none.
  private func sorted(_ next: [(vertex: Vertex, joint: Joint)]) -> [(vertex: Vertex, joint: Joint)] {
    next.enumerated().sorted { left, right in
      let (a, b) = (left.element.joint.above.flatMap { Int($0) }, right.element.joint.above.flatMap { Int($0) })
      if let a, let b, a != b { return a < b }
      return left.offset < right.offset
    }.map(\.element)
  }

  /// What of a home nothing leads to from outside: gateways first, then what has the most links.
  private mutating func rest(of home: String) -> [Branch] {
    var result: [Branch] = []
    let own = topology.nodes.indices.filter { topology.nodes[$0].home == home }
    func rank(_ index: Int) -> (Int, Int) {
      let kind = topology.nodes[index].kind
      return (kind == .homeGateway ? 0 : 1, -(edgesOf[.node(index)]?.count ?? 0))
    }
    for index in own.sorted(by: { a, b in
      let (left, right) = (rank(a), rank(b))
      return (left.0, left.1, a) < (right.0, right.1, b)
    }) where seen.insert(.node(index)).inserted {
      result.append(grow(.node(index), joint: nil))
    }
    return result
  }
}
