/// Turns octets into lines of scalars: BOM, UTF-8, line ends, forbidden characters, limits.
struct SourceDecoder {
  let file: String
  let report: DiagnosticReport
  var lines: [[Unicode.Scalar]] = []
  private var current: [Unicode.Scalar] = []
  private var currentOctets = 0
  /// A run of bad octets, or of forbidden characters, is one fault.
  private var isInBadRun = false

  init(file: String, report: DiagnosticReport) {
    self.file = file
    self.report = report
  }

  mutating func decode(_ octets: [UInt8]) {
    var index = octets.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    while index < octets.count {
      let (scalar, width) = SourceDecoder.scalar(octets, at: index)
      switch scalar {
      case nil: bad("octet \(index) is not UTF-8", expected: "UTF-8 text")
      case "\n"?:
        endLine()
        index += width
        continue
      case "\r"? where index + 1 < octets.count && octets[index + 1] == 0x0A: isInBadRun = false
      case "\r"?: bad("a carriage return that no line feed follows", expected: "lines that end in LF or CRLF")
      case let scalar? where SourceText.isForbidden(scalar):
        bad("the character U+\(SourceDecoder.hex(scalar)) may not stand in a file", expected: "printable text or a tab")
      case let scalar?:
        isInBadRun = false
        current.append(scalar)
      }
      currentOctets += width
      index += width
    }
    if !current.isEmpty { endLine() }
  }

  private mutating func bad(_ words: String, expected: String) {
    if !isInBadRun {
      report.error(
        at: Position(file: file, line: lines.count + 1, column: current.count + 1), words, expected: expected)
    }
    isInBadRun = true
    current.append(SourceText.told)
  }

  private mutating func endLine() {
    if currentOctets > SourceText.lineLimit {
      report.error(
        at: Position(file: file, line: lines.count + 1, column: 1), "the line has \(currentOctets) octets",
        expected: "at most \(SourceText.lineLimit)")
      current = []
    }
    lines.append(current)
    current = []
    currentOctets = 0
    isInBadRun = false
  }

  static func hex(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  /// The scalar at an octet, and how many octets it takes; `nil` and 1 where there is none (RFC 3629 clause 4).
  private static func scalar(_ octets: [UInt8], at index: Int) -> (Unicode.Scalar?, Int) {
    let lead = octets[index]
    let (length, bits): (Int, UInt32)
    switch lead {
    case 0x00...0x7F: return (Unicode.Scalar(lead), 1)
    case 0xC2...0xDF: (length, bits) = (2, UInt32(lead & 0x1F))
    case 0xE0...0xEF: (length, bits) = (3, UInt32(lead & 0x0F))
    case 0xF0...0xF4: (length, bits) = (4, UInt32(lead & 0x07))
    default: return (nil, 1)
    }
    guard index + length <= octets.count else { return (nil, 1) }
    var value = bits
    for octet in octets[index + 1..<index + length] {
      guard octet & 0xC0 == 0x80 else { return (nil, 1) }
      value = value << 6 | UInt32(octet & 0x3F)
    }
    let shortest: [UInt32] = [0, 0, 0x80, 0x800, 0x10000]
    guard value >= shortest[length], let scalar = Unicode.Scalar(value) else { return (nil, 1) }
    return (scalar, length)
  }
}
