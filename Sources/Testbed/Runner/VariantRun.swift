import Backends
import LanguageKit
import Messages
import Octets
import ScenarioLanguage
import TopologyLanguage
import Trace
import TraceChecker

/// Runs one variant of a scenario in a fresh home of its own, and judges it from the capture while it grows.
///
/// The loop asks the judge what it needs next, does it, and feeds the judge what the capture file gained meanwhile.
/// Nothing reaches the judge on any other way.
actor VariantRun: HomeConductor {
  let checked: CheckedScenario
  let variant: Variant
  let options: RunOptions
  /// Where the run's files go: an existing folder of its own.
  let folder: String
  let slots: JobSlots
  let inbox = Inbox()
  let secrets: RunSecrets

  var environment: NodeEnvironment
  var programs = Programs()
  /// Nodes that were powered on.
  var powered: Set<String> = []
  var addresses: NodeAddresses
  var knowledge = WireKnowledge()
  var feed: TraceFeed
  var judge: Judge
  var home: (any HomeUnderTest)?
  var facts: FactReader?
  var faults: ArmedFaults
  private var trace: [Event] = []
  private var holdsSlot = false
  private var slotTakenAt: Int64 = 0
  /// The time that the capture was last asked to reach.
  private var reached: Int64 = 0
  private var performedPhases = 0
  private var polls = PollTimes()
  private var isGivenDone = false
  /// Something came since the judge's clock was last asked for.
  private var hasNews = false
  private var toldDropped: UInt64 = 0
  var clock = ClockWatch()
  var names: TopologyNames { checked.names }
  var topology: Topology { checked.topology }
  var isOver: Bool { judge.outcome != nil }

  init(
    _ checked: CheckedScenario, _ variant: Variant, options: RunOptions, folder: String, slots: JobSlots
  ) {
    var checked = checked
    // A foreign program keeps the host's time (LANGUAGE, `pace`).
    let isForeign = checked.topology.nodes.contains { options.devices[$0.name] != nil }
    if isForeign { checked.scenario.header.pace = 1 }
    self.checked = checked
    self.variant = variant
    self.options = options
    self.folder = folder
    self.slots = slots
    secrets = RunSecrets(homes: checked.topology.homes.map(\.name))
    environment = NodeEnvironment(topology: checked.topology, secrets: secrets, pace: checked.scenario.header.pace)
    addresses = NodeAddresses(checked.topology)
    feed = TraceFeed(PartyMap(checked.topology))
    faults = ArmedFaults(PartyMap(checked.topology))
    judge = Judge(checked.scenario, variant, checked.topology, slack: options.slack)
  }

  /// Never throws: what breaks becomes the verdict `error` or `inconclusive`.
  func run(signals: StopSignals) async -> VariantOutcome {
    await takeSlot()
    let began = HostClock.monotonic()
    let inbox = inbox
    let listener = signals.listen { inbox.post(.interrupted(signal: $0)) }
    var judgement: Judgement
    do {
      judgement = try await inHome()
    } catch let stop as Stop {
      judgement = stop.judgement
    } catch {
      judgement = Judgement(.error, reason: "\(error)")
    }
    signals.forget(listener)
    await home?.down()
    await giveSlot()
    let seconds = Double(HostClock.monotonic() - began) / 1e9
    return VariantOutcome(
      checked: checked, variant: variant, judgement: judgement, seconds: seconds, folder: folder, trace: trace)
  }

  /// The home and everything that is told from it, for as long as the run lasts.
  private func inHome() async throws -> Judgement {
    for option in checked.scenario.header.options { applySetting(of: option) }
    if options.backend == .loopback,
      let need = Need.missing(on: checked, variant, foreign: Set(options.devices.keys))
    {
      throw Stop(Judgement(.notApplicable, reason: "\(need)"))
    }
    if let reason = Support.missing(for: checked.topology) ?? Support.missing(for: checked.scenario.header.options) {
      throw Stop(Judgement(.inconclusive, reason: "not supported yet: \(reason)"))
    }
    let home = try options.backend.home(
      checked.topology, folder: folder, operatorOn: checked.topology.operatorNetwork,
      launcher: try Launcher.find(), wiring: wiring, taps: options.taps)
    self.home = home
    try home.up()
    // The operator's end of the wire is always there.
    if checked.topology.operatorNetwork != nil { try home.setPower(.on, of: "operator") }
    refreshFacts()
    let capture = try home.capture
    faults.gate.record(in: capture)
    let inbox = inbox
    let started = programs.started
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { for await progress in capture.progress { inbox.post(.captured(progress)) } }
      group.addTask { await Programs.follow(started, telling: inbox) }
      group.addTask { await self.attendToFaults() }
      defer { group.cancelAll() }
      let judgement = try await self.conduct(capture)
      await home.down()
      self.programs.endOfStarts()
      return judgement
    }
  }

  private func conduct(_ capture: any HomeCapture) async throws -> Judgement {
    note(.run(header, at: HostClock.wall()))
    while true {
      if let outcome = judge.outcome {
        note(.end(.finished, at: HostClock.wall()))
        return outcome
      }
      switch judge.needs {
      case .given where !isGivenDone:
        isGivenDone = true
        try await bringAboutGiven()
      case .perform(let phase) where phase >= performedPhases:
        performedPhases = phase + 1
        try await perform(phase: phase)
      case .facts(let requests, let until):
        if polls.areDue(for: requests) { try await poll(requests) }
        try await pump(until: min(until ?? .max, polls.next))
      case .wait(let until): try await pump(until: until)
      case .given, .perform, .done: try await pump(until: nil)
      }
    }
  }

  private var header: RunHeader {
    RunHeader(
      scenario: checked.scenario.name, variant: variant.description,
      choices: Dictionary(
        variant.settings.map { ($0.option, $0.choice.text) }, uniquingKeysWith: { first, _ in first }),
      slack: options.slack, pace: checked.scenario.header.pace, seed: options.seed, version: RunOptions.version)
  }

  // MARK: Reading what was captured

  /// Waits for the next happening, but no longer than `until` (CLOCK_REALTIME, nanoseconds), and takes it in.
  func pump(until: Int64?) async throws {
    let now = HostClock.wall()
    let target = max(now, min(until ?? .max, now + Pause.heartbeat))
    // The judge takes what came only when it knows that nothing earlier is still to come.
    if hasNews { try reach(now) }
    hasNews = false
    try reach(target)
    // Whoever only waits leaves the machine to others, and where others wait for a slot everybody has it in turn.
    if holdsSlot {
      let onlyWaits = inbox.isEmpty && target - now > Pause.worthASlot
      var isTurnOver = false
      if !onlyWaits, now - slotTakenAt > Pause.slotQuantum { isTurnOver = await slots.isWanted }
      if onlyWaits || isTurnOver { await giveSlot() }
    }
    let happenings = await inbox.next()
    if !holdsSlot { await takeSlot() }
    for happening in happenings { try take(happening) }
  }

  /// Asks to be told when everything before a time was captured, unless something is to be told before that anyway.
  private func reach(_ time: Int64) throws {
    guard time < reached || reached <= HostClock.wall() else { return }
    reached = time
    try home?.capture.reach(time)
  }

  private func take(_ happening: Happening) throws {
    switch happening {
    case .captured(let progress): try read(progress)
    case .line(let number, let text): programs.heard(text, from: number)
    case .ended(let number, let end):
      if let node = programs.ended(number, end) {
        note(.died(node: node, reason: died(node, end), at: HostClock.wall()))
      }
    case .stopped(let judgement): throw Stop(judgement)
    case .interrupted(let signal):
      note(.end(.aborted("signal \(signal)"), at: HostClock.wall()))
      throw Stop(Judgement(.inconclusive, reason: "interrupted by signal \(signal)"))
    case .called, .hungUp: break  // A scenario's home has no door.
    }
    if let step = clock.step() { note(.clockStep(nanoseconds: step, at: HostClock.wall())) }
  }

  private func read(_ progress: CaptureProgress) throws {
    guard let path = try home?.capture.path else { return }
    for item in try feed.read(path, upTo: progress.octets) {
      if case .event(let event) = item {
        learn(event)
        trace.append(event)
      }
      judge.consume(item)
      hasNews = true
    }
    for refusal in feed.drainRefusals() { knowledge.learn(refusalOf: refusal.from) }
    if let failure = progress.failure {
      throw Stop(Judgement(.error, reason: "the capture broke off: \(failure)"))
    }
    if progress.dropped > toldDropped {
      toldDropped = progress.dropped
      note(.captureLoss(frames: Int(clamping: progress.dropped), at: HostClock.wall()))
    }
    judge.consume(.clock(progress.completeUntil))
  }

  /// Writes into the capture; the judge hears of it when the file is read back.
  func note(_ note: Note) { try? home?.capture.note(note.text, at: note.time) }

  // MARK: Slots

  private func takeSlot() async {
    guard !holdsSlot else { return }
    holdsSlot = true
    await slots.take()
    slotTakenAt = HostClock.wall()
  }

  private func giveSlot() async {
    guard holdsSlot else { return }
    holdsSlot = false
    await slots.give()
  }

  private func applySetting(of option: Option) {
    guard let node = option.node, let key = option.key, case .node(let target)? = try? checked.names.resolve(node),
      let choice = variant[option.name]
    else { return }
    switch choice {
    case .isOn(let isOn): environment.settings[target.name, default: [:]][key.description] = .bool(isOn)
    case .value(let value): environment.settings[target.name, default: [:]][key.description] = .string(value.plainText)
    }
  }
}

/// How long the loop waits for what, in nanoseconds.
enum Pause {
  static let betweenPolls: Int64 = 10_000_000
  /// The longest wait without a look at the clock.
  static let heartbeat: Int64 = 1_000_000_000
  /// How long a variant keeps a slot that others want.
  static let slotQuantum: Int64 = 20_000_000
  /// A wait longer than this gives the job slot back.
  static let worthASlot: Int64 = 50_000_000
}

/// Ends a run before the judge has a verdict of its own.
struct Stop: Error {
  var judgement: Judgement
  init(_ judgement: Judgement) { self.judgement = judgement }
}

/// What a variant came to.
struct VariantOutcome: Sendable {
  var checked: CheckedScenario
  var variant: Variant
  var judgement: Judgement
  /// Wall time of the whole run.
  var seconds: Double
  var folder: String
  /// Every event of the run.
  var trace: [Event]
}
