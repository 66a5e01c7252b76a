import Testing

@testable import TraceChecker

/// Header and `when`, so that the first line below `expect` is line 8.
func expecting(_ lines: String, header: String = "time limit 10s") -> String {
  """
  scenario test
  clause 4.2
  topology one-home
  \(header)
  when
    power on tv
  expect
  \(lines)
  """
}

@Suite("Repeats and background (S2, S3)")
struct RepeatTests {
  let scenario = expecting(
    """
      tv -> network discover
      cfg -> tv discover-reply within 1s
    """)

  @Test func aLineMayTakeAnyRepeatOfItsEvent() throws {
    let judgement = try judged(
      scenario,
      """
      0.000 tv -> network discover
      1.500 tv -> network discover
      1.600 cfg -> tv discover-reply
      """)
    #expect(judgement.verdict == .pass)
    #expect(judgement.accounts.map(\.kind) == [.other, .taken, .taken])
  }

  @Test func theLaterRepeatGivesTheLaterDeadline() throws {
    let judgement = try judged(
      scenario,
      """
      0.000 tv -> network discover
      0.900 tv -> network discover
      1.800 cfg -> tv discover-reply
      """)
    #expect(judgement.verdict == .pass)
    #expect(judgement.headroom?.used == 900_000_000)
  }

  @Test func otherOctetsAreNoRepeat() throws {
    let judgement = try judged(
      scenario,
      """
      0.000 tv -> network discover
      1.500 tv -> network discover #other
      1.600 cfg -> tv discover-reply
      """)
    #expect(judgement.verdict == .fail)
    #expect(
      judgement.reason
        == "test.scenario:9:3: (4.2): expected cfg -> tv discover-reply within 1 s; saw cfg -> tv discover-reply "
        + "at 1.600 s (frame 3), too late")
  }

  @Test func afterEightSecondsItIsNoRepeat() throws {
    let judgement = try judged(
      scenario,
      """
      0.000 tv -> network discover
      8.100 tv -> network discover
      8.200 cfg -> tv discover-reply
      """)
    #expect(judgement.verdict == .fail)
  }

  @Test func repeatsFailNothing() throws {
    let off = expecting(
      """
        cfg -> tv configure
        tv -> cfg configure-reply
        cfg -> tv configure where qosClass = 1 if configure
      """, header: "option configure \"c\" sets cfg configuration-pull")
    let first = try judged(
      off,
      """
      0.010 cfg -> tv configure qosClass=1
      0.020 cfg -> tv configure qosClass=1
      0.030 tv -> cfg configure-reply
      """, off: ["configure"])
    #expect(first.verdict == .pass)
  }

  @Test func backgroundIsPassedOver() throws {
    let scenario = expecting(
      """
        tv -> cfg register with reason = "new-device"
      """)
    let judgement = try judged(
      scenario, "0.010 cfg -> network ssdp-alive*\n0.020 tv -> cfg register reason=\"new-device\"")
    #expect(judgement.verdict == .pass)
    #expect(judgement.accounts.map(\.kind) == [.background, .taken])
  }

  @Test func aLineMayNameBackground() throws {
    let scenario = expecting("  cfg -> network ssdp-alive with nt = \"a\"\n")
    #expect(try judged(scenario, "0.010 cfg -> network ssdp-alive* nt=\"a\"").verdict == .pass)
    let failed = try judged(scenario, "0.010 cfg -> network ssdp-alive* nt=\"b\"")
    #expect(
      failed.reason
        == "test.scenario:8:3: (4.2): expected cfg -> network ssdp-alive with nt = \"a\"; saw cfg -> network ssdp-alive "
        + "at 0.010 s (frame 1): nt is \"b\", expected = \"a\"")
  }

  @Test func aRefreshIsJudgedOnlyWhereItIsNamed() throws {
    let change = expecting("  tv -> cfg register with reason = \"connection-change\"\n")
    let refresh = expecting("  tv -> cfg register with reason = \"refresh\" and lifetime = 60\n")
    let first = "0.010 tv -> cfg register* reason=\"refresh\" lifetime=61\n"
    let last =
      "0.020 tv -> cfg register reason=\"connection-change\"\n0.030 tv -> cfg register* reason=\"refresh\" lifetime=60"
    #expect(try judged(change, first + last).verdict == .pass)
    #expect(try judged(refresh, first + last).verdict == .fail)
    #expect(try judged(refresh, last).verdict == .fail)
    #expect(try judged(refresh, "0.030 tv -> cfg register* reason=\"refresh\" lifetime=60").verdict == .pass)
  }
}

