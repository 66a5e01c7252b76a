import LanguageKit
import Messages
import TopologyLanguage

extension ScenarioChecker {
  /// The longest regular expression, and how deep its groups may nest: the library's parser is recursive.
  private static let patternLimit = 1024
  private static let patternDepth = 32

  /// The type of a field of a message; `nil` where it was told that there is none, `any` where the profile leaves it open.
  func type(of path: Path, in definition: MessageDefinition, at place: Position) -> FieldType? {
    type(of: path, in: .object(definition.fields), at: place, what: definition.name)
  }

  func type(of path: Path, in root: FieldType, at place: Position, what: String) -> FieldType? {
    switch root.lookup(path.steps) {
    case .known(let type): return type
    case .free: return .any
    case .unknown(let step, let known):
      let name = step < path.segments.count ? Path(segments: [path.segments[step]]).description : path.description
      report.error(
        at: place, "\(what) has no field `\(path)`",
        expected: known.isEmpty
          ? "nothing below `\(Path(segments: Array(path.segments.prefix(step))))`" : alternatives(known),
        hint: Suggestion.hint(for: name, among: known))
      return nil
    }
  }

  /// Checks a condition on fields of a type.
  mutating func check(_ condition: Condition, of root: FieldType, what: String = "the message") {
    let type = self.type(of: condition.path, in: root, at: condition.position, what: what)
    check(condition.test, of: type ?? .any, at: condition.valuePosition, path: condition.path)
  }

  /// A comparison that can never hold is an error (rule S10).
  mutating func check(_ test: Comparison, of type: FieldType, at place: Position, path: Path) {
    func refuse(_ words: String, _ expected: String, hint: String? = nil) {
      report.error(at: place, words, expected: expected, hint: hint)
    }
    switch test {
    case .exists, .absent: break
    case .matches(let pattern):
      checkPattern(pattern, at: place)
      if type.isStructure { refuse("`\(path)` is no text", "a field below it") }
    case .equal(let value):
      guard let value = concrete(value, at: place), !type.canEqual(value) else { return }
      var hint: String?
      if case .words(let words) = type { hint = Suggestion.hint(for: value.plainText, among: words) }
      if case .array = type { hint = "`\(path)[] = ...` or `\(path) contains ...` asks for an element" }
      refuse("`\(path)` is never `\(value)`", type.name, hint: hint)
    case .notEqual(let value): _ = concrete(value, at: place)
    case .less(let value), .lessOrEqual(let value), .greater(let value), .greaterOrEqual(let value):
      guard let value = concrete(value, at: place) else { return }
      if !type.hasOrder(with: value) {
        refuse("`\(path)` is never less or more than `\(value)`", type.hasOrder ? type.name : "a field with an order")
      }
    case .contains(let value):
      guard let value = concrete(value, at: place) else { return }
      switch type {
      case .any, .string, .url, .time, .uuid, .address, .cidr, .mac, .words, .map, .object: break
      case .array(let element):
        if !element.canEqual(value) { refuse("`\(path)` never contains `\(value)`", "elements: \(element.name)") }
      case .integer, .number, .boolean: refuse("`\(path)` contains nothing", "text or an array")
      }
    case .isIn(let values):
      let known = values.map { concrete($0, at: place) }
      if !known.contains(where: { $0.map(type.canEqual) ?? true }) {
        refuse("`\(path)` is never one of these", type.name)
      }
    }
  }

  private func checkPattern(_ pattern: String, at place: Position) {
    var depth = 0
    var deepest = 0
    for scalar in pattern.unicodeScalars {
      if scalar == "(" || scalar == "[" { depth += 1 }
      if scalar == ")" || scalar == "]" { depth -= 1 }
      deepest = max(deepest, depth)
    }
    guard pattern.utf8.count <= ScenarioChecker.patternLimit, deepest <= ScenarioChecker.patternDepth else {
      return report.error(
        at: place, "the regular expression is too long or too deep",
        expected: "at most \(ScenarioChecker.patternLimit) octets, \(ScenarioChecker.patternDepth) levels")
    }
    do {
      _ = try Regex(pattern)
    } catch {
      report.error(
        at: place, "not a regular expression", expected: "the syntax of Swift's Regex", hint: "\(error)")
    }
  }

  /// Conditions that exclude each other can never hold together.
  mutating func checkTogether(_ conditions: [Condition]) {
    var seen: [Path: Bounds] = [:]
    for condition in conditions where !condition.path.segments.contains(.anyElement) {
      var bounds = seen[condition.path] ?? Bounds()
      bounds.narrow(condition.test)
      if bounds.isEmpty {
        report.error(
          at: condition.position, "the conditions on `\(condition.path)` exclude each other",
          expected: "conditions that can hold together")
        bounds = Bounds()
      }
      seen[condition.path] = bounds
    }
  }
}

