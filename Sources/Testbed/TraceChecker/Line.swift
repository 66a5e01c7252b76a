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

struct Line: Sendable {
  /// Index in the plan's lines.
  var id: Int
  var from: PartyTest
  var to: PartyTest
  var name: String
  var selectors: [ValueTest]
  var judgements: [ValueTest]
  var saves: [(path: Path, variable: Int)]
  /// Nanoseconds on the wall: slack and pace counted in.
  var within: Int64?
  /// The step from whose last event `within` runs; else from the line before.
  var withinStep: Int?
  /// As a failure tells it: `within 1 s of step 3`.
  var withinText: String?
  /// Index in the plan's steps.
  var step: Int?
  /// Which of the phase's `expect` blocks it stands in.
  var expect: Int
  /// `FROM -> TO NAME where ...`, references looked up.
  var text: String
  var position: Position
  /// Why the line is off; `nil` where it is on.
  var offBecause: String?
  /// True where a background event counts as any other, because the line names what is always background, or asks for
  /// the field that makes it so (rule S3).
  var namesBackground: Bool
  /// The groups that it stands in, outermost first, and in which cluster of each.
  var ancestry: [(group: Int, cluster: Int)] = []

  var selectsByVariable: Bool { selectors.contains(where: \.usesVariables) }

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

  /// Names that rule S3 makes background whatever their fields say.
  private static let alwaysBackground: Set<String> = [
    "ssdp-alive", "ssdp-byebye", "description-read", "description-read-reply", "request-stream", "request-stream-reply",
    "configuration-read", "configuration-read-reply", "htip", "arp", "icmp", "dhcp", "dns",
  ]
  /// Fields by which an event of another name becomes background: a refresh, what a search is for.
  private static let decidingFields: Set<String> = ["reason", "st", "searchTarget", "target", "ST"]

  static func namesBackground(_ arrow: Arrow) -> Bool {
    alwaysBackground.contains(arrow.message)
      || (arrow.selectors + arrow.judgements).contains { condition in
        guard case .member(let name)? = condition.path.segments.first else { return false }
        return decidingFields.contains(name)
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
