import Octets

/// Bounds of the XML reader.
public struct XMLLimits: Sendable, Hashable {
  /// Octets of a document.
  public var length = 256 << 10
  /// Elements inside one another, the root counted.
  public var depth = 24
  /// Elements of a document.
  public var elements = 8192
  /// Attributes of an element.
  public var attributes = 32

  public init() {}
}

extension XMLElement {
  /// Reads a document of UTF-8 (XML 1.0); comments and processing instructions are left out.
  ///
  /// A document type declaration is refused, and with it every entity but the five predefined ones.
  /// - Throws: ``WireError`` with the octet and the reason.
  public init(parsing octets: some Collection<UInt8>, limits: XMLLimits = XMLLimits()) throws {
    var reader = try XMLReader(Array(octets.prefix(limits.length + 1)), limits: limits)
    self = try reader.document()
  }
}

/// The reader of one document.
struct XMLReader {
  private let octets: [UInt8]
  private let limits: XMLLimits
  private var position = 0
  private var elementCount = 0

  init(_ octets: [UInt8], limits: XMLLimits) throws {
    self.octets = octets
    self.limits = limits
    guard octets.count <= limits.length else {
      throw fault("more than \(limits.length) octets", at: limits.length, .tooLong)
    }
    if octets.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  private func fault(_ reason: String, at offset: Int? = nil, _ code: WireError.Code = .malformed) -> WireError {
    WireError(code, in: "XML", at: offset ?? position, reason)
  }

  private var next: UInt8? { position < octets.count ? octets[position] : nil }

  private func isAt(_ text: StaticString) -> Bool {
    octets.count - position >= text.utf8CodeUnitCount
      && (0..<text.utf8CodeUnitCount).allSatisfy { octets[position + $0] == text.utf8Start[$0] }
  }

  private mutating func skip(_ text: StaticString) -> Bool {
    guard isAt(text) else { return false }
    position += text.utf8CodeUnitCount
    return true
  }

  private mutating func expect(_ text: StaticString) throws {
    guard skip(text) else { throw fault("expected \(text)", next == nil ? .truncated : .malformed) }
  }

  private func fault(_ reason: String, _ code: WireError.Code) -> WireError { fault(reason, at: nil, code) }

  @discardableResult private mutating func skipBlanks() -> Bool {
    let start = position
    while let octet = next, octet == 0x20 || octet == 0x09 || octet == 0x0A || octet == 0x0D { position += 1 }
    return position > start
  }

  /// Moves behind `end`.
  private mutating func through(_ end: StaticString, of what: String) throws -> Range<Int> {
    let start = position
    while position < octets.count {
      if isAt(end) {
        defer { position += end.utf8CodeUnitCount }
        return start..<position
      }
      position += 1
    }
    throw fault("\(what) without an end", at: start, .truncated)
  }

  private func text(_ range: Range<Int>) throws -> String {
    guard let text = String(validating: octets[range], as: UTF8.self) else {
      throw fault("text that is not UTF-8", at: range.lowerBound)
    }
    return text
  }

  // MARK: Document

  mutating func document() throws -> XMLElement {
    if isAt("<?xml"), octets.count > position + 5, [0x20, 0x09, 0x0A, 0x0D].contains(octets[position + 5]) {
      try declaration()
    }
    try miscellany()
    guard next == UInt8(ascii: "<") else {
      throw fault("expected the root element", next == nil ? .truncated : .malformed)
    }
    let root = try element(depth: 1)
    try miscellany()
    guard next == nil else { throw fault("more text after the root element") }
    return root
  }

  /// The XML declaration, of which only the encoding matters.
  private mutating func declaration() throws {
    let start = position
    let range = try through("?>", of: "the XML declaration")
    let declaration = try text(range)
    guard let name = declaration.firstRange(of: "encoding") else { return }
    let value = declaration[name.upperBound...].filter { !" \t\r\n=\"'?".contains($0) }
    guard value.lowercased().hasPrefix("utf-8") || value.lowercased().hasPrefix("us-ascii") else {
      throw fault("the encoding \(value.prefix(20)), expected utf-8", at: start, .unsupported)
    }
  }

  /// Blanks, comments and processing instructions around the root element.
  private mutating func miscellany() throws {
    while true {
      skipBlanks()
      if isAt("<!DOCTYPE") { throw fault("a document type declaration, which is not read", .unsupported) }
      guard try skipComment() || skipInstruction() else { return }
    }
  }

  private mutating func skipComment() throws -> Bool {
    guard skip("<!--") else { return false }
    _ = try through("--", of: "a comment")
    try expect(">")
    return true
  }

  private mutating func skipInstruction() throws -> Bool {
    guard skip("<?") else { return false }
    _ = try through("?>", of: "a processing instruction")
    return true
  }

  // MARK: Elements

  private mutating func name() throws -> String {
    let start = position
    while let octet = next, Self.isNameOctet(octet) { position += 1 }
    guard position > start else { throw fault("expected a name", next == nil ? .truncated : .malformed) }
    let first = octets[start]
    guard !first.isDecimalDigit, first != UInt8(ascii: "-"), first != UInt8(ascii: ".") else {
      throw fault("a name may not start with \(Character(Unicode.Scalar(first)))", at: start)
    }
    return try text(start..<position)
  }

  private static func isNameOctet(_ octet: UInt8) -> Bool {
    switch octet {
    case 0x30...0x3A, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x2E, 0x80...: true
    default: false
    }
  }

  private mutating func element(depth: Int) throws -> XMLElement {
    let start = position
    guard depth <= limits.depth else { throw fault("nested deeper than \(limits.depth)", .tooLong) }
    elementCount += 1
    guard elementCount <= limits.elements else { throw fault("more than \(limits.elements) elements", .tooLong) }
    try expect("<")
    var element = XMLElement(try name())
    element.attributes = try attributes()
    if skip("/>") { return element }
    try expect(">")
    element.children = try content(depth: depth)
    guard skip("</") else { throw fault("the element \(element.name) without an end", at: start, .truncated) }
    let end = position
    let closing = try name()
    guard closing == element.name else { throw fault("</\(closing)>, expected </\(element.name)>", at: end) }
    skipBlanks()
    try expect(">")
    return element
  }

  private mutating func attributes() throws -> [XMLElement.Attribute] {
    var attributes: [XMLElement.Attribute] = []
    while skipBlanks(), let octet = next, octet != UInt8(ascii: ">"), octet != UInt8(ascii: "/") {
      let start = position
      guard attributes.count < limits.attributes else {
        throw fault("more than \(limits.attributes) attributes", .tooLong)
      }
      let name = try name()
      guard !attributes.contains(where: { $0.name == name }) else {
        throw fault("the attribute \(name) a second time", at: start)
      }
      skipBlanks()
      try expect("=")
      skipBlanks()
      attributes.append(XMLElement.Attribute(name: name, value: try attributeValue()))
    }
    return attributes
  }

  private mutating func attributeValue() throws -> String {
    let start = position
    guard let quote = next, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
      throw fault("expected a quotation mark", next == nil ? .truncated : .malformed)
    }
    position += 1
    var value: [UInt8] = []
    while let octet = next {
      switch octet {
      case quote:
        position += 1
        return try valid(value, from: start)
      case UInt8(ascii: "<"): throw fault("< in an attribute")
      case UInt8(ascii: "&"): value += try reference().utf8
      case 0x09, 0x0A, 0x0D:
        // XML 1.0, 2.11 and 3.3.3: a line end or tab in an attribute is one blank.
        position += octet == 0x0D && position + 1 < octets.count && octets[position + 1] == 0x0A ? 2 : 1
        value.append(0x20)
      default:
        value.append(octet)
        position += 1
      }
    }
    throw fault("an attribute without an end", at: start, .truncated)
  }

