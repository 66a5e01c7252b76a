// The rules S2 to S7 written down slowly and plainly: every shape that a pattern can take, every assignment of events to
// its lines, each held against the rules as they stand.

import Messages
import ScenarioLanguage

@testable import TraceChecker

/// A line of a random pattern: `tv -> cfg NAME where x = X with y = Y within W`.
struct TinyLine: CustomStringConvertible {
  var id = 0
  var name: String
  var x: Int?
  var y: Int?
  var within: Int64?

  func selects(_ event: Event) -> Bool { event.name == name && (x.map { event.fields["x"]?.int == $0 } ?? true) }
  func approves(_ event: Event) -> Bool { y.map { event.fields["y"]?.int == $0 } ?? true }
  var description: String {
    name + (x.map { " where x = \($0)" } ?? "") + (y.map { " with y = \($0)" } ?? "")
      + (within.map { " within \($0 / 1_000_000)ms" } ?? "")
  }
}

indirect enum TinyPattern: CustomStringConvertible {
  case line(TinyLine)
  case off(TinyLine)
  case inAnyOrder([TinyPattern])
  case either([[TinyPattern]])
  case optional([TinyPattern])
  case repeated(Int, Int, [TinyPattern])
  case never(TinyLine)

  var description: String {
    switch self {
    case .line(let line): "\(line)"
    case .off(let line): "\(line) if o"
    case .inAnyOrder(let members): "in any order {\(members)}"
    case .either(let branches): "either {\(branches)}"
    case .optional(let body): "optional {\(body)}"
    case .repeated(let low, let high, let body): "repeat \(low) to \(high) {\(body)}"
    case .never(let line): "never {\(line)}"
    }
  }
}

struct ReferenceMatcher {
  enum Item {
    case line(TinyLine)
    case group([[Item]])
    case never(TinyLine)
  }

  /// A line and the event that it takes; `after` is the index and `from` the time of what precedes it.
  struct Taken {
    var line: TinyLine
    var event: Int
    var after: Int
    var from: Int64
    /// The line of a `never` that holds until this one is taken.
    var forbidden: [TinyLine]
  }

  struct Solution {
    var taken: [Taken]
    var last: Int
    var time: Int64
    /// What a `never` at the end forbids.
    var forbidden: [TinyLine]
    /// What a `never` before a group forbids, between these events.
    var before: [(lines: [TinyLine], after: Int, until: Int)] = []
  }

  let events: [Event]
  let chains: [Int]
  let isRepeat: [Bool]
  let start: Int64
  let settle: Int64

  init(_ events: [Event], start: Int64, settle: Int64) {
    self.events = events
    self.start = start
    self.settle = settle
    var chains: [Int] = []
    var isRepeat: [Bool] = []
    for (index, event) in events.enumerated() {
      let earlier = events[..<index].lastIndex {
        $0.name == event.name && $0.digest == event.digest && event.time - $0.time <= 8_000_000_000
      }
      chains.append(earlier.map { chains[$0] } ?? index)
      isRepeat.append(earlier != nil)
    }
    self.chains = chains
    self.isRepeat = isRepeat
  }

  static func shapes(_ patterns: [TinyPattern]) -> [[Item]] {
    patterns.reduce([[]]) { shapes, pattern in
      let choices: [[Item]] =
        switch pattern {
        case .line(let line): [[.line(line)]]
        case .off: [[]]
        case .never(let line): [[.never(line)]]
        case .optional(let body): [[]] + Self.shapes(body)
        case .either(let branches): branches.flatMap(Self.shapes)
        case .repeated(let low, let high, let body):
          (low...high).flatMap { count in
            (0..<count).reduce([[]]) { rounds, _ in rounds.flatMap { round in Self.shapes(body).map { round + $0 } } }
          }
        case .inAnyOrder(let members):
          members.reduce([[[Item]]]([[]])) { groups, member in
            groups.flatMap { group in Self.shapes([member]).map { group + [$0] } }
          }.map { [.group($0)] }
        }
      return shapes.flatMap { shape in choices.map { shape + $0 } }
    }
  }

