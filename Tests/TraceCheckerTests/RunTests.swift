import JSONText
import Messages
import ScenarioLanguage
import Testing
import TopologyLanguage

@testable import TraceChecker

/// Drives a judge as a runner does, step by step.
struct LiveRun {
  var judge: Judge

  init(_ body: String, origin: Judge.Origin = .run) throws {
    let checked = try Home.scenario(body)
    judge = Judge(checked.scenario, checked.variants[0], checked.topology, origin: origin)
  }

  mutating func note(_ note: Note) { judge.consume(.note(note)) }
  mutating func clock(_ seconds: Double) { judge.consume(.clock(TraceText.at(seconds))) }
  mutating func events(_ text: String) throws {
    for event in try TraceText.events(text) { judge.consume(.event(event)) }
  }
  mutating func poll(_ values: [Int: JSONValue?], at seconds: Double) {
    guard case .facts(let requests, _) = judge.needs else { return }
    note(
      .facts(
        requests.compactMap { request in values[request.id].map { request.observation(of: $0) } },
        at: TraceText.at(seconds)))
    clock(seconds)
  }
  var outcome: Judgement? { judge.outcome }
  var factIDs: [Int] { if case .facts(let requests, _) = judge.needs { requests.map(\.id) } else { [] } }
}

@Suite("Phases, facts and what the runner is asked for (S6, S9)")
struct RunTests {
  let scenario = """
    scenario test
    clause 4.2
    topology one-home
    time limit 10s
    given
      power on server, hg, cfg
    when
      power on tv
    expect
      tv -> cfg register
      wait until cfg agent tv state = "registered"
      cfg -> tv configure
    then
      tv configuration ntpServer = "198.51.100.10"
      not tv problem = "no-configurator" for 2s
    when
      power off tv
    expect
      tv -> cfg deregister
    """

  @Test func asksForOneThingAfterTheOther() throws {
    var run = try LiveRun(scenario)
    #expect(run.judge.needs == .given)
    run.note(
      .run(
        RunHeader(scenario: "test", variant: "test", choices: [:], slack: 1, pace: 1, seed: 1, version: "1"),
        at: TraceText.at(-2)))
    run.note(.given(.began, at: TraceText.at(-2)))
    run.note(.given(.done, at: TraceText.at(-0.1)))
    #expect(run.judge.needs == .wait(until: nil))
    run.clock(0)
    #expect(run.judge.needs == .perform(phase: 0))
    run.note(.phase(0, at: TraceText.at(0)))
    // Begun, though the clock has not come so far: it is not asked for again.
    #expect(run.judge.needs == .wait(until: nil))
    run.note(.action(phase: 0, index: 0, text: "power on tv", at: TraceText.at(0.001)))
    run.note(.performed(phase: 0, at: TraceText.at(0.002)))
    run.clock(0.005)
    #expect(run.judge.needs == .wait(until: TraceText.at(10)))
    try run.events("0.010 tv -> cfg register")
    run.clock(0.020)
    #expect(run.factIDs == [0])
    run.poll([0: .some(["state": "expired"])], at: 0.030)
    run.poll([0: .some(["state": "registered"])], at: 0.040)
    try run.events("0.050 cfg -> tv configure")
    run.clock(0.060)
    #expect(run.factIDs == [1, 2])
    run.poll([1: .some([:]), 2: .some([])], at: 0.1)
    run.poll([1: .some(["ntpServer": "198.51.100.10"]), 2: .some([])], at: 0.2)
    run.poll([1: .some(["ntpServer": "198.51.100.10"]), 2: .some([])], at: 2.1)
    #expect(run.factIDs == [1, 2])
    run.poll([1: .some([:]), 2: .some([])], at: 2.3)
    #expect(run.judge.needs == .perform(phase: 1))
    run.note(.phase(1, at: TraceText.at(3)))
    run.note(.performed(phase: 1, at: TraceText.at(3)))
    try run.events("3.010 tv -> cfg deregister")
    run.clock(3.1)
    #expect(run.judge.needs == .done)
    #expect(run.outcome?.verdict == .pass)
    #expect(run.outcome?.duration == 3_010_000_000)
    #expect(run.outcome?.headroom?.subject == "time limit")
  }

