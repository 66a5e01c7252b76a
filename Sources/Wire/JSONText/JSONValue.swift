/// A JSON value (RFC 8259). Objects keep the order of their members; a repeated name is refused when text is read.
public enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

/// A number as it was written, so that nothing is lost on the way through.
public struct JSONNumber: Sendable, Hashable, CustomStringConvertible {
  /// The text of the number, valid by RFC 8259 clause 6.
  public let text: String

  init(validated text: String) { self.text = text }
  public init(_ value: Int) { text = String(value) }
  /// `value` must be finite; anything else becomes 0.
  public init(_ value: Double) { text = value.isFinite ? JSONNumber.shortest(value) : "0" }

  private static func shortest(_ value: Double) -> String {
    if let whole = Int(exactly: value) { return String(whole) }
    return "\(value)"
  }

  /// The value where it is a whole number that fits, `10`, `10.0` and `1e1` alike.
  public var int: Int? { Int(text) ?? Int(exactly: double) }
  public var double: Double { Double(text) ?? .nan }
  public var description: String { text }

  /// Numbers are equal by value; whole ones exactly, others as far as a double tells.
  public static func == (a: JSONNumber, b: JSONNumber) -> Bool {
    if let first = Int(a.text), let second = Int(b.text) { return first == second }
    return a.text == b.text || a.double == b.double
  }
  public func hash(into hasher: inout Hasher) { hasher.combine(double) }
}

/// The members of a JSON object, in order. Equality ignores the order.
public struct JSONObject: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  public private(set) var members: [(name: String, value: JSONValue)]

  public init() { members = [] }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    members = []
    for (name, value) in elements { self[name] = value }
  }

  public subscript(name: String) -> JSONValue? {
    get { members.first { JSONObject.isSame($0.name, name) }?.value }
    set {
      let index = members.firstIndex { JSONObject.isSame($0.name, name) }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append((name, value))
      case (nil, nil): break
      }
    }
  }

  /// Names are equal where their code points are (RFC 8259 clause 8.3).
  private static func isSame(_ a: String, _ b: String) -> Bool { a == b && a.utf8.elementsEqual(b.utf8) }

  mutating func appendUnchecked(_ name: String, _ value: JSONValue) { members.append((name, value)) }

  public var names: [String] { members.map(\.name) }
  public var isEmpty: Bool { members.isEmpty }
  public var count: Int { members.count }

  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.count == b.count && a.members.allSatisfy { b[$0.name] == $0.value }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(members.reduce(0) { $0 ^ $1.name.hashValue })
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(nilLiteral: ()) { self = .null }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (name, value) in elements { object[name] = value }
    self = .object(object)
  }
}

extension JSONValue {
  public static func int(_ value: some BinaryInteger) -> JSONValue { .number(JSONNumber(validated: String(value))) }
  public static func double(_ value: Double) -> JSONValue { .number(JSONNumber(value)) }
  /// The text, or null where there is none.
  public static func text(_ value: (some CustomStringConvertible)?) -> JSONValue {
    value.map { .string($0.description) } ?? .null
  }

  public var string: String? { if case .string(let text) = self { text } else { nil } }
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var int: Int? { if case .number(let number) = self { number.int } else { nil } }
  public var double: Double? { if case .number(let number) = self { number.double } else { nil } }
  public var array: [JSONValue]? { if case .array(let items) = self { items } else { nil } }
  public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
  public var isNull: Bool { self == .null }

  /// The member called `name`; `nil` where this is no object or has none. Setting on anything but an object makes it one.
  public subscript(name: String) -> JSONValue? {
    get { object?[name] }
    set {
      var object = object ?? JSONObject()
      object[name] = newValue
      self = .object(object)
    }
  }

  /// The item at `index`; `nil` where this is no array or is too short.
  public subscript(index: Int) -> JSONValue? {
    guard let array, array.indices.contains(index) else { return nil }
    return array[index]
  }

  /// The value that results when `patch` is applied to this one, by RFC 7396.
  public func merging(_ patch: JSONValue) -> JSONValue {
    guard case .object(let changes) = patch else { return patch }
    var result = object ?? JSONObject()
    for (name, value) in changes.members {
      // A bare `nil` here would be read as JSON's null.
      result[name] = value.isNull ? JSONValue?.none : (result[name] ?? .object([:])).merging(value)
    }
    return .object(result)
  }
}
