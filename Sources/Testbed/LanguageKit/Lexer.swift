import Octets

/// Finds the token at a place of a line: the longest one that the grammar has.
struct Lexer {
  let scalars: [Unicode.Scalar]

  /// The token at `start` or, after blanks, behind it.
  func token(at start: Int) -> Token {
    var index = start
    while let scalar = at(index), scalar == " " || scalar == "\t" || scalar == SourceText.told { index += 1 }
    guard let first = at(index) else { return make(.end, index..<index) }
    if first == "\"" { return string(at: index) }
    if first == "$" { return variable(at: index) }
    if first == "[", let range = range(at: index) { return range }
    if let value = numeric(at: index) {
      // A word such as `fe80` may be longer than the number that it starts with.
      let word = identifierEnd(from: index)
      if value.range.upperBound >= word ?? index { return value }
    }
    if let end = identifierEnd(from: index) { return make(.identifier, index..<end) }
    for length in [2, 1] where index + length <= scalars.count {
      let symbol = make(.symbol, index..<index + length)
      if Lexer.symbols.contains(symbol.text) { return symbol }
    }
    return make(.malformed("no statement has this character here"), index..<index + 1)
  }

  /// `/[A-Za-z0-9_]+/`: what may follow `oui` or `model`, where no other token is looked for.
  func word(at start: Int) -> Token? {
    var index = start
    while let scalar = at(index), scalar == " " || scalar == "\t" || scalar == SourceText.told { index += 1 }
    let end = scan(index, Words.isWordPart)
    return end > index ? make(.identifier, index..<end) : nil
  }

  /// `/[0-9]+(\.[0-9]+)*/`, after `clause`.
  func clause(at start: Int) -> Token? {
    var index = start
    while let scalar = at(index), scalar == " " || scalar == "\t" || scalar == SourceText.told { index += 1 }
    var end = scan(index, Words.isDigit)
    guard end > index else { return nil }
    while at(end) == ".", let next = at(end + 1), Words.isDigit(next) { end = scan(end + 1, Words.isDigit) }
    return make(.identifier, index..<end)
  }

  private static let symbols: Set<String> = [
    "--", "->", "<=", ">=", "!=", "=", "<", ">", "[", "]", ",", ".",
  ]

  private func at(_ index: Int) -> Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

  private func scan(_ start: Int, _ accepts: (Unicode.Scalar) -> Bool) -> Int {
    var index = start
    while let scalar = at(index), accepts(scalar) { index += 1 }
    return index
  }

