import Messages
import Testing
import TopologyLanguage

@testable import TraceChecker

@Suite("Long traces")
struct SizeTests {
  @Test(arguments: SyntheticTrace.Traffic.allCases) func isJudgedWhole(traffic: SyntheticTrace.Traffic) {
    let judgement = SyntheticTrace(traffic, events: 2000).judge()
    #expect(judgement.verdict == .pass, "\(judgement.reason)")
    #expect(judgement.accounts.count == 2000)
    let kinds = Dictionary(grouping: judgement.accounts, by: \.kind).mapValues(\.count)
    switch traffic {
    case .background: #expect(kinds == [.taken: 4, .background: 1996])
    case .repeats: #expect(kinds == [.taken: 4, .repeat: 1996])
    case .unselected: #expect(kinds == [.taken: 4, .other: 1996])
    // The last of them come after every line was taken.
    case .taken: #expect(kinds == [.taken: 1501, .other: 499])
    }
  }

  /// What a million events cost is a matter of how many assignments each of them meets.
  @Test func repeatsDoNotPileUp() throws {
    let checked = try Home.scenario(
      expecting("  tv -> network discover\n  cfg -> tv discover-reply\n  tv -> cfg register within 1s\n"))
    let plan = Planner.plan(checked.scenario, guards: { _ in true }, checked.topology, slack: 1, readsFacts: true)
    var matcher = Matcher(plan, phase: 0, start: TraceText.at(0), after: nil)
    var table = SightingTable(plan)
    let text = (0..<300).map {
      "\(Double($0) * 0.001) \($0 % 2 == 0 ? "tv -> network discover" : "cfg -> tv discover-reply")"
    }
    for event in try TraceText.events(text.joined(separator: "\n")) {
      matcher.take(table.sight(event))
      #expect(matcher.assignments.count <= 3)
      #expect(matcher.leftCount <= 3)
    }
  }

  @Test func aLongPastIsReleasedWithoutRecursion() throws {
    let event = try TraceText.events("0.1 tv -> cfg register")[0]
    var history: History?
    for line in 0..<200_000 { history = History(.taken(line: line, event: event), after: history) }
    #expect(History.entries(history).count == 200_000)
    history = nil
  }

  @Test func itemsOutOfOrderAreTakenByTheirTimes() throws {
    let events = try TraceText.events("0.020 cfg -> tv discover-reply\n0.010 tv -> network discover")
    let checked = try Home.scenario(expecting("  tv -> network discover\n  cfg -> tv discover-reply\n"))
    var judge = Judge(checked.scenario, checked.variants[0], checked.topology)
    for event in events { judge.consume(.event(event)) }
    judge.consume(.note(.performed(phase: 0, at: TraceText.at(0.001))))
    judge.consume(.note(.phase(0, at: TraceText.at(0))))
    judge.finish()
    #expect(judge.outcome?.verdict == .pass)
  }

  @Test func noNumberOverflows() throws {
    let scenario = expecting(
      "  tv -> network discover within 9000000s\n", header: "time limit 9000000s\n  settle 9000000s")
    #expect(try judged(scenario, "0.010 tv -> network discover", slack: 1e30).verdict == .pass)
    #expect(try judged(scenario, "0.010 tv -> network discover", slack: .nan).verdict == .pass)
  }
}