@Suite("Selecting, judging, saving (S4)")
struct SelectingTests {
  @Test func whereSelectsAndWithJudges() throws {
    let scenario = expecting(
      """
        server -> cfg configuration-reply where status = 200 with ntpServer = "198.51.100.10"
      """)
    #expect(
      try judged(
        scenario,
        """
        0.010 server -> cfg configuration-reply status=404
        0.020 server -> cfg configuration-reply status=200 ntpServer="198.51.100.10"
        """
      ).verdict == .pass)
    let failed = try judged(
      scenario,
      """
      0.010 server -> cfg configuration-reply status=404
      0.020 server -> cfg configuration-reply status=200 ntpServer="198.51.100.11"
      0.030 server -> cfg configuration-reply status=200 ntpServer="198.51.100.10"
      """)
    #expect(failed.verdict == .fail)
    #expect(
      failed.failure?.differences == [
        Difference(path: "ntpServer", expected: "= \"198.51.100.10\"", actual: "\"198.51.100.11\"")
      ])
    #expect(failed.failure?.nearest?.frame == 2)
    #expect(failed.failure?.sincePhase == 20_000_000)
  }

  @Test func theNearestEventIsToldWithWhatSetsItApart() throws {
    let scenario = expecting(
      """
        server -> cfg configuration-reply where status = 200
      """)
    let failed = try judged(scenario, "0.010 server -> cfg configuration-reply status=404")
    #expect(
      failed.reason
        == "test.scenario:8:3: (4.2): expected server -> cfg configuration-reply where status = 200 within 10 s; saw "
        + "server -> cfg configuration-reply at 0.010 s (frame 1): status is 404, expected = 200")
  }

  @Test func savedValuesAreCompared() throws {
    let scenario = expecting(
      """
        cfg -> tv discover-reply save configuratorId as $id
        cfg -> tv register-reply with configuratorId = $id
      """)
    let trace = "0.010 cfg -> tv discover-reply configuratorId=\"c1\"\n0.020 cfg -> tv register-reply configuratorId="
    #expect(try judged(scenario, trace + "\"c1\"").verdict == .pass)
    let failed = try judged(scenario, trace + "\"c2\"")
    #expect(
      failed.reason
        == "test.scenario:9:3: (4.2): expected cfg -> tv register-reply with configuratorId = $id; saw cfg -> tv "
        + "register-reply at 0.020 s (frame 2): configuratorId is \"c2\", expected = $id (\"c1\")")
  }

  @Test func aSilentHomeIsToldAsSuch() throws {
    let failed = try judged(expecting("  any -> cfg register\n"), "")
    #expect(failed.reason == "test.scenario:8:3: (4.2): expected any -> cfg register within 10 s; saw nothing")
  }

  @Test func tooManyPartialAssignmentsAreRefused() throws {
    let lines = (0..<14).map { _ in "    any -> cfg register" }.joined(separator: "\n")
    let trace = (0..<14).map { "0.\(10 + $0) tv -> cfg register #\($0)" }.joined(separator: "\n")
    let judgement = try judged(expecting("  in any order\n\(lines)\n  end\n"), trace)
    #expect(judgement.verdict == .error)
    let checked = try Home.scenario(expecting("  in any order\n\(lines)\n  end\n"))
    let overlaps = PatternOverlap.all(in: checked.scenario, checked.variants[0], checked.topology)
    #expect(overlaps.map(\.first.line) == [9])
    #expect(overlaps.map(\.second.line) == [10])
    #expect(
      judgement.reason
        == "test.scenario:9:5: more than 4096 partial assignments: any -> cfg register (line 9) and any -> cfg register "
        + "(line 10) overlap")
  }
}

@Suite("Off lines and the end of expect (S5, S6)")
struct OffLineTests {
  let scenario = expecting(
    """
      step 1
        tv -> cfg register
      step 2 if upstream
        cfg -> server server-register where lifetime = 60
    """, header: "option upstream \"u\" sets cfg server-registration")

