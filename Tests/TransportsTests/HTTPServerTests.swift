import Messages
import RoleKit
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(2)))
struct HTTPServerTests {
  @Test func aRequestComesAsItStoodOnTheWire() async throws {
    let live = try await LiveServer(address: "127.0.0.7")
    let client = try RawConnection(to: live.endpoint)
    client.send("PUT /a?b=c HTTP/1.1\r\nHOST: one\r\nhost: two\r\nX-Odd: 1\r\nContent-Length: 5\r\n\r\nhel")
    client.send("lo")
    let (exchange, request, from, to) = try await live.inputs.request()
    #expect(request.method == "PUT")
    #expect(request.target == "/a?b=c")
    #expect(
      request.fields.list == [
        .init("HOST", "one"), .init("host", "two"), .init("X-Odd", "1"), .init("Content-Length", "5"),
      ]
    )
    #expect(request.body == Array("hello".utf8))
    #expect(to == live.endpoint)
    #expect(from.address == Endpoint.loopback)
    live.server.reply(exchange, HTTPResponse(201, fields: ["ETag": "\"1\""], body: Array("{}".utf8)))
    let answer = client.read(until: "{}")
    #expect(answer.hasPrefix("HTTP/1.1 201 Created\r\nETag: \"1\"\r\nDate: "))
    #expect(answer.hasSuffix("Content-Length: 2\r\n\r\n{}"))
    #expect(try await live.inputs.next() == .replied(exchange))
    try await live.end()
  }

  @Test func requestsOfOneConnectionAreAnsweredInOrder() async throws {
    let live = try await LiveServer()
    let client = try RawConnection(to: live.endpoint)
    client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHo")
    for number in 1...3 {
      let (exchange, request, _, _) = try await live.inputs.request()
      #expect(request.target == "/\(number)")
      live.server.reply(exchange, HTTPResponse(200, body: Array("<\(number)>".utf8)))
      #expect(client.read(until: "<\(number)>").hasSuffix("<\(number)>"))
      #expect(try await live.inputs.next() == .replied(exchange))
      if number == 2 { client.send("st: a\r\n\r\n") }
    }
    try await live.end()
  }

  @Test func aBodyMayHave64KiBAndNotOneOctetMore() async throws {
    let live = try await LiveServer()
    let client = try RawConnection(to: live.endpoint)
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n")
    client.send([UInt8](repeating: 32, count: 65_536))
    let (exchange, request, _, _) = try await live.inputs.request()
    #expect(request.body.count == 65_536)
    live.server.reply(exchange, HTTPResponse(204))
    #expect(!client.read(until: "\r\n\r\n").contains("Content-Length"))

    let correlation = "0b6d2a52-9c1c-4b8e-8a55-3a6b6a1f7b11"
    let told = try RawConnection(to: live.endpoint)
    told.send("POST / HTTP/1.1\r\nHost: a\r\nHomebed-Correlation: \(correlation)\r\nContent-Length: 65537\r\n\r\n")
    told.send([UInt8](repeating: 32, count: 65_537))
    let refusal = told.readToEnd()
    #expect(refusal.hasPrefix("HTTP/1.1 413 Content Too Large\r\nContent-Type: application/problem+json\r\n"))
    #expect(refusal.contains("urn:homebed:problem:body-too-large"))
    #expect(refusal.contains("Homebed-Correlation: \(correlation)\r\n"))

    let chunked = try RawConnection(to: live.endpoint)
    chunked.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n")
    chunked.send([UInt8](repeating: 32, count: 65_537))
    #expect(chunked.readToEnd().hasPrefix("HTTP/1.1 413 "))
    try await live.end()
  }

  @Test func aChunkedBodyIsPutTogether() async throws {
    let live = try await LiveServer()
    let client = try RawConnection(to: live.endpoint)
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    #expect(try await live.inputs.request().1.body == Array("abcde".utf8))
    try await live.end()
  }

  @Test func aHeaderBlockMayHave16KiB() async throws {
    let live = try await LiveServer()
    let start = "GET / HTTP/1.1\r\nHost: a\r\nX: "
    let fits = try RawConnection(to: live.endpoint)
    fits.send(start + String(repeating: "x", count: 16_384 - start.utf8.count - 4) + "\r\n\r\n")
    let (exchange, _, _, _) = try await live.inputs.request()
    live.server.reply(exchange, HTTPResponse(204))
    #expect(fits.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 204 "))

    let tooLong = try RawConnection(to: live.endpoint)
    tooLong.send(start + String(repeating: "x", count: 16_384 - start.utf8.count - 3) + "\r\n\r\n")
    let refusal = tooLong.readToEnd()
    #expect(refusal.hasPrefix("HTTP/1.1 431 "))
    #expect(refusal.contains("application/problem+json"))

    let endless = try RawConnection(to: live.endpoint)
    endless.send("GET / HTTP/1.1\r\n")
    for number in 0..<2000 { endless.send("X-\(number): 0123456789\r\n") }
    #expect(endless.readToEnd().hasPrefix("HTTP/1.1 431 "))
    try await live.end()
  }

  @Test(arguments: [
    "nonsense\r\n\r\n", "GET / HTTP/1.1\r\nbad header\r\n\r\n", "GET / HTTP/3.7\r\n\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "\u{1}\u{2}\u{3}\r\n",
    "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
  ])
  func whatIsNoHTTPGets400(_ octets: String) async throws {
    let live = try await LiveServer()
    let client = try RawConnection(to: live.endpoint)
    client.send(octets)
    let refusal = client.readToEnd()
    #expect(refusal.hasPrefix("HTTP/1.1 400 "))
    #expect(refusal.contains("application/problem+json"))
    #expect(refusal.contains("\"status\":400"))
    try await live.end()
  }

  @Test(arguments: ["GET / HT", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"])
  func aRequestThatIsNotWholeInTimeGets408(_ octets: String) async throws {
    // 10 s of role time are 0.1 s.
    let live = try await LiveServer(pace: 100)
    let client = try RawConnection(to: live.endpoint)
    client.send(octets)
    let refusal = client.readToEnd()
    #expect(refusal.hasPrefix("HTTP/1.1 408 "))
    #expect(refusal.contains("application/problem+json"))
    try await live.end()
  }

  @Test func aSlowCallerKeepsNobodyWaiting() async throws {
    let live = try await LiveServer()
    let slow = try (0..<20).map { _ in try RawConnection(to: live.endpoint) }
    for caller in slow { caller.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx") }
    let quick = try RawConnection(to: live.endpoint)
    quick.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    let (exchange, _, _, _) = try await live.inputs.request()
    live.server.reply(exchange, HTTPResponse(200, body: [0x21]))
    #expect(quick.read(until: "!").hasSuffix("!"))
    try await live.end()
  }

  @Test func aCallerThatLeavesAHeldExchangeIsNoticed() async throws {
    let live = try await LiveServer()
    for leavesByReset in [false, true] {
      var exchange: Exchange?
      do {
        let client = try RawConnection(to: live.endpoint)
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        exchange = try await live.inputs.request().0
        if leavesByReset { client.reset() }
      }
      let held = try #require(exchange)
      #expect(try await live.inputs.next() == .callerLeft(held))
      live.server.abandon(held)
      // Into the void, without harm.
      live.server.reply(held, HTTPResponse(200))
    }
    try await live.end()
  }

  @Test func whoOnlyEndsItsSendingStillGetsAnAnswer() async throws {
    let live = try await LiveServer()
    let client = try RawConnection(to: live.endpoint)
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    client.endSending()
    let (exchange, _, _, _) = try await live.inputs.request()
    #expect(try await live.inputs.next() == .callerLeft(exchange))
    live.server.reply(exchange, HTTPResponse(200, body: Array("late".utf8)))
    #expect(client.readToEnd().hasSuffix("late"))
    try await live.end()
  }

  @Test func anEventStreamCarriesEventsUntilItsReaderLeaves() async throws {
    let live = try await LiveServer()
    var exchange: Exchange?
    do {
      let reader = try RawConnection(to: live.endpoint)
      reader.send("GET /requests HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
      let stream = try await live.inputs.request().0
      exchange = stream
      live.server.openStream(stream, HTTPResponse(200, fields: ["Content-Type": "text/event-stream"]))
      live.server.event(stream, ServerSentEvent(id: "1", event: "control", data: "{}"))
      live.server.comment(stream, "still\nhere")
      let text = reader.read(until: "still")
      #expect(text.contains("Transfer-Encoding: chunked\r\n"))
      #expect(!text.contains("Content-Length"))
      #expect(text.contains("data: {}\n"))
      #expect(text.contains(": still here\n\n"))
    }
    #expect(try await live.inputs.next() == .callerLeft(try #require(exchange)))
    try await live.end()
  }

  @Test func aReaderThatNeverReadsIsGivenUp() async throws {
    var limits = HTTPLimits()
    limits.unread = 100_000
    let live = try await LiveServer(limits: limits)
    let reader = try RawConnection(to: live.endpoint)
    reader.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    let (stream, _, _, _) = try await live.inputs.request()
    live.server.openStream(stream, HTTPResponse(200))
    // More than the sockets of both ends may take.
    let data = String(repeating: "x", count: 100_000)
    for _ in 0..<400 { live.server.event(stream, ServerSentEvent(data: data)) }
    #expect(try await live.inputs.next() == .callerLeft(stream))
    withExtendedLifetime(reader) {}
    try await live.end()
  }

  @Test func tooManyConnectionsGet503() async throws {
    var limits = HTTPLimits()
    limits.connections = 2
    let live = try await LiveServer(limits: limits)
    let first = try RawConnection(to: live.endpoint)
    let second = try RawConnection(to: live.endpoint)
    let third = try RawConnection(to: live.endpoint)
    #expect(third.readToEnd().hasPrefix("HTTP/1.1 503 "))
    second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    _ = try await live.inputs.request()
    withExtendedLifetime(first) {}
    try await live.end()
  }

  @Test func aHeadRequestGetsNoBody() async throws {
    let live = try await LiveServer()
    let client = try RawConnection(to: live.endpoint)
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    let (exchange, _, _, _) = try await live.inputs.request()
    live.server.reply(exchange, HTTPResponse(200, body: Array("hidden".utf8)))
    let answer = client.readToEnd()
    #expect(answer.contains("Content-Length: 6\r\n"))
    #expect(answer.contains("Connection: close\r\n"))
    #expect(!answer.contains("hidden"))
    try await live.end()
  }

  @Test func aCallerThatExpectsAWordBeforeItsBodyGetsOne() async throws {
    let live = try await LiveServer()
    let client = try RawConnection(to: live.endpoint)
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    #expect(client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
    client.send("ok")
    #expect(try await live.inputs.request().1.body == Array("ok".utf8))
    try await live.end()
  }

  @Test func aReplyThatWouldSplitTheResponseIsNotWritten() async throws {
    let live = try await LiveServer()
    let client = try RawConnection(to: live.endpoint)
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    let (exchange, _, _, _) = try await live.inputs.request()
    live.server.reply(exchange, HTTPResponse(200, fields: ["X": "a\r\nSet-Cookie: b"]))
    #expect(client.readToEnd() == "")
    try await live.end()
  }
}
