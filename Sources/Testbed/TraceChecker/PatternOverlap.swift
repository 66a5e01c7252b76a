// What `check` can say about a group before it is ever run.

import ScenarioLanguage
import TopologyLanguage

/// Two lines of a group that can take the same events, in so large a group that the bound of rule S4 may be passed.
public struct PatternOverlap: Sendable, Hashable {
  public var first: Position
  public var second: Position
  /// In the scenario's notation.
  public var firstText: String
  public var secondText: String

  /// For people, without a position.
  public var text: String {
    "\(firstText) and \(secondText) (line \(second.line)) overlap; more than \(Matcher.bound) partial assignments may follow"
  }

  /// Every such pair in a variant, one for each set of members that compete.
  public static func all(in scenario: Scenario, _ variant: Variant, _ topology: Topology) -> [PatternOverlap] {
    let plan = Planner.plan(scenario, guards: { variant.allows($0) }, topology, slack: 1, readsFacts: true)
    return plan.groups.flatMap { group -> [PatternOverlap] in
      zip(group.clusters, group.rivals).compactMap { cluster, rivals in
        guard let (a, b) = rivals else { return nil }
        var states = 1
        for member in cluster {
          states *= 1 + plan.lineCount(from: group.members[member])
          if states > Matcher.bound { break }
        }
        guard states > Matcher.bound else { return nil }
        let (first, second) = (plan.lines[a], plan.lines[b])
        return PatternOverlap(
          first: first.position, second: second.position, firstText: first.text, secondText: second.text)
      }
    }
  }
}

extension Plan {
  /// How many lines and facts the member that begins there has, groups inside it included.
  fileprivate func lineCount(from start: Int) -> Int {
    var count = 0
    var depth = 0
    var position = start
    while position < code.count {
      switch code[position] {
      case .line, .wait: count += 1
      case .fork(let group): depth += groups[group].members.count
      case .accept:
        if depth == 0 { return count }
        depth -= 1
      default: break
      }
      position += 1
    }
    return count
  }
}
