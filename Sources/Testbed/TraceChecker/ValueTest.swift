// One condition of `where` or `with`, ready to be asked of many events.

import LanguageKit
import ScenarioLanguage

/// What earlier lines saved, by the variable's number.
typealias Environment = [Int: JSONValue]

struct ValueTest: Sendable, Hashable {
  enum Test: Sendable, Hashable {
    case equal(Literal), notEqual(Literal), less(Literal), lessOrEqual(Literal), greater(Literal), greaterOrEqual(
      Literal)
    case contains(Literal), matches(String), isIn([Literal]), exists, absent
  }
  var path: Path
  var test: Test
  /// The condition in the scenario's notation, without its path: `= "TV-1"`.
  var expectation: String

  var usesVariables: Bool {
    switch test {
    case .equal(let value), .notEqual(let value), .less(let value), .lessOrEqual(let value), .greater(let value),
      .greaterOrEqual(let value), .contains(let value):
      value.isVariable
    case .isIn(let values): values.contains(where: \.isVariable)
    case .matches, .exists, .absent: false
    }
  }

  /// True if `fields` meet the condition; a variable that is not saved meets nothing.
  func holds(_ fields: JSONValue, _ environment: Environment) -> Bool {
    if path.segments.count == 1, case .member(let name) = path.segments[0] {
      // The common case, asked of a million events.
      guard let value = fields[name], !value.isNull else { return holdsOfNothing(environment) }
      return holds(value: value, environment)
    }
    var found = false
    var met = false
    ValueTest.visit(fields, path.segments[...]) { value in
      found = true
      met = met || holds(value: value, environment)
      return met
    }
    return found ? met : holdsOfNothing(environment)
  }

  /// Of a field that is not there, or null.
  private func holdsOfNothing(_ environment: Environment) -> Bool {
    switch test {
    case .absent: true
    // It differs from every value.
    case .notEqual(let value): !value.isVariable || ValueTest.resolve(value, environment) != nil
    default: false
    }
  }

  private func holds(value actual: JSONValue, _ environment: Environment) -> Bool {
    func ask(_ literal: Literal, _ question: (Literal) -> Bool) -> Bool {
      ValueTest.resolve(literal, environment).map(question) ?? false
    }
    switch test {
    case .equal(let value): return ask(value) { $0.equals(actual) }
    case .notEqual(let value): return ask(value) { !$0.equals(actual) }
    case .less(let value): return ask(value) { $0.order(actual).map { $0 < 0 } ?? false }
    case .lessOrEqual(let value): return ask(value) { $0.order(actual).map { $0 <= 0 } ?? false }
    case .greater(let value): return ask(value) { $0.order(actual).map { $0 > 0 } ?? false }
    case .greaterOrEqual(let value): return ask(value) { $0.order(actual).map { $0 >= 0 } ?? false }
    case .contains(let value): return ask(value) { ValueTest.contains(actual, $0) }
    case .isIn(let values): return values.contains { ask($0) { $0.equals(actual) } }
    case .matches(let pattern): return ValueTest.matches(ValueTest.plain(actual), pattern)
    case .exists: return true
    case .absent: return false
    }
  }

  /// Calls `body` with every value that stands at the path, null left out, until it returns true.
  @discardableResult
  private static func visit(
    _ value: JSONValue, _ segments: ArraySlice<Path.Segment>, _ body: (JSONValue) -> Bool
  ) -> Bool {
    guard let segment = segments.first else { return value.isNull ? false : body(value) }
    let rest = segments.dropFirst()
    switch segment {
    case .member(let name): return value[name].map { visit($0, rest, body) } ?? false
    case .index(let index): return value[index].map { visit($0, rest, body) } ?? false
    case .anyElement: return value.array?.contains { visit($0, rest, body) } ?? false
    }
  }

  /// The values that stand at the path, as JSON text; `absent` where there is none.
  func actual(_ fields: JSONValue) -> String {
    var values: [JSONValue] = []
    ValueTest.visit(fields, path.segments[...]) { value in
      values.append(value)
      return values.count == 8
    }
    return values.isEmpty ? "absent" : values.map(\.description).joined(separator: ", ")
  }

  /// The first value at `path`; `nil` where there is none or null.
  static func value(at path: Path, in fields: JSONValue) -> JSONValue? {
    var result: JSONValue?
    visit(fields, path.segments[...]) { value in
      result = value
      return true
    }
    return result
  }

  /// `literal` with saved values put in; `nil` where one was not saved.
  private static func resolve(_ literal: Literal, _ environment: Environment) -> Literal? {
    switch literal {
    case .variable(let number): return environment[number].map { .json($0) }
    case .list(let items) where literal.isVariable:
      let values = items.compactMap { resolve($0, environment) }
      return values.count == items.count ? .list(values) : nil
    default: return literal
    }
  }

  static func contains(_ actual: JSONValue, _ literal: Literal) -> Bool {
    switch actual {
    case .string(let text):
      guard let part = literal.plain else { return false }
      return part.isEmpty || text.firstRange(of: part) != nil
    case .array(let items): return items.contains { literal.equals($0) }
    case .object(let object): return literal.plain.map { object[$0] != nil } ?? false
    default: return false
    }
  }

  private static func matches(_ text: String, _ pattern: String) -> Bool {
    guard let expression = try? Regex(pattern) else { return false }
    return (try? expression.wholeMatch(in: text)) != nil
  }

  /// Text as it is, anything else as JSON text.
  private static func plain(_ value: JSONValue) -> String { value.string ?? value.description }
}

extension Literal {
  /// The value as text, as it would stand inside a string; `nil` for lists.
  var plain: String? {
    switch self {
    case .text(let text): text
    case .number(let number): JSONNumber(number).text
    case .bool(let flag): String(flag)
    case .address(let address, let prefix): address.description + (prefix.map { "/\($0)" } ?? "")
    case .mac(let mac): mac.description
    case .json(let value): value.string ?? value.description
    case .list, .variable: nil
    }
  }
}

extension ValueTest {
  /// The condition with its references looked up.
  init(
    _ condition: Condition, _ names: Names, _ bound: Names.Bindings, _ variables: (String) -> Int
  ) {
    func literal(_ value: Value) -> Literal { Literal(value, names, bound, variables) }
    path = condition.path
    expectation = Notation.text(condition.test)
    test =
      switch condition.test {
      case .equal(let value): .equal(literal(value))
      case .notEqual(let value): .notEqual(literal(value))
      case .less(let value): .less(literal(value))
      case .lessOrEqual(let value): .lessOrEqual(literal(value))
      case .greater(let value): .greater(literal(value))
      case .greaterOrEqual(let value): .greaterOrEqual(literal(value))
      case .contains(let value): .contains(literal(value))
      case .matches(let pattern): .matches(pattern)
      case .isIn(let values): .isIn(values.map(literal))
      case .exists: .exists
      case .absent: .absent
      }
  }
}
