import LanguageKit
import Octets
import Testing

private func tokens(_ text: String) -> [Token] {
  let report = DiagnosticReport()
  guard let line = SourceText(file: "f", octets: Array(text.utf8), report: report).logicalLines(report: report).first
  else { return [] }
  var cursor = TokenCursor(line)
  var result: [Token] = []
  while !cursor.isAtEnd {
    result.append(cursor.next)
    cursor.advance()
  }
  return result
}

private func cursor(_ text: String) throws -> TokenCursor {
  let report = DiagnosticReport()
  let source = SourceText(file: "f", octets: Array(text.utf8), report: report)
  return TokenCursor(try #require(source.logicalLines(report: report).first))
}

@Suite struct TokenTests {
  @Test(
    arguments: [
      ("tv--sw1.3", ["tv", "--", "sw1", ".", "3"]),
      ("cfg->tv", ["cfg", "->", "tv"]),
      ("home-a.tv->any", ["home-a", ".", "tv", "->", "any"]),
      ("sw1.1--sw2.[3..42]", ["sw1", ".", "1", "--", "sw2", ".", "[3..42]"]),
      ("a<=-1", ["a", "<=", "-1"]),
      ("x!=2.5ms", ["x", "!=", "2.5ms"]),
      ("a.b[0].c[]=1", ["a", ".", "b", "[", "0", "]", ".", "c", "[", "]", "=", "1"]),
      ("fe80::1 fe80 fe80::/10", ["fe80::1", "fe80", "fe80::/10"]),
      ("02:00:00:00:00:21,10.0.0.1/8", ["02:00:00:00:00:21", ",", "10.0.0.1/8"]),
      ("any-name Field_1-x", ["any-name", "Field_1-x"]),
      ("\"a # b\"c", ["\"a # b\"", "c"]),
      ("$v[1..2]", ["$v", "[1..2]"]),
      ("1min 1m", ["1min", "1", "m"]),
    ] as [(String, [String])])
  func theLongestTokenWins(_ text: String, _ expected: [String]) {
    #expect(tokens(text).map(\.text) == expected)
  }

  @Test(
    arguments: [
      ("40us", .duration(40_000)), ("250ms", .duration(250_000_000)), ("0.5s", .duration(500_000_000)),
      ("1.5min", .duration(90_000_000_000)), ("10kbit", .rate(10_000)), ("1gbit", .rate(1_000_000_000)),
      ("0.5%", .percent(0.005)), ("-7", .integer(-7)), ("-7.25", .decimal(-7.25)), ("[1..40]", .range(1, 40)),
      ("\"\\u{1F600}\\n\\\"\\\\\"", .string("\u{1F600}\n\"\\")), ("10.0.0.1", .address(.v4(0x0A00_0001))),
      ("::1", .address(.v6(high: 0, low: 1))), ("02:00:00:00:00:21", .mac(MACAddress(bits: 0x0200_0000_0021))),
      ("10.0.0.0/8", .cidr(CIDR(.v4(0x0A00_0000), prefixLength: 8))), ("$id", .variable), ("tv-1", .identifier),
    ] as [(String, Token.Kind)])
  func tokensHaveValues(_ text: String, _ kind: Token.Kind) {
    #expect(tokens(text).map(\.kind) == [kind])
  }

  @Test(arguments: [
    "\"open", "\"a\tb\"", "\"\\x\"", "\"\\u{110000}\"", "\"\\u{D800}\"", "\"\\u{}\"", "300.1.1.1", "10.0.0.0/33", "1:2",
    "99999999999999999999", "9999999999999999999s", "$1", "~", "\u{1F600}", "/",
  ])
  func whatIsNoTokenIsMalformed(_ text: String) {
    let isMalformed = tokens(text).contains { if case .malformed = $0.kind { true } else { false } }
    #expect(isMalformed)
  }

  @Test func referencesPathsAndValuesReadAsWritten() throws {
    for text in ["hg", "tv[1..40]", "sw1.[3..42]", "home-a.tv.mac", "$d.address", "sw1.3"] {
      var cursor = try cursor(text)
      #expect(try cursor.reference("a node").description == text)
      #expect(cursor.isAtEnd)
    }
    for text in ["a", "a.b[0].c[]", "vendor.\"odd name\"[1]", "A_b-c.end"] {
      var cursor = try cursor(text)
      #expect(try cursor.path("a field").value.description == text)
      #expect(cursor.isAtEnd)
    }
    for text in [
      "\"a\\\"b\\u{7}\"", "1", "-2.5", "250ms", "10.0.0.1", "10.0.0.0/8", "02:00:00:00:00:21", "true",
      "[1, [\"a\"], tv.mac]",
      "address-dependent", "$id",
    ] {
      var cursor = try cursor(text)
      #expect(try cursor.value().value.description == text)
      #expect(cursor.isAtEnd)
    }
  }

  @Test(arguments: ["home-a.tv[1..2]", "any", "Tv", "a..b", "tv[3..1]", "$d[1..2]", "tv.", "tv.-1", "network"])
  func whatIsNoReferenceIsRefused(_ text: String) throws {
    var cursor = try cursor(text)
    #expect(throws: Fault.self) {
      _ = try cursor.reference("a node")
      try cursor.expectEnd()
    }
  }

  @Test func listsNestAsDeepAsTheLimit() throws {
    let deepest = SourceText.nestingLimit
    var fits = try cursor(String(repeating: "[", count: deepest) + "1" + String(repeating: "]", count: deepest))
    #expect(throws: Never.self) { try fits.value() }
    var tooDeep = try cursor(String(repeating: "[", count: 60_000))
    #expect(throws: Fault.self) { try tooDeep.value() }
  }

  @Test func faultsSayWhatWasExpectedAndWhatIsNear() throws {
    var cursor = try cursor("  powr on")
    let fault = #expect(throws: Fault.self) { try cursor.expect("power") }
    #expect(
      fault
        == Fault(
          at: Position(file: "f", line: 1, column: 3), "unexpected `powr`", expected: "`power`",
          hint: "did you mean `power`?"))
    let unit = try self.unit()
    let hint = #expect(throws: Fault.self) { try unit.expectEnd() }?.hint
    #expect(hint == "units are us ms s min kbit mbit gbit %")
  }

  private func unit() throws -> TokenCursor {
    var cursor = try cursor("5m")
    cursor.advance()
    return cursor
  }
}
