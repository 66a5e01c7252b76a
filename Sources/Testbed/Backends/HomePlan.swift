import Octets
import TopologyLanguage

/// What a topology becomes: network namespaces, bridges and veth pairs, with every name and index decided beforehand.
///
/// Deciding the interface indices here saves asking the kernel for them, and keeps bridges below ``firstTap``, which
/// is how the packet ring leaves them out.
struct HomePlan: Sendable, Equatable {
  /// The lowest interface index of a link end in the world; bridges lie below it.
  static let firstTap: Int32 = 10_000

  /// A node with a network namespace of its own.
  struct Place: Sendable, Equatable {
    var node: String
    var interfaces: [InterfacePlan]
    var forwards: Bool
    /// Octets of the default gateway, and the interface that leads to it.
    var gateway: IPAddress?
    var gatewayInterface: Int
  }

  struct InterfacePlan: Sendable, Equatable {
    /// As programs in the node see it: `eth0`.
    var name: String
    var index: Int32
    var mac: MACAddress
    var address: CIDR?
    var network: String
  }

  struct Bridge: Sendable, Equatable {
    var name: String
    var index: Int32
    /// False for hubs, and for the two-port bridges that join nodes.
    var learns: Bool
    /// What a switch sends its own frames from; `nil`: the kernel chooses.
    var mac: MACAddress?
  }

  /// An outer link end in the world, where frames are captured.
  struct Tap: Sendable, Equatable {
    enum Far: Sendable, Equatable {
      case interface(place: Int, interface: Int)
      /// Another tap, by its place in ``HomePlan/taps``: a link between two switches.
      case tap(Int)
    }
    var index: Int32
    /// The link's name, as results show it.
    var link: String
    /// The node whose link end it is.
    var node: String
    var far: Far
    /// The bridge that it is in, by interface index.
    var bridge: Int32
    /// The switch, hub or access point that this end is in: without its power the link has no carrier.
    var heldBy: String?
    /// True where the bridge of this end belongs to `node` itself: what the end sends then came from the node.
    var isSwitchEnd: Bool
    /// The port of an HTIP switch that this end is in, such as `sw1.3`.
    var port: String?
    /// True where the link passes through the user-space wire.
    var isWired = false
    /// The name of the interface in the world.
    var name: String { "t\(index)" }
  }

  /// A link that passes through the user-space wire, which reads and writes an interface at each end.
  struct Wire: Sendable, Equatable {
    /// Where the wire reads and writes.
    struct Port: Sendable, Equatable {
      /// Its interface in the world.
      var index: Int32
      /// What is at its other side; that a frame came out of a node, only a tap tells.
      var partner: Partner
      /// What comes in here came out of this tap's node.
      var tap: Int?
      var name: String { "w\(index)" }
    }

    enum Partner: Sendable, Equatable {
      /// The port is the tap itself.
      case tap
      /// A veth pair leads to an interface of this index in the bridge that the tap would be in.
      case bridge(port: Int32)
      /// A veth pair leads to the tap, which is in its switch.
      case switchTap(Int)
    }

    /// The nodes at its ends (or a node and the network that it stands on): what comes in at a port goes towards the
    /// node of the other.
    var nodes: [String]
    var ports: [Port]
    /// The taps whose state its ports follow.
    var taps: [Int]
  }

  var places: [Place] = []
  var bridges: [Bridge] = []
  var taps: [Tap] = []
  var wires: [Wire] = []
  /// The bridge of each switch, hub and access point, by display name.
  private(set) var bridgeOfNode: [String: Int32] = [:]
  /// The switches that speak HTIP, and so number their ports.
  private(set) var tellingSwitches: Set<String> = []
  /// The bridge of each network outside of homes, by qualified name.
  private(set) var bridgeOfNetwork: [String: Int32] = [:]
  /// Where a node stands in ``places``, by display name.
  private(set) var placeOf: [String: Int] = [:]

