import Messages
import Testing
import TraceChecker

@testable import Reports

private func entry(_ verdict: Judgement.Verdict, variant: String = "a[b,!c]", why: [String] = []) -> ReportEntry {
  ReportEntry(
    scenario: "a", variant: variant, file: "scenarios/a.scenario", clause: "4.2", verdict: verdict, stepsPassed: 2,
    stepsJudged: 3, messages: 4, seconds: 1.5, explanation: why, folder: nil)
}

@Suite struct ReportsTests {
  @Test func theSummaryNamesOnlyWhatThereIs() {
    #expect(Tally([entry(.pass), entry(.pass)]).description == "2 passed, 0 failed")
    #expect(Tally([entry(.pass), entry(.error)]).description == "1 passed, 0 failed, 1 error")
    #expect(
      Tally([entry(.fail), entry(.notApplicable), entry(.inconclusive)]).description
        == "0 passed, 1 failed, 1 inconclusive, 1 not applicable")
  }

  private static let verdicts: [([Judgement.Verdict], Int32)] = [
    ([.pass, .notApplicable], 0), ([.pass, .fail, .error], 1), ([.pass, .inconclusive], 3), ([.error], 3),
  ]

  @Test(arguments: verdicts)
  func theExitStatusTellsTheWorst(verdicts: [Judgement.Verdict], status: Int32) {
    #expect(Tally(verdicts.map { entry($0) }).exitStatus == status)
  }

  @Test func aLineHasItsColumnsAndAFailureItsReason() {
    let style = ResultLine(nameWidth: 10, clauseWidth: 4, usesColour: false)
    #expect(style.text(entry(.pass), verbose: false) == "pass  a[b,!c]     4.2   2 of 3 steps      1.50 s")
    #expect(
      style.text(entry(.fail, why: ["x.scenario:1:1: expected y"]), verbose: false)
        == "FAIL  a[b,!c]     4.2   2 of 3 steps      1.50 s\n      x.scenario:1:1: expected y")
  }

  @Test func junitEscapesAndCounts() {
    let text = JUnit.render([entry(.pass), entry(.fail, why: ["saw <x> & \"y\"\u{1}"])])
    #expect(text.contains("tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"3.000\""))
    #expect(text.contains("saw &lt;x&gt; &amp; &quot;y&quot;\u{FFFD}"))
  }

  @Test func tapNumbersAndExplains() {
    #expect(
      TAP.render([entry(.pass), entry(.inconclusive, why: ["given failed"]), entry(.notApplicable, why: ["needs nat"])])
        == """
        TAP version 13
        1..3
        ok 1 - a[b,!c]
        not ok 2 - a[b,!c]
        # verdict: inconclusive
        # given failed
        ok 3 - a[b,!c] # SKIP needs nat

        """)
  }

  @Test func aLadderDrawsBothDirectionsAndBroadcast() {
    func event(_ index: Int, _ from: Party, _ to: Party, _ name: String) -> Event {
      Event(
        index: index, time: Int64(index) * 1_000_000, from: from, to: to, name: name, fields: [:], frame: index + 1,
        digest: 0, isBackground: false)
    }
    let text = TextLadder.render(
      [
        event(0, .node("tv"), .network, "discover"), event(1, .node("cfg"), .node("tv"), "discover-reply"),
        event(2, .node("tv"), .node("cfg"), "register"),
      ], labels: [2: "step 3"], start: 0)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines[0].contains("tv") && lines[0].contains("cfg"))
    #expect(lines[1].contains(".discover.") && lines[1].hasPrefix("    0.000"))
    #expect(lines[2].contains("<-") && lines[2].contains("discover-reply"))
    #expect(lines[3].contains("register") && lines[3].hasSuffix("step 3"))
    #expect(lines[3].contains(">|"))
  }
}
