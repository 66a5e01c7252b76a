import JSONText
import Messages
import Reports
import TraceChecker

/// The files that tell of one variant's run, beside its capture and logs.
enum RunArtifacts {
  /// Writes `verdict.json`, `trace.jsonl` and `ladder.txt`.
  static func write(_ outcome: VariantOutcome) throws {
    try Files.write(verdict(outcome).pretty + "\n", to: "\(outcome.folder)/verdict.json")
    let accounts = Dictionary(
      outcome.judgement.accounts.map { ($0.event, $0) }, uniquingKeysWith: { first, _ in first })
    let lines = outcome.trace.map { line($0, accounts[$0.index]).description }
    try Files.write(lines.map { $0 + "\n" }.joined(), to: "\(outcome.folder)/trace.jsonl")
    try Files.write(ladder(outcome, accounts), to: "\(outcome.folder)/ladder.txt")
  }

  /// The judgement, with what it is of.
  private static func verdict(_ outcome: VariantOutcome) -> JSONValue {
    var result: JSONValue = [
      "version": 1, "scenario": .string(outcome.checked.scenario.name), "variant": .string("\(outcome.variant)"),
    ]
    for (name, value) in outcome.judgement.json.object?.members ?? [] { result[name] = value }
    return result
  }

  private static func line(_ event: Event, _ account: Account?) -> JSONValue {
    var line = event.json
    if let account {
      line["account"] = .string(account.kind.rawValue)
      if let step = account.step { line["step"] = .int(step) }
      if let position = account.position { line["line"] = .string(position.description) }
    }
    return line
  }

  private static func ladder(_ outcome: VariantOutcome, _ accounts: [Int: Account]) -> String {
    let start = outcome.judgement.started ?? outcome.trace.first?.time ?? 0
    let labels = accounts.compactMapValues { account in
      account.kind == .taken ? account.step.map { "step \($0)" } ?? "taken" : nil
    }
    let title = "\(outcome.variant): \(outcome.judgement.verdict.rawValue)\n"
    let times = "times in seconds from the first action of when\n\n"
    // Address resolution is in the capture; here it would only hide the messages.
    let shown = outcome.trace.filter { $0.name != "arp" || labels[$0.index] != nil }
    return title + times + TextLadder.render(shown, labels: labels, start: start)
  }
}

extension VariantOutcome {
  /// The line of the report.
  func entry(inReport: Bool) -> ReportEntry {
    let scenario = checked.scenario
    let clause = scenario.header.clause ?? scenario.header.profile.map { "profile \($0)" } ?? "-"
    let steps = judgement.stepCount
    var explanation: [String] = []
    if let failure = judgement.failure {
      explanation.append(failure.text)
    } else if !judgement.reason.isEmpty {
      explanation.append("\(scenario.file): \(judgement.reason)")
    }
    if let headroom = judgement.headroom, judgement.verdict == .pass {
      let spare = Double(headroom.spare) / 1e9
      explanation.append(
        "headroom \(headroom.ratio.rounded(to: 10)) at \(headroom.subject), \(spare.rounded(to: 1000)) s to spare")
    }
    return ReportEntry(
      scenario: scenario.name, variant: variant.description, file: scenario.file, clause: clause,
      verdict: judgement.verdict, stepsPassed: steps.passed, stepsJudged: steps.of,
      messages: judgement.accounts.count { $0.kind == .taken }, seconds: seconds,
      explanation: explanation, folder: inReport ? folder : nil)
  }
}

extension Double {
  /// Rounded to a fraction of one.
  fileprivate func rounded(to parts: Double) -> Double { (self * parts).rounded() / parts }
}
