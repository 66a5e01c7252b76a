import JSONText
import Octets
import Testing

@Suite struct JSONReaderTests {
  /// Texts of RFC 8259 and how they are written again.
  @Test(arguments: [
    ("null", "null"), (" true\n", "true"), ("false", "false"), ("0", "0"), ("-0", "-0"), ("-12.50e+3", "-12.50e+3"),
    ("1E400", "1E400"), ("\"\"", "\"\""), ("[]", "[]"), ("{}", "{}"), ("[ 1 , 2 ]", "[1,2]"),
    ("{ \"a\" : [ { } ] }", "{\"a\":[{}]}"), (#""\"\\\/\b\f\n\r\t""#, #""\"\\/\u0008\u000c\n\r\t""#),
    (#""\u00e9\u20AC""#, "\"é€\""), (#""\ud83d\ude00""#, "\"😀\""), (#""\uD800\uDC00""#, "\"\u{10000}\""),
    (#""\uDBFF\uDFFF""#, "\"\u{10FFFF}\""), (#""\u0000""#, #""\u0000""#), ("\"\u{7F}\"", #""\u007f""#),
    ("\"\u{2028}\u{FFFE}\"", "\"\u{2028}\u{FFFE}\""), ("{\"\":0}", "{\"\":0}"),
    ("{\"b\":1,\"a\":2}", "{\"b\":1,\"a\":2}"), ("\t\r\n [null]", "[null]"),
  ]) func textsAreReadAndWritten(text: String, canonical: String) throws {
    let value = try JSONValue(parsing: text)
    #expect(value.description == canonical)
    #expect(try JSONValue(parsing: value.octets) == value)
    #expect(try JSONValue(parsing: value.pretty) == value)
  }

  /// Each with the octet at which it stops being JSON.
  static let refused: [(String, Int, WireError.Code)] = [
    ("", 0, .truncated), ("  ", 2, .truncated), ("\u{FEFF}null", 0, .malformed), ("nul", 0, .malformed),
    ("nulll", 4, .malformed), ("True", 0, .malformed), ("1 2", 2, .malformed), ("01", 0, .malformed),
    ("-01", 1, .malformed), ("+1", 0, .malformed), (".5", 0, .malformed), ("1.", 2, .malformed),
    ("1.e1", 2, .malformed),
    ("1e", 2, .malformed), ("1e+", 3, .malformed), ("-", 1, .malformed), ("--1", 1, .malformed),
    ("0x10", 1, .malformed),
    ("NaN", 0, .malformed), ("Infinity", 0, .malformed), ("[1,]", 3, .malformed), ("[,1]", 1, .malformed),
    ("[1 2]", 3, .malformed), ("[", 1, .truncated), ("[1", 2, .truncated), ("]", 0, .malformed), ("{", 1, .truncated),
    ("{\"a\"}", 4, .malformed), ("{\"a\":}", 5, .malformed), ("{\"a\":1,}", 7, .malformed), ("{a:1}", 1, .malformed),
    ("{'a':1}", 1, .malformed), ("{\"a\":1,\"a\":2}", 7, .malformed), (#"{"a":1,"\u0061":2}"#, 7, .malformed),
    ("{\"a\" 1}", 5, .malformed), ("{\"a\":1", 6, .truncated), ("\"", 0, .truncated), ("\"a", 0, .truncated),
    ("\"\n\"", 1, .malformed), ("\"\t\"", 1, .malformed), ("\"\u{0}\"", 1, .malformed), (#""\x""#, 1, .malformed),
    (#""\u12""#, 3, .malformed), (#""\u12G4""#, 3, .malformed), (#""\u+123""#, 3, .malformed),
    (#""\ud800""#, 1, .malformed), (#""\ud800x""#, 1, .malformed), (#""\ud800\n""#, 1, .malformed),
    (#""\ud800\ud800""#, 1, .malformed), (#""\udc00""#, 1, .malformed), (#""\udc00\udc00""#, 1, .malformed),
    (#""\ud800\u0041""#, 1, .malformed),
    ("// no\n1", 0, .malformed), ("1 /* no */", 2, .malformed), ("'a'", 0, .malformed), ("[1}", 2, .malformed),
    ("\u{A0}1", 0, .malformed), ("1\u{B}", 1, .malformed),
    (String(repeating: "9", count: 65), 0, .tooLong), (String(repeating: "[", count: 33), 32, .tooLong),
    (String(repeating: "{\"a\":", count: 33), 160, .tooLong),
  ]

  @Test(arguments: refused.indices) func othersAreRefusedAtTheirOctet(index: Int) {
    let (text, offset, code) = Self.refused[index]
    #expect(throws: WireError(code, in: "JSON", at: offset, ""), "\(text)") { try JSONValue(parsing: text) }
  }

  @Test(
    arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC3, 0x22]]
      as [[UInt8]])
  func stringsThatAreNoUTF8AreRefused(octets: [UInt8]) {
    #expect(throws: WireError(.malformed, in: "JSON", at: 0, "")) { try JSONValue(parsing: octets) }
  }

  @Test func depthIsBoundedButReachable() throws {
    let text = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
    #expect(try JSONValue(parsing: text).description == text)
    #expect(throws: WireError.self) { try JSONValue(parsing: text, depth: 31) }
    #expect(throws: WireError.self) { try JSONValue(parsing: String(repeating: "[", count: 100_000)) }
  }

  /// RFC 8259 clause 8.3: names are equal where their code points are, not where they look alike.
  @Test func namesCompareByCodePoint() throws {
    let value = try JSONValue(parsing: "{\"\u{E9}\":1,\"e\u{301}\":2}")
    #expect(value.object?.count == 2)
    #expect(value["\u{E9}"]?.int == 1)
    #expect(value["e\u{301}"]?.int == 2)
  }

  @Test func everyPrefixOfADocumentIsRefused() throws {
    let text = #"{"agentId":"7f9c","n":[1,-2.5e3,true,null],"s":"a\u00e9\n","o":{"x":{}}}"#
    let octets = Array(text.utf8)
    for count in 0..<octets.count { #expect(throws: WireError.self) { try JSONValue(parsing: octets.prefix(count)) } }
    #expect(
      try JSONValue(parsing: octets).description
        == #"{"agentId":"7f9c","n":[1,-2.5e3,true,null],"s":"aé\n","o":{"x":{}}}"#)
  }

  @Test func mutatedTextsNeverTrapAndReadBack() throws {
    let octets = Array(#"{"a":[1,-2.5e3,true,null,"\ud83d\ude00é"],"s":"a\u00e9\n","o":{"x":{}},"t":false}"#.utf8)
    var random = SeededNumbers(seed: 8259)
    let alphabet = Array("{}[]\",:\\u0123dD8eE+-.tfn \n".utf8)
    for _ in 0..<5000 {
      var mutant = octets
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0..<mutant.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: mutant[place] = UInt8.random(in: 0...255, using: &random)
        case 1: mutant[place] = alphabet.randomElement(using: &random)!
        case 2: mutant.insert(alphabet.randomElement(using: &random)!, at: place)
        default: mutant.remove(at: place)
        }
      }
      guard let value = try? JSONValue(parsing: mutant) else { continue }
      #expect(try JSONValue(parsing: value.octets) == value)
    }
  }
}
