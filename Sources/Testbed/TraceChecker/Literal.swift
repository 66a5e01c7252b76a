// Values as rule S10 compares them.

import LanguageKit
import ScenarioLanguage
import TopologyLanguage

/// The right side of a condition, its references already looked up.
indirect enum Literal: Sendable, Hashable {
  case text(String)
  case number(Double)
  case bool(Bool)
  case address(IPAddress, prefix: Int?)
  case mac(MACAddress)
  case list([Literal])
  /// Saved by an earlier line; its number among the scenario's variables.
  case variable(Int)
  /// What a variable held.
  case json(JSONValue)

  /// True where the value depends on what earlier lines saved.
  var isVariable: Bool {
    switch self {
    case .variable: true
    case .list(let items): items.contains(where: \.isVariable)
    default: false
    }
  }

  /// Rule S10: numbers as numbers, addresses and MACs after parsing, else text exactly.
  func equals(_ actual: JSONValue) -> Bool {
    switch (self, actual) {
    case (.json(let value), _): return Literal.of(value).map { $0.equals(actual) } ?? (value == actual)
    case (.list(let items), .array(let values)):
      return items.count == values.count && zip(items, values).allSatisfy { $0.equals($1) }
    case (.bool(let value), .bool(let other)): return value == other
    case (.bool(let value), .string(let text)): return text == String(value)
    case (.number(let value), .number(let other)): return value == other.double
    case (.number(let value), .string(let text)): return Literal.number(in: text) == value
    case (.mac(let value), .string(let text)): return MACAddress(text) == value
    case (.address(let address, let prefix), .string(let text)):
      guard let (other, otherPrefix) = Literal.address(in: text) else { return false }
      // A prefix is ignored against a plain address.
      return address == other && (prefix == nil || otherPrefix == nil || prefix == otherPrefix)
    case (.text(let text), .string(let other)):
      if text == other { return true }
      guard Literal.isAddressLike(text) else { return false }
      if let mac = MACAddress(text) { return mac == MACAddress(other) }
      guard let (address, prefix) = Literal.address(in: text) else { return false }
      return Literal.address(address, prefix: prefix).equals(actual)
    case (.text(let text), .number(let number)): return Literal.number(in: text) == number.double
    case (.text(let text), .bool(let value)): return text == String(value)
    default: return false
    }
  }

  /// -1, 0, 1 as `actual` is less, equal, greater; `nil` where there is no order between the two.
  func order(_ actual: JSONValue) -> Int? {
    func compare<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a == b ? 0 : 1 }
    switch self {
    case .json(let value): return Literal.of(value)?.order(actual)
    case .number(let value):
      let other = actual.double ?? actual.string.flatMap(Literal.number(in:))
      return other.map { compare($0, value) }
    case .text(let text):
      if case .number(let number) = actual { return Literal.number(in: text).map { compare(number.double, $0) } }
      // Times of RFC 3339 sort as text.
      return actual.string.map { compare($0, text) }
    case .address(let address, _):
      return actual.string.flatMap(Literal.address(in:)).map { compare($0.0, address) }
    case .mac(let mac): return actual.string.flatMap { MACAddress($0) }.map { compare($0, mac) }
    case .bool, .list, .variable: return nil
    }
  }

  static func of(_ value: JSONValue) -> Literal? {
    switch value {
    case .string(let text): .text(text)
    case .number(let number): .number(number.double)
    case .bool(let flag): .bool(flag)
    case .array(let items): .list(items.map { .json($0) })
    case .null, .object: nil
    }
  }

  /// A decimal number without blanks around it.
  static func number(in text: String) -> Double? {
    guard let first = text.utf8.first, first.isDecimalDigit || first == UInt8(ascii: "-"), text.utf8.count <= 64,
      let last = text.utf8.last, last.isDecimalDigit, let value = Double(text), value.isFinite,
      text.utf8.allSatisfy({ $0.isDecimalDigit || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) })
    else { return nil }
    return value
  }

  /// False for nearly all text, at little cost.
  private static func isAddressLike(_ text: String) -> Bool {
    text.utf8.count <= 64 && text.utf8.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }
  }

  static func address(in text: String) -> (IPAddress, Int?)? {
    // Nearly all text is neither; this keeps the common case cheap.
    guard text.utf8.count <= 64, text.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") })
    else {
      return nil
    }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let address = IPAddress(parts[0]) else { return nil }
    if parts.count == 1 { return (address, nil) }
    guard parts[1].utf8.allSatisfy(\.isDecimalDigit), let prefix = Int(parts[1]), prefix <= address.bitWidth else {
      return nil
    }
    return (address, prefix)
  }
}

extension Literal {
  /// What `value` means: references looked up in `names`, `$v` by its number in `variables`.
  init(_ value: Value, _ names: Names, _ bound: Names.Bindings, _ variables: (String) -> Int) {
    switch value {
    case .string(let text): self = .text(text)
    case .integer(let number): self = .number(Double(number))
    case .decimal(let number): self = .number(number)
    // Fields that are durations count seconds.
    case .duration(let nanoseconds): self = .number(Double(nanoseconds) / 1e9)
    case .address(let address): self = .address(address, prefix: nil)
    case .cidr(let cidr): self = .address(cidr.address, prefix: cidr.prefixLength)
    case .mac(let mac): self = .mac(mac)
    case .bool(let flag): self = .bool(flag)
    case .list(let items): self = .list(items.map { Literal($0, names, bound, variables) })
    case .natKind(let text): self = .text(text)
    case .reference(let reference):
      if case .variable(let name)? = reference.parts.first, bound[name] == nil {
        self = .variable(variables(name))
      } else {
        self = names.value(reference, bound)
      }
    case .variable(let name):
      if let meaning = bound[name] { self = names.value(meaning, bound) } else { self = .variable(variables(name)) }
    }
  }
}
