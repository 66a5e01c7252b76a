import TraceChecker

/// What a report says of one variant of a scenario.
public struct ReportEntry: Sendable, Hashable {
  public var scenario: String
  /// `new-device[upstream,!configure]`; the scenario's name where it has no options.
  public var variant: String
  public var file: String
  /// Such as `4.2`, or `profile 3`.
  public var clause: String
  public var verdict: Judgement.Verdict
  /// Steps that passed, of those that were judged; 0 where the scenario numbers none.
  public var stepsPassed: Int
  public var stepsJudged: Int
  /// Messages that a line of the scenario took.
  public var messages: Int
  /// Wall time from the first octet of the home to its end, in seconds.
  public var seconds: Double
  /// Why it did not pass, or the headroom of a pass; one sentence a line.
  public var explanation: [String]
  /// Where its files are; `nil` without a report.
  public var folder: String?

  public init(
    scenario: String, variant: String, file: String, clause: String, verdict: Judgement.Verdict, stepsPassed: Int,
    stepsJudged: Int, messages: Int, seconds: Double, explanation: [String], folder: String?
  ) {
    self.scenario = scenario
    self.variant = variant
    self.file = file
    self.clause = clause
    self.verdict = verdict
    self.stepsPassed = stepsPassed
    self.stepsJudged = stepsJudged
    self.messages = messages
    self.seconds = seconds
    self.explanation = explanation
    self.folder = folder
  }
}

/// How many variants came to which verdict.
public struct Tally: Sendable, Hashable, CustomStringConvertible {
  public private(set) var counts: [Judgement.Verdict: Int] = [:]

  public init(_ entries: some Sequence<ReportEntry> = []) { for entry in entries { add(entry.verdict) } }

  public mutating func add(_ verdict: Judgement.Verdict) { counts[verdict, default: 0] += 1 }

  public func count(_ verdict: Judgement.Verdict) -> Int { counts[verdict] ?? 0 }

  /// 0 all passed; 1 something failed; 3 inconclusive or testbed error, and nothing failed.
  public var exitStatus: Int32 {
    if count(.fail) > 0 { return 1 }
    return count(.inconclusive) + count(.error) > 0 ? 3 : 0
  }

  /// `N passed, N failed`, then the others where they are not zero.
  public var description: String {
    var parts = ["\(count(.pass)) passed", "\(count(.fail)) failed"]
    for verdict in [Judgement.Verdict.inconclusive, .error, .notApplicable] where count(verdict) > 0 {
      parts.append("\(count(verdict)) \(verdict.rawValue)")
    }
    return parts.joined(separator: ", ")
  }
}
