// Rule S4: a set of partial assignments, moved event by event.

import ScenarioLanguage

/// Why an assignment could go no further.
struct Death: Sendable {
  enum Cause: Sendable {
    /// The line's `within` passed.
    case deadline(line: Int)
    /// The first event that the line selects does not meet its `with`.
    case judged(line: Int, Event)
    /// No repeat came of the event that the line had left to it.
    case noRepeat(line: Int)
    case off(line: Int, Event)
    case forbidden(line: Int, Event)
    case notTaken(Event)
  }
  var cause: Cause
  var progress: Int
  var histories: [History]
}

/// Judges the lines of one phase.
struct Matcher: Sendable {
  /// Past this many partial assignments the pattern is refused.
  static let bound = 4096
  /// Assignments that only wait for a repeat cost nothing until it comes; past this many the pattern is refused too.
  static let leftBound = 65_536

  let plan: Plan
  let phase: Int
  let start: Int64
  /// Assignments that any event may move.
  var assignments: [Assignment] = []
  /// Assignments outside of groups that left an event for a repeat of it, by its chain: nothing else moves them.
  var left: [Int: Waiting] = [:]
  var leftCount = 0
  private var leftSweepAt = 1024
  /// The assignment that came farthest before it died.
  var farthestDeath: Death?
  /// The two lines that overlap too much, once the bound is passed.
  var overflow: (Int, Int)?
  /// Earliest moment at which an assignment dies of itself.
  var nextDeath: Int64 = .max

  /// The assignment that is through first, and when its `expect` ends (rule S6).
  var through: (assignment: Int, time: Int64)?
  /// The moment at which the last assignment died of itself.
  var allDeadSince: Int64?

  struct Waiting: Sendable {
    var assignments: [Assignment]
    /// When the repeat can come no longer.
    var until: Int64
  }

  /// How an event is to be dealt with.
  enum Manner {
    /// Some line must take it.
    case take
    /// It may be passed over only where no line claims it.
    case pass
    case takeOrPass
  }

  /// True while some assignment outside of groups waits for a fact; the events that came meanwhile are kept then.
  var isWaitingForFacts = false
  var recent: [Sighting] = []
  /// The assignments around the one that is being moved, for telling a death's whole past.
  var surroundings: [(group: Assignment, cluster: Int, joint: Joint, member: Int)] = []
  var hasChanged = false

  /// - Parameter start: when the phase began: CLOCK_REALTIME in nanoseconds.
  init(_ plan: Plan, phase: Int, start: Int64, after earlier: Assignment?) {
    self.plan = plan
    self.phase = phase
    self.start = start
    var first = Assignment(position: plan.phases[phase].start, base: start, counters: plan.counters)
    if let earlier {
      first.environment = earlier.environment
      first.stepTimes = earlier.stepTimes
      first.history = earlier.history
      first.headroom = earlier.headroom
      first.progress = earlier.progress
    }
    var starts: [Assignment] = []
    rest(first, into: &starts)
    assignments = starts
    update()
  }

  // MARK: Events

  mutating func take(_ sighting: Sighting) {
    expire(before: sighting.event.time)
    // Most events concern no line at all.
    if sighting.selected.isEmpty, sighting.undecided.isEmpty, !plan.isStrict || sighting.failsNothing { return }
    if isWaitingForFacts { remember(sighting) }
    hasChanged = false
    var next: [Assignment] = []
    next.reserveCapacity(assignments.count + 1)
    for assignment in assignments { move(assignment, sighting, into: &next) }
    if sighting.isRepeat { resume(sighting, into: &next) } else { holdToAccount(sighting) }
    guard hasChanged else { return }
    settle(next, at: sighting.event.time)
  }

  /// Moves one whole assignment by the event.
  mutating func move(_ assignment: Assignment, _ sighting: Sighting, into next: inout [Assignment]) {
    guard let cause = obligation(assignment, sighting) else {
      return advance(assignment, sighting, .takeOrPass, into: &next)
    }
    let count = next.count
    advance(assignment, sighting, .take, into: &next)
    hasChanged = true
    if next.count == count { died(assignment, cause) }
  }

  private mutating func remember(_ sighting: Sighting) {
    if recent.count >= Matcher.bound { recent.removeFirst(Matcher.bound / 2) }
    recent.append(sighting)
  }

