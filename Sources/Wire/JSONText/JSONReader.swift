import Octets

extension JSONValue {
  /// Reads one JSON text, strictly by RFC 8259: UTF-8 without a byte order mark, no comments, no repeated names.
  ///
  /// - Parameter depth: how deep arrays and objects may nest.
  /// - Throws: ``WireError`` with the octet at which the text stops being JSON.
  public init(parsing octets: some Collection<UInt8>, depth: Int = 32) throws {
    var reader = JSONReader(octets: Array(octets), depthLimit: depth)
    self = try reader.document()
  }

  public init(parsing text: String, depth: Int = 32) throws { try self.init(parsing: Array(text.utf8), depth: depth) }
}

private struct JSONReader {
  let octets: [UInt8]
  let depthLimit: Int
  var position = 0

  init(octets: [UInt8], depthLimit: Int) {
    self.octets = octets
    self.depthLimit = depthLimit
  }

  func fault(_ reason: String, at offset: Int? = nil, code: WireError.Code = .malformed) -> WireError {
    WireError(code, in: "JSON", at: offset ?? position, reason)
  }

  var next: UInt8? { position < octets.count ? octets[position] : nil }

  mutating func skipBlanks() {
    while let octet = next, octet == 0x20 || octet == 0x09 || octet == 0x0A || octet == 0x0D { position += 1 }
  }

  mutating func document() throws -> JSONValue {
    let result = try value(depth: 0)
    skipBlanks()
    guard next == nil else { throw fault("more text after the value") }
    return result
  }

  mutating func value(depth: Int) throws -> JSONValue {
    skipBlanks()
    guard let octet = next else { throw fault("expected a value, found the end", code: .truncated) }
    switch octet {
    case UInt8(ascii: "{"): return try object(depth: depth + 1)
    case UInt8(ascii: "["): return try array(depth: depth + 1)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), 0x30...0x39: return .number(try number())
    default: throw fault("expected a value")
    }
  }

  mutating func literal(_ word: StaticString, _ result: JSONValue) throws -> JSONValue {
    let length = word.utf8CodeUnitCount
    guard octets.count - position >= length,
      (0..<length).allSatisfy({ octets[position + $0] == word.utf8Start[$0] })
    else { throw fault("expected \(word)") }
    position += length
    return result
  }

  mutating func number() throws -> JSONNumber {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    let firstDigit = position
    try digits()
    guard octets[firstDigit] != UInt8(ascii: "0") || position == firstDigit + 1 else {
      throw fault("a number may not start with 0", at: firstDigit)
    }
    if next == UInt8(ascii: ".") {
      position += 1
      try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
    guard position - start <= 64 else { throw fault("a number of more than 64 characters", at: start, code: .tooLong) }
    return JSONNumber(validated: String(decoding: octets[start..<position], as: UTF8.self))
  }

  mutating func digits() throws {
    let start = position
    while let octet = next, octet.isDecimalDigit { position += 1 }
    guard position > start else { throw fault("expected a digit") }
  }

  mutating func string() throws -> String {
    let start = position
    position += 1
    var buffer: [UInt8] = []
    var runStart = position
    while true {
      guard let octet = next else { throw fault("a string without an end", at: start, code: .truncated) }
      switch octet {
      case UInt8(ascii: "\""):
        buffer += octets[runStart..<position]
        position += 1
        guard let text = String(validating: buffer, as: UTF8.self) else {
          throw fault("a string that is not UTF-8", at: start)
        }
        return text
      case UInt8(ascii: "\\"):
        buffer += octets[runStart..<position]
        position += 1
        buffer += try escape().utf8
        runStart = position
      case 0..<0x20: throw fault("a control character in a string")
      default: position += 1
      }
    }
  }

  mutating func escape() throws -> String {
    guard let octet = next else { throw fault("an escape without an end", code: .truncated) }
    position += 1
    switch octet {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{08}"
    case UInt8(ascii: "f"): return "\u{0C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return String(try unicodeScalar())
    default: throw fault("an unknown escape", at: position - 2)
    }
  }

  mutating func unicodeScalar() throws -> Unicode.Scalar {
    let start = position - 2
    let first = try fourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, position + 1 < octets.count, octets[position] == UInt8(ascii: "\\"),
      octets[position + 1] == UInt8(ascii: "u")
    else { throw fault("half a surrogate pair", at: start) }
    position += 2
    let second = try fourDigits()
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw fault("half a surrogate pair", at: start) }
    return scalar
  }

  mutating func fourDigits() throws -> UInt32 {
    guard octets.count - position >= 4, octets[position..<position + 4].allSatisfy(\.isHexDigit) else {
      throw fault("expected four hexadecimal digits")
    }
    defer { position += 4 }
    return UInt32(String(decoding: octets[position..<position + 4], as: UTF8.self), radix: 16)!
  }

  mutating func array(depth: Int) throws -> JSONValue {
    try check(depth)
    position += 1
    var items: [JSONValue] = []
    skipBlanks()
    if next == UInt8(ascii: "]") {
      position += 1
      return .array([])
    }
    while true {
      items.append(try value(depth: depth))
      skipBlanks()
      switch next {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "]"):
        position += 1
        return .array(items)
      default: throw fault("expected , or ]", code: next == nil ? .truncated : .malformed)
      }
    }
  }

  mutating func object(depth: Int) throws -> JSONValue {
    try check(depth)
    position += 1
    var object = JSONObject()
    var names: Set<String> = []
    skipBlanks()
    if next == UInt8(ascii: "}") {
      position += 1
      return .object(object)
    }
    while true {
      skipBlanks()
      let start = position
      guard next == UInt8(ascii: "\"") else {
        throw fault("expected a member name", code: next == nil ? .truncated : .malformed)
      }
      let name = try string()
      // Swift takes names that only look alike for equal; the object compares code points (RFC 8259 clause 8.3).
      guard names.insert(name).inserted || object[name] == nil else {
        throw fault("the name \"\(name)\" a second time", at: start)
      }
      skipBlanks()
      guard next == UInt8(ascii: ":") else { throw fault("expected :", code: next == nil ? .truncated : .malformed) }
      position += 1
      object.appendUnchecked(name, try value(depth: depth))
      skipBlanks()
      switch next {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "}"):
        position += 1
        return .object(object)
      default: throw fault("expected , or }", code: next == nil ? .truncated : .malformed)
      }
    }
  }

  func check(_ depth: Int) throws {
    guard depth <= depthLimit else { throw fault("nested deeper than \(depthLimit)", code: .tooLong) }
  }
}
