import Messages
import Testing

@testable import ConfiguratorRole

/// A home as it truly is: a tree of boxes, of which some are switches that tell their tables.
private struct TrueHome {
  enum Kind { case speaking, silent, device }

  var kinds: [Kind] = []
  /// Links by the numbers of the boxes; a link's port at a box is its place among the box's links, from 1.
  var neighbours: [[Int]] = []

  mutating func add(_ kind: Kind, to box: Int? = nil) -> Int {
    kinds.append(kind)
    neighbours.append([])
    let new = kinds.count - 1
    if let box {
      neighbours[box].append(new)
      neighbours[new].append(box)
    }
    return new
  }

  static func mac(_ box: Int) -> MACAddress { MACAddress(bits: 0x0200_0000_0000 | UInt64(box)) }

  /// What box has behind each of its ports.
  private func behind(_ box: Int, port: Int) -> [Int] {
    var found: [Int] = []
    var open = [(neighbours[box][port - 1], box)]
    while let (next, from) = open.popLast() {
      if kinds[next] != .silent { found.append(next) }
      open += neighbours[next].filter { $0 != from }.map { ($0, next) }
    }
    return found
  }

  /// The boxes that can be told of, and their tables; `keeps` says whether an entry is still in its table.
  func nodes(keeps: (_ box: Int, _ entry: Int) -> Bool = { _, _ in true }) -> [LinkTables.Node] {
    visible.map { box in
      guard kinds[box] == .speaking else { return LinkTables.Node(addresses: [Self.mac(box)]) }
      var table: [UInt32: [MACAddress]] = [:]
      for port in neighbours[box].indices.map({ $0 + 1 }) {
        table[UInt32(port)] = behind(box, port: port).filter { keeps(box, $0) }.map(Self.mac)
      }
      return LinkTables.Node(addresses: [Self.mac(box)], table: table)
    }
  }

  var visible: [Int] { kinds.indices.filter { kinds[$0] != .silent } }

  /// The segments between speaking switches, as ends in words: what can be known at best.
  func segments(without missing: Set<Int> = []) -> Set<Set<String>> {
    var result: Set<Set<String>> = []
    for box in kinds.indices where kinds[box] == .speaking {
      for port in neighbours[box].indices.map({ $0 + 1 }) {
        var ends: Set<String> = ["\(box).\(port)"]
        var open = [(neighbours[box][port - 1], box)]
        while let (next, from) = open.popLast() {
          switch kinds[next] {
          case .device: if !missing.contains(next) { ends.insert("\(next)") }
          case .speaking: ends.insert("\(next).\(neighbours[next].firstIndex(of: from)! + 1)")
          case .silent: open += neighbours[next].filter { $0 != from }.map { ($0, next) }
          }
        }
        if ends.count > 1 { result.insert(ends) }
      }
    }
    return result
  }

  /// What was found, as segments in the same words.
  func told(_ topology: LinkTopology) -> Set<Set<String>> {
    func name(_ end: LinkTopology.End) -> String? {
      end.node.map { "\(visible[$0])" + (end.port.map { ".\($0)" } ?? "") }
    }
    var result: Set<Set<String>> = []
    var around: [Int: Set<String>] = [:]
    for link in topology.links {
      if let unseen = link.b.unseen, let end = name(link.a) {
        around[unseen, default: []].insert(end)
      } else if let a = name(link.a), let b = name(link.b) {
        result.insert([a, b])
      }
    }
    return result.union(around.values)
  }

  /// Up to 60 boxes, up to 8 of them switches in depth 4 at most, some of them silent.
  static func random(_ random: inout SeededNumbers) -> TrueHome {
    var home = TrueHome()
    var switches = [home.add(.speaking)]
    var depth = [0]
    for _ in 1..<Int.random(in: 2...8, using: &random) {
      let parent = Int.random(in: 0..<switches.count, using: &random)
      guard depth[parent] < 3 else { continue }
      let isSilent = Int.random(in: 0..<3, using: &random) == 0
      switches.append(home.add(isSilent ? .silent : .speaking, to: switches[parent]))
      depth.append(depth[parent] + 1)
    }
    for _ in 0..<Int.random(in: 1...52, using: &random) {
      _ = home.add(.device, to: switches.randomElement(using: &random))
    }
    return home
  }
}

private struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}

