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
  private(set) var assignments: [Assignment] = []
  /// The assignment that came farthest before it died.
  private(set) var farthestDeath: Death?
  /// The two lines that overlap too much, once the bound is passed.
  private(set) var overflow: (Int, Int)?
  /// Earliest moment at which an assignment dies of itself.
  private(set) var nextDeath: Int64 = .max

  /// How an event is to be dealt with.
  enum Manner {
    /// Some line must take it.
    case take
    /// It may be passed over only where no line claims it.
    case pass
    case takeOrPass
  }

  /// The assignments around the one that is being moved, for telling a death's whole past.
  private var surroundings: [(group: Assignment, cluster: Int, joint: Joint, member: Int)] = []
  private var hasChanged = false

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
  private func obligation(_ assignment: Assignment, _ sighting: Sighting) -> Death.Cause? {
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
  private func isOpen(_ expect: Int, _ assignment: Assignment, at time: Int64) -> Bool {
    guard assignment.marks.indices.contains(expect) else { return true }
    return time <= assignment.marks[expect].addingSaturated(plan.settle)
  }

  func selects(_ line: Int, _ sighting: Sighting, _ environment: Environment) -> Bool {
    if sighting.selected.contains(line) { return true }
    return sighting.undecided.contains(line) && plan.lines[line].selects(sighting.event.fields, environment)
  }

  /// The line of a `never` that the event meets, its `with` included.
  private func forbids(_ assignment: Assignment, _ sighting: Sighting) -> Int? {
    guard !assignment.forbidden.isEmpty, !sighting.isRepeat else { return nil }
    return assignment.forbidden.first { line in
      (!sighting.event.isBackground || plan.lines[line].namesBackground)
        && selects(line, sighting, assignment.environment)
        && plan.lines[line].approves(sighting.event.fields, assignment.environment)
    }
  }

  /// Appends every assignment that `assignment` can become by the event.
  private mutating func advance(
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

  private mutating func meet(
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
  private mutating func taken(
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
  private func goOn(_ assignment: inout Assignment, at time: Int64) {
    assignment.position += 1
    assignment.base = time
    assignment.pending = nil
    assignment.pendingUntil = .max
    assignment.deadline = .max
    assignment.forbidden = []
    assignment.progress += 1
    for counter in assignment.moved.indices { assignment.moved[counter] = true }
  }

  // MARK: Groups

  private mutating func advanceGroup(
    _ id: Int, _ assignment: Assignment, _ sighting: Sighting, _ manner: Manner, into next: inout [Assignment]
  ) {
    guard let group = assignment.group else { return }
    var affected: [Int] = []
    for line in sighting.selected + sighting.undecided {
      for place in plan.lines[line].ancestry where place.group == id && !affected.contains(place.cluster) {
        affected.append(place.cluster)
      }
    }
    guard !affected.isEmpty else {
      if manner != .take { next.append(assignment) }
      return
    }
    // A `never` before the group ends with the first line that is taken in it: the two ways part.
    if manner == .takeOrPass, !assignment.forbidden.isEmpty {
      advanceGroup(id, assignment, sighting, .take, into: &next)
      advanceGroup(id, assignment, sighting, .pass, into: &next)
      return
    }
    if manner == .take {
      // Clusters have no event in common: the others are as they were.
      for cluster in affected {
        move(assignment, group, [cluster], sighting, .take, into: &next)
      }
    } else {
      move(assignment, group, affected, sighting, manner, into: &next)
    }
  }

  private mutating func move(
    _ assignment: Assignment, _ group: GroupState, _ affected: [Int], _ sighting: Sighting, _ manner: Manner,
    into next: inout [Assignment]
  ) {
    var after = assignment
    if manner == .take { after.forbidden = [] }
    var completions: [(cluster: Int, joint: Joint)] = []
    for cluster in affected {
      var joints: [Joint] = []
      for joint in group.clusters[cluster] {
        let kept = joints.count
        moveJoint(assignment, cluster, joint, sighting, manner, into: &joints)
        if isThrough(joint) { continue }
        for moved in joints[kept...] where isThrough(moved) { completions.append((cluster, moved)) }
      }
      mergeJoints(&joints)
      after.group?.clusters[cluster] = joints
      if joints.count > Matcher.bound, overflow == nil, case .fork(let id) = plan.code[assignment.position] {
        overflow = plan.groups[id].rivals[cluster] ?? headLines()
      }
    }
    finish(after, completions, at: sighting.event.time, into: &next)
  }

  private mutating func moveJoint(
    _ assignment: Assignment, _ cluster: Int, _ joint: Joint, _ sighting: Sighting, _ manner: Manner,
    into joints: inout [Joint]
  ) {
    if joint.members.count == 1 {
      for member in advanced(assignment, cluster, joint, 0, sighting, manner) {
        joints.append(Joint(members: [member]))
      }
      return
    }
    if manner != .pass {
      // One member takes it; no other member's line is hurt by that.
      for index in joint.members.indices {
        for member in advanced(assignment, cluster, joint, index, sighting, .take) {
          var other = joint
          other.members[index] = member
          joints.append(other)
        }
      }
    }
    guard manner != .take else { return }
    // No member takes it: then none may claim it.
    var other = joint
    for index in joint.members.indices {
      guard let member = advanced(assignment, cluster, joint, index, sighting, .pass).first else { return }
      other.members[index] = member
    }
    joints.append(other)
  }

  private mutating func advanced(
    _ assignment: Assignment, _ cluster: Int, _ joint: Joint, _ member: Int, _ sighting: Sighting, _ manner: Manner
  ) -> [Assignment] {
    surroundings.append((assignment, cluster, joint, member))
    defer { surroundings.removeLast() }
    var result: [Assignment] = []
    advance(joint.members[member], sighting, manner, into: &result)
    if result.isEmpty, manner == .pass { hasChanged = true }
    return result
  }

  private func isThrough(_ joint: Joint) -> Bool {
    joint.members.allSatisfy { if case .accept = plan.code[$0.position] { true } else { false } }
  }

  /// Goes on after the group for every completion, and keeps the group where it can still come through otherwise.
  private mutating func finish(
    _ assignment: Assignment, _ completions: [(cluster: Int, joint: Joint)], at time: Int64,
    into next: inout [Assignment]
  ) {
    guard let group = assignment.group else { return }
    let through = group.clusters.map { $0.filter { isThrough($0) } }
    for completion in completions {
      var combinations: [[Joint]] = [[]]
      for cluster in group.clusters.indices {
        let choices = cluster == completion.cluster ? [completion.joint] : through[cluster]
        combinations = combinations.flatMap { chosen in choices.map { chosen + [$0] } }
        if combinations.count > Matcher.bound {
          overflow = overflow ?? headLines()
          return
        }
      }
      for joints in combinations {
        rest(joined(assignment, joints.flatMap(\.members), at: time), into: &next)
      }
    }
    guard group.clusters.allSatisfy({ !$0.isEmpty }),
      !zip(group.clusters, through).allSatisfy({ $0.count == $1.count })
    else { return }
    next.append(assignment)
  }

  /// The assignment behind the group, with what its members saved.
  private func joined(_ assignment: Assignment, _ members: [Assignment], at time: Int64) -> Assignment {
    var after = assignment
    let progress = members.reduce(assignment.progress) { $0 + $1.progress }
    goOn(&after, at: time)
    after.group = nil
    after.progress = progress
    for member in members {
      after.environment.merge(member.environment) { _, new in new }
      after.stepTimes.merge(member.stepTimes) { max($0, $1) }
      if let headroom = member.headroom, headroom.isTighter(than: after.headroom) { after.headroom = headroom }
    }
    let pasts = members.compactMap(\.history)
    if !pasts.isEmpty { after.history = History(.joined(pasts), after: assignment.history) }
    return after
  }

  // MARK: Resting places

  /// Appends the assignments at the lines, facts, forks and ends that `assignment` can reach without an event.
  private mutating func rest(_ assignment: Assignment, into next: inout [Assignment]) {
    var stack = [assignment]
    while var current = stack.popLast() {
      guard next.count <= Matcher.bound * 2 else {
        overflow = overflow ?? headLines()
        return
      }
      switch plan.code[current.position] {
      case .line(let line):
        if let within = plan.lines[line].within {
          let base = plan.lines[line].withinStep.flatMap { current.stepTimes[$0] } ?? current.base
          current.limit = within
          current.deadline = base.addingSaturated(within)
        }
        next.append(current)
      case .wait, .accept: next.append(current)
      case .split(let targets):
        for target in targets.reversed() {
          var branch = current
          branch.position = target
          stack.append(branch)
        }
      case .jump(let target):
        current.position = target
        stack.append(current)
      case .enter(let counter):
        current.counters[counter] = 0
        current.moved[counter] = true
        current.position += 1
        stack.append(current)
      case .loop(let counter, let low, let high, let exit):
        // A round that took nothing ends the loop: any number of such rounds may follow.
        let isIdle = !current.moved[counter]
        if current.counters[counter] < high, !isIdle {
          var again = current
          again.counters[counter] += 1
          again.moved[counter] = false
          again.position += 1
          stack.append(again)
        }
        if current.counters[counter] >= low || isIdle {
          current.counters[counter] = 0
          current.moved[counter] = false
          current.position = exit
          stack.append(current)
        }
      case .fork(let group): enter(group, current, into: &next)
      case .forbid(let lines):
        current.forbidden += lines
        current.position += 1
        stack.append(current)
      case .mark:
        current.marks.append(current.base)
        current.position += 1
        stack.append(current)
      }
    }
  }

  private mutating func enter(_ id: Int, _ assignment: Assignment, into next: inout [Assignment]) {
    let group = plan.groups[id]
    var state = GroupState(clusters: [])
    for cluster in group.clusters {
      var joints = [Joint(members: [])]
      for member in cluster {
        var first = Assignment(position: group.members[member], base: assignment.base, counters: plan.counters)
        first.environment = assignment.environment
        first.stepTimes = assignment.stepTimes
        var starts: [Assignment] = []
        rest(first, into: &starts)
        joints = joints.flatMap { joint in starts.map { Joint(members: joint.members + [$0]) } }
        if joints.count > Matcher.bound {
          overflow = overflow ?? group.rivals[state.clusters.count] ?? headLines()
          return
        }
      }
      state.clusters.append(joints)
    }
    var inside = assignment
    inside.group = state
    // Where every member may be passed over, the group may.
    let empty = state.clusters.map { $0.first { isThrough($0) } }
    if empty.allSatisfy({ $0 != nil }) {
      var after = joined(inside, empty.flatMap { $0?.members ?? [] }, at: assignment.base)
      after.forbidden = assignment.forbidden
      after.moved = assignment.moved
      rest(after, into: &next)
    }
    if !state.clusters.allSatisfy({ $0.allSatisfy { isThrough($0) } }) { next.append(inside) }
  }
}

// Time, facts and bookkeeping.
extension Matcher {
  /// Ends what must have happened before `time` and did not.
  mutating func expire(before time: Int64) {
    guard time > nextDeath else { return }
    assignments = assignments.compactMap { alive($0, at: time) }
    merge(&assignments)
    update()
  }

  private mutating func alive(_ assignment: Assignment, at time: Int64) -> Assignment? {
    if case .line(let line) = plan.code[assignment.position] {
      if assignment.deadline < time {
        died(assignment, .deadline(line: line))
        return nil
      }
      if assignment.pendingUntil < time {
        died(assignment, .noRepeat(line: line))
        return nil
      }
    }
    guard let group = assignment.group else { return assignment }
    var after = assignment
    for (cluster, joints) in group.clusters.enumerated() {
      let left = joints.compactMap { joint -> Joint? in
        var kept: [Assignment] = []
        for (index, member) in joint.members.enumerated() {
          surroundings.append((assignment, cluster, joint, index))
          defer { surroundings.removeLast() }
          guard let member = alive(member, at: time) else { return nil }
          kept.append(member)
        }
        return Joint(members: kept)
      }
      if left.isEmpty { return nil }
      after.group?.clusters[cluster] = left
    }
    return after
  }

  /// The facts that some assignment waits for.
  var awaitedFacts: Set<Int> {
    var facts: Set<Int> = []
    func visit(_ assignment: Assignment) {
      if case .wait(let fact) = plan.code[assignment.position] { facts.insert(fact) }
      for joints in assignment.group?.clusters ?? [] {
        for joint in joints { for member in joint.members { visit(member) } }
      }
    }
    for assignment in assignments { visit(assignment) }
    return facts
  }

  /// Rule S9: the facts were true at `time`.
  mutating func observe(_ facts: Set<Int>, at time: Int64) {
    expire(before: time)
    var next: [Assignment] = []
    for assignment in assignments { observe(facts, assignment, at: time, into: &next) }
    assignments = next
    merge(&assignments)
    update()
    checkBound(next.last?.position)
  }

  private mutating func observe(
    _ facts: Set<Int>, _ assignment: Assignment, at time: Int64, into next: inout [Assignment]
  ) {
    if case .wait(let fact) = plan.code[assignment.position], facts.contains(fact) {
      var after = assignment
      after.history = History(.observed(fact: fact, at: time), after: assignment.history)
      goOn(&after, at: time)
      return rest(after, into: &next)
    }
    guard let group = assignment.group else { return next.append(assignment) }
    var after = assignment
    var completions: [(cluster: Int, joint: Joint)] = []
    for (cluster, joints) in group.clusters.enumerated() {
      var moved: [Joint] = []
      for joint in joints {
        var states = [Joint(members: [])]
        for member in joint.members {
          var results: [Assignment] = []
          observe(facts, member, at: time, into: &results)
          states = states.flatMap { state in results.map { Joint(members: state.members + [$0]) } }
        }
        if !isThrough(joint) { completions += states.filter { isThrough($0) }.map { (cluster, $0) } }
        moved += states
      }
      after.group?.clusters[cluster] = moved
    }
    finish(after, completions, at: time, into: &next)
  }

  private mutating func update() {
    nextDeath = .max
    func visit(_ assignment: Assignment) {
      nextDeath = min(nextDeath, assignment.deadline, assignment.pendingUntil)
      for joints in assignment.group?.clusters ?? [] {
        for joint in joints { for member in joint.members { visit(member) } }
      }
    }
    for assignment in assignments { visit(assignment) }
  }

  private mutating func died(_ assignment: Assignment, _ cause: Death.Cause) {
    var progress = assignment.totalProgress
    for place in surroundings {
      progress += place.group.totalProgress - place.joint.members[place.member].totalProgress
    }
    if let farthest = farthestDeath, farthest.progress >= progress { return }
    var histories = [assignment.history]
    for place in surroundings {
      histories.append(place.group.history)
      for (index, joints) in (place.group.group?.clusters ?? []).enumerated() where index != place.cluster {
        histories += joints.max { $0.progress < $1.progress }?.members.map(\.history) ?? []
      }
      for (index, member) in place.joint.members.enumerated() where index != place.member {
        histories.append(member.history)
      }
    }
    farthestDeath = Death(cause: cause, progress: progress, histories: histories.compactMap { $0 })
  }

  // MARK: Merging

  private func merge(_ list: inout [Assignment]) {
    guard list.count > 1 else { return }
    var kept: [Assignment] = []
    var byPosition: [Int: [Int]] = [:]
    for assignment in list {
      let rivals = byPosition[assignment.position] ?? []
      if rivals.contains(where: { kept[$0].dominates(assignment) }) { continue }
      if let weaker = rivals.first(where: { assignment.dominates(kept[$0]) }) {
        kept[weaker] = assignment
      } else {
        byPosition[assignment.position, default: []].append(kept.count)
        kept.append(assignment)
      }
    }
    list = kept
  }

  private func mergeJoints(_ list: inout [Joint]) {
    guard list.count > 1 else { return }
    var kept: [Joint] = []
    var byPositions: [[Int]: [Int]] = [:]
    for joint in list {
      let key = joint.members.map(\.position)
      let rivals = byPositions[key] ?? []
      if rivals.contains(where: { kept[$0].dominates(joint) }) { continue }
      if let weaker = rivals.first(where: { joint.dominates(kept[$0]) }) {
        kept[weaker] = joint
      } else {
        byPositions[key, default: []].append(kept.count)
        kept.append(joint)
      }
    }
    list = kept
  }

  private mutating func checkBound(_ position: Int?) {
    if assignments.count > Matcher.bound, overflow == nil { overflow = headLines() }
  }

  /// The two lines that most assignments wait for.
  private func headLines() -> (Int, Int) {
    var counts: [Int: Int] = [:]
    for assignment in assignments {
      if case .line(let line) = plan.code[assignment.position] { counts[line, default: 0] += 1 }
    }
    let heads = counts.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map(\.key)
    return (heads.first ?? 0, heads.dropFirst().first ?? heads.first ?? 0)
  }
}

extension Joint {
  var progress: Int { members.reduce(0) { $0 + $1.totalProgress } }
}

extension Int64 {
  /// The sum, or the largest number.
  func addingSaturated(_ other: Int64) -> Int64 {
    let (sum, isOver) = addingReportingOverflow(other)
    return isOver ? .max : sum
  }
}
