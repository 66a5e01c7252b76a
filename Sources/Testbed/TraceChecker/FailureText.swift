// What a failure says: what was expected, what came nearest, how it differs, and where it stands in the capture.

import LanguageKit
import ScenarioLanguage

struct FailureText {
  private let plan: Plan
  private let header: Header
  private let phaseStart: Int64
  private let seen: [Int: JSONValue?]
  private let events: [Event]
  private let taken: [Event]
  private let phasePosition: Position
  private let isTaken: Set<Int>

  init(judge: Judge, histories: [History]) {
    plan = judge.plan
    header = judge.scenario.header
    phaseStart = judge.phaseStart
    seen = judge.factRecord.seen
    events = judge.record.events
    taken = histories.flatMap { history in
      History.entries(history).compactMap { entry in if case .taken(_, let event) = entry { event } else { nil } }
    }.sorted { ($0.time, $0.index) < ($1.time, $1.index) }
    isTaken = Set(taken.map(\.index))
    phasePosition =
      switch judge.stage {
      case .matching(let phase), .facts(let phase, _), .awaiting(let phase): judge.plan.phases[phase].position
      case .given, .over: judge.scenario.header.topology.position
      }
  }

  /// `line` waited in vain.
  func missing(_ line: Line) -> Failure {
    let expected = line.text + " " + (line.withinText ?? "within " + Notation.seconds(header.timeLimit))
    let last = taken.last { $0.time >= phaseStart }
    let later = events.filter { $0.time >= last?.time ?? phaseStart && !isTaken.contains($0.index) }
    if let nearest = nearest(line, later) {
      var saw = told(nearest)
      var differences: [Difference] = []
      if nearest.name == line.name {
        differences = self.differences(line.selectors, nearest)
        let isLate = line.within.map { nearest.time - (last?.time ?? phaseStart) > $0 } ?? false
        let isLike = line.accepts(from: nearest.from, to: nearest.to, name: nearest.name)
        saw += differences.isEmpty ? isLate && isLike ? ", too late" : "" : FailureText.list(differences)
      }
      return failure(line, "expected \(expected); saw \(saw)", nearest, differences)
    }
    let absence =
      switch line.from {
      case .any: "nothing"
      case .party(let party): "nothing from \(party)"
      }
    let saw = last.map { "saw \(told($0)), then \(absence)" } ?? "saw \(absence)"
    return failure(line, "expected \(expected); \(saw)", last, [])
  }

  /// The first event that `line` selects is not as its `with` says.
  func unlike(_ line: Line, _ event: Event) -> Failure {
    let differences = differences(line.judgements, event)
    let sentence = "expected \(line.text)\(with(line)); saw \(told(event))\(FailureText.list(differences))"
    return failure(line, sentence, event, differences)
  }

  /// An arrow that was not needed and came anyway (rule S5).
  func unneeded(_ line: Line, _ event: Event) -> Failure {
    failure(line, "expected no \(line.text) (off: \(line.offBecause ?? "")); saw \(told(event))", event, [])
  }

  func forbidden(_ line: Line, _ event: Event) -> Failure {
    failure(line, "expected never \(line.text)\(with(line)); saw \(told(event))", event, [])
  }

  func notTaken(_ event: Event) -> Failure {
    failure(
      at: phasePosition, step: nil, "nothing but the lines of expect (strict)",
      "expected nothing but the lines of expect (strict); saw \(told(event))", event, [])
  }

  /// The first of `facts` that was not true.
  func untrue(_ facts: [PlannedFact]) -> Failure {
    let culprit =
      facts.first { fact in
        guard case .some(.some(let value)) = seen[fact.id] else { return true }
        return fact.test.holds(value, [:]) == fact.fact.isNegated
      } ?? facts.first
    guard let culprit else { return failure(at: phasePosition, step: nil, "", "expected facts", nil, []) }
    let actual: String =
      switch seen[culprit.id] {
      case .some(.some(let value)): FailureText.cut(actual(culprit.test, value))
      case .some(.none): "nothing that could be read"
      case .none: "no answer"
      }
    let limit = culprit.duration.map { " for " + Notation.seconds($0) } ?? ""
    let sentence = "expected \(culprit.fact.text)\(limit) within \(Notation.seconds(header.timeLimit)); saw \(actual)"
    return failure(
      at: culprit.position, step: culprit.step.map { plan.steps[$0].number }, culprit.fact.text, sentence, nil, [])
  }

