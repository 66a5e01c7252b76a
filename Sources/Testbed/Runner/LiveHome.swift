import Backends
import JSONText
import LinuxNetwork
import Messages
import Octets
import ScenarioLanguage
import TopologyLanguage
import Trace
import TraceChecker

/// A home that is left running: all programs started, and changed by hand until somebody ends it.
public actor LiveHome: HomeConductor {
  let topology: Topology
  let names: TopologyNames
  let options: RunOptions
  let folder: String
  let secrets: RunSecrets

  var environment: NodeEnvironment
  var programs = Programs()
  var powered: Set<String> = []
  var addresses: NodeAddresses
  var knowledge = WireKnowledge()
  var facts: FactReader?
  var faults: ArmedFaults
  var home: (any HomeUnderTest)? { underTest }

  private let underTest: any HomeUnderTest
  let inbox = Inbox()
  private let tell: @Sendable (News) -> Void
  private var feed: TraceFeed
  /// What waits for its turn: one thing at a time is done.
  private var waiting: [Work] = []
  private var turn: Turn?
  /// The signal that ends the home.
  private var stop: Int32?

  /// Actions that somebody asked for.
  private struct Work {
    var call: HomeCall
    var text: String
    /// Seconds.
    var within: Double
  }

  /// The call that is being answered.
  private struct Turn {
    var call: Int
    /// CLOCK_REALTIME, nanoseconds.
    var deadline: Int64
    var isAbandoned = false
  }

  /// What somebody who sits before the running home is told.
  public enum News: Sendable {
    case up(Sight)
    /// A line about something that happened.
    case happened(String)
  }

  /// - Parameters:
  ///   - folder: the absolute path of an existing, empty folder for the home's files.
  ///   - tell: hears that the home is up, and what happens in it then.
  public init(_ topology: Topology, options: RunOptions, folder: String, tell: @escaping @Sendable (News) -> Void)
    throws
  {
    self.topology = topology
    self.options = options
    self.folder = folder
    self.tell = tell
    try DescriptorLimit.require(32)
    names = TopologyNames(topology)
    secrets = RunSecrets(homes: topology.homes.map(\.name))
    environment = NodeEnvironment(topology: topology, secrets: secrets, pace: 1)
    addresses = NodeAddresses(topology)
    feed = TraceFeed(PartyMap(topology))
    faults = ArmedFaults(PartyMap(topology))
    underTest = try options.backend.home(
      topology, folder: folder, operatorOn: topology.operatorNetwork, launcher: try Launcher.find(),
      // Nobody knows yet which links somebody will make worse, nor what will befall which message.
      wiring: Wiring(links: nil, seed: options.seed, gate: faults.gate))
  }

  /// Why this version cannot build a home of the topology; `nil` where it can.
  public static func missing(for topology: Topology) -> String? { Support.missing(for: topology) }

  /// Brings the home up, performs what is asked of it, and takes it away when a signal comes.
  ///
  /// - Throws: what kept the home from coming up, or broke it.
  public func run(signals: StopSignals) async throws {
    let inbox = inbox
    let listener = signals.listen { inbox.post(.interrupted(signal: $0)) }
    defer { signals.forget(listener) }
    do {
      try await conduct()
    } catch {
      await underTest.down()
      throw BackendError(reason(error))
    }
    await underTest.down()
  }

  private func conduct() async throws {
    try underTest.up()
    if topology.operatorNetwork != nil { try underTest.setPower(.on, of: "operator") }
    refreshFacts()
    let progress = try underTest.capture.progress
    let started = programs.started
    let inbox = inbox
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { for await progress in progress { inbox.post(.captured(progress)) } }
      group.addTask { await Programs.follow(started, telling: inbox) }
      group.addTask { await self.attendToFaults() }
      defer { group.cancelAll() }
      try await self.stayUp()
      await underTest.down()
      programs.endOfStarts()
    }
  }

  private func stayUp() async throws {
    // As a scenario's `given` does it: what others need comes first, and is waited for.
    let isAgent = { (node: Node) in node.kind == .ce }
    for nodes in [topology.nodes.filter { !isAgent($0) }, topology.nodes.filter(isAgent)] {
      for node in nodes { try powerOn(node) }
      try await waitUntilUp(nodes.filter(isPlayed))
      if stop != nil { return }
    }
    let (id, path, listener) = try RuntimeFolder.find().claim(topology.name)
    let door = try HomeDoor(listener, inbox: inbox)
    defer {
      door.close()
      try? Files.remove(path)
    }
    tell(.up(Sight(id: id, nodes: nodes, capture: try underTest.capture.path)))
    while stop == nil {
      guard let work = waiting.first else {
        try await pump(until: nil)
        continue
      }
      waiting.removeFirst()
      work.call.answer(await perform(work))
    }
    for work in waiting { work.call.answer(HomeAnswer(1, "the home is being ended")) }
  }

  // MARK: Waiting

  var isOver: Bool {
    guard stop == nil else { return true }
    return turn.map { $0.isAbandoned || HostClock.wall() >= $0.deadline } ?? false
  }

  func pump(until: Int64?) async throws {
    if let until { try underTest.capture.reach(until) }
    for happening in await inbox.next() { try take(happening) }
  }

  private func take(_ happening: Happening) throws {
    switch happening {
    case .captured(let progress): try read(progress)
    case .line(let number, let text): programs.heard(text, from: number)
    case .ended(let number, let end):
      if let node = programs.ended(number, end) { tell(.happened("\(node): its program \(died(node, end))")) }
    case .interrupted(let signal): stop = signal
    case .called(let call):
      switch call.request {
      case .describe: call.answer(description)
      case .enter(let node): call.answer(entrance(of: node))
      case .perform(let text, let within): waiting.append(Work(call: call, text: text, within: within))
      }
    case .stopped(let judgement): tell(.happened(judgement.reason))
    case .hungUp(let number):
      waiting.removeAll { $0.call.number == number }
      if turn?.call == number { turn?.isAbandoned = true }
    }
  }

  private func read(_ progress: CaptureProgress) throws {
    for item in try feed.read(try underTest.capture.path, upTo: progress.octets) {
      if case .event(let event) = item { learn(event) }
    }
    for refusal in feed.drainRefusals() { knowledge.learn(refusalOf: refusal.from) }
    if let failure = progress.failure { throw BackendError("the capture broke off: \(failure)") }
  }

  /// A home that nobody judges needs no notes: its capture can be judged as one from elsewhere.
  func note(_ note: Note) {}

  // MARK: What is asked by hand

  private func perform(_ work: Work) async -> HomeAnswer {
    let (actions, diagnostics) = HandActions.read(work.text, called: "action", in: topology)
    let warnings = diagnostics.map { $0.rendered() }.joined(separator: "\n")
    guard !actions.isEmpty else { return HomeAnswer(2, warnings) }
    turn = Turn(call: work.call.number, deadline: HostClock.wall() + Int64(min(work.within, 1e6) * 1e9))
    defer { turn = nil }
    for action in actions {
      let words = action.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      do {
        try await perform(action, mode: .untilTrue)
      } catch {
        tell(.happened("\(words): \(reason(error))"))
        return HomeAnswer(1, "\(words): \(reason(error))")
      }
      if isOver {
        let reason = stop != nil ? "the home is being ended" : "not done within \(Self.seconds(work.within))"
        if turn?.isAbandoned != true { tell(.happened("\(words): \(reason)")) }
        return HomeAnswer(1, "\(words): \(reason)")
      }
      tell(.happened("\(words): done"))
    }
    return HomeAnswer(0, warnings)
  }

  /// The descriptor of a node's network namespace; `nil` where nodes are addresses of one machine.
  func descriptor(of node: String) throws -> Int32? { try (underTest as? NamespaceHome)?.descriptor(of: node) }

  /// Where this machine has an address of a node; the same where the node has a network of its own.
  func place(of address: IPAddress, in network: String) -> IPAddress {
    (underTest as? LoopbackHome)?.place(of: address, in: network) ?? address
  }

  private func reason(_ error: any Error) -> String {
    switch error {
    case let stop as Stop: stop.judgement.reason
    case let error as BackendError: error.description + (error.hint.map { "; hint: \($0)" } ?? "")
    default: "\(error)"
    }
  }

  private static func seconds(_ value: Double) -> String {
    (Int(exactly: value).map { "\($0)" } ?? "\(value)") + " s"
  }
}