  static func offLines(_ patterns: [TinyPattern]) -> [TinyLine] {
    patterns.flatMap { pattern -> [TinyLine] in
      switch pattern {
      case .off(let line): [line]
      case .line, .never: []
      case .optional(let body), .repeated(_, _, let body), .inAnyOrder(let body): offLines(body)
      case .either(let branches): branches.flatMap(offLines)
      }
    }
  }

  /// Every way to give the items events later than `after`, none twice; rules are asked afterwards.
  private func solve(_ items: ArraySlice<Item>, _ so: Solution) -> [Solution] {
    guard let item = items.first else { return [so] }
    let rest = items.dropFirst()
    switch item {
    case .never(let line):
      var next = so
      next.forbidden.append(line)
      return solve(rest, next)
    case .line(let line):
      return events.indices.filter { index in
        index > so.last && line.selects(events[index]) && line.approves(events[index])
          && !so.taken.contains { $0.event == index }
      }.flatMap { index -> [Solution] in
        var next = so
        next.taken.append(Taken(line: line, event: index, after: so.last, from: so.time, forbidden: so.forbidden))
        next.last = index
        next.time = events[index].time
        next.forbidden = []
        return solve(rest, next)
      }
    case .group(let members):
      var partial = [so]
      for member in members {
        partial = partial.flatMap { solution -> [Solution] in
          var first = solution
          // Each member starts where the group does; how far the others came is kept aside.
          (first.last, first.time, first.forbidden) = (so.last, so.time, [])
          return solve(member[...], first).map { done in
            var whole = done
            if solution.last > whole.last { (whole.last, whole.time) = (solution.last, solution.time) }
            return whole
          }
        }
      }
      return partial.flatMap { done -> [Solution] in
        var whole = done
        if let first = done.taken.dropFirst(so.taken.count).map(\.event).min() {
          whole.forbidden = []
          whole.before.append((so.forbidden, so.last, first))
        } else {
          whole.forbidden = so.forbidden
        }
        return solve(rest, whole)
      }
    }
  }

  /// The first event that the line had to take, or a later copy of: neither free nor taken by another line.
  private func first(_ taken: Taken, _ solution: Solution) -> Int? {
    events.indices.first { index in
      index > taken.after && taken.line.selects(events[index]) && !isRepeat[index] && !events[index].isBackground
        && !solution.taken.contains { $0.event == index && $0.line.id != taken.line.id }
    }
  }

  private func obeys(_ solution: Solution, _ offLines: [TinyLine]) -> Bool {
    var excused = Set(solution.taken.map(\.event))
    for taken in solution.taken {
      let event = events[taken.event]
      if let within = taken.line.within, event.time > taken.from + within { return false }
      if let first = first(taken, solution), first < taken.event {
        guard chains[first] == chains[taken.event] else { return false }
        excused.insert(first)
      }
    }
    func fails(_ index: Int) -> Bool {
      !isRepeat[index] && !events[index].isBackground && !excused.contains(index)
    }
    for index in events.indices where fails(index) && events[index].time <= solution.time + settle {
      if offLines.contains(where: { $0.selects(events[index]) }) { return false }
      if index > solution.last,
        solution.forbidden.contains(where: { $0.selects(events[index]) && $0.approves(events[index]) })
      {
        return false
      }
    }
    let guarded = solution.before + solution.taken.map { (lines: $0.forbidden, after: $0.after, until: $0.event) }
    for (lines, after, until) in guarded {
      for index in events.indices where index > after && index < until && fails(index) {
        if lines.contains(where: { $0.selects(events[index]) && $0.approves(events[index]) }) { return false }
      }
    }
    return true
  }

  func passes(_ patterns: [TinyPattern]) -> Bool {
    let offLines = Self.offLines(patterns)
    let nothing = Solution(taken: [], last: -1, time: start, forbidden: [])
    for shape in Self.shapes(patterns) {
      var number = 0
      let numbered = Self.number(shape, &number)
      if solve(numbered[...], nothing).contains(where: { obeys($0, offLines) }) { return true }
    }
    return false
  }

  /// Gives every line of the shape a number of its own.
  private static func number(_ items: [Item], _ next: inout Int) -> [Item] {
    items.map { item in
      switch item {
      case .line(var line):
        next += 1
        line.id = next
        return .line(line)
      case .group(let members): return .group(members.map { number($0, &next) })
      case .never: return item
      }
    }
  }
}