  private func actual(_ test: FactTest, _ value: JSONValue) -> String {
    if case .value(let condition) = test, !condition.path.segments.isEmpty { return condition.actual(value) }
    return value.description
  }

  // MARK: Parts

  /// The untaken event that has most in common with what `line` waits for: NAME, then FROM, then TO; the first of them.
  private func nearest(_ line: Line, _ events: [Event]) -> Event? {
    var best: (event: Event, score: Int)?
    for event in events {
      let isName = line.name == event.name
      let isFrom = line.from != .any && line.from.accepts(event.from)
      guard isName || isFrom && !event.isBackground else { continue }
      let score = (isName ? 4 : 0) + (line.from.accepts(event.from) ? 2 : 0) + (line.to.accepts(event.to) ? 1 : 0)
      if best.map({ score > $0.score }) ?? true { best = (event, score) }
    }
    return best?.event
  }

  private func differences(_ tests: [ValueTest], _ event: Event) -> [Difference] {
    let environment = savedValues
    return tests.filter { !$0.holds(event.fields, environment) }.map { test in
      Difference(
        path: test.path.description, expected: test.told(environment),
        actual: FailureText.cut(test.actual(event.fields)))
    }
  }

  /// What the lines that were taken had saved.
  private var savedValues: Environment {
    var environment: Environment = [:]
    for event in taken {
      for line in plan.lines where !line.saves.isEmpty && line.accepts(from: event.from, to: event.to, name: event.name)
      {
        for save in line.saves {
          environment[save.variable] = environment[save.variable] ?? ValueTest.value(at: save.path, in: event.fields)
        }
      }
    }
    return environment
  }

  private func with(_ line: Line) -> String {
    guard !line.judgements.isEmpty else { return "" }
    return " with " + line.judgements.map { "\($0.path) \($0.expectation)" }.joined(separator: " and ")
  }

  /// `cfg -> tv discover-reply at 0.021 s (frame 4)`.
  private func told(_ event: Event) -> String {
    "\(event.arrow) at \(Notation.moment(event.time - phaseStart)) (frame \(event.frame))"
  }

  private static func list(_ differences: [Difference]) -> String {
    differences.isEmpty ? "" : ": " + differences.map(\.description).joined(separator: ", ")
  }

  /// Values of any length stand in traces; a sentence holds so much of one.
  private static func cut(_ text: String) -> String {
    text.unicodeScalars.count <= 200 ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(200))) + "..."
  }

  private func failure(
    _ line: Line, _ sentence: String, _ nearest: Event?, _ differences: [Difference]
  ) -> Failure {
    failure(
      at: line.position, step: line.step.map { plan.steps[$0].number }, line.text, sentence, nearest, differences)
  }

  private func failure(
    at position: Position, step: Int?, _ expected: String, _ sentence: String, _ nearest: Event?,
    _ differences: [Difference]
  ) -> Failure {
    Failure(
      position: position, step: step, clause: header.clause, expected: expected,
      nearest: nearest.map {
        TakenEvent(arrow: $0.arrow, position: position, event: $0.index, time: $0.time, frame: $0.frame)
      }, sincePhase: nearest.map { $0.time - phaseStart }, differences: differences, sentence: sentence)
  }
}

extension ValueTest {
  /// The right side of the condition; a saved value is told beside its name.
  func told(_ environment: Environment) -> String {
    let literal: Literal? =
      switch test {
      case .equal(let value), .notEqual(let value), .less(let value), .lessOrEqual(let value), .greater(let value),
        .greaterOrEqual(let value), .contains(let value):
        value
      case .isIn, .matches, .exists, .absent: nil
      }
    if case .variable(let number)? = literal {
      return "\(expectation) (\(environment[number]?.description ?? "not saved"))"
    }
    return expectation
  }
}
