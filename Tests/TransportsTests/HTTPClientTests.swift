import Messages
import NIOCore
import NIOPosix
import RoleKit
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(2)))
struct HTTPClientTests {
  /// A client, its event loop, and what it tells.
  struct LiveClient {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let inputs = Inputs()
    let client: HTTPClient

    init(pace: Double = 1, source: String? = "127.0.0.9") {
      let address = source.flatMap { IPAddress($0) }
      client = HTTPClient(
        loop: group.next(), clock: RoleClock(pace: pace), source: { _ in address }, sink: inputs.sink)
    }

    func end() async throws {
      await client.shutDown()
      try await group.shutdownGracefully()
    }
  }

  static let ask = HTTPRequest("POST", "/x", fields: ["Content-Type": "application/json"], body: Array("{}".utf8))

  @Test func aCallComesFromItsSourceAndIsAnswered() async throws {
    let live = try await LiveServer()
    let caller = LiveClient()
    caller.client.call(Call(1), Self.ask, to: live.endpoint, timeout: .seconds(60))
    let (exchange, request, from, _) = try await live.inputs.request()
    #expect(from.address == IPAddress("127.0.0.9"))
    #expect(request.fields["Host"] == live.endpoint.description)
    #expect(request.fields["Content-Length"] == "2")
    #expect(request.body == Self.ask.body)
    live.server.reply(exchange, HTTPResponse(200, fields: ["ETag": "\"7\""], body: Array("[1]".utf8)))
    guard case .answered(Call(1), let response) = try await caller.inputs.next() else { throw Inputs.Surprise() }
    #expect(response.status == 200)
    #expect(response.fields["etag"] == "\"7\"")
    #expect(response.body == Array("[1]".utf8))
    try await caller.end()
    try await live.end()
  }

  @Test func whereNobodyListensACallIsRefused() async throws {
    let endpoint = try RawListener().endpoint  // It is gone again.
    let caller = LiveClient()
    caller.client.call(Call(1), Self.ask, to: endpoint, timeout: .seconds(60))
    #expect(try await caller.inputs.next() == .failed(Call(1), .refused))
    try await caller.end()
  }

  @Test func anAddressThatIsNotOursReachesNobody() async throws {
    let live = try await LiveServer()
    let caller = LiveClient(source: "192.0.2.77")
    caller.client.call(Call(1), Self.ask, to: live.endpoint, timeout: .seconds(60))
    #expect(try await caller.inputs.next() == .failed(Call(1), .unreachable))
    try await caller.end()
    try await live.end()
  }

  @Test func silenceIsATimeout() async throws {
    let live = try await LiveServer()
    let caller = LiveClient(pace: 100)
    caller.client.call(Call(1), Self.ask, to: live.endpoint, timeout: .seconds(300))
    let (exchange, _, _, _) = try await live.inputs.request()
    #expect(try await caller.inputs.next() == .failed(Call(1), .timeout))
    #expect(try await live.inputs.next() == .callerLeft(exchange))
    try await caller.end()
    try await live.end()
  }

  @Test(arguments: [
    ("", Failure.reset), ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", .reset),
    ("HTTP/1.1 200 OK\r\nConte", .reset),
  ])
  func anAnswerThatBreaksOffIsAReset(_ octets: String, _ failure: Failure) async throws {
    let listener = try RawListener()
    let caller = LiveClient()
    caller.client.call(Call(1), Self.ask, to: listener.endpoint, timeout: .seconds(60))
    do {
      let connection = listener.accept()
      _ = connection.read(until: "{}")
      connection.send(octets)
    }
    #expect(try await caller.inputs.next() == .failed(Call(1), failure))
    try await caller.end()
  }

  @Test func aResetIsAReset() async throws {
    let listener = try RawListener()
    let caller = LiveClient()
    caller.client.call(Call(1), Self.ask, to: listener.endpoint, timeout: .seconds(60))
    do {
      let connection = listener.accept()
      _ = connection.read(until: "{}")
      connection.reset()
    }
    #expect(try await caller.inputs.next() == .failed(Call(1), .reset))
    try await caller.end()
  }

  @Test(arguments: [
    "220 mail.example ESMTP\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
  ])
  func whatIsNoHTTPIsMalformed(_ octets: String) async throws {
    let listener = try RawListener()
    let caller = LiveClient()
    caller.client.call(Call(1), Self.ask, to: listener.endpoint, timeout: .seconds(60))
    let connection = listener.accept()
    _ = connection.read(until: "{}")
    connection.send(octets)
    guard case .failed(Call(1), .malformed) = try await caller.inputs.next() else { throw Inputs.Surprise() }
    try await caller.end()
  }