  /// - Parameters:
  ///   - operatorOn: the network, by qualified name, on which a further node `operator` stands; `nil`: none.
  ///   - wired: whether the link of this name passes through the user-space wire.
  init(_ topology: Topology, operatorOn: String?, wired: (String) -> Bool = { _ in false }) throws {
    for node in topology.nodes where node.segment != nil {
      bridgeOfNode[node.name] = addBridge(learns: node.kind != .hub, mac: node.ownFramesMAC)
      if node.speaksHTIP { tellingSwitches.insert(node.name) }
    }
    for network in topology.networks where network.home == nil {
      bridgeOfNetwork[network.qualifiedName] = addBridge(learns: true)
    }
    for node in topology.nodes where node.segment == nil { addPlace(node) }
    if let operatorOn { try addOperator(on: operatorOn, in: topology) }

    var linked: Set<[Int]> = []
    for link in topology.links { try add(link, linked: &linked) }
    // A network outside a home is one segment: its nodes need no link.
    for (number, place) in places.enumerated() {
      for (interface, plan) in place.interfaces.enumerated() where !linked.contains([number, interface]) {
        guard let bridge = bridgeOfNetwork[plan.network] else {
          throw BackendError("\(place.node)'s interface in \(plan.network) has no link")
        }
        addTap(
          "\(place.node)--\(plan.network)", place.node, .interface(place: number, interface: interface), bridge,
          heldBy: nil)
      }
    }
    try checkBridges()
    let ends = Dictionary(grouping: taps.indices) { taps[$0].link }
    for (name, ends) in ends.sorted(by: { $0.key < $1.key }) where wired(name) { addWire(name, ends) }
    try checkIndices()
  }

  /// What a tap of a program on loopback counts interfaces with has 16 bits; the indices of wires stay below the taps'.
  private func checkIndices() throws {
    if let last = taps.last, last.index > Int32(UInt16.max) {
      throw BackendError(
        "the home has \(taps.count) link ends, and \(Int32(UInt16.max) - HomePlan.firstTap + 1) can be told apart",
        hint: "split it into several topologies")
    }
    let room = (Int(HomePlan.firstTap) - bridges.count - 2) / 4
    guard wires.count <= room else {
      throw BackendError(
        "\(wires.count) links are impaired, and the wire has room for \(room)", hint: "impair fewer links")
    }
  }

  /// How many link ends a bridge of Linux takes (BR_MAX_PORTS, less one).
  static let bridgeLimit = 1023

  private func checkBridges() throws {
    let counts = taps.reduce(into: [Int32: Int]()) { $0[$1.bridge, default: 0] += 1 }
    guard let (bridge, count) = counts.first(where: { $0.value > HomePlan.bridgeLimit }) else { return }
    let name = bridgeOfNetwork.first { $0.value == bridge }?.key ?? bridgeOfNode.first { $0.value == bridge }?.key
    throw BackendError(
      "\(count) link ends meet at \(name ?? "one cable"), and a bridge of Linux takes \(HomePlan.bridgeLimit)",
      hint: "spread them over several networks or switches")
  }

  private mutating func addWire(_ link: String, _ ends: [Int]) {
    // Above every bridge, and below the taps: the ring does not see them.
    var next = Int32(bridges.count + 2 + wires.count * 4)
    func index() -> Int32 {
      defer { next += 1 }
      return next
    }
    for end in ends { taps[end].isWired = true }
    guard ends.count == 2 else {
      let tap = taps[ends[0]]
      let network: String
      if case .interface(let place, let interface) = tap.far {
        network = places[place].interfaces[interface].network
      } else {
        network = link
      }
      wires.append(
        Wire(
          nodes: [tap.node, tap.heldBy ?? network],
          ports: [
            Wire.Port(index: tap.index, partner: .tap, tap: ends[0]),
            Wire.Port(index: index(), partner: .bridge(port: index()), tap: nil),
          ], taps: ends))
      return
    }
    wires.append(
      Wire(
        nodes: ends.map { taps[$0].node },
        ports: ends.map { end in
          taps[end].isSwitchEnd
            ? Wire.Port(index: index(), partner: .switchTap(end), tap: end)
            : Wire.Port(index: taps[end].index, partner: .tap, tap: end)
        }, taps: ends))
  }

  /// The bridge that frames go into which leave a wire at a port; `nil` where a node is there.
  func bridge(behind port: Wire.Port, of wire: Wire) -> Int32? {
    guard case .bridge = port.partner else { return nil }
    return taps[wire.taps[0]].bridge
  }

  /// The wire that a tap's link passes through.
  func wire(ofTap tap: Int) -> Int? { wires.firstIndex { $0.taps.contains(tap) } }

  private mutating func addBridge(learns: Bool, mac: MACAddress? = nil) -> Int32 {
    // Index 1 is lo.
    let index = Int32(bridges.count + 2)
    bridges.append(Bridge(name: "b\(index)", index: index, learns: learns, mac: mac))
    return index
  }

