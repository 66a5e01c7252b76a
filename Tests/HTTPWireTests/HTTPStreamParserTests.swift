import Octets
import Testing

@testable import HTTPWire

@Suite struct HTTPStreamParserTests {
  @Test(arguments: Vector.names)
  func aVectorReadsTheSameWholeAndOctetByOctet(_ name: String) throws {
    let octets = try Vector.octets(name)
    let direction = Vector.direction(name)
    let methods = name == "python-head.http" ? ["HEAD"] : []
    let whole = HTTPStreamParser.read(octets, direction, pieces: [octets.count], methods: methods)
    let byOctet = HTTPStreamParser.read(octets, direction, pieces: [1], methods: methods)
    #expect(whole == byOctet)
    #expect(!whole.isEmpty)
    for located in whole {
      if case .garbage(let fault) = located.item { Issue.record("\(name): \(fault)") }
    }
    #expect(whole.last?.range.upperBound == octets.count)
  }

  @Test func whatCurlSendsIsRead() throws {
    let put = HTTPStreamParser.read(try Vector.octets("curl-put-json.http"), .requests, pieces: [7])
    guard case .request(let request, _) = try #require(put.last).item else {
      Issue.record("no request")
      return
    }
    #expect(request.method == "PUT")
    #expect(request.path == "/agents/7f9c")
    #expect(request.fields["content-type"] == "application/json")
    #expect(String(decoding: request.body, as: UTF8.self) == #"{"agentId":"7f9c","reason":"new-device"}"#)

