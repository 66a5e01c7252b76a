import CLinux
import Glibc
import LinuxNetwork
import Octets
import Synchronization
import Taps
import TopologyLanguage
import Trace

/// A home whose nodes are addresses of 127.0.0.0/8, made without any privilege.
///
/// There are no cables: whether a link is up acts in the transports of the programs, which are told by their taps. What
/// those tell of every octet stands in for captured frames. All calls are short; one at a time is carried out.
public final class LoopbackHome: HomeUnderTest {
  public let topology: Topology
  /// Everything that the home writes lies in it.
  public let folder: String
  let launcher: Launcher
  /// Decides on what programs send; `nil`: everything passes.
  let gate: (any FrameGate)?
  let state: Mutex<State>

  struct State {
    var plan: HomePlan
    var carrier: Carrier
    /// How often each node was switched on; above 0 even when it is off now.
    var incarnations: [String: UInt32] = [:]
    var powered: Set<String>
    /// `nil` before ``LoopbackHome/up()`` and after ``LoopbackHome/down()``.
    var running: Running?
    var programs: [RunningProgram] = []
    var lastConnection: UInt32 = 0
  }

  struct Running {
    var addresses: LoopbackAddresses
    var recorder: TapRecorder
    /// The reading end of a pipe that programs hold; it closes when this process ends, however it ends.
    var life: Descriptor
    /// The other end; nothing is ever written.
    var lifeHold: Descriptor
    /// Where the taps of programs call.
    var socket: String
  }

  /// - Parameters:
  ///   - folder: an existing folder for the run's files.
  ///   - operatorOn: the network outside of homes where a node `operator` is added; `nil`: none.
  ///   - gate: decides on what is sent, message by message; `nil`: everything passes.
  ///   - launcher: where `homebed-launcher` is.
  public init(
    topology: Topology, folder: String, operatorOn: String?, launcher: Launcher, gate: (any FrameGate)? = nil
  ) throws {
    self.gate = gate
    self.topology = topology
    self.folder = folder
    self.launcher = launcher
    let plan = try HomePlan(topology, operatorOn: operatorOn)
    state = Mutex(State(plan: plan, carrier: Carrier(plan), powered: Set(plan.bridgeOfNode.keys)))
  }

  deinit { state.withLock { $0.running?.recorder.abandon() } }

  public func up() throws {
    try state.withLock { state in
      guard state.running == nil else { throw BackendError("the home \(topology.name) is up already") }
      DescriptorLimit.raise()
      let addresses = try LoopbackAddresses(topology)
      let labels = state.plan.taps.map {
        ($0.index, TapLabel(link: $0.link, node: $0.node, isSwitchEnd: $0.isSwitchEnd))
      }
      let socket = try TapRecorder.socket(in: folder)
      let recorder = try TapRecorder(
        path: folder + "/capture.pcapng", socket: socket, labels: labels,
        seats: HomeSeats(state.plan, map: addresses.map), links: [:], gate: gate,
        moved: { [weak self] move in self?.take(move) })
      let life = try Commands.pipe()
      let running = Running(
        addresses: addresses, recorder: recorder, life: life.reading, lifeHold: life.writing, socket: socket)
      recorder.note(addresses.map.comment(at: WallClock.now()))
      state.running = running
      do { try tellLinks(&state) } catch {
        recorder.abandon()
        state.running = nil
        throw error
      }
    }
  }

  public func down() async {
    let (programs, recorder) = state.withLock { state in
      defer { state.programs = [] }
      return (state.programs, state.running?.recorder)
    }
    await withTaskGroup(of: Void.self) { group in
      for program in programs { group.addTask { await program.crash() } }
    }
    _ = await recorder?.end()
    // With the last descriptor of the claim the addresses are free again.
    state.withLock { $0.running = nil }
  }

  /// The address of this machine that stands for an address of a network (by qualified name) of the topology.
  public func place(of address: IPAddress, in network: String) -> IPAddress {
    state.withLock { $0.running?.addresses.map.near(address, preferring: [network]) ?? address }
  }

  public var capture: any HomeCapture {
    get throws { try state.withLock { try Self.running($0, self).recorder } }
  }

  static func running(_ state: borrowing State, _ home: LoopbackHome) throws -> Running {
    guard let running = state.running else { throw BackendError("the home \(home.topology.name) is not up") }
    return running
  }

  public func interfaces(of node: String) throws -> [NodeInterface] {
    try state.withLock { state in
      try state.plan.places[NamespaceHome.place(node, state.plan)].interfaces.map {
        NodeInterface(name: $0.name, index: Int($0.index), mac: $0.mac, address: $0.address, network: $0.network)
      }
    }
  }

