// What a judge says when it is done.

import LanguageKit

/// The verdict on one variant, with all that a report needs to explain it.
public struct Judgement: Sendable, Hashable {
  /// The verdicts of ISO/IEC 9646, and `error` and `not applicable` beside them.
  public enum Verdict: String, Sendable, Hashable, CaseIterable {
    case pass, fail, inconclusive, error
    case notApplicable = "not applicable"
  }

  public var verdict: Verdict
  /// One sentence; empty for a plain pass.
  public var reason: String
  /// Every step of every phase, in the order written.
  public var steps: [StepResult] = []
  public var failure: Failure?
  /// Of a pass: the tightest deadline that it met.
  public var headroom: Headroom?
  /// Which event was taken by what, for every event from the first `when` on.
  public var accounts: [Account] = []
  /// CLOCK_REALTIME in nanoseconds of the first `when`; `nil` if the run did not come that far.
  public var started: Int64?
  /// When the verdict was certain: CLOCK_REALTIME in nanoseconds.
  public var ended: Int64?

  public init(_ verdict: Verdict, reason: String) {
    self.verdict = verdict
    self.reason = reason
  }

  /// From the first `when` to the verdict, in nanoseconds.
  public var duration: Int64? { started.flatMap { start in ended.map { $0 - start } } }
  /// How many steps passed, and how many were not off.
  public var stepCount: (passed: Int, of: Int) {
    (steps.count { $0.status == .passed }, steps.count { $0.status != .off })
  }
}

/// What became of one step.
public struct StepResult: Sendable, Hashable {
  public enum Status: String, Sendable, Hashable {
    case passed, failed, off
    case notReached = "not reached"
  }
  public var number: Int
  public var title: String?
  public var clause: String?
  /// From 0.
  public var phase: Int
  public var status: Status
  public var events: [TakenEvent]
}

/// An event that a line took.
public struct TakenEvent: Sendable, Hashable {
  public var arrow: String
  public var position: Position
  /// The event's index in its trace.
  public var event: Int
  /// CLOCK_REALTIME in nanoseconds.
  public var time: Int64
  public var frame: Int
}

/// Where and how a scenario failed.
public struct Failure: Sendable, Hashable {
  public var position: Position
  public var step: Int?
  public var clause: String?
  /// In the scenario's notation.
  public var expected: String
  /// The nearest event that did come.
  public var nearest: TakenEvent?
  /// From the beginning of the phase to the nearest event, in nanoseconds.
  public var sincePhase: Int64?
  /// How the nearest event differs, field by field.
  public var differences: [Difference]
  /// `expected tv -> cfg register within 10 s; saw ...`.
  public var sentence: String

  /// `new-device.scenario:24:5: step 3 (4.2): expected ...`.
  public var text: String {
    let place = step.map { "step \($0)" + (clause.map { " (\($0))" } ?? "") + ": " } ?? clause.map { "(\($0)): " } ?? ""
    return "\(position): \(place)\(sentence)"
  }
}

/// One field that was not as expected.
public struct Difference: Sendable, Hashable, CustomStringConvertible {
  public var path: String
  /// The condition's right side, in the scenario's notation: `= "TV-1"`.
  public var expected: String
  /// JSON text, or `absent`.
  public var actual: String
  public var description: String { "\(path) is \(actual), expected \(expected)" }
}

/// How close a deadline was.
public struct Headroom: Sendable, Hashable {
  /// Nanoseconds allowed, slack and pace counted in.
  public var limit: Int64
  /// Nanoseconds used.
  public var used: Int64
  /// What had to meet it: a line in the scenario's notation, or `time limit`.
  public var subject: String
  public var position: Position?
  /// How many times over the time would have sufficed.
  public var ratio: Double { used <= 0 ? Double(limit) : Double(limit) / Double(used) }
  /// Nanoseconds left over.
  public var spare: Int64 { limit - used }
}

/// What an event counted as.
public struct Account: Sendable, Hashable {
  public enum Kind: String, Sendable, Hashable { case taken, `repeat`, background, other }
  /// The event's index in its trace.
  public var event: Int
  public var kind: Kind
  /// Of the line that took it.
  public var position: Position?
  public var step: Int?
}