  /// What stands between the tags of an element, up to `</`.
  private mutating func content(depth: Int) throws -> [XMLElement.Node] {
    var nodes: [XMLElement.Node] = []
    var data: [UInt8] = []
    var start = position
    func flush() throws {
      // Blanks between elements only lay the document out.
      if !data.allSatisfy({ $0 == 0x20 || $0 == 0x0A || $0 == 0x09 }) || nodes.isEmpty && isAt("</") && !data.isEmpty {
        nodes.append(.text(try valid(data, from: start)))
      }
      data = []
    }
    while let octet = next {
      switch octet {
      case UInt8(ascii: "<"):
        if try skipComment() || skipInstruction() { continue }
        if skip("<![CDATA[") {
          data += normalised(octets[try through("]]>", of: "a CDATA section")])
          continue
        }
        try flush()
        if isAt("</") { return nodes }
        nodes.append(.element(try element(depth: depth + 1)))
        start = position
      case UInt8(ascii: "&"): data += try reference().utf8
      default:
        guard !isAt("]]>") else { throw fault("]]> outside a CDATA section") }
        let run = position
        while let octet = next, octet != UInt8(ascii: "<"), octet != UInt8(ascii: "&"), !isAt("]]>") { position += 1 }
        data += normalised(octets[run..<position])
      }
    }
    try flush()
    return nodes
  }

  /// XML 1.0, 2.11: every line end is one LF.
  private func normalised(_ part: ArraySlice<UInt8>) -> [UInt8] {
    guard part.contains(0x0D) else { return Array(part) }
    return part.indices.compactMap { index in
      guard part[index] == 0x0D else { return part[index] }
      return index + 1 < part.endIndex && part[index + 1] == 0x0A ? nil : 0x0A
    }
  }

  private func valid(_ data: [UInt8], from start: Int) throws -> String {
    guard let text = String(validating: data, as: UTF8.self) else { throw fault("text that is not UTF-8", at: start) }
    guard text.unicodeScalars.allSatisfy({ Self.isCharacter($0.value) }) else {
      throw fault("a character that XML does not allow", at: start)
    }
    return text
  }

  // MARK: References

  private mutating func reference() throws -> String {
    let start = position
    position += 1
    let limit = min(octets.count, position + 12)
    guard let end = octets[position..<limit].firstIndex(of: UInt8(ascii: ";")) else {
      throw fault("& without a reference", at: start)
    }
    let body = String(decoding: octets[position..<end], as: UTF8.self)
    position = end + 1
    switch body {
    case "amp": return "&"
    case "lt": return "<"
    case "gt": return ">"
    case "quot": return "\""
    case "apos": return "'"
    default: break
    }
    guard body.hasPrefix("#") else { throw fault("the entity &\(body);, which is not predefined", at: start) }
    let isHexadecimal = body.hasPrefix("#x")
    let digits = body.dropFirst(isHexadecimal ? 2 : 1)
    guard digits.utf8.allSatisfy({ isHexadecimal ? $0.isHexDigit : $0.isDecimalDigit }),
      let value = UInt32(digits, radix: isHexadecimal ? 16 : 10), Self.isCharacter(value),
      let scalar = Unicode.Scalar(value)
    else { throw fault("the character reference &\(body); names no character", at: start) }
    return String(scalar)
  }

  /// The characters of XML 1.0, 2.2.
  static func isCharacter(_ value: UInt32) -> Bool {
    switch value {
    case 0x09, 0x0A, 0x0D, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
    default: false
    }
  }
}