  /// Up to the facts of `then`.
  func untilFacts() throws -> LiveRun {
    var run = try LiveRun(scenario)
    run.note(.given(.done, at: TraceText.at(-0.1)))
    run.note(.phase(0, at: TraceText.at(0)))
    run.note(.performed(phase: 0, at: TraceText.at(0)))
    try run.events("0.010 tv -> cfg register")
    run.clock(0.020)
    run.poll([0: .some(["state": "registered"])], at: 0.040)
    try run.events("0.050 cfg -> tv configure")
    run.clock(0.060)
    return run
  }

  @Test func aFactThatNeverHoldsFailsByTheTimeLimit() throws {
    var run = try untilFacts()
    run.poll([1: .some(["ntpServer": "198.51.100.11"]), 2: .some([])], at: 5)
    run.clock(11)
    #expect(run.outcome?.verdict == .fail)
    #expect(
      run.outcome?.reason
        == "test.scenario:14:3: (4.2): expected tv configuration ntpServer = \"198.51.100.10\" within 10 s; saw "
        + "\"198.51.100.11\"")
  }

  @Test func aFactForATimeMustHoldThroughout() throws {
    var run = try untilFacts()
    run.poll([1: .some(["ntpServer": "198.51.100.10"]), 2: .some([])], at: 1)
    run.poll([1: .some(["ntpServer": "198.51.100.10"]), 2: .some(["no-configurator"])], at: 2)
    #expect(run.outcome?.verdict == .fail)
    #expect(
      run.outcome?.reason
        == "test.scenario:15:3: (4.2): expected not tv problem = \"no-configurator\" for 2 s within 10 s; saw "
        + "[\"no-configurator\"]")
  }

  @Test func nothingReadMakesNoFactTrue() throws {
    var run = try untilFacts()
    run.poll([1: .some(["ntpServer": "198.51.100.10"]), 2: JSONValue?.none], at: 1)
    run.clock(11)
    #expect(run.outcome?.verdict == .fail)
    #expect(run.outcome?.reason.hasSuffix("saw nothing that could be read") == true)
  }

  @Test func aWaitThatNeverEndsIsTold() throws {
    var run = try LiveRun(scenario)
    run.note(.given(.done, at: TraceText.at(-0.1)))
    run.note(.phase(0, at: TraceText.at(0)))
    run.note(.performed(phase: 0, at: TraceText.at(0)))
    try run.events("0.010 tv -> cfg register")
    run.clock(0.020)
    run.poll([0: .some(.null)], at: 0.040)
    run.clock(10.5)
    #expect(
      run.outcome?.reason
        == "test.scenario:11:3: (4.2): expected cfg agent tv state = \"registered\" within 10 s; saw absent")
  }

  @Test func anEventBetweenTwoPollsMayFollowTheFact() throws {
    var run = try LiveRun(scenario)
    run.note(.given(.done, at: TraceText.at(-0.1)))
    run.note(.phase(0, at: TraceText.at(0)))
    run.note(.performed(phase: 0, at: TraceText.at(0)))
    try run.events("0.010 tv -> cfg register\n0.035 cfg -> tv configure")
    run.clock(0.020)
    run.poll([0: .some(["state": "expired"])], at: 0.030)
    run.poll([0: .some(["state": "registered"])], at: 0.040)
    // The fact became true between 0.030 and 0.040: the event at 0.035 may have come after it.
    #expect(run.factIDs == [1, 2])
  }

  @Test func anEventBeforeTheLastPollThatSaidNoComesTooEarly() throws {
    var run = try LiveRun(scenario)
    run.note(.given(.done, at: TraceText.at(-0.1)))
    run.note(.phase(0, at: TraceText.at(0)))
    run.note(.performed(phase: 0, at: TraceText.at(0)))
    try run.events("0.010 tv -> cfg register\n0.025 cfg -> tv configure")
    run.clock(0.020)
    run.poll([0: .some(["state": "expired"])], at: 0.030)
    run.poll([0: .some(["state": "registered"])], at: 0.040)
    run.clock(10.5)
    #expect(run.outcome?.verdict == .fail)
  }

  @Test func lastResultComesFromTheTrace() throws {
    let scenario = """
      scenario test
      clause 4.6.3
      topology one-home
      when
        operator checks reachability of tv
      expect
        cfg -> server request-result
      then
        last result result = "failed"
      """
    for (result, verdict) in [("failed", Judgement.Verdict.pass), ("ok", .fail)] {
      var run = try LiveRun(scenario)
      run.note(.phase(0, at: TraceText.at(0)))
      run.note(.performed(phase: 0, at: TraceText.at(0)))
      try run.events("0.010 cfg -> server request-result result=\"\(result)\"")
      run.clock(0.020)
      run.poll([0: JSONValue?.none], at: 0.030)
      run.clock(31)
      #expect(run.outcome?.verdict == verdict)
    }
  }

  @Test func aCaptureFromElsewhereHasNoFactsAndStartsAtItsFirstEvent() throws {
    var run = try LiveRun(scenario, origin: .elsewhere)
    try run.events("100.0 tv -> cfg register\n100.1 cfg -> tv configure\n105.0 tv -> cfg deregister")
    run.judge.finish()
    #expect(run.outcome?.verdict == .pass)
    #expect(run.outcome?.started == TraceText.at(100))
    #expect(run.outcome?.accounts.map(\.kind) == [.taken, .taken, .taken])
  }
}