  /// The repeat of an event that assignments have left for it: each of them may take it.
  private mutating func resume(_ sighting: Sighting, into next: inout [Assignment]) {
    guard let waiting = left[sighting.chain] else { return }
    for assignment in waiting.assignments where assignment.deadline >= sighting.event.time {
      guard case .line(let line) = plan.code[assignment.position] else { continue }
      taken(line, assignment, sighting, into: &next)
    }
    left[sighting.chain]?.until = sighting.event.time.addingSaturated(plan.repeatWindow)
  }

  /// Ends the waiting assignments for which the event, which they can't take, is one too many.
  private mutating func holdToAccount(_ sighting: Sighting) {
    guard leftCount > 0,
      plan.isStrict || sighting.selected.contains(where: isUnwanted) || sighting.undecided.contains(where: isUnwanted)
    else { return }
    for (chain, waiting) in left {
      let still = waiting.assignments.filter { assignment in
        if let cause = obligation(assignment, sighting) {
          died(assignment, cause)
          return false
        }
        if let line = forbids(assignment, sighting) {
          died(assignment, .forbidden(line: line, sighting.event))
          return false
        }
        return true
      }
      guard still.count < waiting.assignments.count else { continue }
      keep(still, chain)
      hasChanged = true
    }
  }

  mutating func keep(_ still: [Assignment], _ chain: Int) {
    guard let waiting = left[chain] else { return }
    leftCount += still.count - waiting.assignments.count
    left[chain] = still.isEmpty ? nil : Waiting(assignments: still, until: waiting.until)
  }

  private func isUnwanted(_ line: Int) -> Bool {
    plan.lines[line].offBecause != nil || plan.forbidding.contains(line)
  }

  /// Makes `next` the assignments, those that wait for a repeat apart.
  mutating func settle(_ next: [Assignment], at time: Int64) {
    assignments = []
    for assignment in next {
      if let chain = assignment.pending {
        left[chain, default: Waiting(assignments: [], until: assignment.pendingUntil)].assignments.append(assignment)
        leftCount += 1
      } else {
        assignments.append(assignment)
      }
    }
    merge(&assignments)
    if leftCount > leftSweepAt {
      sweepLeft(at: time)
      leftSweepAt = max(1024, leftCount * 2)
    }
    update()
    checkBound()
  }

  /// What makes the event one that this assignment must take: an off line (S5) or `strict` (S6).
  func obligation(_ assignment: Assignment, _ sighting: Sighting) -> Death.Cause? {
    guard !sighting.failsNothing else { return nil }
    if plan.isStrict { return .notTaken(sighting.event) }
    for line in sighting.selected + sighting.undecided {
      guard plan.lines[line].offBecause != nil, plan.phases[phase].offLines.contains(line),
        isOpen(plan.lines[line].expect, assignment, at: sighting.event.time),
        selects(line, sighting, assignment.environment)
      else { continue }
      return .off(line: line, sighting.event)
    }
    return nil
  }

  /// True until the assignment has passed the end of the `expect` and its settling.
  func isOpen(_ expect: Int, _ assignment: Assignment, at time: Int64) -> Bool {
    guard assignment.marks.indices.contains(expect) else { return true }
    return time <= assignment.marks[expect].addingSaturated(plan.settle)
  }

  func selects(_ line: Int, _ sighting: Sighting, _ environment: Environment) -> Bool {
    if sighting.selected.contains(line) { return true }
    return sighting.undecided.contains(line) && plan.lines[line].selects(sighting.event.fields, environment)
  }

  /// The line of a `never` that the event meets, its `with` included.
  func forbids(_ assignment: Assignment, _ sighting: Sighting) -> Int? {
    guard !assignment.forbidden.isEmpty, !sighting.isRepeat else { return nil }
    return assignment.forbidden.first { line in
      (!sighting.event.isBackground || plan.lines[line].names(sighting.event, assignment.environment))
        && selects(line, sighting, assignment.environment)
        && plan.lines[line].approves(sighting.event.fields, assignment.environment)
    }
  }

