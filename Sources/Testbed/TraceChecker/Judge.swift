// The judge: one and the same for a run that goes on and for a finished file.

import LanguageKit
import ScenarioLanguage
import TopologyLanguage

/// Judges one variant of a scenario from a stream of items. Items wait until the clock has reached them and are then
/// taken in the order of their times, so that a run and its capture give the same verdict.
public struct Judge: Sendable {
  public enum Origin: Sendable, Hashable {
    /// The stream holds a runner's notes.
    case run
    /// A capture from elsewhere: `when` starts at the first event, facts are not judged.
    case elsewhere
  }

  enum Stage: Sendable, Equatable {
    case given
    case awaiting(phase: Int)
    case matching(phase: Int)
    case facts(phase: Int, then: Int)
    case over
  }

  let scenario: Scenario
  let plan: Plan
  let origin: Origin
  var stage: Stage
  var matcher: Matcher?
  var table: SightingTable
  /// Of all phases that are through.
  var past: Assignment?
  /// How many phases had all their lines taken.
  var phasesThrough = 0
  /// The first `when`.
  var started: Int64?
  var phaseStart: Int64 = 0
  var givenStart: Int64?
  /// Phases that the runner has begun, though the clock may not have reached that yet.
  private var announced = -1
  private var isGivenSettled = false
  /// The last phase whose actions were all performed.
  var performed = -1
  var lostFrames = 0
  /// Faults that the variant arms (`at ARROW do ...`), and how many befell their message so far.
  private let armedFaults: [Position]
  private var befallenFaults = 0
  /// The time up to which everything is known.
  private var now: Int64 = .min
  private var waiting = WaitingItems()
  var record = EventRecord()
  var factRecord = FactRecord()

  /// The verdict, as soon as it is certain.
  public internal(set) var outcome: Judgement?

  /// - Parameter slack: what every deadline is multiplied by; more than 0.
  public init(
    _ scenario: Scenario, _ variant: Variant, _ topology: Topology, slack: Double = 1, origin: Origin = .run
  ) {
    self.scenario = scenario
    self.origin = origin
    plan = Planner.plan(
      scenario, guards: { variant.allows($0) }, topology, slack: slack, readsFacts: origin == .run)
    table = SightingTable(plan)
    let actions = (scenario.given?.actions ?? []) + scenario.phases.flatMap(\.when)
    armedFaults =
      origin == .run ? actions.filter { $0.trigger != nil && variant.allows($0.guardian) }.map(\.position) : []
    stage = scenario.given != nil && origin == .run ? .given : .awaiting(phase: 0)
    if plan.phases.isEmpty { conclude(Judgement(.error, reason: "the scenario has no phase"), at: 0) }
  }

  // MARK: The stream

  /// Takes the next item; items may come somewhat out of order as long as none is earlier than a clock before it.
  public mutating func consume(_ item: TraceItem) {
    switch item {
    case .clock(let time):
      run(to: time)
    case .note(let note):
      switch note {
      case .phase(let phase, _): announced = max(announced, phase)
      case .given(.done, _), .given(.failed, _): isGivenSettled = true
      default: break
      }
      waiting.insert(item)
    case .event:
      waiting.insert(item)
    }
  }

  /// The stream has ended: judges what it held, and lets all deadlines pass.
  public mutating func finish() {
    run(to: .max)
    guard outcome == nil else { return }
    switch stage {
    case .given: conclude(Judgement(.inconclusive, reason: "the run ended before given came true"), at: now)
    case .awaiting(let phase) where started == nil:
      conclude(Judgement(.inconclusive, reason: "the run ended before phase \(phase + 1) began"), at: now)
    default: conclude(Judgement(.inconclusive, reason: "the run ended before there was a verdict"), at: now)
    }
  }

  private mutating func run(to time: Int64) {
    while outcome == nil, let item = waiting.next(notAfter: time) {
      advance(to: item.time)
      guard outcome == nil else { break }
      switch item {
      case .event(let event): see(event)
      case .note(let note): hear(note)
      case .clock: break
      }
    }
    if outcome == nil { advance(to: time) }
    now = max(now, time)
  }