  private mutating func addPlace(_ node: Node) {
    let interfaces = node.interfaces.enumerated().map { number, interface in
      InterfacePlan(
        name: "eth\(number)", index: Int32(number + 2), mac: interface.mac, address: interface.address,
        network: interface.network)
    }
    placeOf[node.name] = places.count
    let leading = node.interfaces.firstIndex { $0.gateway != nil }
    places.append(
      Place(
        node: node.name, interfaces: interfaces, forwards: node.kind == .homeGateway,
        gateway: leading.flatMap { node.interfaces[$0].gateway }, gatewayInterface: leading ?? 0))
  }

  /// Gives the operator the highest address of the network that nobody has.
  private mutating func addOperator(on name: String, in topology: Topology) throws {
    guard let network = topology.networks.first(where: { $0.qualifiedName == name }), network.home == nil else {
      throw BackendError("the operator needs a network outside of homes, \(name) is none")
    }
    let taken = Set(topology.nodes.flatMap(\.interfaces).filter { $0.network == name }.compactMap(\.address?.address))
    guard case .v4(let broadcast)? = network.prefix.broadcast,
      let free = (1...4097).lazy.map({ IPAddress.v4(broadcast &- $0) }).first(where: { !taken.contains($0) }),
      network.prefix.contains(free), free != network.prefix.network.address
    else { throw BackendError("the network \(name) has no address left for the operator") }
    placeOf["operator"] = places.count
    places.append(
      Place(
        node: "operator",
        interfaces: [
          InterfacePlan(
            name: "eth0", index: 2, mac: NodeIdentity.mac("operator"),
            address: CIDR(free, prefixLength: network.prefix.prefixLength), network: name)
        ], forwards: false, gateway: nil, gatewayInterface: 0))
  }

  private mutating func add(_ link: Link, linked: inout Set<[Int]>) throws {
    switch (try side(link.a), try side(link.b)) {
    case (.bridge(let a), .bridge(let b)):
      let first = taps.count
      addTap(link.name, link.a.node, .tap(first + 1), a, heldBy: link.a.node, isSwitchEnd: true, port: port(link.a))
      addTap(link.name, link.b.node, .tap(first), b, heldBy: link.b.node, isSwitchEnd: true, port: port(link.b))
    case (.interface(let place, let interface), .bridge(let bridge)):
      addTap(
        link.name, link.a.node, .interface(place: place, interface: interface), bridge, heldBy: link.b.node,
        port: port(link.b))
      linked.insert([place, interface])
    case (.bridge(let bridge), .interface(let place, let interface)):
      addTap(
        link.name, link.b.node, .interface(place: place, interface: interface), bridge, heldBy: link.a.node,
        port: port(link.a))
      linked.insert([place, interface])
    case (.interface(let placeA, let interfaceA), .interface(let placeB, let interfaceB)):
      // Two nodes without a switch: a bridge of two ports that learns nothing stands in for the cable.
      let bridge = addBridge(learns: false)
      addTap(link.name, link.a.node, .interface(place: placeA, interface: interfaceA), bridge, heldBy: nil)
      addTap(link.name, link.b.node, .interface(place: placeB, interface: interfaceB), bridge, heldBy: nil)
      linked.formUnion([[placeA, interfaceA], [placeB, interfaceB]])
    }
  }

  private mutating func addTap(
    _ link: String, _ node: String, _ far: Tap.Far, _ bridge: Int32, heldBy: String?, isSwitchEnd: Bool = false,
    port: String? = nil
  ) {
    taps.append(
      Tap(
        index: HomePlan.firstTap + Int32(taps.count), link: link, node: node, far: far, bridge: bridge,
        heldBy: heldBy, isSwitchEnd: isSwitchEnd, port: port))
  }

  private func port(_ end: Link.End) -> String? {
    end.port.flatMap { tellingSwitches.contains(end.node) ? "\(end.node).\($0)" : nil }
  }

  /// The interface that stands in the bridge for a tap, which is another one where the link is wired.
  func member(ofTap number: Int) -> Int32 {
    if let wire = wire(ofTap: number) {
      for case .bridge(let port) in wires[wire].ports.map(\.partner) { return port }
    }
    return taps[number].index
  }

  private enum Side { case bridge(Int32), interface(place: Int, interface: Int) }

  private func side(_ end: Link.End) throws -> Side {
    if let bridge = bridgeOfNode[end.node], end.interface == nil { return .bridge(bridge) }
    guard let place = placeOf[end.node],
      places[place].interfaces.indices.contains(end.interface ?? 0)
    else { throw BackendError("a link leads to \(end.node), which has no such interface or port") }
    return .interface(place: place, interface: end.interface ?? 0)
  }
}
