// One message line of a scenario, ready to be matched.

import LanguageKit
import ScenarioLanguage

/// Whom a line speaks of.
enum PartyTest: Sendable, Hashable {
  case any
  case party(Party)

  func accepts(_ party: Party) -> Bool {
    switch self {
    case .any: true
    case .party(let mine): mine == party
    }
  }

  /// False only where no party can be both.
  func overlaps(_ other: PartyTest) -> Bool {
    guard case .party(let a) = self, case .party(let b) = other else { return true }
    return a == b
  }
}

/// A class, so that looking at a line copies nothing.
final class Line: Sendable {
  /// Index in the plan's lines.
  let id: Int
  let from: PartyTest
  let to: PartyTest
  let name: String
  let selectors: [ValueTest]
  let judgements: [ValueTest]
  let saves: [(path: Path, variable: Int)]
  /// Nanoseconds on the wall: slack and pace counted in.
  let within: Int64?
  /// The step from whose last event `within` runs; else from the line before.
  let withinStep: Int?
  /// As a failure tells it: `within 1 s of step 3`.
  let withinText: String?
  /// Index in the plan's steps.
  let step: Int?
  /// Which of the phase's `expect` blocks it stands in.
  let expect: Int
  /// `FROM -> TO NAME where ...`, references looked up.
  let text: String
  let position: Position
  /// Why the line is off; `nil` where it is on.
  let offBecause: String?
  /// True where the message is background whatever its fields say.
  let namesBackground: Bool
  /// Its conditions on the field that makes an event background.
  let deciding: [ValueTest]
  let selectsByVariable: Bool

  init(
    id: Int, from: PartyTest, to: PartyTest, name: String, selectors: [ValueTest], judgements: [ValueTest],
    saves: [(path: Path, variable: Int)], within: Int64?, withinStep: Int?, withinText: String?, step: Int?,
    expect: Int, text: String, position: Position, offBecause: String?, namesBackground: Bool, deciding: [ValueTest]
  ) {
    self.id = id
    self.from = from
    self.to = to
    self.name = name
    self.selectors = selectors
    self.judgements = judgements
    self.saves = saves
    self.within = within
    self.withinStep = withinStep
    self.withinText = withinText
    self.step = step
    self.expect = expect
    self.text = text
    self.position = position
    self.offBecause = offBecause
    self.namesBackground = namesBackground
    self.deciding = deciding
    selectsByVariable = selectors.contains(where: \.usesVariables)
  }

  /// FROM, TO and NAME alone.
  func accepts(from: Party, to: Party, name: String) -> Bool {
    self.name == name && self.from.accepts(from) && self.to.accepts(to)
  }

  func selects(_ fields: JSONValue, _ environment: Environment) -> Bool {
    selectors.allSatisfy { $0.holds(fields, environment) }
  }

  func approves(_ fields: JSONValue, _ environment: Environment) -> Bool {
    judgements.allSatisfy { $0.holds(fields, environment) }
  }

  /// False only where no event can meet FROM, TO, NAME and `where` of both.
  func overlaps(_ other: Line) -> Bool {
    guard name == other.name, from.overlaps(other.from), to.overlaps(other.to) else { return false }
    return !selectors.contains { mine in
      other.selectors.contains { mine.excludes($0) }
    }
  }

  /// True where a background event counts for the line as any other: the catalogue makes its NAME background always, or
  /// the line asks for just the field that makes this event so (rule S3).
  func names(_ event: Event, _ environment: Environment) -> Bool {
    namesBackground || !deciding.isEmpty && deciding.allSatisfy { $0.holds(event.fields, environment) }
  }

  /// Whether the message is background whatever its fields say, and the field that else decides it.
  static func background(_ message: String) -> (always: Bool, field: String?) {
    switch MessageCatalogue[message]?.background {
    case .always: (true, nil)
    case .when(let field, _), .unless(let field, _): (false, field)
    case .asRequest:
      message.hasSuffix("-reply") ? (background(String(message.dropLast(6))).always, nil) : (false, nil)
    case .never, nil: (false, nil)
    }
  }
}

extension ValueTest {
  /// True where no event can meet both: the same field must equal two constants that differ.
  func excludes(_ other: ValueTest) -> Bool {
    guard path == other.path, !path.segments.contains(.anyElement) else { return false }
    switch (test, other.test) {
    case (.absent, .exists), (.exists, .absent), (.absent, .equal), (.equal, .absent): return true
    case (.equal(let a), .equal(let b)), (.equal(let a), .notEqual(let b)), (.notEqual(let a), .equal(let b)):
      guard !a.isVariable, !b.isVariable, let value = b.asJSON, a.asJSON != nil else { return false }
      let same = a.equals(value)
      if case .equal = test, case .equal = other.test { return !same && !a.isFuzzy && !b.isFuzzy }
      return a == b
    default: return false
    }
  }
}

extension Literal {
  /// True where two texts that differ may be the same value.
  fileprivate var isFuzzy: Bool {
    switch self {
    case .address(_, let prefix): prefix != nil
    case .text(let text): Literal.address(in: text)?.1 != nil || Literal.number(in: text) != nil
    case .list, .variable, .json: true
    case .number, .bool, .mac: false
    }
  }

  fileprivate var asJSON: JSONValue? {
    switch self {
    case .number(let number): .double(number)
    case .bool(let flag): .bool(flag)
    default: plain.map { .string($0) }
    }
  }
}
