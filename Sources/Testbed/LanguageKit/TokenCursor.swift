import Octets

/// Reads one line token by token.
public struct TokenCursor: Sendable {
  public let line: LogicalLine
  private let lexer: Lexer
  private var index = 0
  /// The next token.
  public private(set) var next: Token
  /// Places that a statement keeps for later, in the order of its parts.
  public private(set) var marks: [Position] = []

  public init(_ line: LogicalLine) {
    self.line = line
    lexer = Lexer(scalars: line.scalars)
    next = lexer.token(at: 0)
  }

  /// Where the next token stands.
  public var position: Position { line.position(at: next.range.lowerBound) }
  public var isAtEnd: Bool { next.kind == .end }

  /// The token behind the next one.
  public var afterNext: Token { lexer.token(at: next.range.upperBound) }

  /// Keeps the place of the next token.
  public mutating func mark() { marks.append(position) }

  public mutating func advance() {
    index = next.range.upperBound
    next = lexer.token(at: index)
  }

  /// Every identifier from the next token on: what a broken line may have been about.
  public var remainingIdentifiers: [String] {
    var names: [String] = []
    var token = next
    while token.kind != .end {
      if token.kind == .identifier { names.append(token.text) }
      token = lexer.token(at: token.range.upperBound)
    }
    return names
  }

  // MARK: Faults

  /// "unexpected ..." at the next token, or what is malformed about it.
  public func unexpected(_ expected: String, among known: [String] = []) -> Fault {
    if case .malformed(let reason) = next.kind {
      return Fault(at: position, reason, expected: next.text.hasPrefix("\"") ? "a closing `\"`" : expected)
    }
    var hint = next.kind == .identifier ? Suggestion.hint(for: next.text, among: known) : nil
    if hint == nil, next.kind == .identifier, isAfterNumber { hint = "units are us ms s min kbit mbit gbit %" }
    return Fault(at: position, "unexpected \(next.name)", expected: expected, hint: hint)
  }

  private var isAfterNumber: Bool {
    next.range.lowerBound > 0 && Words.isDigit(line.scalars[next.range.lowerBound - 1])
  }

  // MARK: Words and symbols

  public func isNext(_ word: String) -> Bool { next.kind == .identifier && next.text == word }

  public mutating func take(_ word: String) -> Bool {
    guard isNext(word) else { return false }
    advance()
    return true
  }

  /// Takes one of the words, or throws a fault that lists them.
  public mutating func takeOne(of words: [String], or others: String? = nil) throws(Fault) -> String {
    let word = next.text
    guard next.kind == .identifier, words.contains(word) else {
      throw unexpected(alternatives(words) + (others.map { " or \($0)" } ?? ""), among: words)
    }
    advance()
    return word
  }

  public mutating func expect(_ word: String) throws(Fault) { _ = try takeOne(of: [word]) }

  public func isNext(symbol: String) -> Bool { next.kind == .symbol && next.text == symbol }

  public mutating func take(symbol: String) -> Bool {
    guard isNext(symbol: symbol) else { return false }
    advance()
    return true
  }

  public mutating func expect(symbol: String) throws(Fault) {
    guard take(symbol: symbol) else { throw unexpected("`\(symbol)`") }
  }

  public func expectEnd(or others: [String] = []) throws(Fault) {
    guard isAtEnd else {
      let words = others.isEmpty ? "" : alternatives(others) + " or "
      throw unexpected(words + "the end of the line", among: others)
    }
  }

  /// NAME: what a node, home, network, option, message or application is called.
  public mutating func name(_ what: String, mayBeReserved: Bool = false) throws(Fault) -> Located<String> {
    let place = position
    let text = next.text
    guard next.kind == .identifier else { throw unexpected(what) }
    guard Words.isName(text) else {
      throw Fault(
        at: place, "`\(text)` is not a name", expected: what,
        hint: "names have lower-case letters, digits and single hyphens, and start with a letter")
    }
    guard mayBeReserved || !Words.reserved.contains(text) else {
      throw Fault(
        at: place, "`\(text)` is a reserved word", expected: what,
        hint: "reserved are \(Words.reserved.sorted().joined(separator: " "))")
    }
    advance()
    return Located(text, at: place)
  }

