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
  private var context: Context
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
    context =
      counters == 0
      ? .empty
      : Context(counters: Array(repeating: 0, count: counters), moved: Array(repeating: false, count: counters))
  }

  /// What changes seldom, behind one reference, so that moving an assignment is cheap.
  private final class Context: Sendable {
    static let empty = Context()
    let environment: Environment
    let stepTimes: [Int: Int64]
    let forbidden: [Int]
    let counters: [Int]
    let moved: [Bool]
    let marks: [Int64]

    init(
      environment: Environment = [:], stepTimes: [Int: Int64] = [:], forbidden: [Int] = [], counters: [Int] = [],
      moved: [Bool] = [], marks: [Int64] = []
    ) {
      self.environment = environment
      self.stepTimes = stepTimes
      self.forbidden = forbidden
      self.counters = counters
      self.moved = moved
      self.marks = marks
    }

    func with(
      environment: Environment? = nil, stepTimes: [Int: Int64]? = nil, forbidden: [Int]? = nil, counters: [Int]? = nil,
      moved: [Bool]? = nil, marks: [Int64]? = nil
    ) -> Context {
      Context(
        environment: environment ?? self.environment, stepTimes: stepTimes ?? self.stepTimes,
        forbidden: forbidden ?? self.forbidden, counters: counters ?? self.counters, moved: moved ?? self.moved,
        marks: marks ?? self.marks)
    }

    func isTwin(of other: Context) -> Bool {
      self === other
        || counters == other.counters && forbidden == other.forbidden && moved == other.moved
          && marks.count == other.marks.count && environment == other.environment
    }
  }

  /// True where both differ in their positions alone, and nothing changes on the way from one to the other.
  func isLike(_ other: Assignment) -> Bool {
    context === other.context && context.forbidden.isEmpty && context.moved.allSatisfy { $0 }
  }

  /// True where this one, going straight to the end, would be what `other` is there, but later.
  func hasPast(of other: Assignment, forbidding forbidden: [Int]) -> Bool {
    other.forbidden == forbidden && environment == other.environment && stepTimes == other.stepTimes
      && counters == other.counters && moved.allSatisfy { $0 } && other.moved.allSatisfy { $0 }
  }

  var environment: Environment {
    get { context.environment }
    set { context = context.with(environment: newValue) }
  }
  /// The last event of each step that some `within` runs from.
  var stepTimes: [Int: Int64] {
    get { context.stepTimes }
    set { context = context.with(stepTimes: newValue) }
  }
  var forbidden: [Int] {
    get { context.forbidden }
    set { if context.forbidden != newValue { context = context.with(forbidden: newValue) } }
  }
  var counters: [Int] {
    get { context.counters }
    set { context = context.with(counters: newValue) }
  }
  /// Which loops have taken something since they were entered last.
  var moved: [Bool] {
    get { context.moved }
    set { if context.moved != newValue { context = context.with(moved: newValue) } }
  }
  /// When each `expect` of the phase was through.
  var marks: [Int64] {
    get { context.marks }
    set { context = context.with(marks: newValue) }
  }

  /// True where both have the same future, deadlines apart.
  func isTwin(of other: Assignment) -> Bool {
    position == other.position && pending == other.pending && context.isTwin(of: other.context)
      && group.isTwin(of: other.group)
  }

  /// True where `other` can pass only if this one can.
  func dominates(_ other: Assignment) -> Bool {
    guard isTwin(of: other), deadline >= other.deadline, pendingUntil >= other.pendingUntil,
      // What was through earlier has settled earlier.
      zip(marks, other.marks).allSatisfy({ $0 <= $1 })
    else { return false }
    guard context === other.context || stepTimes.count == other.stepTimes.count,
      stepTimes.allSatisfy({ step, time in (other.stepTimes[step] ?? .max) <= time })
    else { return false }
    return group.dominates(other.group)
  }

  /// When it dies of itself, groups apart.
  var expiry: Int64 { min(deadline, pendingUntil) }

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
    var isBranched = false
    while let top = stack.popLast() {
      var next: History? = top
      while let history = next {
        if case .joined(let pasts) = history.entry {
          stack += pasts
          isBranched = true
        } else {
          result.append(history.entry)
        }
        next = history.earlier
      }
    }
    result.reverse()
    guard isBranched else { return result }
    return result.enumerated().sorted { a, b in
      let (first, second) = (a.element.time, b.element.time)
      return first != second ? first < second : a.offset < b.offset
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
