import LinuxNetwork
import Octets
import Synchronization
import Taps
import TopologyLanguage

/// Whether the taps of programs are written beside the captured frames.
public enum TapUse: Sendable, Hashable { case unused, recorded }

/// What is written of the frames on a home's links.
public enum Recording: Sendable, Hashable { case frames, nothing }

/// A home whose nodes are network namespaces, joined by veth links and kernel bridges.
///
/// The bridges and the outer link ends lie in one further namespace, the home's world, where one packet ring sees
/// every link. All calls are short and may come from any task; one at a time is carried out.
public final class NamespaceHome: HomeUnderTest {
  public let topology: Topology
  /// Everything that the home writes lies in it.
  public let folder: String
  let launcher: Launcher
  let recording: Recording
  let wiring: Wiring
  let taps: TapUse
  let state: Mutex<State>

  struct State {
    var plan: HomePlan
    var carrier: Carrier
    /// What the wired links do now, by their name in results.
    var qualities: [String: [LinkQuality]]
    /// `nil` before ``NamespaceHome/up()`` and after ``NamespaceHome/down()``.
    var running: Running?
    var programs: [RunningProgram] = []
  }

  struct Running {
    var world: RouteSocket
    var worldNamespace: NetworkNamespace
    var places: [NetworkNamespace]
    /// A connection to the routing family of each place.
    var routes: [RouteSocket]
    /// `nil` where nothing is recorded.
    var capture: Capture?
    /// `nil` where no link is wired.
    var wire: Wire?
    /// One name service file for all nodes.
    var resolv: String
    /// What the taps of programs tell, and where they call; `nil` where they are not asked.
    var recorder: TapRecorder?
    var tapSocket: String?
  }

  /// - Parameters:
  ///   - folder: an existing folder for the run's files.
  ///   - operatorOn: the network outside of homes where a node `operator` is added; `nil`: none.
  ///   - launcher: where `homebed-launcher` is.
  ///   - recording: whether frames are captured; a home that is only brought up needs none.
  ///   - taps: whether the programs' own taps are written beside the captured frames, to `taps.pcapng`.
  ///   - wiring: which links pass through the user-space wire; those with qualities always do.
  public init(
    topology: Topology, folder: String, operatorOn: String?, launcher: Launcher, recording: Recording = .frames,
    wiring: Wiring = Wiring(), taps: TapUse = .unused
  ) throws {
    self.taps = taps
    self.wiring = wiring
    self.topology = topology
    self.recording = recording
    self.folder = folder
    self.launcher = launcher
    let qualities = Dictionary(topology.links.map { ($0.name, $0.qualities) }, uniquingKeysWith: { first, _ in first })
    let plan = try HomePlan(topology, operatorOn: operatorOn) { link in
      wiring.includes(link) || qualities[link].map { !$0.isEmpty } ?? false
    }
    state = Mutex(State(plan: plan, carrier: Carrier(plan), qualities: qualities))
  }

  deinit {
    state.withLock { state in
      state.running?.capture?.abandon()
      state.running?.recorder?.abandon()
      state.running?.wire?.end()
    }
  }

  public func up() throws {
    try state.withLock { state in
      guard state.running == nil else { throw BackendError("the home \(topology.name) is up already") }
      state.running = try NamespaceBuilder(
        plan: state.plan, carrier: state.carrier, qualities: state.qualities, seed: wiring.seed, gate: wiring.gate
      ).build(folder: folder, recording: recording)
      if taps == .recorded { try openTaps(&state) }
    }
  }

  private func openTaps(_ state: inout State) throws {
    let labels = state.plan.taps.map {
      ($0.index, TapLabel(link: $0.link, node: $0.node, isSwitchEnd: $0.isSwitchEnd))
    }
    let socket = try TapRecorder.socket(in: folder)
    state.running?.tapSocket = socket
    // No links are told, so the taps leave all that to the kernel.
    state.running?.recorder = try TapRecorder(
      path: folder + "/taps.pcapng", socket: socket, labels: labels, seats: HomeSeats(state.plan, map: AddressMap()),
      links: [:], moved: { _ in })
  }

  public func down() async {
    let (programs, capture, recorder) = state.withLock { state in
      defer { state.programs = [] }
      return (state.programs, state.running.flatMap(\.capture), state.running.flatMap(\.recorder))
    }
    await withTaskGroup(of: Void.self) { group in
      for program in programs { group.addTask { await program.crash() } }
    }
    _ = await capture?.end()
    _ = await recorder?.end()
    state.withLock { $0.running?.wire?.end() }
    // The kernel takes a namespace away, with all in it, when the last descriptor of it is closed.
    state.withLock { $0.running = nil }
  }

  public var capture: any HomeCapture {
    get throws {
      try state.withLock { state in
        guard let capture = try Self.running(state, self).capture else {
          throw BackendError("the home \(topology.name) records nothing")
        }
        return capture
      }
    }
  }

  static func running(_ state: borrowing State, _ home: NamespaceHome) throws -> Running {
    guard let running = state.running else { throw BackendError("the home \(home.topology.name) is not up") }
    return running
  }

  public func interfaces(of node: String) throws -> [NodeInterface] {
    try state.withLock { state in
      try state.plan.places[Self.place(node, state.plan)].interfaces.map {
        NodeInterface(name: $0.name, index: Int($0.index), mac: $0.mac, address: $0.address, network: $0.network)
      }
    }
  }

  static func place(_ node: String, _ plan: HomePlan) throws -> Int {
    guard let place = plan.placeOf[node] else {
      throw BackendError("\(node) is no node that programs could run in")
    }
    return place
  }
}
