import Messages

/// Finds the links.
///
/// Take all switches with tables out of the home: what is left falls into segments, each a cable or something of which
/// no frame tells, with the ports of switches and the devices around it. A device is in the segment of a port if the
/// switch has it there and no other switch lies between, and another switch lies between if it has the two at different
/// ports. So the tables tell for each port and node whether they share a segment, or leave it open. Two in a segment
/// are linked; where there are more, something unseen links them.
extension LinkTopology {
  /// A port of a switch, by the switch's place in `tables.switches`.
  private struct Port: Hashable {
    var s: Int
    var number: UInt32
  }

  private enum Answer { case yes, no, open }

  /// - Complexity: the nodes times the square of the switches.
  public init(_ tables: LinkTables) {
    doubtful = tables.doubtful.sorted()
    guard !tables.switches.isEmpty else {
      linkAll(of: tables)
      return
    }
    let switchOfNode = Dictionary(uniqueKeysWithValues: tables.switches.enumerated().map { ($1, $0) })
    var placed: Set<Int> = []
    var done: Set<Port> = []
    for s in tables.switches.indices where !tables.doubtful.contains(tables.switches[s]) {
      for number in tables.portNumbers[s] {
        let port = Port(s: s, number: number)
        guard !done.contains(port) else { continue }
        guard let members = LinkTopology.members(of: port, in: tables, switchOfNode), !members.isEmpty else { continue }
        var ends = [End(node: tables.switches[s], port: number)]
        for member in members {
          guard let other = switchOfNode[member] else {
            ends.append(End(node: member))
            continue
          }
          let number = tables.ports[other][tables.switches[s]]
          done.insert(Port(s: other, number: number))
          ends.append(End(node: member, port: number))
        }
        placed.formUnion(members)
        placed.insert(tables.switches[s])
        add(ends)
      }
    }
    unplaced = (0..<tables.count).filter { !placed.contains($0) && !tables.doubtful.contains($0) }
  }

  /// Without a table nothing is known but that all are on one network.
  private mutating func linkAll(of tables: LinkTables) {
    let nodes = (0..<tables.count).filter { !tables.doubtful.contains($0) }
    if nodes.count > 1 { add(nodes.map { End(node: $0) }) }
  }

  private mutating func add(_ ends: [End]) {
    guard ends.count > 2 else { return links.append(Link(a: ends[0], b: ends[1])) }
    let middle = End(unseen: unseenCount)
    unseenCount += 1
    links += ends.map { Link(a: $0, b: middle) }
  }

  /// The nodes that share the port's segment; `nil` where the tables leave it open.
  private static func members(of port: Port, in tables: LinkTables, _ switchOfNode: [Int: Int]) -> [Int]? {
    var members: [Int] = []
    for node in 0..<tables.count where node != tables.switches[port.s] && tables.isSeen(node) {
      switch shares(node, port, in: tables, switchOfNode) {
      case .yes: members.append(node)
      case .no: break
      case .open: return nil
      }
    }
    return members
  }

  private static func shares(
    _ node: Int, _ port: Port, in tables: LinkTables, _ switchOfNode: [Int: Int]
  ) -> Answer {
    let own = tables.switches[port.s]
    let seen = tables.ports[port.s][node]
    if seen != 0, seen != port.number { return .no }
    var isOpen = seen == 0
    for d in tables.switches.indices where d != port.s && tables.switches[d] != node {
      if tables.doubtful.contains(tables.switches[d]) { continue }
      let (toNode, toOwn) = (tables.ports[d][node], tables.ports[d][own])
      if toNode != 0, toOwn != 0 {
        if toNode != toOwn { return .no }
      } else if tables.ports[port.s][tables.switches[d]] == port.number || tables.ports[port.s][tables.switches[d]] == 0
      {
        // It may lie behind this port, and so between.
        isOpen = true
      }
    }
    if let other = switchOfNode[node], tables.ports[other][own] == 0 { isOpen = true }
    return isOpen ? .open : .yes
  }
}