  @Test func aCallThatIsCancelledTellsNothingMore() async throws {
    let live = try await LiveServer()
    let caller = LiveClient()
    caller.client.call(Call(1), Self.ask, to: live.endpoint, timeout: .seconds(60))
    let (exchange, _, _, _) = try await live.inputs.request()
    caller.client.cancel(Call(1))
    #expect(try await live.inputs.next() == .callerLeft(exchange))
    caller.client.call(Call(2), HTTPRequest("GET", "/"), to: live.endpoint, timeout: .seconds(60))
    let (second, _, _, _) = try await live.inputs.request()
    live.server.reply(second, HTTPResponse(204))
    guard case .answered(Call(2), _) = try await caller.inputs.next() else { throw Inputs.Surprise() }
    try await caller.end()
    try await live.end()
  }

  @Test func aSubscriptionTellsHeadEventsAndEnd() async throws {
    let live = try await LiveServer()
    // In machine time: at a pace a starved machine would pass the silence that ends a stream.
    let caller = LiveClient()
    let request = HTTPRequest("GET", "/requests", fields: ["Accept": "text/event-stream"])
    caller.client.subscribe(Call(5), request, to: live.endpoint, timeout: .seconds(60))
    let (stream, _, _, _) = try await live.inputs.request()
    live.server.openStream(stream, HTTPResponse(200, fields: ["Content-Type": "text/event-stream"]))
    guard case .answered(Call(5), let head) = try await caller.inputs.next() else { throw Inputs.Surprise() }
    #expect(head.status == 200)
    let events = [
      ServerSentEvent(id: "1", event: "control", data: "{\"a\":1}"), ServerSentEvent(data: "two\nlines"),
      ServerSentEvent(id: "3", event: "e", data: ""),
    ]
    for event in events { live.server.event(stream, event) }
    live.server.comment(stream, "")
    for event in events { #expect(try await caller.inputs.next() == .streamed(Call(5), event)) }
    live.server.close(stream)
    #expect(try await caller.inputs.next() == .ended(Call(5), nil))
    try await caller.end()
    try await live.end()
  }

  @Test func aSubscriptionThatBreaksOffSaysSo() async throws {
    let listener = try RawListener()
    let caller = LiveClient()
    caller.client.subscribe(Call(1), HTTPRequest("GET", "/"), to: listener.endpoint, timeout: .seconds(60))
    do {
      let connection = listener.accept()
      _ = connection.read(until: "\r\n\r\n")
      connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
      guard case .answered(Call(1), _) = try await caller.inputs.next() else { throw Inputs.Surprise() }
    }
    #expect(try await caller.inputs.next() == .ended(Call(1), .reset))
    try await caller.end()
  }

  @Test func aStreamThatFallsSilentIsATimeout() async throws {
    let live = try await LiveServer()
    let caller = LiveClient(pace: 100)
    caller.client.subscribe(Call(1), HTTPRequest("GET", "/"), to: live.endpoint, timeout: .seconds(2000))
    let (stream, _, _, _) = try await live.inputs.request()
    live.server.openStream(stream, HTTPResponse(200, fields: ["Content-Type": "text/event-stream"]))
    guard case .answered(Call(1), _) = try await caller.inputs.next() else { throw Inputs.Surprise() }
    // Nothing but a comment comes; then 45 s of role time pass, which are 0.45 s here.
    live.server.comment(stream, "")
    #expect(try await caller.inputs.next() == .ended(Call(1), .timeout))
    try await caller.end()
    try await live.end()
  }

  @Test func aSubscriptionThatIsRefusedTellsTheWholeAnswer() async throws {
    let live = try await LiveServer()
    let caller = LiveClient()
    caller.client.subscribe(Call(1), HTTPRequest("GET", "/"), to: live.endpoint, timeout: .seconds(60))
    let (exchange, _, _, _) = try await live.inputs.request()
    live.server.reply(exchange, HTTPResponse(401, body: Array("no".utf8)))
    guard case .answered(Call(1), let response) = try await caller.inputs.next() else { throw Inputs.Surprise() }
    #expect(response.status == 401)
    #expect(response.body == Array("no".utf8))
    try await caller.end()
    try await live.end()
  }
}

@Suite struct EventStreamReaderTests {
  static let text =
    "\u{FEFF}: hello\r\nid: 7\nevent: control\rdata: a\r\ndata:b\n\nevent: lost\n\ndata\n\nunknown: x\ndata: c\n\ndata: cut"
  static let events = [
    ServerSentEvent(id: "7", event: "control", data: "a\nb"), ServerSentEvent(data: ""), ServerSentEvent(data: "c"),
  ]

  @Test func readsWhole() throws {
    var reader = EventStreamReader()
    #expect(try reader.take(Array(Self.text.utf8)) == Self.events)
  }

  @Test func readsOctetByOctet() throws {
    var reader = EventStreamReader()
    #expect(try Self.text.utf8.flatMap { try reader.take([$0]) } == Self.events)
  }

  @Test func refusesALineWithoutEnd() {
    var reader = EventStreamReader()
    #expect(throws: EventStreamReader.TooLong.self) {
      try reader.take([UInt8](repeating: 0x61, count: EventStreamReader.limit + 1))
    }
  }
}