  @Test func anArrowThatWasNotNeededFails() throws {
    let failed = try judged(
      scenario,
      """
      0.010 tv -> cfg register
      0.020 cfg -> server server-register lifetime=60
      """, off: ["upstream"])
    #expect(failed.verdict == .fail)
    #expect(
      failed.reason
        == "test.scenario:11:5: step 2 (4.2): expected no cfg -> server server-register where lifetime = 60 (off: if "
        + "upstream); saw cfg -> server server-register at 0.020 s (frame 2)")
    #expect(failed.steps.map(\.status) == [.passed, .failed])
  }

  @Test func anOffLineCountsFromTheFirstAction() throws {
    let failed = try judged(
      scenario,
      """
      0.005 cfg -> server server-register lifetime=60
      0.010 tv -> cfg register
      """, off: ["upstream"])
    #expect(failed.verdict == .fail)
    #expect(failed.duration == 5_000_000)
  }

  @Test func itSettlesAndNoLonger() throws {
    let soon = "0.010 tv -> cfg register\n0.159 cfg -> server server-register lifetime=60"
    let late = "0.010 tv -> cfg register\n0.161 cfg -> server server-register lifetime=60"
    #expect(try judged(scenario, soon, off: ["upstream"]).verdict == .fail)
    let passed = try judged(scenario, late, off: ["upstream"])
    #expect(passed.verdict == .pass)
    #expect(passed.duration == 160_000_000)
    #expect(passed.steps.map(\.status) == [.passed, .off])
    #expect(passed.stepCount == (1, 1))
  }

  @Test func whereAndBackgroundAreSpared() throws {
    let trace = """
      0.010 tv -> cfg register
      0.020 cfg -> server server-register lifetime=61
      0.030 cfg -> server server-register* lifetime=60
      """
    #expect(try judged(scenario, trace, off: ["upstream"]).verdict == .pass)
  }

  @Test func neverHoldsUntilTheNextLine() throws {
    let scenario = expecting(
      """
        tv -> network discover
        never
          tv -> cfg register
        end
        cfg -> tv discover-reply
      """)
    #expect(
      try judged(
        scenario,
        """
        0.010 tv -> network discover
        0.020 cfg -> tv discover-reply
        0.030 tv -> cfg register
        """
      ).verdict == .pass)
    let failed = try judged(
      scenario,
      """
      0.010 tv -> network discover
      0.015 tv -> cfg register
      0.020 cfg -> tv discover-reply
      """)
    #expect(
      failed.reason
        == "test.scenario:10:5: (4.2): expected never tv -> cfg register; saw tv -> cfg register at 0.015 s (frame 2)")
  }

  @Test func neverAtTheEndHoldsWhileItSettles() throws {
    let scenario = expecting(
      """
        tv -> network discover
        never
          cfg -> network ssdp-byebye
        end
      """, header: "settle 1s")
    let trace = "0.010 tv -> network discover\n"
    #expect(try judged(scenario, trace + "0.900 cfg -> network ssdp-byebye*").verdict == .fail)
    #expect(try judged(scenario, trace + "1.100 cfg -> network ssdp-byebye*").verdict == .pass)
  }

  @Test func strictAllowsNothingElse() throws {
    let scenario = expecting("  tv -> network discover\n", header: "strict")
    #expect(try judged(scenario, "0.010 tv -> network discover\n0.020 tv -> network discover").verdict == .pass)
    let failed = try judged(scenario, "0.005 pc -> cfg register\n0.010 tv -> network discover")
    #expect(
      failed.reason
        == "test.scenario:5:1: (4.2): expected nothing but the lines of expect (strict); saw pc -> cfg register at 0.005 s "
        + "(frame 1)")
  }
}