  /// What the runner has to do next.
  public var needs: Need {
    switch stage {
    case .over: return .done
    case .given: return isGivenSettled ? .wait(until: givenDeadline) : .given
    case .awaiting(let phase):
      return phase > announced && origin == .run ? .perform(phase: phase) : .wait(until: limit)
    case .matching:
      let until = [limit, matcher?.nextDeath, settled].compactMap { $0 }.min()
      let facts = requests(matcher.map { $0.awaitedFacts.sorted() } ?? [])
      return facts.isEmpty ? .wait(until: until) : .facts(facts, until: until)
    case .facts(let phase, let then):
      return .facts(requests(plan.phases[phase].thens[then]), until: limit)
    }
  }

  var limit: Int64? { started.map { $0.addingSaturated(plan.timeLimit) } }
  private var givenDeadline: Int64? { givenStart.map { $0.addingSaturated(plan.givenLimit) } }

  // MARK: Time

  /// Decides everything that the passing of time decides before `time`.
  private mutating func advance(to time: Int64) {
    switch stage {
    case .given:
      if let deadline = givenDeadline, deadline < time {
        let limit = Notation.seconds(plan.givenLimit)
        conclude(Judgement(.inconclusive, reason: "given did not come true within \(limit)"), at: deadline)
      }
    case .awaiting, .facts: checkLimit(time)
    case .matching:
      if let settled, settled < time, settled <= limit ?? .max { return pass(at: settled, before: time) }
      let limit = limit ?? .max
      matcher?.expire(before: min(time, limit))
      if matcher?.isDead ?? true { return failByMatcher(at: min(time, limit)) }
      checkLimit(time)
    case .over: break
    }
  }

  private mutating func pass(at settled: Int64, before time: Int64) {
    endPhase(at: settled)
    // What comes after may be over by then as well.
    if outcome == nil { advance(to: time) }
  }

  private mutating func checkLimit(_ time: Int64) {
    guard let limit, limit < time else { return }
    switch stage {
    case .matching: failByLimit(at: limit)
    case .facts(let phase, let then): failByFacts(phase, then, at: limit)
    default:
      conclude(Judgement(.inconclusive, reason: "the time limit passed before the next phase began"), at: limit)
    }
  }

  /// When the `expect` blocks of the phase end, if nothing comes in between (rule S6).
  private var settled: Int64? {
    guard case .matching(let phase) = stage, performed >= phase || origin == .elsewhere else { return nil }
    return matcher?.through?.time
  }

  /// Ends the phase at once where nothing has to settle.
  mutating func passIfThrough(at time: Int64) {
    guard let settled, case .matching(let phase) = stage, settled <= time,
      !plan.phases[phase].settles.contains(true)
    else { return }
    endPhase(at: time)
  }

  // MARK: Phases

  private mutating func start(phase: Int, at time: Int64) {
    if started == nil { started = time }
    phaseStart = time
    record.begin()
    stage = .matching(phase: phase)
    matcher = Matcher(plan, phase: phase, start: time, after: past)
    checkOverflow(at: time)
    if outcome == nil { passIfThrough(at: time) }
  }

  private mutating func endPhase(at time: Int64) {
    guard case .matching(let phase) = stage, let matcher, let through = matcher.through else { return }
    past = matcher.assignments[through.assignment]
    phasesThrough = phase + 1
    self.matcher = nil
    factRecord = FactRecord(lastResult: factRecord.lastResult)
    if origin == .run, !plan.phases[phase].thens.isEmpty {
      stage = .facts(phase: phase, then: 0)
      skipEmptyThens(at: time)
    } else {
      next(after: phase, at: time)
    }
  }

  mutating func next(after phase: Int, at time: Int64) {
    if phase + 1 == plan.phases.count { return conclude(passed(at: time), at: time) }
    stage = .awaiting(phase: phase + 1)
    if origin == .elsewhere { start(phase: phase + 1, at: time) }
  }

  // MARK: Items

  private mutating func see(_ event: Event) {
    if origin == .elsewhere, stage == .awaiting(phase: 0) { start(phase: 0, at: event.time) }
    let sighting = table.sight(event)
    if event.name == "request-result" { factRecord.lastResult = event.fields }
    if started != nil { record.add(sighting) }
    guard outcome == nil, case .matching = stage else { return }
    matcher?.take(sighting)
    checkOverflow(at: event.time)
    guard outcome == nil else { return }
    if matcher?.isDead ?? true { return failByMatcher(at: event.time) }
    passIfThrough(at: event.time)
  }