    let chunked = HTTPStreamParser.read(try Vector.octets("curl-chunked.http"), .requests, pieces: [3])
    guard case .request(let second, _) = try #require(chunked.last).item else {
      Issue.record("no request")
      return
    }
    #expect(String(decoding: second.body, as: UTF8.self) == #"{"agentId":"7f9c"}"#)

    let two = HTTPStreamParser.read(try Vector.octets("curl-keep-alive.http"), .requests, pieces: [1000])
    #expect(two.map(\.range) == [0..<82, 0..<82, 82..<164, 82..<164])
  }

  @Test func whatPythonAnswersIsRead() throws {
    let found = HTTPStreamParser.read(try Vector.octets("python-200.http"), .responses, pieces: [64])
    guard case .response(let response, _) = try #require(found.last).item else {
      Issue.record("no response")
      return
    }
    #expect(response.status == 200)
    #expect(String(decoding: response.body, as: UTF8.self) == "hello\n")
    let head = HTTPStreamParser.read(try Vector.octets("python-head.http"), .responses, pieces: [64], methods: ["HEAD"])
    guard case .response(let second, _) = try #require(head.last).item else {
      Issue.record("no response")
      return
    }
    #expect(second.body.isEmpty)
  }

  @Test func chunksMayHaveExtensionsAndTrailers() {
    let items = HTTPStreamParser.read(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;name=value\r\nhello\r\n6 ; x\r\n world\r\n0\r\nDigest: 1\r\n\r\n",
      .responses)
    let fields: HTTPFields = ["Transfer-Encoding": "chunked"]
    #expect(
      items == [
        .responseHead(HTTPResponse(200, fields: fields)),
        .response(
          HTTPResponse(200, fields: fields, body: Array("hello world".utf8)), trailers: ["Digest": "1"]),
      ])
  }

  @Test func aResponseWithoutALengthEndsWithItsConnection() {
    let items = HTTPStreamParser.read("HTTP/1.1 200 OK\r\n\r\nall of it", .responses)
    #expect(items.last == .response(HTTPResponse(200, body: Array("all of it".utf8)), trailers: [:]))
  }

  @Test(arguments: [
    ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "GET"),
    ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD"), ("HTTP/1.1 100 Continue\r\n\r\n", "PUT"),
    ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "GET"),
  ])
  func someResponsesHaveNoBody(_ text: String, _ method: String) {
    let items = HTTPStreamParser.read(
      text + "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", .responses, methods: [method, "PUT"])
    let statuses = items.compactMap { item in
      if case .response(let response, _) = item { response.status } else { nil }
    }
    #expect(statuses.count == 2 && statuses.last == 201)
  }

  struct Fault: Sendable, CustomTestStringConvertible {
    var text: String
    var direction = HTTPStreamParser.Direction.requests
    var offset: Int
    var reason: String
    var testDescription: String { reason }
  }

  static let faults: [Fault] = [
    Fault(
      text: "PUT / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", offset: 0,
      reason: "both Transfer-Encoding and Content-Length"),
    Fault(
      text: "PUT / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", offset: 0,
      reason: "two lengths that differ"),
    Fault(text: "PUT / HTTP/1.1\r\nContent-Length: 3, 4\r\n\r\nabcd", offset: 0, reason: "two lengths that differ"),
    Fault(
      text: "PUT / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc", offset: 0,
      reason: "expected digits in Content-Length, found \"+3\""),
    Fault(
      text: "PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", offset: 0,
      reason: "expected the transfer coding chunked alone, found \"gzip, chunked\""),
    Fault(
      text: "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", offset: 0, reason: "Transfer-Encoding in HTTP/1.0"),
    Fault(
      text: "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", offset: 22,
      reason: "a folded field line, which RFC 9112 clause 5.2 forbids"),
    Fault(
      text: "GET / HTTP/1.1\r\nHost : x\r\n\r\n", offset: 20,
      reason: "expected a field name, which is letters, digits and a few signs"),
    Fault(text: "GET / HTTP/1.1\r\nHost\r\n\r\n", offset: 16, reason: "a field line without a colon"),
    Fault(text: "GET / HTTP/1.1\r\nA: b\u{0}\r\n\r\n", offset: 20, reason: "a control character in the value of A"),
    Fault(text: "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", offset: 20, reason: "a control character in the value of A"),
    Fault(text: "GET / HTTP/1.1\nHost: x\n\n", offset: 14, reason: "a line that ends with LF alone"),
    Fault(
      text: "GET  / HTTP/1.1\r\n\r\n", offset: 0,
      reason: "expected a method, a target and a version with one blank between"),
    Fault(text: "GET / HTTP/2.0\r\n\r\n", offset: 6, reason: "expected HTTP/1.1"),
    Fault(text: "\u{16}\u{3}\u{1}\u{2}", offset: 0, reason: "not an HTTP request"),
    Fault(text: "SSH-2.0-x", direction: .responses, offset: 0, reason: "not an HTTP response"),
    Fault(
      text: "HTTP/1.1 20 OK\r\n\r\n", direction: .responses, offset: 8, reason: "expected a status of three digits"),
    Fault(
      text: "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n", offset: 46,
      reason: "expected a chunk size of 1 to 8 hexadecimal digits"),
    Fault(
      text: "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n123456789\r\n", offset: 46,
      reason: "expected a chunk size of 1 to 8 hexadecimal digits"),
    Fault(
      text: "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX", offset: 54,
      reason: "expected CRLF after the chunk"),
    Fault(
      text: "PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc", offset: 40,
      reason: "the connection ended inside a message"),
    Fault(
      text: "PUT / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", offset: 44,
      reason: "a body of 99999999 octets, 1048576 at most"),
  ]

  @Test(arguments: faults)
  func whatIsAmbiguousIsRefusedWithItsOffset(_ fault: Fault) {
    let items = HTTPStreamParser.read(fault.text, fault.direction)
    guard case .garbage(let error)? = items.last else {
      Issue.record("no error: \(items)")
      return
    }
    #expect(error.reason == fault.reason)
    #expect(error.offset == fault.offset)
    let octets = Array(fault.text.utf8)
    let byOctet = HTTPStreamParser.read(octets, fault.direction, pieces: [1])
    #expect(byOctet.map(\.item).last == items.last)
  }

  @Test func equalLengthsAreOneLength() {
    let items = HTTPStreamParser.read("PUT / HTTP/1.1\r\nContent-Length: 2, 2\r\n\r\nab", .requests)
    guard case .request(let request, _)? = items.last else {
      Issue.record("no request")
      return
    }
    #expect(request.body.count == 2)
  }

  @Test func theBoundsHold() {
    let rules = HTTPRules(headerLimit: 100, bodyLimit: 10)
    let long = "GET / HTTP/1.1\r\nA: " + String(repeating: "x", count: 200) + "\r\n\r\n"
    guard case .garbage(let head)? = HTTPStreamParser.read(long, .requests, rules: rules).last else {
      Issue.record("no error")
      return
    }
    #expect(head.code == .tooLong && head.offset == 100)
    for body in [
      "PUT / HTTP/1.1\r\nContent-Length: 11\r\n\r\nabcdefghijk",
      "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\n",
    ] {
      guard case .garbage(let fault)? = HTTPStreamParser.read(body, .requests, rules: rules).last else {
        Issue.record("no error")
        return
      }
      #expect(fault.code == .tooLong)
    }
    let endless = HTTPStreamParser.read("HTTP/1.1 200 OK\r\n\r\nabcdefghijk", .responses, rules: rules)
    guard case .garbage(let fault)? = endless.last else {
      Issue.record("no error")
      return
    }
    #expect(fault.code == .tooLong)
  }

  @Test func aNamedLeniencyTakesBareLineFeeds() {
    var rules = HTTPRules()
    rules.bareLineFeedAllowed = true
    let items = HTTPStreamParser.read("GET / HTTP/1.1\nHost: x\n\n", .requests, rules: rules)
    #expect(items.last == .request(HTTPRequest("GET", "/", fields: ["Host": "x"]), trailers: [:]))
  }

  @Test func nothingFollowsGarbage() {
    var parser = HTTPStreamParser(.requests)
    #expect(parser.feed(Array("\u{1}".utf8)).count == 1)
    #expect(parser.isFinished)
    #expect(parser.feed(Array("GET / HTTP/1.1\r\n\r\n".utf8)).isEmpty)
    #expect(parser.finish().isEmpty)
    #expect(parser.offset == 19)
  }

  @Test(arguments: 0..<40)
  func mutatedVectorsNeverCrashAndReadTheSameInAnyPieces(_ seed: UInt64) throws {
    var random = SplitMix(state: seed)
    for name in Vector.names {
      var octets = try Vector.octets(name)
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let index = Int.random(in: 0..<octets.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: octets[index] = UInt8.random(in: .min ... .max, using: &random)
        case 1: octets.remove(at: index)
        default: octets.insert(UInt8.random(in: .min ... .max, using: &random), at: index)
        }
      }
      let direction = Vector.direction(name)
      let whole = HTTPStreamParser.read(octets, direction, pieces: [octets.count])
      let pieces = (0..<20).map { _ in Int.random(in: 1...40, using: &random) }
      #expect(HTTPStreamParser.read(octets, direction, pieces: pieces) == whole, "\(name), seed \(seed)")
    }
  }
}
