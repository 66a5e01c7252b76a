// Time, facts and bookkeeping.
extension Matcher {
  /// Ends what must have happened before `time` and did not, one moment after the other.
  mutating func expire(before time: Int64) {
    while nextDeath < time, !isDead {
      let moment = nextDeath
      assignments = assignments.compactMap { alive($0, at: moment + 1) }
      // Those that wait for a repeat are looked at when it comes, or when there is nothing else left.
      if assignments.isEmpty { sweepLeft(at: moment + 1) }
      if isDead { allDeadSince = moment }
      merge(&assignments)
      update()
    }
  }

  /// True where no assignment can go on.
  var isDead: Bool { assignments.isEmpty && leftCount == 0 }

  /// Ends the assignments whose repeat did not come before `time`.
  mutating func sweepLeft(at time: Int64) {
    for (chain, waiting) in left {
      if waiting.until >= time, waiting.assignments.allSatisfy({ $0.deadline >= time }) { continue }
      let still = waiting.assignments.compactMap { assignment in
        var assignment = assignment
        assignment.pendingUntil = waiting.until
        return alive(assignment, at: time)
      }
      if still.count < waiting.assignments.count { keep(still, chain) }
    }
  }

  mutating func alive(_ assignment: Assignment, at time: Int64) -> Assignment? {
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

  /// The first assignment that waits for a fact.
  var waitingForFacts: Assignment? {
    assignments.first { if case .wait = plan.code[$0.position] { true } else { false } }
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
  /// - Parameter lastFalse: when each was last read and not true. It became true at some moment since, so that what
  ///   came in between may have come after it.
  mutating func observe(_ facts: Set<Int>, lastFalse: [Int: Int64], at time: Int64) {
    expire(before: time)
    var next: [Assignment] = []
    for assignment in assignments {
      guard case .wait(let fact) = plan.code[assignment.position], facts.contains(fact) else {
        observe(facts, assignment, at: time, into: &next)
        continue
      }
      let since = max(assignment.base, lastFalse[fact] ?? .min)
      var after: [Assignment] = []
      observe(facts, assignment, at: time, into: &after)
      for sighting in recent where sighting.event.time > since {
        var moved: [Assignment] = []
        for assignment in after { move(assignment, sighting, into: &moved) }
        after = moved
        merge(&after)
      }
      next += after
    }
    settle(next, at: time)
  }

  mutating func observe(
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

  mutating func update() {
    nextDeath = .max
    func visit(_ assignment: Assignment) {
      nextDeath = min(nextDeath, assignment.expiry)
      for joints in assignment.group?.clusters ?? [] {
        for joint in joints { for member in joint.members { visit(member) } }
      }
    }
    through = nil
    isWaitingForFacts = assignments.contains { if case .wait = plan.code[$0.position] { true } else { false } }
    if !isWaitingForFacts, !recent.isEmpty { recent = [] }
    for (index, assignment) in assignments.enumerated() {
      visit(assignment)
      guard case .accept = plan.code[assignment.position] else { continue }
      var end = start
      for (mark, settles) in zip(assignment.marks, plan.phases[phase].settles) {
        end = max(end, settles ? mark.addingSaturated(plan.settle) : mark)
      }
      if through.map({ end < $0.time }) ?? true { through = (index, end) }
    }
    guard assignments.isEmpty else { return }
    for waiting in left.values {
      for assignment in waiting.assignments { nextDeath = min(nextDeath, assignment.deadline, waiting.until) }
    }
  }

  mutating func died(_ assignment: Assignment, _ cause: Death.Cause) {
    var progress = assignment.totalProgress
    for place in surroundings {
      progress += place.group.progress
      for (index, joints) in (place.group.group?.clusters ?? []).enumerated() where index != place.cluster {
        progress += joints.map(\.progress).max() ?? 0
      }
      for (index, member) in place.joint.members.enumerated() where index != place.member {
        progress += member.totalProgress
      }
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
}