  private mutating func checkOverflow(at time: Int64) {
    guard let (a, b) = matcher?.overflow else { return }
    let (first, second) = (plan.lines[a], plan.lines[b])
    conclude(
      Judgement(
        .error,
        reason: "\(first.position): more than \(Matcher.bound) partial assignments: \(first.text) (line "
          + "\(first.position.line)) and \(second.text) (line \(second.position.line)) overlap"), at: time)
  }

  private mutating func hear(_ note: Note) {
    switch note {
    case .run(_, let at), .given(.began, let at): givenStart = givenStart ?? at
    case .given(.done, _): if stage == .given { stage = .awaiting(phase: 0) }
    case .given(.failed(let reason), let at):
      conclude(Judgement(.inconclusive, reason: "given did not come true: \(reason)"), at: at)
    case .phase(let phase, let at):
      if stage == .awaiting(phase: phase) || stage == .given && phase == 0 { start(phase: phase, at: at) }
    case .performed(let phase, let at):
      performed = max(performed, phase)
      passIfThrough(at: at)
    case .facts(let observations, let at): observe(observations, at: at)
    case .died(let node, let reason, let at):
      conclude(Judgement(.error, reason: "the program of \(node) \(reason)"), at: at)
    case .captureLoss(let frames, _): lostFrames += max(0, frames)
    case .clockStep(let step, let at):
      conclude(Judgement(.inconclusive, reason: "the clock was set by \(Notation.moment(step))"), at: at)
    case .unsupported(let text, let position, let at):
      conclude(Judgement(.inconclusive, reason: "not supported yet: \(text) (\(position))"), at: at)
    case .notApplicable(let reason, let at): conclude(Judgement(.notApplicable, reason: reason), at: at)
    case .end(.aborted(let reason), let at):
      conclude(Judgement(.inconclusive, reason: "the run was ended: \(reason)"), at: at)
    case .end(.broke(let reason), let at): conclude(Judgement(.error, reason: reason), at: at)
    case .fault: befallenFaults += 1
    case .end(.finished, _), .action, .other: break
    }
  }

  mutating func conclude(_ judgement: Judgement, at time: Int64) {
    guard outcome == nil else { return }
    var judgement = judgement
    if judgement.verdict == .pass, lostFrames > 0 {
      judgement.verdict = .inconclusive
      judgement.reason = "\(lostFrames) frames crossed a link and were not captured"
      judgement.headroom = nil
    }
    // What the fault was to show was not seen.
    if judgement.verdict == .pass, befallenFaults < armedFaults.count {
      let places = armedFaults.map(\.description).joined(separator: ", ")
      judgement.verdict = .inconclusive
      judgement.reason = "\(armedFaults.count - befallenFaults) of the faults armed at \(places) befell no message"
      judgement.headroom = nil
    }
    judgement.started = started
    judgement.ended = time
    if judgement.steps.isEmpty, !plan.steps.isEmpty { judgement.steps = steps(histories, failed: nil) }
    if judgement.accounts.isEmpty { judgement.accounts = record.accounts(taken: histories, plan) }
    outcome = judgement
    stage = .over
    matcher = nil
  }
}

/// Items that the clock has not reached yet, in the order of their times; notes come before events of the same time.
struct WaitingItems: Sendable {
  private var items: [TraceItem] = []
  private var first = 0

  mutating func insert(_ item: TraceItem) {
    var index = items.count
    while index > first, item.precedes(items[index - 1]) { index -= 1 }
    if index == items.count { items.append(item) } else { items.insert(item, at: index) }
  }

  mutating func next(notAfter time: Int64) -> TraceItem? {
    guard first < items.count, items[first].time <= time else { return nil }
    // Moved out, not copied.
    var item = TraceItem.clock(0)
    swap(&item, &items[first])
    first += 1
    if first >= 4096, first * 2 >= items.count {
      items.removeFirst(first)
      first = 0
    }
    return item
  }
}

extension TraceItem {
  fileprivate func precedes(_ other: TraceItem) -> Bool {
    if time != other.time { return time < other.time }
    if case .note = self, case .event = other { return true }
    return false
  }
}
