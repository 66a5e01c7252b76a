// A partial assignment of events to lines: a position in the plan, what was saved on the way, and what is still owed.

/// Equal apart from deadline and history, two assignments have the same future; the later deadline dominates.
struct Assignment: Sendable {
  /// Index in the plan's code; always at a line, a fact, a fork or the end.
  var position: Int
  /// The chain of the first event that its line could have taken, when it left that event for a repeat of it.
  var pending: Int?
  /// When that repeat can come no longer.
  var pendingUntil: Int64 = .max
  var deadline: Int64 = .max
  /// What `deadline` was made from.
  var limit: Int64 = 0
  var environment: Environment = [:]
  /// The last event of each step that some `within` runs from.
  var stepTimes: [Int: Int64] = [:]
  var forbidden: [Int] = []
  var counters: [Int] = []
  /// Which loops have taken something since they were entered last.
  var moved: [Bool] = []
  /// When each `expect` of the phase was through.
  var marks: [Int64] = []
  var group: GroupState?
  /// The time of the line before.
  var base: Int64
  var history: History?
  /// How many lines were taken.
  var progress = 0
  var headroom: TightestDeadline?

  init(position: Int, base: Int64, counters: Int) {
    self.position = position
    self.base = base
    self.counters = Array(repeating: 0, count: counters)
    moved = Array(repeating: false, count: counters)
  }

  /// True where both have the same future, deadlines apart.
  func isTwin(of other: Assignment) -> Bool {
    position == other.position && pending == other.pending && counters == other.counters
      && forbidden == other.forbidden && moved == other.moved && marks == other.marks
      && environment == other.environment && group.isTwin(of: other.group)
  }

  /// True where `other` can pass only if this one can.
  func dominates(_ other: Assignment) -> Bool {
    guard isTwin(of: other), deadline >= other.deadline, pendingUntil >= other.pendingUntil else { return false }
    guard stepTimes.count == other.stepTimes.count,
      stepTimes.allSatisfy({ step, time in (other.stepTimes[step] ?? .max) <= time })
    else { return false }
    return group.dominates(other.group)
  }

  /// Lines taken, those in the group that it is in included.
  var totalProgress: Int {
    progress
      + (group?.clusters.reduce(0) { sum, joints in
        sum + (joints.map { $0.members.reduce(0) { $0 + $1.totalProgress } }.max() ?? 0)
      } ?? 0)
  }
}

/// Where the members of a group are: for each cluster every joint state that its members can be in.
struct GroupState: Sendable {
  var clusters: [[Joint]]
}

/// One state of all members of a cluster.
struct Joint: Sendable {
  var members: [Assignment]

  func dominates(_ other: Joint) -> Bool {
    members.count == other.members.count && zip(members, other.members).allSatisfy { $0.dominates($1) }
  }
}

extension GroupState? {
  func isTwin(of other: GroupState?) -> Bool {
    guard let self, let other else { return self == nil && other == nil }
    guard self.clusters.count == other.clusters.count else { return false }
    return zip(self.clusters, other.clusters).allSatisfy { mine, yours in
      mine.count == yours.count
        && zip(mine, yours).allSatisfy { zip($0.members, $1.members).allSatisfy { $0.isTwin(of: $1) } }
    }
  }

  func dominates(_ other: GroupState?) -> Bool {
    guard let self, let other else { return self == nil && other == nil }
    return zip(self.clusters, other.clusters).allSatisfy { mine, yours in
      zip(mine, yours).allSatisfy { $0.dominates($1) }
    }
  }
}

/// The deadline that left the least, as a share of what was allowed.
struct TightestDeadline: Sendable {
  var limit: Int64
  var used: Int64
  var line: Int

  func isTighter(than other: TightestDeadline?) -> Bool {
    guard let other else { return true }
    return Double(used) * Double(other.limit) > Double(other.used) * Double(limit)
  }
}

/// Which line took which event, newest first; shared between the assignments that it is the past of.
final class History: Sendable {
  enum Entry: Sendable {
    case taken(line: Int, event: Event)
    case observed(fact: Int, at: Int64)
    /// The pasts of a group's members.
    case joined([History])
  }
  let entry: Entry
  private nonisolated(unsafe) var earlierLink: History?

  init(_ entry: Entry, after earlier: History?) {
    self.entry = entry
    earlierLink = earlier
  }

  var earlier: History? { earlierLink }

  // A past may be a million entries long; released one by one, or the stack would not hold it. Written only here,
  // where nobody else holds the object any more: that is why `earlierLink` needs no lock.
  deinit {
    var next = earlierLink
    earlierLink = nil
    while isKnownUniquelyReferenced(&next), let history = next {
      next = history.earlierLink
      history.earlierLink = nil
    }
  }

  /// Every entry but `joined`, oldest first.
  static func entries(_ history: History?) -> [Entry] {
    var result: [Entry] = []
    var stack = [history].compactMap { $0 }
    while let top = stack.popLast() {
      var next: History? = top
      while let history = next {
        if case .joined(let pasts) = history.entry { stack += pasts } else { result.append(history.entry) }
        next = history.earlier
      }
    }
    return result.enumerated().sorted { a, b in
      let (first, second) = (a.element.time, b.element.time)
      return first != second ? first < second : a.offset > b.offset
    }.map(\.element)
  }
}

extension History.Entry {
  var time: Int64 {
    switch self {
    case .taken(_, let event): event.time
    case .observed(_, let at): at
    case .joined: 0
    }
  }
}