  /// Appends every assignment that `assignment` can become by the event.
  mutating func advance(
    _ assignment: Assignment, _ sighting: Sighting, _ manner: Manner, into next: inout [Assignment]
  ) {
    var manner = manner
    let forbidding = forbids(assignment, sighting)
    if let forbidding, manner != .take {
      hasChanged = true
      guard manner == .takeOrPass else { return died(assignment, .forbidden(line: forbidding, sighting.event)) }
      manner = .take
    }
    let count = next.count
    switch plan.code[assignment.position] {
    case .line(let line): meet(line, assignment, sighting, manner, into: &next)
    case .fork(let group): advanceGroup(group, assignment, sighting, manner, into: &next)
    default: if manner != .take { next.append(assignment) }
    }
    if let forbidding, next.count == count { died(assignment, .forbidden(line: forbidding, sighting.event)) }
  }

  mutating func meet(
    _ id: Int, _ assignment: Assignment, _ sighting: Sighting, _ manner: Manner, into next: inout [Assignment]
  ) {
    let line = plan.lines[id]
    if let chain = assignment.pending {
      // It waits for a repeat of the event that it left.
      if chain == sighting.chain, manner != .pass { taken(id, assignment, sighting, into: &next) }
      guard manner != .take else { return }
      var waiting = assignment
      if chain == sighting.chain {
        waiting.pendingUntil = sighting.event.time.addingSaturated(plan.repeatWindow)
        hasChanged = true
      }
      next.append(waiting)
      return
    }
    guard selects(id, sighting, assignment.environment) else {
      if manner != .take { next.append(assignment) }
      return
    }
    // Repeats, and background that the line does not name, may be passed over; any other event is the first one.
    let isFree = sighting.isRepeat || sighting.event.isBackground && !line.names(sighting.event, assignment.environment)
    let isApproved = line.approves(sighting.event.fields, assignment.environment)
    if manner != .pass {
      if isApproved {
        taken(id, assignment, sighting, into: &next)
        if !isFree {
          var waiting = assignment
          waiting.pending = sighting.chain
          waiting.pendingUntil = sighting.event.time.addingSaturated(plan.repeatWindow)
          next.append(waiting)
        }
      } else if !isFree {
        hasChanged = true
        died(assignment, .judged(line: id, sighting.event))
      }
    }
    if manner != .take, isFree { next.append(assignment) }
  }

  /// The assignment after its line took the event.
  mutating func taken(
    _ id: Int, _ assignment: Assignment, _ sighting: Sighting, into next: inout [Assignment]
  ) {
    let line = plan.lines[id]
    if sighting.isRepeat, surroundings.isEmpty, isThereAlready(line, assignment) { return }
    hasChanged = true
    let event = sighting.event
    var after = assignment
    for save in line.saves {
      after.environment[save.variable] = ValueTest.value(at: save.path, in: event.fields) ?? .null
    }
    if let step = line.step, plan.timedSteps.contains(plan.steps[step].number) {
      after.stepTimes[plan.steps[step].number] = event.time
    }
    if assignment.deadline != .max {
      let tightest = TightestDeadline(
        limit: assignment.limit, used: max(0, assignment.limit - (assignment.deadline - event.time)), line: id)
      if tightest.isTighter(than: after.headroom) { after.headroom = tightest }
    }
    after.history = History(.taken(line: id, event: event), after: assignment.history)
    goOn(&after, at: event.time)
    rest(after, into: &next)
  }

  /// True where taking a repeat would make an assignment that is dominated by one at hand: millions of repeats may come.
  private func isThereAlready(_ line: Line, _ assignment: Assignment) -> Bool {
    let position = assignment.position + 1
    guard line.saves.isEmpty, line.step.map({ !plan.timedSteps.contains(plan.steps[$0].number) }) ?? true else {
      return false
    }
    if let forbidden = plan.tails[position] {
      return assignments.contains { other in
        if case .accept = plan.code[other.position] {
          assignment.hasPast(of: other, forbidding: forbidden)
        } else {
          false
        }
      }
    }
    guard case .line(let after) = plan.code[position], plan.lines[after].within == nil else { return false }
    return assignments.contains { $0.position == position && $0.isLike(assignment) }
  }

  /// Steps over the line or the fact at which `assignment` stood.
  func goOn(_ assignment: inout Assignment, at time: Int64) {
    assignment.position += 1
    assignment.base = time
    assignment.pending = nil
    assignment.pendingUntil = .max
    assignment.deadline = .max
    assignment.forbidden = []
    assignment.progress += 1
    assignment.moved = Array(repeating: true, count: plan.counters)
  }
}