@Suite("Verdicts")
struct VerdictTests {
  let scenario = expecting("  tv -> cfg register\n")
  let begun: [Note] = [.phase(0, at: TraceText.at(0)), .performed(phase: 0, at: TraceText.at(0))]
  let register = "0.010 tv -> cfg register"

  @Test func lostFramesForbidAPass() throws {
    let judgement = try judged(scenario, register, notes: begun + [.captureLoss(frames: 3, at: TraceText.at(0.005))])
    #expect(judgement.verdict == .inconclusive)
    #expect(judgement.reason == "3 frames crossed a link and were not captured")
  }

  @Test func aClockStepIsInconclusive() throws {
    let judgement = try judged(
      scenario, register, notes: begun + [.clockStep(nanoseconds: -2_500_000_000, at: TraceText.at(0.005))])
    #expect(judgement.verdict == .inconclusive)
    #expect(judgement.reason == "the clock was set by -2.500 s")
  }

  @Test func aDeadProgramIsAnError() throws {
    let judgement = try judged(
      scenario, register, notes: begun + [.died(node: "cfg", reason: "exited with status 1", at: TraceText.at(0.005))])
    #expect(judgement.verdict == .error)
    #expect(judgement.reason == "the program of cfg exited with status 1")
  }

  @Test func whatIsNotSupportedIsInconclusive() throws {
    let judgement = try judged(
      scenario, register,
      notes: begun + [.unsupported("degrade tv--sw1.3 loss 1%", position: "test.scenario:6:3", at: TraceText.at(0.005))]
    )
    #expect(judgement.verdict == .inconclusive)
    #expect(judgement.reason == "not supported yet: degrade tv--sw1.3 loss 1% (test.scenario:6:3)")
  }

