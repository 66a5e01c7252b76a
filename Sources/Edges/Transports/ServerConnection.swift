import Logging
import Messages
import NIOCore
import NIOHTTP1
import RoleKit

/// One connection of a server: one request at a time, in order, each answered before the next is looked at.
final class ServerConnection: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = ByteBuffer

  private enum State {
    /// Between requests.
    case idle
    /// A request has begun; its head may be there.
    case receiving(HTTPRequestHead?, body: [UInt8])
    case answering(Exchange, HTTPRequestHead)
    /// An event stream is open; `chunked` unless the reader speaks HTTP/1.0.
    case streaming(Exchange, chunked: Bool)
    /// The last answer is on its way; what still comes in is dropped.
    case draining
    case closed
  }

  private let server: HTTPServer
  private let channel: any Channel
  private let peerName: String
  private let from: Endpoint?
  private let to: Endpoint?
  private var state = State.idle
  private var isCounted = false
  /// Octets since the request began, while its head is not whole.
  private var headOctets = 0
  /// Parts of later requests, and how many octets they came in.
  private var waiting = CircularBuffer<HTTPServerRequestPart>()
  private var waitingOctets = 0
  /// The decoder gave up on octets that came after the request that is being answered.
  private var failure: (any Error)?
  private var peerHasEnded = false
  private var unwritten = 0
  private var timer: Scheduled<Void>?

  init(of server: HTTPServer, on channel: any Channel) {
    self.server = server
    self.channel = channel
    from = channel.remoteAddress.flatMap { Endpoint($0) }
    to = channel.localAddress.flatMap { Endpoint($0) }
    peerName = from?.address.description ?? ""
  }

  // MARK: The channel

  func channelActive(context: ChannelHandlerContext) {
    isCounted = server.entered(peerName)
    // A reader that takes nothing for that long is gone, whatever its TCP says (RFC 5482 speaks of the option).
    let patience = server.clock.machineTime(of: .seconds(40)).nanoseconds / 1_000_000
    channel.setOption(.tcpOption(.init(rawValue: 18)), value: .init(Int(min(max(patience, 1000), 600_000))))
      .whenFailure { [log = server.log] in log.debug("no TCP user time-out: \($0)") }
    if isCounted {
      setTimer(server.limits.idle) { $0.end() }
    } else {
      refuse(Problem(status: 503, title: "Service Unavailable", "there are too many connections"), head: nil)
    }
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    if isCounted { server.left(peerName) }
    timer?.cancel()
    switch state {
    case .answering(let exchange, _), .streaming(let exchange, _):
      server.finish(exchange)
      if !peerHasEnded { server.sink(.callerLeft(exchange)) }
    case .idle, .receiving, .draining, .closed: break
    }
    state = .closed
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch (state, error) {
    case (.idle, is HTTPParserError), (.receiving, is HTTPParserError): refuse(error)
    case (.answering, is HTTPParserError): failure = error
    case (.streaming, is HTTPParserError), (.draining, is HTTPParserError): break
    default:
      server.log.debug("connection of \(peerName): \(error)")
      end()
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = Self.unwrapInboundIn(data)
    switch state {
    case .idle, .receiving: take(part)
    case .answering: waiting.append(part)
    case .streaming, .draining, .closed: break
    }
  }

  // MARK: What the front sees

  /// False if the octets are to be dropped.
  func willRead(_ count: Int) -> Bool {
    switch state {
    case .draining, .closed, .streaming: return false
    case .answering:
      waitingOctets += count
      if waitingOctets > server.limits.pipelined { end() }
      return waitingOctets <= server.limits.pipelined
    case .idle:
      begin(octets: count)
      return true
    case .receiving:
      headOctets += count
      return true
    }
  }

  /// A head that never ends is refused as soon as it is too long.
  func didRead() {
    guard case .receiving(nil, _) = state, headOctets > server.limits.headerBlock else { return }
    refuse(.headerTooLong, head: nil)
  }

  func peerEndedSending() {
    switch state {
    case .idle, .receiving, .draining, .closed: end()
    case .answering(let exchange, _), .streaming(let exchange, _):
      // Who half-closes may still wait for the answer: a turn that replies at once still reaches it. The host abandons
      // the exchange after the turn that learns of this.
      guard !peerHasEnded else { return }
      peerHasEnded = true
      server.sink(.callerLeft(exchange))
    }
  }

  // MARK: The request

  private func begin(octets: Int) {
    state = .receiving(nil, body: [])
    headOctets = octets
    // Profile section 1: a request not whole after 10 s.
    setTimer(server.limits.wholeRequest) { connection in
      guard case .receiving(let head, _) = connection.state else { return }
      connection.refuse(
        Problem(status: 408, title: "Request Timeout", "the request was not whole in time"), head: head)
    }
  }

  private func take(_ part: HTTPServerRequestPart) {
    if case .idle = state { begin(octets: 0) }
    guard case .receiving(let head, var body) = state else { return }
    switch part {
    case .head(let head):
      state = .receiving(head, body: [])
      checkHead(head)
    case .body(let buffer):
      body.append(contentsOf: buffer.readableBytesView)
      state = .receiving(head, body: body)
      if body.count > server.limits.body { refuse(.bodyTooLong(server.limits.body), head: head) }
    case .end:
      guard let head else { return }
      timer?.cancel()
      let exchange = server.begin(self)
      state = .answering(exchange, head)
      waitingOctets = 0
      let fields = HTTPFields(head.headers.map { .init($0.name, $0.value) })
      let request = HTTPRequest(head.method.rawValue, head.uri, fields: fields, body: body)
      let nowhere = Endpoint(.v4(0), 0)
      server.sink(.requested(exchange, request, from: from ?? nowhere, to: to ?? nowhere))
    }
  }

  private func checkHead(_ head: HTTPRequestHead) {
    let block = head.headers.reduce(head.method.rawValue.utf8.count + head.uri.utf8.count + 14) {
      $0 + $1.name.utf8.count + $1.value.utf8.count + 4
    }
    if block > server.limits.headerBlock { return refuse(.headerTooLong, head: head) }
    let lengths = head.headers["Content-Length"].compactMap { Int($0) }
    if let length = lengths.max(), length > server.limits.body {
      return refuse(.bodyTooLong(server.limits.body), head: head)
    }
    // RFC 9110 clause 10.1.1.
    if head.version == .http1_1, head.headers["Expect"].contains(where: { $0.lowercased() == "100-continue" }) {
      write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
    }
  }

  // MARK: The answer

  func reply(_ exchange: Exchange, _ response: HTTPResponse) {
    guard case .answering(exchange, let head) = state else { return }
    server.finish(exchange)
    let stays = head.isKeepAlive && failure == nil && !peerHasEnded
    state = stays ? .idle : .draining
    guard let octets = octets(of: response, to: head, stays: stays) else { return end() }
    write(octets) { connection in connection.server.sink(.replied(exchange)) }
    guard stays else { return endAfterWriting() }
    setTimer(server.limits.idle) { $0.end() }
    // Requests that were sent before this answer, or parts of them.
    if waitingOctets > 0, waiting.isEmpty { begin(octets: waitingOctets) }
    waitingOctets = 0
    while let part = waiting.popFirst() {
      guard case .answering = state else {
        take(part)
        continue
      }
      waiting.prepend(part)
      break
    }
  }

  func openStream(_ exchange: Exchange, _ response: HTTPResponse) {
    guard case .answering(exchange, let head) = state else { return }
    let chunked = head.version == .http1_1
    state = .streaming(exchange, chunked: chunked)
    waiting.removeAll()
    var response = response
    response.body = []
    if response.fields["Content-Type"] == nil { response.fields["Content-Type"] = ProfileNames.eventStreamType }
    if response.fields["Cache-Control"] == nil { response.fields["Cache-Control"] = "no-store" }
    // Either one keeps `octets` from writing a length.
    if chunked { response.fields["Transfer-Encoding"] = "chunked" }
    guard let octets = octets(of: response, to: head, stays: chunked, length: chunked) else { return end() }
    write(octets)
  }

  /// Sends a piece of the event stream.
  func send(_ octets: [UInt8]) {
    guard case .streaming(let exchange, let chunked) = state, !octets.isEmpty else { return }
    guard unwritten <= server.limits.unread else {
      server.log.info("the reader of an event stream at \(peerName) does not read")
      server.finish(exchange)
      state = .closed
      server.sink(.callerLeft(exchange))
      return channel.close(promise: nil)
    }
    write(chunked ? Array("\(String(octets.count, radix: 16))\r\n".utf8) + octets + [13, 10] : octets)
  }

  func endStream() {
    guard case .streaming(let exchange, let chunked) = state else { return }
    server.finish(exchange)
    state = .draining
    if chunked { write(Array("0\r\n\r\n".utf8)) }
    endAfterWriting()
  }

  /// Closes at once; the role hears nothing more of it.
  func end() {
    switch state {
    case .answering(let exchange, _), .streaming(let exchange, _):
      server.finish(exchange)
      if !peerHasEnded { server.sink(.callerLeft(exchange)) }
    case .idle, .receiving, .draining, .closed: break
    }
    state = .closed
    timer?.cancel()
    channel.close(promise: nil)
  }

  private func refuse(_ error: any Error) {
    if case HTTPParserError.headerOverflow = error { return refuse(.headerTooLong, head: nil) }
    refuse(Problem(status: 400, title: "Bad Request", "the octets are no HTTP/1.1 request: \(error)"), head: nil)
  }

  /// Answers in place of the role and ends the connection.
  private func refuse(_ problem: Problem, head: HTTPRequestHead?) {
    state = .draining
    waiting.removeAll()
    let correlations = head?.headers[ProfileNames.correlationField] ?? []
    let correlation = correlations.first.flatMap { Identifier.isUUID($0) ? $0 : nil }
    let head = head ?? HTTPRequestHead(version: .http1_1, method: .GET, uri: "*")
    if let octets = octets(of: problem.response.repeating(correlation: correlation), to: head, stays: false) {
      write(octets)
    }
    endAfterWriting()
  }

  /// Ends our direction, and drops what comes from the peer for a while: a reset in answer to octets that nobody read
  /// would take the answer away from it (RFC 9112 clause 9.6).
  private func endAfterWriting() {
    if peerHasEnded { return channel.close(promise: nil) }
    channel.close(mode: .output, promise: nil)
    setTimer(.seconds(2)) { $0.end() }
  }

  private func octets(
    of response: HTTPResponse, to head: HTTPRequestHead, stays: Bool, length: Bool = true
  ) -> [UInt8]? {
    var response = response
    if response.fields["Date"] == nil { response.fields["Date"] = ProfileTime.httpDate(server.clock.now.wall) }
    if !stays { response.fields["Connection"] = "close" }
    if stays, head.version != .http1_1 { response.fields["Connection"] = "keep-alive" }
    if head.method == .HEAD {
      response.fields["Content-Length"] = String(response.body.count)
      response.body = []
    }
    do {
      var octets = try response.octets()
      if !length, let range = octets.firstRange(of: Array("Content-Length: 0\r\n".utf8)) {
        octets.removeSubrange(range)
      }
      return octets
    } catch {
      server.log.error("a reply that cannot be written: \(error)")
      return nil
    }
  }

  private func write(_ octets: [UInt8], then done: @escaping (ServerConnection) -> Void = { _ in }) {
    unwritten += octets.count
    let me = NIOLoopBound(self, eventLoop: channel.eventLoop)
    let done = NIOLoopBound(done, eventLoop: channel.eventLoop)
    channel.writeAndFlush(ByteBuffer(bytes: octets)).whenComplete { result in
      me.value.unwritten -= octets.count
      if case .success = result { done.value(me.value) }
    }
  }

  private func setTimer(_ span: UInt64, _ body: @escaping (ServerConnection) -> Void) {
    timer?.cancel()
    timer = channel.eventLoop.assumeIsolated().scheduleTask(in: server.clock.machineTime(of: span)) { [weak self] in
      if let self { body(self) }
    }
  }
}

extension Problem {
  fileprivate static let headerTooLong = Problem(
    status: 431, title: "Request Header Fields Too Large", "the header block is longer than may be")

  fileprivate static func bodyTooLong(_ limit: Int) -> Problem {
    Problem(.bodyTooLarge, "the body is longer than \(limit) octets")
  }
}
