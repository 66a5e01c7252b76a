import Messages

/// How the devices of a home are linked, as far as the forwarding tables of its switches tell.
public struct LinkTopology: Sendable, Hashable {
  /// One end of a link: a node, and of a switch the port.
  public struct End: Sendable, Hashable {
    /// The node's place in the list that the tables were made with; `nil` for something that no frame tells of.
    public var node: Int?
    /// Tells those apart of which no frame tells, from 0.
    public var unseen: Int?
    /// From 1; `nil` where the node is no switch.
    public var port: UInt32?
  }

  public struct Link: Sendable, Hashable {
    public var a: End
    public var b: End
  }

  public var links: [Link] = []
  /// How many hubs or switches without HTIP there must be for the tables to be as they are.
  public var unseenCount = 0
  /// Nodes of which two tables say what cannot both be: they moved a moment ago, or two devices use one address.
  public var doubtful: [Int] = []
  /// Nodes whose place the tables leave open.
  public var unplaced: [Int] = []

  /// True where every node has its place.
  public var isComplete: Bool { doubtful.isEmpty && unplaced.isEmpty }
}

/// The forwarding tables of a home's switches, by node instead of by address.
///
/// Made from every address that a node has, so that a switch that shows with the address of one of its ports is known.
public struct LinkTables: Sendable {
  /// A node of the home, with its table where it is a switch that tells one.
  public struct Node: Sendable {
    public var addresses: Set<MACAddress>
    /// By port, from 1; `nil` where the node is no HTIP switch.
    public var table: [UInt32: [MACAddress]]?

    public init(addresses: Set<MACAddress>, table: [UInt32: [MACAddress]]? = nil) {
      self.addresses = addresses
      self.table = table
    }
  }

  /// The nodes that are switches with tables, by their place in the list.
  let switches: [Int]
  let count: Int
  /// `ports[s][n]`: the port at which switch `switches[s]` has node `n`; 0 where it has none.
  private(set) var ports: [[UInt32]]
  /// The port numbers of each switch.
  let portNumbers: [[UInt32]]
  /// Nodes that one switch has at two ports.
  private(set) var doubtful: Set<Int> = []

  public init(_ nodes: [Node]) {
    count = nodes.count
    switches = nodes.indices.filter { nodes[$0].table != nil }
    var owners: [MACAddress: Int] = [:]
    for (place, node) in nodes.enumerated() {
      for address in node.addresses where owners.updateValue(place, forKey: address) != nil { doubtful.insert(place) }
    }
    portNumbers = switches.map { (nodes[$0].table ?? [:]).keys.sorted() }
    ports = []
    for place in switches {
      var row = [UInt32](repeating: 0, count: nodes.count)
      for (port, addresses) in (nodes[place].table ?? [:]).sorted(by: { $0.key < $1.key }) {
        for address in addresses {
          guard let owner = owners[address], owner != place else { continue }
          if row[owner] != 0, row[owner] != port { doubtful.insert(owner) }
          row[owner] = port
        }
      }
      ports.append(row)
    }
    findContradictions()
    fillHoles()
  }

  /// What one switch has beyond itself, another has where it has that switch, even if its own entry aged away.
  private mutating func fillHoles() {
    var isChanged = true
    while isChanged {
      isChanged = false
      for a in switches.indices {
        for b in switches.indices where b != a {
          let (toB, toA) = (ports[a][switches[b]], ports[b][switches[a]])
          guard toB != 0, toA != 0 else { continue }
          for node in 0..<count where ports[a][node] == 0 && node != switches[a] {
            guard ports[b][node] != 0, ports[b][node] != toA else { continue }
            ports[a][node] = toB
            isChanged = true
          }
        }
      }
    }
  }

  /// False for a node of which nothing can be said: no table has it, or what they say is doubtful. One that speaks is
  /// in the table of its switch, so one that is in none is not linked now, and leaves nothing open.
  func isSeen(_ node: Int) -> Bool {
    !doubtful.contains(node) && (switches.contains(node) || ports.contains { $0[node] != 0 })
  }

  /// In a tree, a node that is not on the way from one switch to another shows to that other where the first one does.
  private mutating func findContradictions() {
    for a in switches.indices {
      for b in switches.indices where b != a {
        let (toB, toA) = (ports[a][switches[b]], ports[b][switches[a]])
        guard toB != 0, toA != 0 else { continue }
        for node in 0..<count where node != switches[a] && node != switches[b] {
          let (atA, atB) = (ports[a][node], ports[b][node])
          if atA != 0, atB != 0, atA != toB, atB != toA { doubtful.insert(node) }
        }
      }
    }
    for node in doubtful {
      for s in switches.indices { ports[s][node] = 0 }
    }
  }
}
