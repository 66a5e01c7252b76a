import LanguageKit
import Messages
import ScenarioLanguage
import Testing
import TopologyLanguage

@testable import TraceChecker

/// SplitMix64: small, seeded, the same everywhere.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word >> 31
  }
  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// Random patterns and traces, small enough for the reference.
struct TinyWorld {
  var random: SplitMix
  var budget = 4

  mutating func line() -> TinyLine {
    budget -= 1
    return TinyLine(
      name: ["a", "b", "c"].randomElement(using: &random)!,
      x: random.chance(30) ? Int.random(in: 0...1, using: &random) : nil,
      y: random.chance(30) ? Int.random(in: 0...1, using: &random) : nil,
      within: random.chance(20) ? Int64.random(in: 1...9, using: &random) * 50_000_000 : nil)
  }

  mutating func body(depth: Int) -> [TinyPattern] {
    var result = [pattern(depth: depth)]
    while budget > 0, random.chance(45) { result.append(pattern(depth: depth)) }
    return result
  }

  mutating func pattern(depth: Int) -> TinyPattern {
    let choice = Int.random(in: 0..<100, using: &random)
    if depth == 0 || budget <= 1 || choice < 50 {
      let line = line()
      return depth == 2 && random.chance(20) ? .off(plain(line)) : .line(line)
    }
    switch choice {
    case ..<65: return .inAnyOrder(body(depth: depth - 1))
    case ..<75: return .either([body(depth: depth - 1), body(depth: depth - 1)])
    case ..<85: return .optional(body(depth: depth - 1))
    case ..<95:
      let low = Int.random(in: 0...1, using: &random)
      return .repeated(low, low + Int.random(in: 0...1, using: &random), body(depth: depth - 1))
    default: return depth == 2 ? .never(plain(line())) : .line(line())
    }
  }

  private func plain(_ line: TinyLine) -> TinyLine {
    var line = line
    line.within = nil
    return line
  }

  mutating func trace() -> [Event] {
    var time = TraceText.epoch
    return (0..<Int.random(in: 0...7, using: &random)).map { index in
      time += Int64.random(in: 1...6, using: &random) * 30_000_000
      let name = ["a", "b", "c"].randomElement(using: &random)!
      let (x, y) = (Int.random(in: 0...1, using: &random), Int.random(in: 0...1, using: &random))
      // Few digests: repeats are to be common.
      return Event(
        index: index, time: time, from: .node("tv"), to: .node("cfg"), name: name,
        fields: ["x": .int(x), "y": .int(y)], frame: index + 1,
        digest: random.chance(50) ? UInt64(2 * x + y) : UInt64(100 + index), isBackground: random.chance(10))
    }
  }
}

/// From a random pattern to the syntax tree of a scenario whose option `o` is off.
enum TinyScenario {
  static func scenario(_ patterns: [TinyPattern]) -> Scenario {
    var header = Header(topology: Located("one-home", at: place))
    header.settle = 150_000_000
    let phase = Phase(when: [], blocks: [.expect(patterns.map(pattern), place)], position: place)
    return Scenario(name: "tiny", title: nil, file: "tiny.scenario", header: header, given: nil, phases: [phase])
  }

  static let variant = Variant(scenario: "tiny", settings: [.init(option: "o", choice: .isOn(false))])
  private static let place = Position(file: "tiny.scenario", line: 1, column: 1)

  private static func pattern(_ tiny: TinyPattern) -> Pattern {
    switch tiny {
    case .line(let line): .message(message(line, guardian: nil))
    case .off(let line): .message(message(line, guardian: Guard(tests: [.option("o", isNegated: false)])))
    case .inAnyOrder(let members): .inAnyOrder(guardian: nil, members.map(pattern), place)
    case .either(let branches): .either(guardian: nil, branches.map { $0.map(pattern) }, place)
    case .optional(let body): .optional(guardian: nil, body.map(pattern), place)
    case .repeated(let low, let high, let body): .repeated(low, high, guardian: nil, body.map(pattern), place)
    case .never(let line): .never(guardian: nil, [.message(message(line, guardian: nil))], place)
    }
  }

  private static func message(_ line: TinyLine, guardian: Guard?) -> MessageLine {
    func condition(_ name: String, _ value: Int?) -> [Condition] {
      value.map {
        [Condition(path: Path(segments: [.member(name)]), test: .equal(.integer($0)), position: place)]
      } ?? []
    }
    func node(_ name: String) -> PartyReference { .node(Reference(parts: [.name(name)], position: place)) }
    return MessageLine(
      arrow: Arrow(
        from: node("tv"), to: node("cfg"), message: line.name, selectors: condition("x", line.x),
        judgements: condition("y", line.y), position: place),
      within: line.within.map { Within(limit: $0, step: nil) }, saves: [], guardian: guardian, position: place)
  }
}

@Suite("The matcher against a slow reference")
struct MatcherPropertyTests {
  static let topology = TopologyFile.read(
    "one-home.topology", loader: SourceLoader(files: ["one-home.topology": Home.text])
  ).topology

  @Test("agrees on random patterns and traces", arguments: 0..<8)
  func agrees(part: Int) throws {
    let topology = try #require(Self.topology)
    var passed = 0
    for seed in (part * 300)..<(part * 300 + 300) {
      var world = TinyWorld(random: SplitMix(state: UInt64(seed)))
      let patterns = world.body(depth: 2)
      let events = world.trace()
      var judge = Judge(TinyScenario.scenario(patterns), TinyScenario.variant, topology)
      judge.consume(.note(.phase(0, at: TraceText.epoch)))
      judge.consume(.note(.performed(phase: 0, at: TraceText.epoch)))
      for event in events { judge.consume(.event(event)) }
      judge.finish()
      let outcome = try #require(judge.outcome)
      // Live, the clock comes in between, and what comes late was seen by nobody before its time.
      var live = Judge(TinyScenario.scenario(patterns), TinyScenario.variant, topology)
      live.consume(.note(.phase(0, at: TraceText.epoch)))
      live.consume(.note(.performed(phase: 0, at: TraceText.epoch)))
      for event in events {
        live.consume(.clock(event.time - 1_000_000))
        live.consume(.event(event))
      }
      for second in 1...40 { live.consume(.clock(TraceText.at(Double(second)))) }
      #expect(live.outcome == outcome, "seed \(seed)")
      #expect(live.needs == .done)
      let expected = ReferenceMatcher(events, start: TraceText.epoch, settle: 150_000_000).passes(patterns)
      if expected { passed += 1 }
      let told = events.map {
        "\(($0.time - TraceText.epoch) / 1_000_000) \($0.name) \($0.fields) \($0.digest) \($0.isBackground ? "*" : "")"
      }
      #expect(
        (outcome.verdict == .pass) == expected,
        "seed \(seed): \(patterns) on \(told): expected \(expected ? "pass" : "fail"), got \(outcome.verdict) \(outcome.reason)"
      )
    }
    // Random worlds of which all fail would prove little.
    #expect(passed > 40)
  }
}
