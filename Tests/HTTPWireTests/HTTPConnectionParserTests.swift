import Octets
import Testing

@testable import HTTPWire

@Suite struct HTTPConnectionParserTests {
  typealias Item = HTTPConnectionParser.Item

  /// Feeds turns of `client` and `server` text.
  static func items(_ turns: [(HTTPConnectionParser.Side, String)]) -> [Item] {
    var parser = HTTPConnectionParser()
    return turns.flatMap { side, text in parser.feed(Array(text.utf8)[...], from: side) }.map(\.item)
  }

  @Test func pipelinedRequestsGetTheirResponsesInOrder() {
    let items = HTTPConnectionParserTests.items([
      (.client, "HEAD /one HTTP/1.1\r\n\r\nGET /two HTTP/1.1\r\n\r\n"),
      (.server, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    ])
    let one = HTTPRequest("HEAD", "/one")
    let two = HTTPRequest("GET", "/two")
    #expect(
      items == [
        .request(one, number: 0, isWhole: true), .request(two, number: 1, isWhole: true),
        .response(HTTPResponse(200, fields: ["Content-Length": "9"]), to: one, number: 0),
        .response(HTTPResponse(404, fields: ["Content-Length": "0"]), to: two, number: 1),
      ])
  }

  @Test func anInterimResponseDoesNotAnswer() {
    let items = HTTPConnectionParserTests.items([
      (.client, "PUT /a HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
      (.server, "HTTP/1.1 100 Continue\r\n\r\n"), (.client, "ab"),
      (.server, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
    ])
    #expect(items.count == 3)
    if case .response(let response, _, let number) = items[0] {
      #expect(response.status == 100 && number == 0)
    } else {
      Issue.record("\(items[0])")
    }
    if case .request(let request, 0, true) = items[1] {
      #expect(request.body.count == 2)
    } else {
      Issue.record("\(items)")
    }
  }

  @Test func aResponseThatOvertakesItsRequestTellsTheRequestFirstAndOnce() {
    let items = HTTPConnectionParserTests.items([
      (.client, "PUT /big HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc"),
      (.server, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"), (.client, "def"),
      (.client, "GET /next HTTP/1.1\r\n\r\n"),
    ])
    #expect(items.count == 3)
    if case .request(let request, 0, false) = items[0] {
      #expect(request.body == Array("abc".utf8))
    } else {
      Issue.record("\(items[0])")
    }
    if case .response(_, let head, 0) = items[1] {
      #expect(head?.target == "/big")
    } else {
      Issue.record("\(items[1])")
    }
    #expect(items[2] == .request(HTTPRequest("GET", "/next"), number: 1, isWhole: true))
  }

  @Test func aResponseMayOvertakeEvenTheHeadOfItsRequest() {
    let items = HTTPConnectionParserTests.items([
      (.client, "PUT /long HTTP/1.1\r\nA: b\r\nC: "),
      (.server, "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n\r\n"),
      (.client, "d\r\n\r\nGET /next HTTP/1.1\r\n\r\n"), (.server, "HTTP/1.1 204 No Content\r\n\r\n"),
    ])
    let long = HTTPRequest("PUT", "/long", fields: ["A": "b"])
    let next = HTTPRequest("GET", "/next")
    #expect(
      items == [
        .request(long, number: 0, isWhole: false),
        .response(HTTPResponse(431, fields: ["Content-Length": "0"]), to: long, number: 0),
        .request(next, number: 1, isWhole: true), .response(HTTPResponse(204), to: next, number: 1),
      ])
  }

  @Test func aResponseWithoutARequestIsTold() {
    let items = HTTPConnectionParserTests.items([(.server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")])
    #expect(items == [.response(HTTPResponse(200, fields: ["Content-Length": "0"]), to: nil, number: nil)])
  }

  @Test func eventsOfAStreamNameTheirRequest() {
    let event = ServerSentEvent(id: "1", event: "control", data: "{}")
    let items = HTTPConnectionParserTests.items([
      (.client, "GET /v1/homes/home-a/requests HTTP/1.1\r\n\r\n"),
      (.server, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"),
      (.server, String(decoding: event.octets, as: UTF8.self)),
    ])
    let request = HTTPRequest("GET", "/v1/homes/home-a/requests")
    #expect(
      items.dropFirst() == [
        .streamHead(HTTPResponse(200, fields: ["Content-Type": "text/event-stream"]), to: request, number: 0),
        .streamEvent(event, of: request, number: 0),
      ])
  }

  @Test func anUpgradeEndsTheReading() {
    let items = HTTPConnectionParserTests.items([
      (.client, "GET /chat HTTP/1.1\r\nUpgrade: x\r\n\r\n"),
      (.server, "HTTP/1.1 101 Switching Protocols\r\n\r\n\u{1}\u{2}"),
    ])
    #expect(items.last == .upgraded)
  }

  @Test func requestsThatNobodyAnswersAreBounded() {
    var rules = HTTPRules()
    rules.pendingLimit = 3
    var parser = HTTPConnectionParser(rules: rules)
    let octets = Array(String(repeating: "GET / HTTP/1.1\r\n\r\n", count: 5).utf8)
    let faults = parser.feed(octets[...], from: .client).filter { if case .garbage = $0.item { true } else { false } }
    #expect(!faults.isEmpty)
  }

  @Test func whatIsWrittenReadsBack() throws {
    let request = HTTPRequest("PUT", "/a?b=c", fields: ["Host": "x"], body: [1, 2, 3])
    let response = HTTPResponse(422, fields: ["ETag": "\"4\""], body: Array("{}".utf8))
    var parser = HTTPConnectionParser()
    let items =
      parser.feed(try request.octets()[...], from: .client) + parser.feed(try response.octets()[...], from: .server)
    guard items.count == 2, case .request(let first, _, _) = items[0].item,
      case .response(let second, _, _) = items[1].item
    else {
      Issue.record("\(items)")
      return
    }
    #expect(first.method == "PUT" && first.target == "/a?b=c" && first.body == [1, 2, 3])
    #expect(second.status == 422 && second.fields["etag"] == "\"4\"" && second.body == Array("{}".utf8))
    #expect(try HTTPResponse(204).octets() == Array("HTTP/1.1 204 No Content\r\n\r\n".utf8))
  }

  @Test func whatCannotBeWrittenIsRefused() {
    #expect(throws: WireError.self) { try HTTPRequest("GET", "/a b").octets() }
    #expect(throws: WireError.self) { try HTTPRequest("G T", "/").octets() }
    #expect(throws: WireError.self) { try HTTPRequest("GET", "/", fields: ["A": "b\r\nC: d"]).octets() }
    #expect(throws: WireError.self) { try HTTPResponse(99).octets() }
  }
}
