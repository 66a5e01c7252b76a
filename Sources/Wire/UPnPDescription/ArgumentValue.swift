/// Why a text is no value of a state variable.
public enum ArgumentFault: Error, Sendable, Hashable {
  /// No value of the data type.
  case type
  /// None of those that are allowed.
  case notAllowed
  /// A number outside the range.
  case range
}

extension StateVariable {
  /// Checks a text as a value of the variable.
  public func check(_ text: String) throws(ArgumentFault) {
    switch type {
    case .ui2, .ui4:
      let number = try Self.number(text)
      guard number <= (type == .ui2 ? UInt64(UInt16.max) : UInt64(UInt32.max)) else { throw .type }
      if let range, !range.contains(UInt32(number)) { throw .range }
    case .boolean: _ = try Self.truth(text)
    case .string: guard allowedValues.isEmpty || allowedValues.contains(text) else { throw .notAllowed }
    }
  }

  /// A number of digits, with blanks around it as some control points send.
  public static func number(_ text: String) throws(ArgumentFault) -> UInt64 {
    let digits = text.drop { $0 == " " }.prefix { $0 != " " }
    guard (1...12).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = UInt64(digits), text.drop(while: { $0 == " " }).dropFirst(digits.count).allSatisfy({ $0 == " " })
    else { throw .type }
    return number
  }

  /// `1`, `true` and `yes` are true, `0`, `false` and `no` false (UDA 2.0, 2.5).
  public static func truth(_ text: String) throws(ArgumentFault) -> Bool {
    switch text.lowercased() {
    case "1", "true", "yes": return true
    case "0", "false", "no": return false
    default: throw .type
    }
  }
}