/// What conditions leave of a field's values.
private struct Bounds {
  private var lowest = -Double.infinity
  private var highest = Double.infinity
  private var isLowestOut = false
  private var isHighestOut = false
  private var only: Value?
  private var isThere = false
  private var isAbsent = false
  private var others: [Value] = []
  private(set) var isEmpty = false

  mutating func narrow(_ test: Comparison) {
    switch test {
    case .absent: isAbsent = true
    case .notEqual(let value):
      // A field that is not there differs from every value.
      others.append(value)
    default: isThere = true
    }
    switch test {
    case .equal(let value):
      if let only, only.excludes(value) { isEmpty = true }
      only = value
    case .less(let value): limit(highest: value.number, isOut: true)
    case .lessOrEqual(let value): limit(highest: value.number, isOut: false)
    case .greater(let value): limit(lowest: value.number, isOut: true)
    case .greaterOrEqual(let value): limit(lowest: value.number, isOut: false)
    default: break
    }
    if let only, others.contains(where: { $0 == only && !$0.isVariable }) { isEmpty = true }
    if isThere && isAbsent { isEmpty = true }
    if lowest > highest || (lowest == highest && (isLowestOut || isHighestOut)) { isEmpty = true }
    if let number = only?.number {
      if number < lowest || number > highest || (number == lowest && isLowestOut) || (number == highest && isHighestOut)
      {
        isEmpty = true
      }
    }
  }

  private mutating func limit(highest value: Double?, isOut: Bool) {
    guard let value, value <= highest else { return }
    isHighestOut = value < highest ? isOut : isHighestOut || isOut
    highest = value
  }

  private mutating func limit(lowest value: Double?, isOut: Bool) {
    guard let value, value >= lowest else { return }
    isLowestOut = value > lowest ? isOut : isLowestOut || isOut
    lowest = value
  }
}

extension Value {
  var isVariable: Bool {
    switch self {
    case .variable, .reference: true
    case .list(let items): items.contains(where: \.isVariable)
    default: false
    }
  }

  /// Durations count in seconds.
  var number: Double? {
    switch self {
    case .integer(let number): Double(number)
    case .decimal(let number): number
    case .duration(let nanoseconds): Double(nanoseconds) / 1e9
    case .string(let text): text.first.map { $0.isNumber || $0 == "-" } == true ? Double(text) : nil
    default: nil
    }
  }

  /// True where no field equals both (rule S10).
  fileprivate func excludes(_ other: Value) -> Bool {
    if isVariable || other.isVariable { return false }
    if let number, let another = other.number { return number != another }
    switch (self, other) {
    case (.address(let a), .cidr(let b)), (.cidr(let b), .address(let a)): return a != b.address
    case (.list, .list): return false
    default: return plainText != other.plainText
    }
  }
}

extension Comparison {
  /// The values on the right.
  var values: [Value] {
    switch self {
    case .equal(let value), .notEqual(let value), .less(let value), .lessOrEqual(let value), .greater(let value),
      .greaterOrEqual(let value), .contains(let value):
      [value]
    case .isIn(let values): values
    case .matches, .exists, .absent: []
    }
  }
}

extension Path {
  /// As the catalogue follows it.
  var steps: [FieldStep] {
    segments.map { segment in
      switch segment {
      case .member(let name): .member(name)
      case .index(let number): .index(number)
      case .anyElement: .anyElement
      }
    }
  }
}

extension FieldType {
  var isStructure: Bool {
    switch self {
    case .array, .object, .map: true
    default: false
    }
  }

  /// Whether a field of this type can equal the value by rule S10; references must have been resolved.
  func canEqual(_ value: Value) -> Bool {
    if case .list(let items) = value {
      switch self {
      case .any: return true
      case .array(let element): return items.allSatisfy(element.canEqual)
      default: return false
      }
    }
    switch self {
    case .any, .string: return true
    case .integer: return value.number.map { $0 == $0.rounded() } ?? false
    case .number: return value.number != nil
    case .boolean: return ["true", "false"].contains(value.plainText)
    case .url: if case .string = value { return true } else { return false }
    case .uuid, .time, .address, .cidr, .mac, .words: return canHold(.string(value.plainText))
    case .array, .object, .map: return false
    }
  }

  var hasOrder: Bool {
    switch self {
    case .boolean, .array, .object, .map, .uuid: false
    default: true
    }
  }

  /// Whether a field of this type can be less or more than the value.
  func hasOrder(with value: Value) -> Bool {
    switch (self, value) {
    case (_, .bool), (_, .list): return false
    case (.integer, _), (.number, _): return value.number != nil
    case (.address, _), (.cidr, _), (.mac, _): return canEqual(value)
    default: return hasOrder
    }
  }
}
