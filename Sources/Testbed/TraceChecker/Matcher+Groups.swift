// Rule S7: `in any order` and `for`. Every cluster of a group holds all joint states that its members can be in.

extension Matcher {
  mutating func advanceGroup(
    _ id: Int, _ assignment: Assignment, _ sighting: Sighting, _ manner: Manner, into next: inout [Assignment]
  ) {
    guard let group = assignment.group else { return }
    var affected: [Int] = []
    for line in sighting.selected + sighting.undecided {
      for place in plan.ancestry[line] where place.group == id && !affected.contains(place.cluster) {
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

  mutating func move(
    _ assignment: Assignment, _ group: GroupState, _ affected: [Int], _ sighting: Sighting, _ manner: Manner,
    into next: inout [Assignment]
  ) {
    var after = assignment
    var completions: [(cluster: Int, joint: Joint)] = []
    // Joint states that left the event for a repeat of it, where that keeps a `never` before the group in force.
    var held = after
    for cluster in affected {
      var joints: [Joint] = []
      var waiting: [Joint] = []
      for joint in group.clusters[cluster] {
        let kept = joints.count
        moveJoint(assignment, cluster, joint, sighting, manner, into: &joints)
        if manner == .take, !assignment.forbidden.isEmpty {
          let took = joints[kept...].filter { $0.progress > joint.progress }
          waiting += joints[kept...].filter { $0.progress == joint.progress }
          joints[kept...] = took[...]
        }
        if isThrough(joint) { continue }
        for moved in joints[kept...] where isThrough(moved) { completions.append((cluster, moved)) }
      }
      mergeJoints(&joints)
      after.group?.clusters[cluster] = joints
      held.group?.clusters[cluster] = waiting
      if joints.count > Matcher.bound, overflow == nil, case .fork(let id) = plan.code[assignment.position] {
        overflow = plan.groups[id].rivals[cluster] ?? headLines()
      }
    }
    if manner == .take {
      after.forbidden = []
      if !assignment.forbidden.isEmpty { finish(held, [], at: sighting.event.time, into: &next) }
    }
    finish(after, completions, at: sighting.event.time, into: &next)
  }

  mutating func moveJoint(
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

  mutating func advanced(
    _ assignment: Assignment, _ cluster: Int, _ joint: Joint, _ member: Int, _ sighting: Sighting, _ manner: Manner
  ) -> [Assignment] {
    surroundings.append((assignment, cluster, joint, member))
    defer { surroundings.removeLast() }
    var result: [Assignment] = []
    advance(joint.members[member], sighting, manner, into: &result)
    if result.isEmpty, manner == .pass { hasChanged = true }
    return result
  }

  func isThrough(_ joint: Joint) -> Bool {
    joint.members.allSatisfy { if case .accept = plan.code[$0.position] { true } else { false } }
  }

  /// Goes on after the group for every completion, and keeps the group where it can still come through otherwise.
  mutating func finish(
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
  func joined(_ assignment: Assignment, _ members: [Assignment], at time: Int64) -> Assignment {
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
}
