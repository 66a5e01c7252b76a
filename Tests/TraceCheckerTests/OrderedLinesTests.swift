import Testing

@testable import TraceChecker

@Suite("Ordered lines, selecting and judging (S4), time (S8)")
struct OrderedLinesTests {
  let scenario = """
    scenario test
    clause 4.2
    topology one-home
    time limit 10s
    when
      power on tv
    expect
      step 1 "the agent discovers the configurator"
        tv -> network discover
      step 2 "the configurator replies its ID"
        cfg -> tv discover-reply save configuratorId as $id
      step 3 "the agent registers its information"
        tv -> cfg register with device.modelName = "TV-1" and agentId = tv.id
        cfg -> tv register-reply with status = 201 and configuratorId = $id within 1s
    """

  @Test func passesWhenEveryLineIsTakenInOrder() throws {
    let id = "\"\(try Home.scenario(scenario).topology.nodes.first { $0.name == "tv" }!.id)\""
    let judgement = try judged(
      scenario,
      """
      0.010 tv -> network discover
      0.021 cfg -> tv discover-reply configuratorId="c1"
      0.030 tv -> cfg register device={"modelName":"TV-1"} agentId=\(id)
      0.130 cfg -> tv register-reply status=201 configuratorId="c1"
      """)
    #expect(judgement.verdict == .pass)
    #expect(judgement.reason == "")
    #expect(judgement.steps.map(\.status) == [.passed, .passed, .passed])
    #expect(judgement.steps[2].events.map(\.frame) == [3, 4])
    #expect(judgement.stepCount == (3, 3))
    #expect(judgement.headroom?.subject == "cfg -> tv register-reply")
    #expect(judgement.headroom?.ratio == 10)
    #expect(judgement.duration == 130_000_000)
    #expect(judgement.accounts.map(\.kind) == [.taken, .taken, .taken, .taken])
  }

  @Test func failsByTheTimeLimitWithTheSentenceOfTheLanguage() throws {
    let judgement = try judged(
      scenario,
      """
      0.010 tv -> network discover
      0.021 cfg -> tv discover-reply configuratorId="c1"
      """)
    #expect(judgement.verdict == .fail)
    #expect(
      judgement.reason
        == "test.scenario:13:5: step 3 (4.2): expected tv -> cfg register within 10 s; saw cfg -> tv discover-reply "
        + "at 0.021 s (frame 2), then nothing from tv")
    #expect(judgement.steps.map(\.status) == [.passed, .passed, .failed])
    #expect(judgement.duration == 10_000_000_000)
  }
}
