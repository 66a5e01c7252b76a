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

  let plan: Plan
  let phase: Int
  /// Whole assignments of the phase's lines, partial or not.
  var assignments: [Assignment] = []
  /// The assignment that came farthest before it died.
  var farthestDeath: Death?
  /// The two lines that overlap too much, once the bound is passed.
  var overflow: (Int, Int)?
  /// Earliest moment at which an assignment dies of itself.
  var nextDeath: Int64 = .max

  /// The moment at which the last assignment died of itself.
  var allDeadSince: Int64?

  /// How an event is to be dealt with.
  enum Manner {
    /// Some line must take it.
    case take
    /// It may be passed over only where no line claims it.
    case pass
    case takeOrPass
  }

  /// The assignments around the one that is being moved, for telling a death's whole past.
  var surroundings: [(group: Assignment, cluster: Int, joint: Joint, member: Int)] = []
  var hasChanged = false

  /// - Parameter start: when the phase began: CLOCK_REALTIME in nanoseconds.
  init(_ plan: Plan, phase: Int, start: Int64, after earlier: Assignment?) {
    self.plan = plan
    self.phase = phase
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
    hasChanged = false
    var next: [Assignment] = []
    next.reserveCapacity(assignments.count + 1)
    for assignment in assignments {
      guard let cause = obligation(assignment, sighting) else {
        advance(assignment, sighting, .takeOrPass, into: &next)
        continue
      }
      let count = next.count
      advance(assignment, sighting, .take, into: &next)
      hasChanged = true
      if next.count == count { died(assignment, cause) }
    }
    guard hasChanged else { return }
    assignments = next
    merge(&assignments)
    update()
    checkBound(next.last?.position)
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
      (!sighting.event.isBackground || plan.lines[line].namesBackground)
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
    let isFree = sighting.isRepeat || sighting.event.isBackground && !line.namesBackground
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
    hasChanged = true
    let line = plan.lines[id]
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

  /// Steps over the line or the fact at which `assignment` stood.
  func goOn(_ assignment: inout Assignment, at time: Int64) {
    assignment.position += 1
    assignment.base = time
    assignment.pending = nil
    assignment.pendingUntil = .max
    assignment.deadline = .max
    assignment.forbidden = []
    assignment.progress += 1
    for counter in assignment.moved.indices { assignment.moved[counter] = true }
  }
}
