// Clusters: members whose lines can meet the same event compete and are matched jointly; all others run apart, so that
// forty devices cost forty times one, not one to the fortieth.
extension Planner {
  mutating func cluster(_ group: Int) {
    let ranges = memberRanges[group]
    var root = Array(ranges.indices)
    var rivals: [Int: (Int, Int)] = [:]
    func find(_ member: Int) -> Int {
      var member = member
      while root[member] != member { member = root[member] }
      return member
    }
    for bucket in buckets(ranges) {
      for (index, (member, line)) in bucket.enumerated() {
        for (otherMember, otherLine) in bucket[(index + 1)...] {
          let (a, b) = (find(member), find(otherMember))
          guard member != otherMember, a != b || rivals[a] == nil,
            plan.lines[line].overlaps(plan.lines[otherLine])
          else { continue }
          let pair = rivals[a] ?? rivals[b] ?? (line, otherLine)
          root[max(a, b)] = min(a, b)
          rivals[min(a, b)] = pair
        }
      }
    }
    var clusterOf: [Int: Int] = [:]
    for member in ranges.indices {
      let top = find(member)
      let cluster = clusterOf[top] ?? plan.groups[group].clusters.count
      if clusterOf[top] == nil {
        clusterOf[top] = cluster
        plan.groups[group].clusters.append([])
        plan.groups[group].rivals.append(rivals[top])
      }
      plan.groups[group].clusters[cluster].append(member)
      for line in lines(in: ranges[member]) { plan.ancestry[line].append((group, cluster)) }
    }
  }

  private func lines(in range: Range<Int>) -> [Int] {
    plan.code[range].flatMap { instruction -> [Int] in
      switch instruction {
      case .line(let id): [id]
      case .forbid(let ids): ids
      default: []
      }
    }
  }

  /// Lines that may overlap stand in the same bucket: same NAME, and same FROM and TO unless some line says `any`.
  private func buckets(_ ranges: [Range<Int>]) -> [[(member: Int, line: Int)]] {
    var byName: [String: [(member: Int, line: Int)]] = [:]
    for (member, range) in ranges.enumerated() {
      for line in lines(in: range) { byName[plan.lines[line].name, default: []].append((member, line)) }
    }
    return byName.values.flatMap { bucket -> [[(member: Int, line: Int)]] in
      let isOpen = bucket.contains { plan.lines[$0.line].from == .any || plan.lines[$0.line].to == .any }
      if isOpen { return [bucket] }
      return Array(Dictionary(grouping: bucket) { [plan.lines[$0.line].from, plan.lines[$0.line].to] }.values)
    }
  }
}