@Suite("Groups (S7)")
struct GroupTests {
  @Test func inAnyOrderAndFor() throws {
    let scenario = expecting(
      """
        for $d in tv, pc, nas
          step 1
            $d -> network discover
            cfg -> $d discover-reply save configuratorId as $id
          step 2
            cfg -> $d register-reply with agentId = $d.id and configuratorId = $id within 1s
        end
        in any order
          cfg -> server server-register
          cfg -> tv configure
        end
      """)
    let ids = try Home.scenario(scenario).topology.nodes
    func id(_ name: String) -> String { "\"\(ids.first { $0.name == name }!.id)\"" }
    let trace = """
      0.010 tv -> network discover
      0.020 pc -> network discover
      0.030 cfg -> pc discover-reply configuratorId="x"
      0.040 nas -> network discover
      0.050 cfg -> tv discover-reply configuratorId="y"
      0.060 cfg -> nas discover-reply configuratorId="z"
      0.070 cfg -> tv register-reply agentId=\(id("tv")) configuratorId="y"
      0.080 cfg -> nas register-reply agentId=\(id("nas")) configuratorId="z"
      0.090 cfg -> pc register-reply agentId=\(id("pc")) configuratorId="x"
      0.100 cfg -> tv configure
      0.110 cfg -> server server-register
      """
    let passed = try judged(scenario, trace)
    #expect(passed.verdict == .pass, "\(passed.reason)")
    let checked = try Home.scenario(scenario)
    #expect(PatternOverlap.all(in: checked.scenario, checked.variants[0], checked.topology) == [])
    #expect(passed.steps.count == 6)
    #expect(passed.accounts.allSatisfy { $0.kind == .taken })
    let failed = try judged(
      scenario, trace.split(separator: "\n").filter { !$0.hasPrefix("0.080") }.joined(separator: "\n"))
    #expect(
      failed.reason
        == "test.scenario:13:7: step 2 (4.2): expected cfg -> nas register-reply within 1 s; saw cfg -> tv "
        + "configure at 0.100 s (frame 9)")
  }

  @Test func roundsThatTakeNothingEndARepeat() throws {
    let scenario = expecting(
      """
        repeat 2 to 10000
          optional
            tv -> hg gateway-check
          end
        end
        cfg -> server request-result
      """)
    #expect(try judged(scenario, "0.200 cfg -> server request-result").verdict == .pass)
    let once = try judged(scenario, "0.100 tv -> hg gateway-check\n0.200 cfg -> server request-result")
    #expect(once.verdict == .pass)
    #expect(once.accounts.map(\.kind) == [.taken, .taken])
  }

  @Test func eitherOptionalRepeat() throws {
    let scenario = expecting(
      """
        either
          tv -> cfg register where reason = "refresh"
        or
          tv -> network discover
          tv -> cfg register where reason = "new-device"
        end
        optional
          cfg -> tv configure
        end
        repeat 2 to 3
          tv -> hg gateway-check
        end
        cfg -> server request-result
      """)
    let checks = "0.100 tv -> hg gateway-check #1\n0.110 tv -> hg gateway-check #2\n"
    let end = "0.200 cfg -> server request-result"
    let refresh = "0.010 tv -> cfg register reason=\"refresh\"\n"
    let new = "0.010 tv -> network discover\n0.020 tv -> cfg register reason=\"new-device\"\n"
    #expect(try judged(scenario, refresh + checks + end).verdict == .pass)
    #expect(try judged(scenario, new + "0.050 cfg -> tv configure\n" + checks + end).verdict == .pass)
    #expect(try judged(scenario, refresh + "0.110 tv -> hg gateway-check #2\n" + end).verdict == .fail)
    #expect(
      try judged(scenario, "0.020 tv -> cfg register reason=\"new-device\"\n" + checks + end).verdict == .fail)
  }
}

@Suite("Time (S8), slack and pace")
struct TimeTests {
  let body =
    "  step 1\n    tv -> network discover within 1s\n  step 2\n    cfg -> tv discover-reply within 500ms of step 1\n"

  @Test func withinRunsFromTheLineBeforeOrTheStep() throws {
    let onTime = "1.000 tv -> network discover\n1.500 cfg -> tv discover-reply"
    let passed = try judged(expecting(body), onTime)
    #expect(passed.verdict == .pass)
    #expect(passed.headroom?.spare == 0)
    #expect(
      try judged(expecting(body), "1.001 tv -> network discover\n1.100 cfg -> tv discover-reply").verdict == .fail)
    let late = try judged(expecting(body), "0.900 tv -> network discover\n1.401 cfg -> tv discover-reply")
    #expect(
      late.reason
        == "test.scenario:11:5: step 2 (4.2): expected cfg -> tv discover-reply within 0.5 s of step 1; saw tv -> network "
        + "discover at 0.900 s (frame 1), then nothing from cfg")
    // No repeat of the search could have come in time for step 1: it is certain at once.
    #expect(late.duration == 1_400_000_000)
  }

  @Test func slackStretches() throws {
    let late = "1.900 tv -> network discover\n2.850 cfg -> tv discover-reply"
    #expect(try judged(expecting(body), late).verdict == .fail)
    #expect(try judged(expecting(body), late, slack: 2).verdict == .pass)
  }

  @Test func paceMakesRoleTime() throws {
    let trace = "0.090 tv -> network discover\n0.145 cfg -> tv discover-reply"
    #expect(try judged(expecting(body, header: "pace 10"), trace).verdict == .fail)
    #expect(try judged(expecting(body, header: "pace 5"), trace).verdict == .pass)
  }
}
