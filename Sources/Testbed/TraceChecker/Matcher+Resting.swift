// From one line to the next: what is passed through without an event.

extension Matcher {
  /// Appends the assignments at the lines, facts, forks and ends that `assignment` can reach without an event.
  mutating func rest(_ assignment: Assignment, into next: inout [Assignment]) {
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

  mutating func enter(_ id: Int, _ assignment: Assignment, into next: inout [Assignment]) {
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
