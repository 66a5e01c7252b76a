import Octets
import Testing

@testable import HTTPWire

@Suite struct EventStreamTests {
  static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"

  /// The items of a stream, without its head.
  static func items(_ text: String) -> [HTTPStreamParser.Item] {
    Array(HTTPStreamParser.read(head + "\r\n" + text, .responses).dropFirst())
  }

  @Test func theHeadIsToldAtOnce() {
    var parser = HTTPStreamParser(.responses)
    let items = parser.feed(Array((EventStreamTests.head + "\r\n").utf8)).map(\.item)
    #expect(items == [.streamHead(HTTPResponse(200, fields: ["Content-Type": "text/event-stream; charset=utf-8"]))])
  }

  @Test func eventsAreReadAsTheStandardTells() {
    let text =
      ": keep\n\nevent: control\nid: 7\ndata: {\"a\":\ndata:1}\n\ndata\n\nretry: 250\nid\nunknown: x\n\ndata:  two blanks\n\n"
    #expect(
      EventStreamTests.items(text) == [
        .streamComment("keep"), .streamEvent(ServerSentEvent(id: "7", event: "control", data: "{\"a\":\n1}")),
        .streamEvent(ServerSentEvent(data: "")), .streamRetry(250),
        .streamEvent(ServerSentEvent(data: " two blanks")), .streamEnd,
      ])
  }

  @Test(arguments: ["\n", "\r", "\r\n"])
  func everyLineEndServes(_ end: String) {
    let text = ["event: a", "data: 1", "", "data: 2", "", ""].joined(separator: end)
    #expect(
      EventStreamTests.items(text) == [
        .streamEvent(ServerSentEvent(event: "a", data: "1")), .streamEvent(ServerSentEvent(data: "2")), .streamEnd,
      ])
  }

  @Test func chunksCutEventsAnywhere() {
    let event = ServerSentEvent(id: "1", event: "control", data: "{\"x\":1}")
    var text = EventStreamTests.head + "Transfer-Encoding: chunked\r\n\r\n"
    for octet in event.octets { text += "1\r\n" + String(decoding: [octet], as: UTF8.self) + "\r\n" }
    text += "0\r\n\r\n"
    let octets = Array(text.utf8)
    let expected = HTTPStreamParser.read(octets, .responses, pieces: [octets.count])
    #expect(expected.map(\.item).dropFirst() == [.streamEvent(event), .streamEnd])
    #expect(HTTPStreamParser.read(octets, .responses, pieces: [1]) == expected)
  }

  @Test func anEventWithoutAnEndIsBounded() {
    let rules = HTTPRules(headerLimit: 1000, bodyLimit: 20)
    let text = EventStreamTests.head + "\r\ndata: " + String(repeating: "x", count: 30)
    guard case .garbage(let fault)? = HTTPStreamParser.read(text, .responses, rules: rules).last else {
      Issue.record("no error")
      return
    }
    #expect(fault.code == .tooLong)
  }

  @Test func commentsDoNotFillTheBound() {
    let rules = HTTPRules(headerLimit: 1000, bodyLimit: 20)
    let text = EventStreamTests.head + "\r\n" + String(repeating: ": fifteen seconds\n", count: 50)
    let items = HTTPStreamParser.read(text, .responses, rules: rules)
    #expect(items.count == 52)
    #expect(items.last == .streamEnd)
  }

  @Test func writtenEventsReadBack() {
    let events = [
      ServerSentEvent(id: "3", event: "control", data: "{}"), ServerSentEvent(data: "a\nb\n"),
      ServerSentEvent(event: "x", data: ""),
    ]
    let text = events.map { String(decoding: $0.octets, as: UTF8.self) }.joined()
    #expect(EventStreamTests.items(text) == events.map { .streamEvent($0) } + [.streamEnd])
  }
}