  // MARK: Links as the programs are told

  /// Works out who reaches whom now and tells every tap; returns when the programs act by it.
  func tellLinks(_ state: inout State) throws {
    let running = try Self.running(state, self)
    let known = running.addresses.map
    let links = try links(&state)
    let addresses = try Self.running(state, self).addresses
    if addresses.map != known { running.recorder.note(addresses.map.comment(at: WallClock.now())) }
    try running.recorder.apply(links, seats: HomeSeats(state.plan, map: addresses.map))
  }

  private func links(_ state: inout State) throws -> [String: TapLinks] {
    var addresses = try Self.running(state, self).addresses
    let reach = Reachability(state.plan, state.carrier, outside: outsideSeats(state.plan))
    var nears: [Reachability.Seat: IPAddress] = [:]
    var result: [String: TapLinks] = [:]
    for (place, plan) in state.plan.places.enumerated() {
      var links = TapLinks()
      links.asks = gate != nil
      for (number, interface) in plan.interfaces.enumerated() {
        let seat = Reachability.Seat(place: place, interface: number)
        let near = try interface.address.map { try addresses.near($0, in: interface.network) }
        nears[seat] = near?.address
        let gateway =
          try number == plan.gatewayInterface
          ? plan.gateway.map { try addresses.near($0, in: interface.network) } : nil
        links.interfaces.append(
          TapLinks.Interface(name: interface.name, isUp: reach.isUp(seat), address: near, gateway: gateway))
      }
      result[plan.node] = links
    }
    for (seat, near) in nears {
      let target = state.plan.places[seat.place]
      guard let far = target.interfaces[seat.interface].address?.address else { continue }
      for (place, plan) in state.plan.places.enumerated() where place != seat.place {
        guard reach.destination(of: far, from: place) == seat else { continue }
        result[plan.node]?.mayOpen[near] = state.incarnations[target.node] ?? 0
        for number in plan.interfaces.indices {
          guard let source = nears[Reachability.Seat(place: place, interface: number)] else { continue }
          result[target.node]?.mayHear[source] = state.incarnations[plan.node] ?? 0
        }
      }
    }
    state.running?.addresses = addresses
    return result
  }

  /// Whether what a place sends to an address of the topology comes to somebody.
  func reaches(_ address: IPAddress, from place: Int, _ state: borrowing State) -> Bool {
    Reachability(state.plan, state.carrier, outside: outsideSeats(state.plan)).destination(of: address, from: place)
      != nil
  }

  /// The sides of gateways that lead out.
  private func outsideSeats(_ plan: HomePlan) -> Set<Reachability.Seat> {
    var result: Set<Reachability.Seat> = []
    for (place, node) in plan.places.enumerated() where node.forwards {
      for number in plan.outsideInterfaces(of: place, in: topology) {
        result.insert(Reachability.Seat(place: place, interface: number))
      }
    }
    return result
  }

  /// A program wants another address: it gets it, as it would from its kernel.
  private func take(_ move: TapRecorder.Move) {
    do {
      let (interface, address, gateway) = try state.withLock { state in
        let addresses = try Self.running(state, self).addresses
        let plan = state.plan.places[try NamespaceHome.place(move.node, state.plan)]
        guard let interface = plan.interfaces.firstIndex(where: { $0.name == move.interface }) else {
          throw BackendError("\(move.node) has no interface \(move.interface)")
        }
        let length = plan.interfaces[interface].address?.prefixLength
        return (
          interface,
          move.address.map { CIDR(addresses.map.far($0.address), prefixLength: length ?? $0.prefixLength) },
          move.gateway.map { addresses.map.far($0) }
        )
      }
      try setAddress(address, gateway: gateway, of: move.node, interface: interface)
    } catch {
      state.withLock { $0.running?.recorder }?.note("\(move.node) asked for another address, and got none: \(error)")
    }
  }
}

extension HomePlan {
  /// The interfaces of a gateway that lead out: those in networks of another home or of none; between two networks
  /// outside, the one named first.
  func outsideInterfaces(of place: Int, in topology: Topology) -> [Int] {
    let home = topology.nodes.first { $0.name == places[place].node }?.home
    return places[place].interfaces.indices.filter { index in
      guard let home else { return index == 0 }
      return topology.networks.first { $0.qualifiedName == places[place].interfaces[index].network }?.home != home
    }
  }
}