  /// A bare word or a string, after `oui` and the like.
  public mutating func word(_ what: String) throws(Fault) -> Located<String> {
    let place = position
    if case .string(let text) = next.kind {
      advance()
      return Located(text, at: place)
    }
    guard let token = lexer.word(at: index) else { throw unexpected(what) }
    next = token
    advance()
    return Located(token.text, at: place)
  }

  /// `4.6.3`.
  public mutating func clause() throws(Fault) -> Located<String> {
    let place = position
    guard let token = lexer.clause(at: index) else { throw unexpected("a clause such as `4.2`") }
    next = token
    advance()
    return Located(token.text, at: place)
  }

  // MARK: Literals

  public mutating func string(_ what: String) throws(Fault) -> Located<String> {
    let place = position
    guard case .string(let text) = next.kind else { throw unexpected("\(what) in quotes") }
    advance()
    return Located(text, at: place)
  }

  /// A string that may be left out.
  public mutating func optionalString() throws(Fault) -> String? {
    if case .string(let text) = next.kind {
      advance()
      return text
    }
    if case .malformed = next.kind { throw unexpected("a title in quotes") }
    return nil
  }

  public mutating func integer(_ what: String, in range: ClosedRange<Int>) throws(Fault) -> Located<Int> {
    let place = position
    guard case .integer(let number) = next.kind else { throw unexpected(what) }
    guard range.contains(number) else {
      let bounds =
        range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
      throw Fault(at: place, "\(number) is out of range", expected: "\(what), \(bounds)")
    }
    advance()
    return Located(number, at: place)
  }

  /// Nanoseconds.
  public mutating func duration(_ what: String = "a duration such as `250ms`") throws(Fault) -> Located<Int64> {
    let place = position
    guard case .duration(let nanoseconds) = next.kind else { throw unexpected(what) }
    advance()
    return Located(nanoseconds, at: place)
  }

  /// A duration that may not be zero.
  public mutating func positiveDuration() throws(Fault) -> Located<Int64> {
    let result = try duration()
    guard result.value > 0 else {
      throw Fault(at: result.position, "a duration of zero", expected: "a duration above zero")
    }
    return result
  }

  public mutating func address() throws(Fault) -> Located<IPAddress> {
    let place = position
    guard case .address(let address) = next.kind else { throw unexpected("an address such as `192.168.10.1`") }
    advance()
    return Located(address, at: place)
  }

  /// `delay 2ms`; `nil` where the next word is none of a link's qualities.
  public mutating func quality() throws(Fault) -> Located<Quality>? {
    let place = position
    guard next.kind == .identifier else { return nil }
    switch next.text {
    case "rate":
      advance()
      guard case .rate(let bits) = next.kind else { throw unexpected("a rate such as `100mbit`") }
      guard bits > 0 else { throw Fault(at: position, "a rate of zero", expected: "a rate above zero") }
      advance()
      return Located(.rate(bits), at: place)
    case "delay":
      advance()
      return Located(.delay(try duration().value), at: place)
    case "jitter":
      advance()
      return Located(.jitter(try duration().value), at: place)
    case "loss", "duplicate", "reorder":
      let word = next.text
      advance()
      guard case .percent(let share) = next.kind else { throw unexpected("a percentage such as `0.5%`") }
      guard share <= 1 else { throw Fault(at: position, "more than all", expected: "at most `100%`") }
      advance()
      return Located(word == "loss" ? .loss(share) : word == "reorder" ? .reorder(share) : .duplicate(share), at: place)
    default: return nil
    }
  }
}
