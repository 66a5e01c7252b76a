import JSONText
import Octets
import Testing

@Suite struct JSONValueTests {
  /// A random value, for properties.
  static func value(depth: Int, _ random: inout SeededNumbers) -> JSONValue {
    switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &random))
    case 2: return .int(Int.random(in: .min ... .max, using: &random))
    case 3: return .double(Double.random(in: -1e6...1e6, using: &random))
    case 4:
      var text = ""
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        text.unicodeScalars.append(Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &random)) ?? "\u{1}")
      }
      return .string(text)
    case 5: return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(depth: depth - 1, &random) })
    default:
      var object = JSONObject()
      for index in 0..<Int.random(in: 0...4, using: &random) {
        object["k\(index)~/"] = value(depth: depth - 1, &random)
      }
      return .object(object)
    }
  }

  @Test func randomValuesRoundTrip() throws {
    var random = SeededNumbers(seed: 7396)
    for _ in 0..<1000 {
      let value = Self.value(depth: 4, &random)
      #expect(try JSONValue(parsing: value.octets) == value)
      #expect(try JSONValue(parsing: value.pretty) == value)
      #expect(try JSONValue(parsing: value.octets).octets == value.octets)
    }
  }

  @Test func numbersAreEqualByValue() throws {
    #expect(try JSONValue(parsing: "10") == JSONValue(parsing: "1e1"))
    #expect(try JSONValue(parsing: "10").hashValue == JSONValue(parsing: "10.0").hashValue)
    #expect(try JSONValue(parsing: "9007199254740993") != JSONValue(parsing: "9007199254740992"))
    #expect(try JSONValue(parsing: "9223372036854775807").int == .max)
    #expect(try JSONValue(parsing: "9223372036854775808").int == nil)
    #expect(try JSONValue(parsing: "1.5").int == nil)
    #expect(try JSONValue(parsing: "10.0").int == 10)
    #expect(try JSONValue(parsing: "1e400").int == nil)
    #expect(JSONValue.double(.nan).description == "0")
    #expect(JSONValue.double(1e300).double == 1e300)
    #expect(JSONValue.double(-0.5).description == "-0.5")
  }

  @Test func objectsAreEqualWhateverTheirOrder() throws {
    let (a, b) = (try JSONValue(parsing: #"{"a":1,"b":[2]}"#), try JSONValue(parsing: #"{"b":[2],"a":1}"#))
    #expect(a == b && a.hashValue == b.hashValue)
    #expect(try a != JSONValue(parsing: #"{"a":1}"#))
    #expect(try a != JSONValue(parsing: #"{"a":1,"c":[2]}"#))
  }

  /// RFC 6901 clause 5.
  @Test(
    arguments: [
      ("", 8), ("/foo/0", nil), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3), ("/g|h", 4), ("/i\\j", 5),
      ("/k\"l", 6),
      ("/ ", 7), ("/m~0n", 8), ("/foo/2", nil), ("/foo/01", nil), ("/foo/-", nil), ("/foo/+0", nil), ("foo", nil),
      ("/nope", nil), ("/a~1b/x", nil),
    ] as [(String, Int?)]) func pointers(pointer: String, expected: Int?) throws
  {
    let document = try JSONValue(
      parsing: #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#)
    switch pointer {
    case "": #expect(document.value(at: pointer) == document)
    case "/foo/0": #expect(document.value(at: pointer) == "bar")
    default: #expect(document.value(at: pointer)?.int == expected)
    }
  }

  @Test func pointersAreWrittenAndReadBack() {
    var random = SeededNumbers(seed: 6901)
    for _ in 0..<200 {
      let name = (0..<4).map { _ in ["~", "/", "0", "1", "~1", "\u{301}", "a"].randomElement(using: &random)! }.joined()
      let document: JSONValue = .object(["x": .array([.object([name: 1])])])
      #expect(document.value(at: JSONValue.pointer("x", "0", name)) == 1, "\(name)")
    }
  }

  /// The examples of RFC 7396, appendix A.
  @Test(arguments: [
    (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
    (#"{"a":"b"}"#, #"{"a":null}"#, "{}"), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
    (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
    (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
    (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
    (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#), (#"{"a":"foo"}"#, "null", "null"), (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
    (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#), ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
    ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
  ]) func mergePatches(document: String, patch: String, result: String) throws {
    #expect(try JSONValue(parsing: document).merging(JSONValue(parsing: patch)) == JSONValue(parsing: result))
  }

  @Test func membersAreSetAndRemoved() {
    var value: JSONValue = ["a": 1, "b": [true, nil]]
    value["a"] = "x"
    value["c"] = nil
    value["b"] = nil
    value["d"] = 2
    #expect(value.description == #"{"a":"x","d":2}"#)
    #expect(value["a"]?.string == "x" && value["zz"] == nil && value[0] == nil)
    var other: JSONValue = 5
    other["a"] = true
    #expect(other == ["a": true])
    #expect(([1, 2] as JSONValue)[1] == 2 && ([1, 2] as JSONValue)[-1] == nil)
  }
}