  private func text(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(scalars[range])) }

  private func make(_ kind: Token.Kind, _ range: Range<Int>) -> Token {
    Token(kind: kind, text: text(range), range: range)
  }

  /// `[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*`.
  private func identifierEnd(from start: Int) -> Int? {
    guard let first = at(start), Words.isLetter(first) || first == "_" else { return nil }
    var end = scan(start, Words.isWordPart)
    while at(end) == "-", let next = at(end + 1), Words.isWordPart(next) { end = scan(end + 1, Words.isWordPart) }
    return end
  }

  private func variable(at start: Int) -> Token {
    guard let first = at(start + 1), ("a"..."z").contains(first) else {
      return make(.malformed("a variable is `$` and a lower-case letter, then letters and digits"), start..<start + 1)
    }
    return make(.variable, start..<scan(start + 1) { Words.isLetter($0) || Words.isDigit($0) })
  }

  /// `[1..40]`, at most four digits a number.
  private func range(at start: Int) -> Token? {
    let low = scan(start + 1, Words.isDigit)
    guard (1...4).contains(low - start - 1), at(low) == ".", at(low + 1) == "." else { return nil }
    let high = scan(low + 2, Words.isDigit)
    guard (1...4).contains(high - low - 2), at(high) == "]", let from = Int(text(start + 1..<low)),
      let to = Int(text(low + 2..<high))
    else { return nil }
    return make(.range(from, to), start..<high + 1)
  }

  // MARK: Strings

  private func string(at start: Int) -> Token {
    var value = String.UnicodeScalarView()
    var index = start + 1
    var malformed: (reason: String, place: Range<Int>)?
    while let scalar = at(index) {
      switch scalar {
      case "\"":
        if let malformed { return make(.malformed(malformed.reason), malformed.place) }
        return make(.string(String(value)), start..<index + 1)
      case "\\":
        let (escaped, end) = escape(at: index)
        if let escaped { value.append(escaped) }
        if escaped == nil, malformed == nil {
          let reason = "this escape is unknown; a string has \\\" \\\\ \\n \\r \\t and \\u{1F600}"
          malformed = (reason, index..<min(end, scalars.count))
        }
        index = end
      case "\t":
        malformed = malformed ?? ("a string holds no tab; write \\t", index..<index + 1)
        index += 1
      default:
        value.append(scalar)
        index += 1
      }
    }
    return make(.malformed("the string is not closed"), start..<scalars.count)
  }

  private func escape(at start: Int) -> (Unicode.Scalar?, Int) {
    switch at(start + 1) {
    case "\""?: return ("\"", start + 2)
    case "\\"?: return ("\\", start + 2)
    case "n"?: return ("\n", start + 2)
    case "r"?: return ("\r", start + 2)
    case "t"?: return ("\t", start + 2)
    case "u"? where at(start + 2) == "{":
      let end = scan(start + 3, Words.isHexDigit)
      guard (1...6).contains(end - start - 3), at(end) == "}", let value = UInt32(text(start + 3..<end), radix: 16)
      else { return (nil, start + 2) }
      return (Unicode.Scalar(value), end + 1)
    default: return (nil, start + 2)
    }
  }

  // MARK: Numbers and addresses

  /// The longest of MAC, CIDR, ADDRESS, DURATION, RATE, PERCENT, DECIMAL and INT; the first of equally long ones.
  private func numeric(at start: Int) -> Token? {
    var best: Token?
    for candidate in [mac(at: start), internetAddress(at: start), number(at: start)] {
      if let candidate, candidate.range.count > best?.range.count ?? 0 { best = candidate }
    }
    return best
  }

  private func mac(at start: Int) -> Token? {
    guard start + 17 <= scalars.count, let address = MACAddress(text(start..<start + 17)) else { return nil }
    return make(.mac(address), start..<start + 17)
  }

  private func internetAddress(at start: Int) -> Token? {
    guard let end = dottedEnd(from: start) ?? colonEnd(from: start) else { return nil }
    let prefixEnd = at(end) == "/" ? scan(end + 1, Words.isDigit) : end
    if prefixEnd > end + 1 {
      guard let cidr = CIDR(text(start..<prefixEnd)) else {
        return make(.malformed("not an address and a prefix length"), start..<prefixEnd)
      }
      return make(.cidr(cidr), start..<prefixEnd)
    }
    guard let address = IPAddress(text(start..<end)) else { return make(.malformed("not an address"), start..<end) }
    return make(.address(address), start..<end)
  }

  /// `[0-9]+(\.[0-9]+){3}`.
  private func dottedEnd(from start: Int) -> Int? {
    var end = scan(start, Words.isDigit)
    guard end > start else { return nil }
    for _ in 0..<3 {
      guard at(end) == ".", let next = at(end + 1), Words.isDigit(next) else { return nil }
      end = scan(end + 1, Words.isDigit)
    }
    return end
  }

  /// `[0-9a-fA-F]*:[0-9a-fA-F:.]+`.
  private func colonEnd(from start: Int) -> Int? {
    let colon = scan(start, Words.isHexDigit)
    guard at(colon) == ":" else { return nil }
    let end = scan(colon + 1) { Words.isHexDigit($0) || $0 == ":" || $0 == "." }
    return end > colon + 1 ? end : nil
  }

  private func number(at start: Int) -> Token? {
    let isNegative = at(start) == "-"
    let digits = isNegative ? start + 1 : start
    var end = scan(digits, Words.isDigit)
    guard end > digits else { return nil }
    var isDecimal = false
    if at(end) == ".", let next = at(end + 1), Words.isDigit(next) {
      isDecimal = true
      end = scan(end + 1, Words.isDigit)
    }
    if !isNegative, let unit = unit(at: end) { return quantity(start..<end, unit) }
    if isDecimal {
      guard let value = Double(text(start..<end)), value.isFinite else {
        return make(.malformed("too large a number"), start..<end)
      }
      return make(.decimal(value), start..<end)
    }
    guard let value = Int(text(start..<end)) else { return make(.malformed("too large a number"), start..<end) }
    return make(.integer(value), start..<end)
  }

  private static let units: [(text: [Unicode.Scalar], factor: Double, isRate: Bool)] = [
    (Array("kbit".unicodeScalars), 1e3, true), (Array("mbit".unicodeScalars), 1e6, true),
    (Array("gbit".unicodeScalars), 1e9, true), (Array("min".unicodeScalars), 60e9, false),
    (Array("us".unicodeScalars), 1e3, false), (Array("ms".unicodeScalars), 1e6, false),
    (Array("s".unicodeScalars), 1e9, false), (Array("%".unicodeScalars), 0.01, false),
  ]

  private func unit(at index: Int) -> Int? {
    Lexer.units.firstIndex { scalars[index...].starts(with: $0.text) }
  }

  private func quantity(_ number: Range<Int>, _ index: Int) -> Token {
    let unit = Lexer.units[index]
    let range = number.lowerBound..<number.upperBound + unit.text.count
    // A thousand years in nanoseconds overflow; a testbed's longest wait does not come near.
    guard let value = Double(text(number)), value.isFinite, value * unit.factor < 9e18 else {
      return make(.malformed("too large a number"), range)
    }
    if unit.text == ["%"] { return make(.percent(value / 100), range) }
    let scaled = Int64((value * unit.factor).rounded())
    return make(unit.isRate ? .rate(scaled) : .duration(scaled), range)
  }
}
