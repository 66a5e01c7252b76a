import JSONText
import Messages
import ScenarioLanguage
import Testing

@testable import TraceChecker

@Suite("Values (S10)")
struct ComparisonTests {
  /// The condition as a scenario writes it, the fields, and whether they meet it.
  static let cases: [(condition: String, fields: String, holds: Bool)] = [
    // Numbers as numbers, also where the wire has text.
    ("status = 201", #"{"status":201}"#, true), ("status = 201", #"{"status":201.0}"#, true),
    ("status = 201", #"{"status":"201"}"#, true), ("status = 201", #"{"status":200}"#, false),
    ("status = 201", #"{"status":"0x201"}"#, false), ("status != 201", #"{"status":200}"#, true),
    ("lifetime < 3600", #"{"lifetime":60}"#, true), ("lifetime < 3600", #"{"lifetime":3600}"#, false),
    ("lifetime <= 3600", #"{"lifetime":3600}"#, true), ("lifetime > 60.5", #"{"lifetime":61}"#, true),
    ("lifetime >= 1min", #"{"lifetime":60}"#, true), ("lifetime >= 1min", #"{"lifetime":59}"#, false),
    ("lifetime < 10", #"{"lifetime":"9"}"#, true), ("lifetime < 10", #"{"lifetime":"nine"}"#, false),
    // Text exactly, although it looks like a number.
    (#"number = "2026""#, #"{"number":"2026"}"#, true), (#"number = "2026""#, #"{"number":"02026"}"#, false),
    (#"number = "2026""#, #"{"number":2026}"#, true), (#"name = "TV""#, #"{"name":"tv"}"#, false),
    // Addresses and MACs after parsing; a prefix is ignored against a plain address.
    ("address = 192.168.10.21", #"{"address":"192.168.10.21"}"#, true),
    ("address = 192.168.10.21", #"{"address":"192.168.10.21/24"}"#, true),
    ("address = tv.address", #"{"address":"192.168.10.21/24"}"#, true),
    (#"address = "192.168.10.21/24""#, #"{"address":"192.168.10.21"}"#, true),
    (#"address = "192.168.10.21/24""#, #"{"address":"192.168.10.21/25"}"#, false),
    ("address = 192.168.10.21", #"{"address":"192.168.10.22"}"#, false),
    ("address = 2001:db8::1", #"{"address":"2001:DB8:0:0::1"}"#, true),
    (#"address = "2001:db8::1""#, #"{"address":"2001:DB8:0:0::1"}"#, true),
    ("address = hg.wan-address", #"{"address":"198.51.100.1"}"#, true),
    ("mac = 02:00:00:00:00:AA", #"{"mac":"02:00:00:00:00:aa"}"#, true),
    (#"mac = "02:00:00:00:00:AA""#, #"{"mac":"02:00:00:00:00:aa"}"#, true),
    ("mac = tv.mac", #"{"mac":"02:00:00:00:00:21"}"#, true), ("mac = tv.mac", #"{"mac":"02:00:00:00:00:22"}"#, false),
    // Not there, or null.
    ("port absent", "{}", true), ("port absent", #"{"port":null}"#, true), ("port absent", #"{"port":0}"#, false),
    ("port exists", #"{"port":0}"#, true), ("port exists", #"{"port":null}"#, false), ("port = 0", "{}", false),
    ("port != 0", "{}", true), ("port < 1", "{}", false), ("device.port absent", #"{"device":7}"#, true),
    // Paths.
    ("device.modelName = \"TV-1\"", #"{"device":{"modelName":"TV-1"}}"#, true),
    ("interfaces[1].name = \"b\"", #"{"interfaces":[{"name":"a"},{"name":"b"}]}"#, true),
    ("interfaces[2].name = \"b\"", #"{"interfaces":[{"name":"a"},{"name":"b"}]}"#, false),
    ("interfaces[].name = \"b\"", #"{"interfaces":[{"name":"a"},{"name":"b"}]}"#, true),
    ("interfaces[].name = \"c\"", #"{"interfaces":[{"name":"a"},{"name":"b"}]}"#, false),
    ("interfaces[].name != \"a\"", #"{"interfaces":[{"name":"a"},{"name":"b"}]}"#, true),
    ("interfaces[] absent", #"{"interfaces":[]}"#, true),
    ("vendor.\"odd name\" = 1", #"{"vendor":{"odd name":1}}"#, true),
    // Parts, patterns, sets, lists, truth.
    ("text contains \"bc\"", #"{"text":"abcd"}"#, true), ("text contains \"cb\"", #"{"text":"abcd"}"#, false),
    ("list contains 2", #"{"list":[1,2]}"#, true), ("list contains 3", #"{"list":[1,2]}"#, false),
    ("list contains 192.168.10.21", #"{"list":["192.168.10.21/24"]}"#, true),
    ("text matches \"[0-9a-f]{4}\"", #"{"text":"00ff"}"#, true),
    ("text matches \"[0-9a-f]{4}\"", #"{"text":"00ff0"}"#, false),
    ("kind in [\"a\", \"b\"]", #"{"kind":"b"}"#, true), ("kind in [\"a\", \"b\"]", #"{"kind":"c"}"#, false),
    ("list = [1, \"x\"]", #"{"list":[1,"x"]}"#, true), ("list = [1, \"x\"]", #"{"list":["x",1]}"#, false),
    ("flag = true", #"{"flag":true}"#, true), ("flag = true", #"{"flag":false}"#, false),
    ("flag = true", #"{"flag":1}"#, false), ("flag = true", #"{"flag":"true"}"#, true),
    ("time < \"2026-01-01T00:00:00.000Z\"", #"{"time":"2025-12-31T23:59:59.999Z"}"#, true),
    ("kind = address-dependent", #"{"kind":"address-dependent"}"#, true),
  ]

  /// The catalogue knows the fields of every message but those of a host.
  static func test(_ condition: String) throws -> ValueTest {
    let checked = try Home.scenario(
      expecting("  pi -> any register where \(condition)\n"),
      extra: "host pi on lan address 192.168.10.99\nlink pi -- sw1.6")
    let plan = Planner.plan(checked.scenario, guards: { _ in true }, checked.topology, slack: 1, readsFacts: true)
    return try #require(plan.lines.first?.selectors.first)
  }

  @Test(arguments: cases.indices) func compares(index: Int) throws {
    let (text, fields, holds) = Self.cases[index]
    let test = try Self.test(text)
    #expect(test.holds(try JSONValue(parsing: Array(fields.utf8)), [:]) == holds, "\(text) of \(fields)")
  }

  @Test func whatCannotBothHoldKeepsLinesApart() throws {
    #expect(try Self.test("a = 1").excludes(Self.test("a = 2")))
    #expect(try Self.test("a = \"x\"").excludes(Self.test("a = \"y\"")))
    #expect(try Self.test("a = true").excludes(Self.test("a = false")))
    #expect(try Self.test("a absent").excludes(Self.test("a = 1")))
    #expect(try Self.test("a = \"x\"").excludes(Self.test("a != \"x\"")))
    #expect(try !Self.test("a = 1").excludes(Self.test("b = 2")))
    #expect(try !Self.test("a = 1").excludes(Self.test("a < 2")))
    #expect(try !Self.test("a[] = 1").excludes(Self.test("a[] = 2")))
    #expect(try !Self.test("a = \"192.168.1.1/24\"").excludes(Self.test("a = 192.168.1.1")))
    #expect(try !Self.test("a = \"1\"").excludes(Self.test("a = 1")))
  }
}
