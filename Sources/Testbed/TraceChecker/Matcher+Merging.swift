// Equal and dominated assignments merge (rule S4), and the bound is kept.

extension Matcher {
  func merge(_ list: inout [Assignment]) {
    guard list.count > 1 else { return }
    var kept: [Assignment] = []
    var byPosition: [Int: [Int]] = [:]
    for assignment in list {
      let rivals = byPosition[assignment.position] ?? []
      if let stronger = rivals.first(where: { kept[$0].dominates(assignment) }) {
        // Of equals the one that explains more.
        if assignment.progress > kept[stronger].progress, assignment.dominates(kept[stronger]) {
          kept[stronger] = assignment
        }
        continue
      }
      if let weaker = rivals.first(where: { assignment.dominates(kept[$0]) }) {
        kept[weaker] = assignment
      } else {
        byPosition[assignment.position, default: []].append(kept.count)
        kept.append(assignment)
      }
    }
    list = kept
  }

  func mergeJoints(_ list: inout [Joint]) {
    guard list.count > 1 else { return }
    var kept: [Joint] = []
    var byPositions: [[Int]: [Int]] = [:]
    for joint in list {
      let key = joint.members.flatMap { [$0.position, $0.pending ?? -1] }
      let rivals = byPositions[key] ?? []
      if let stronger = rivals.first(where: { kept[$0].dominates(joint) }) {
        if joint.progress > kept[stronger].progress, joint.dominates(kept[stronger]) { kept[stronger] = joint }
        continue
      }
      if let weaker = rivals.first(where: { joint.dominates(kept[$0]) }) {
        kept[weaker] = joint
      } else {
        byPositions[key, default: []].append(kept.count)
        kept.append(joint)
      }
    }
    list = kept
  }

  mutating func checkBound() {
    if assignments.count > Matcher.bound || leftCount > Matcher.leftBound, overflow == nil { overflow = headLines() }
  }

  /// The two lines that most assignments wait for.
  func headLines() -> (Int, Int) {
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
