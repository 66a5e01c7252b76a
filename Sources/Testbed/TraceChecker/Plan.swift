// A scenario's variant made ready for matching: lines in a table, patterns as a small program (after Pike's and
// Thompson's machines), so that a partial assignment is little more than a position in it.

import LanguageKit
import ScenarioLanguage

enum Instruction: Sendable {
  /// Waits for an event of the line.
  case line(Int)
  /// Waits for the fact.
  case wait(Int)
  /// Goes on at each of these places; the first is the one that failures speak of.
  case split([Int])
  case jump(Int)
  /// Sets the counter to 0.
  case enter(counter: Int)
  /// Goes into the body, which follows, or to `exit`.
  case loop(counter: Int, from: Int, to: Int, exit: Int)
  /// Runs the group's members side by side; goes on when all are through.
  case fork(Int)
  /// From here until the next line is taken, none of these lines may come (rule S6).
  case forbid([Int])
  /// The end of the phase's `expect` of this number.
  case mark(Int)
  /// The end of a phase or of a member of a group.
  case accept
}

/// `in any order` or `for`.
struct Group: Sendable {
  /// Where each member begins.
  var members: [Int] = []
  /// Members that compete for events stand in one cluster; clusters run apart.
  var clusters: [[Int]] = []
  /// Two lines of each cluster that overlap.
  var rivals: [(Int, Int)?] = []
  var position: Position
}

struct PlannedStep: Sendable {
  var number: Int
  var title: String?
  var clause: String?
  var phase: Int
  var position: Position
  /// What must be taken whatever way is chosen.
  var lines: [Int] = []
  var waits: [Int] = []
  /// Lines under `optional`, `either` or `repeat`.
  var choices: [Int] = []
  var offBecause: String?

  /// Its own guard is false, or that of every line.
  var isOff: Bool { offBecause != nil || lines.isEmpty && waits.isEmpty && choices.isEmpty }
}

/// A fact that the runner has to read, whether in `expect` or in `then`.
struct PlannedFact: Sendable {
  var id: Int
  var fact: Fact
  var test: FactTest
  /// Nanoseconds on the wall.
  var duration: Int64?
  var step: Int?
  /// Where its line begins.
  var position: Position
}

/// One phase of the plan.
struct PlannedPhase: Sendable {
  var start: Int
  /// Lines that are off, by the `expect` that they stand in (rule S5).
  var offLines: [Int] = []
  /// Which `expect` blocks end only after `settle` (rule S6).
  var settles: [Bool] = []
  /// The facts of each `then`.
  var thens: [[Int]] = []
  var position: Position
}

struct Plan: Sendable {
  var lines: [Line] = []
  /// For each line the groups that it stands in, outermost first, and in which cluster of each.
  var ancestry: [[(group: Int, cluster: Int)]] = []
  var code: [Instruction] = []
  var groups: [Group] = []
  var steps: [PlannedStep] = []
  var facts: [PlannedFact] = []
  var phases: [PlannedPhase] = []
  var counters = 0
  var variables: [String: Int] = [:]
  /// Step numbers that some `within ... of step N` runs from.
  var timedSteps: Set<Int> = []
  /// Places from which the phase ends without another line, and what is forbidden by then.
  var tails: [Int: [Int]] = [:]
  /// Lines of a `never`.
  var forbidding: Set<Int> = []
  /// All nanoseconds on the wall.
  var timeLimit: Int64 = 0
  var givenLimit: Int64 = 0
  var settle: Int64 = 0
  var repeatWindow: Int64 = 0
  var isStrict = false
}
