import Glibc
import Messages
import NIOCore
import NIOHTTP1
import RoleKit

/// One request that the role sent and what comes of it: exactly one ending of a call, or the events of a subscription.
final class ClientConnection: ChannelInboundHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundOut = HTTPClientRequestPart

  enum Kind { case call, subscription }

  private enum State {
    case waiting
    case receiving(HTTPResponse)
    /// The head was told; the octets of the body are events, or belong to nothing that can be read.
    case streaming(EventStreamReader)
    case over
  }

  /// Octets of a response's header fields.
  static let headerLimit = 65_536
  /// An event stream on which nothing came for so long (nanoseconds of role time) has lost its server: a comment comes
  /// every 15 s (profile section 4).
  static let streamSilence = UInt64.seconds(45)
  /// Octets of a response's body.
  static let bodyLimit = 4_194_304

  /// Set once there is one; a call may end before.
  var channel: (any Channel)?
  private let client: HTTPClient
  private let call: Call
  private let request: HTTPRequest
  private let endpoint: Endpoint
  private let kind: Kind
  private var state = State.waiting
  private var timer: Scheduled<Void>?

  init(of client: HTTPClient, _ call: Call, _ request: HTTPRequest, to endpoint: Endpoint, kind: Kind) {
    self.client = client
    self.call = call
    self.request = request
    self.endpoint = endpoint
    self.kind = kind
  }

  func arm(_ timeout: UInt64, on loop: any EventLoop) {
    timer = loop.assumeIsolated().scheduleTask(in: client.clock.machineTime(of: timeout)) { [weak self] in
      self?.fail(Failure.timeout)
    }
  }

  private func armSilence(on loop: any EventLoop) {
    timer?.cancel()
    arm(ClientConnection.streamSilence, on: loop)
  }

  /// Ends without a word to the role.
  func cancel() {
    state = .over
    timer?.cancel()
    channel?.close(promise: nil)
  }

  // MARK: The channel

  func channelActive(context: ChannelHandlerContext) {
    if case .over = state { return context.close(promise: nil) }
    var headers = HTTPHeaders(request.fields.list.map { ($0.name, $0.value) })
    if !headers.contains(name: "Host") { headers.add(name: "Host", value: endpoint.description) }
    if !headers.contains(name: "Connection") { headers.add(name: "Connection", value: "close") }
    if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
      headers.replaceOrAdd(name: "Content-Length", value: String(request.body.count))
    }
    let head = HTTPRequestHead(
      version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.target, headers: headers)
    context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
    if !request.body.isEmpty {
      context.write(Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: request.body)))), promise: nil)
    }
    context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (state, Self.unwrapInboundIn(data)) {
    case (.waiting, .head(let head)):
      let fields = HTTPFields(head.headers.map { .init($0.name, $0.value) })
      let response = HTTPResponse(Int(head.status.code), fields: fields)
      state = .receiving(response)
      if kind == .subscription, response.status == 200 {
        beginStream(response)
        if case .streaming = state { armSilence(on: context.eventLoop) }
      }
    case (.receiving(var response), .body(let buffer)):
      // Set aside, so that the octets are not copied at each part.
      state = .waiting
      response.body.append(contentsOf: buffer.readableBytesView)
      state = .receiving(response)
      if response.body.count > ClientConnection.bodyLimit {
        fail(Failure.malformed("a body of more than \(ClientConnection.bodyLimit) octets"))
      }
    case (.receiving(let response), .end): finish(.answered(call, response))
    case (.streaming(var reader), .body(let buffer)):
      armSilence(on: context.eventLoop)
      do {
        let events = try reader.take(buffer.readableBytesView)
        state = .streaming(reader)
        for event in events { client.sink(.streamed(call, event)) }
      } catch {
        fail(Failure.malformed("an event of more than \(EventStreamReader.limit) octets"))
      }
    case (.streaming, .end): finish(.ended(call, nil))
    default: break
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    fail(Failure.reset)
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { fail(error) }

  // MARK: Endings

  private func beginStream(_ response: HTTPResponse) {
    timer?.cancel()
    state = .streaming(EventStreamReader())
    client.sink(.answered(call, response))
    let type = (response.fields["Content-Type"] ?? "").prefix { $0 != ";" && $0 != " " }.lowercased()
    if type != ProfileNames.eventStreamType { fail(Failure.malformed("the answer's type is not text/event-stream")) }
  }

  func fail(_ error: any Error) {
    let failure = Failure(transport: error)
    switch state {
    case .over: break
    case .streaming: finish(.ended(call, failure))
    case .waiting, .receiving: finish(.failed(call, failure))
    }
  }

  private func finish(_ input: Input) {
    state = .over
    timer?.cancel()
    client.finished(call)
    client.sink(input)
    channel?.close(promise: nil)
  }
}

extension Failure {
  /// What an error of the transport means to a role.
  init(transport error: any Error) {
    switch error {
    case let failure as Failure: self = failure
    case HTTPParserError.invalidEOFState: self = .reset
    case let error as HTTPParserError: self = .malformed("\(error)")
    case let error as NIOHTTPDecoderError: self = .malformed("\(error)")
    case let error as IOError: self = Failure(errno: error.errnoCode)
    case ChannelError.connectTimeout: self = .timeout
    default: self = .reset
    }
  }

  init(errno number: CInt) {
    switch number {
    case ECONNREFUSED: self = .refused
    case ETIMEDOUT: self = .timeout
    case EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN, EADDRNOTAVAIL, EINVAL, EACCES, EPERM: self = .unreachable
    default: self = .reset
    }
  }
}
