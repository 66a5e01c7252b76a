// The scenario's own notation, in which failures speak.

import LanguageKit
import ScenarioLanguage

enum Notation {
  /// `tv -> cfg register where reason = "refresh"`; what `with` asks is told field by field instead.
  static func text(_ arrow: Arrow, from: String, to: String) -> String {
    var text = "\(from) -> \(to) \(arrow.message)"
    if !arrow.selectors.isEmpty { text += " where " + arrow.selectors.map(Self.text).joined(separator: " and ") }
    return text
  }

  static func text(_ condition: Condition) -> String { "\(condition.path) \(text(condition.test))" }

  static func text(_ comparison: Comparison) -> String {
    switch comparison {
    case .equal(let value): "= \(value)"
    case .notEqual(let value): "!= \(value)"
    case .less(let value): "< \(value)"
    case .lessOrEqual(let value): "<= \(value)"
    case .greater(let value): "> \(value)"
    case .greaterOrEqual(let value): ">= \(value)"
    case .contains(let value): "contains \(value)"
    case .matches(let pattern): "matches \(Value.quoted(pattern))"
    case .isIn(let values): "in \(Value.list(values))"
    case .exists: "exists"
    case .absent: "absent"
    }
  }

  /// `0.25 s`, `10 s`.
  static func seconds(_ nanoseconds: Int64) -> String { JSONNumber(Double(nanoseconds) / 1e9).text + " s" }

  /// `0.021 s`: a moment of a run, to the millisecond.
  static func moment(_ nanoseconds: Int64) -> String {
    let milliseconds = (nanoseconds.magnitude + 500_000) / 1_000_000
    let fraction = String(milliseconds % 1000)
    let sign = nanoseconds < 0 && milliseconds > 0 ? "-" : ""
    return sign + String(milliseconds / 1000) + "." + String(repeating: "0", count: 3 - fraction.count) + fraction
      + " s"
  }
}