  @Test func anAbortedRunIsInconclusiveAndABrokenOneAnError() throws {
    #expect(
      try judged(scenario, "", notes: begun + [.end(.aborted("interrupted"), at: TraceText.at(1))]).verdict
        == .inconclusive)
    #expect(
      try judged(scenario, "", notes: begun + [.end(.broke("no more memory"), at: TraceText.at(1))]).verdict == .error)
    #expect(
      try judged(scenario, "", notes: [.notApplicable("needs nat", at: TraceText.at(0))]).verdict == .notApplicable)
  }

  @Test func givenThatDoesNotComeTrueIsInconclusive() throws {
    let scenario = scenario.replacing("when\n", with: "given\n  power on cfg\nwhen\n")
    let failed = try judged(
      scenario, "",
      notes: [.given(.began, at: TraceText.at(0)), .given(.failed("cfg is not ready"), at: TraceText.at(1))])
    #expect(failed.verdict == .inconclusive)
    #expect(failed.reason == "given did not come true: cfg is not ready")
    let late = try judged(scenario, "", notes: [.given(.began, at: TraceText.at(0))])
    #expect(late.reason == "given did not come true within 60 s")
    #expect(late.ended == TraceText.at(60))
  }

  @Test func aVerdictThatIsCertainStands() throws {
    let judgement = try judged(
      scenario, register, notes: begun + [.died(node: "cfg", reason: "exited", at: TraceText.at(5))])
    #expect(judgement.verdict == .pass)
  }

  @Test func theVerdictAsJSON() throws {
    let json = try judged(scenario, register).json
    #expect(json["verdict"]?.string == "pass")
    #expect(json["seconds"]?.double == 0.01)
    #expect(json["headroom"]?["ratio"]?.double == 1000)
    let failed = try judged(scenario, "").json
    #expect(failed["failure"]?["expected"]?.string == "tv -> cfg register")
    #expect(try JSONValue(parsing: failed.octets) == failed)
  }
}

@Suite("Notes in a capture")
struct NoteTests {
  static let notes: [Note] = [
    .run(
      RunHeader(
        scenario: "new-device", variant: "new-device[upstream,!configure]",
        choices: ["upstream": "yes", "configure": "no"], slack: 1.5, pace: 60, seed: .max, version: "0.1.0"), at: 1),
    .given(.began, at: 2), .given(.done, at: 3), .given(.failed("cfg \"x\"\nis not ready"), at: 4),
    .phase(1, at: .max), .action(phase: nil, index: 0, text: "power on tv", at: 5),
    .action(phase: 2, index: 3, text: "unplug tv", at: 6), .performed(phase: 1, at: 7),
    .facts(
      [FactObservation(id: 1, value: ["a": [1, nil]], holds: true), FactObservation(id: 2, value: nil, holds: false)],
      at: 8),
    .died(node: "tv", reason: "was killed", at: 9), .captureLoss(frames: 7, at: 10),
    .clockStep(nanoseconds: -5, at: 11), .fault("drop", message: "tv -> cfg register", at: 12),
    .unsupported("degrade", position: "a:1:2", at: 13), .notApplicable("needs nat", at: 14), .end(.finished, at: 15),
    .end(.aborted("interrupted"), at: 16), .end(.broke("no space"), at: 17),
  ]

  @Test(arguments: notes) func comesBack(note: Note) {
    #expect(note.text.hasPrefix("homebed:{"))
    #expect(Note(comment: note.text) == note)
  }

  @Test func keepsWhatALaterVersionWrites() {
    let text = "homebed:{\"note\":\"weather\",\"at\":\"12\",\"rain\":true}"
    #expect(Note(comment: text)?.time == 12)
    #expect(Note(comment: text)?.text == text)
    #expect(Note(comment: "homebed:{\"note\":\"phase\",\"at\":\"12\"}")?.time == 12)
  }

  @Test(arguments: ["", "a comment", "homebed:", "homebed:{}", "homebed:[1]", "homebed:{\"note\":\"phase\",\"at\":12"])
  func passesOverOtherComments(comment: String) {
    #expect(Note(comment: comment) == nil)
  }
}