@Suite struct LinkTopologyTests {
  @Test func wholeTablesGiveTheHomeAsItIs() {
    var random = SeededNumbers(state: 5)
    for number in 0..<1000 {
      let home = TrueHome.random(&random)
      let topology = LinkTopology(LinkTables(home.nodes()))
      #expect(home.told(topology) == home.segments(), "home \(number)")
      #expect(topology.isComplete, "home \(number)")
    }
  }

  @Test func tablesWithHolesGiveNoWrongLink() {
    var random = SeededNumbers(state: 7)
    var (linksTold, linksThere) = (0, 0)
    for number in 0..<1000 {
      let home = TrueHome.random(&random)
      let share = Int.random(in: 1...20, using: &random)
      var numbers = random
      let nodes = home.nodes { _, _ in Int.random(in: 0..<100, using: &numbers) >= share }
      random = numbers
      let tables = LinkTables(nodes)
      let topology = LinkTopology(tables)
      // A device that no switch has is not there.
      let missing = Set(nodes.indices.filter { !tables.isSeen($0) }.map { home.visible[$0] })
      let (told, there) = (home.told(topology), home.segments(without: missing))
      #expect(told.isSubset(of: there), "home \(number): \(told.subtracting(there))")
      if told != there { #expect(!topology.isComplete, "home \(number)") }
      linksTold += told.count
      linksThere += there.count
    }
    // Not by telling nothing at all.
    #expect(linksTold * 4 > linksThere, "\(linksTold) of \(linksThere)")
  }

  /// A device that uses the address of another shows at two places; the rest of the home stays as it is.
  @Test func aForgerHidesItselfAndItsVictimOnly() {
    var random = SeededNumbers(state: 11)
    var doubts = 0
    for number in 0..<200 {
      let home = TrueHome.random(&random)
      let devices = home.visible.filter { home.kinds[$0] == .device }
      guard devices.count > 2, let victim = devices.randomElement(using: &random) else { continue }
      let truth = home.nodes()
      var nodes = truth
      // Half of the switches heard the forger last, behind some port.
      for place in nodes.indices where nodes[place].table != nil && Bool.random(using: &random) {
        guard let port = nodes[place].table?.keys.sorted().randomElement(using: &random) else { continue }
        for key in nodes[place].table!.keys { nodes[place].table![key]!.removeAll { $0 == TrueHome.mac(victim) } }
        nodes[place].table![port]!.append(TrueHome.mac(victim))
      }
      let topology = LinkTopology(LinkTables(nodes))
      guard !topology.doubtful.isEmpty else { continue }
      doubts += 1
      #expect(topology.doubtful == [home.visible.firstIndex(of: victim)!], "home \(number)")
      #expect(home.told(topology) == home.segments(without: [victim]), "home \(number)")
    }
    #expect(doubts > 20)
  }

  @Test func withoutAnySwitchThatTellsAllAreOnOneNetwork() {
    var home = TrueHome()
    let hub = home.add(.silent)
    for _ in 0..<3 { _ = home.add(.device, to: hub) }
    let topology = LinkTopology(LinkTables(home.nodes()))
    #expect(topology.links.count == 3 && topology.unseenCount == 1)
    #expect(LinkTopology(LinkTables([])).links.isEmpty)
  }

  /// The captured home of two switches (Tests/Vectors), where one shows with the address of a port too.
  @Test func theCapturedHomeIsFound() {
    func mac(_ low: UInt64) -> MACAddress { MACAddress(bits: 0x0200_0000_0000 | low) }
    let (tv, mgr, ac, cam, sw1, sw2) = (mac(0x101), mac(0x102), mac(0x103), mac(0x104), mac(0xA00), mac(0xB00))
    let nodes: [LinkTables.Node] = [
      .init(addresses: [tv]), .init(addresses: [mgr]), .init(addresses: [ac]), .init(addresses: [cam]),
      .init(addresses: [sw1], table: [1: [tv], 2: [mgr], 3: [mac(0xB01), cam, ac, sw2]]),
      .init(addresses: [sw2], table: [1: [mac(0xA03), mgr, tv, sw1], 2: [ac], 3: [cam]]),
    ]
    let topology = LinkTopology(LinkTables(nodes))
    let links = topology.links.map { "\($0.a.node!).\($0.a.port!)-\($0.b.node!).\($0.b.port ?? 0)" }
    #expect(links == ["4.1-0.0", "4.2-1.0", "4.3-5.1", "5.2-2.0", "5.3-3.0"])
    #expect(topology.isComplete)
  }
}
