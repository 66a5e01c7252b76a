import Logging
import Messages
import NIOCore
import NIOHTTP1
import NIOPosix
import RoleKit

/// Takes HTTP/1.1 requests (RFC 9112) for a role and performs its replies and event streams.
///
/// Everything happens on one event loop, so that a reply and the events after it keep their order; every method may be
/// called from anywhere and returns before its work is done. Built on NIOHTTP1 and not on hummingbird, since the role
/// is to see each field as it stood on the wire (two `Host` fields too), and since the answers to a request that is too
/// long, too slow or no HTTP are the profile's own.
public final class HTTPServer: Sendable {
  public let clock: RoleClock
  public let limits: HTTPLimits
  let loop: any EventLoop
  let log: Logger
  let sink: @Sendable (Input) -> Void
  private let tap: TapChannel?
  private let state: NIOLoopBoundBox<State>

  private struct State {
    var lastExchange: UInt64 = 0
    /// Exchanges that a reply is owed to, and event streams that are open.
    var exchanges: [Exchange: ServerConnection] = [:]
    var listeners: [Endpoint: any Channel] = [:]
    /// Open connections by the peer's address.
    var connections: [String: Int] = [:]
    var connectionCount = 0
  }

  /// - Parameters:
  ///   - tap: where every octet is told; `nil`: nowhere.
  ///   - sink: takes `requested`, `callerLeft` and `replied`, in order, on the event loop.
  public init(
    loop: any EventLoop, clock: RoleClock, limits: HTTPLimits = HTTPLimits(), tap: TapChannel? = nil, log: Logger,
    sink: @escaping @Sendable (Input) -> Void
  ) {
    self.tap = tap
    self.loop = loop
    self.clock = clock
    self.limits = limits
    self.log = log
    self.sink = sink
    state = .makeBoxSendingValue(State(), eventLoop: loop)
  }

  /// Listens on an address and port; port 0 takes a free one.
  ///
  /// - Returns: where it listens.
  /// - Throws: the system's error, such as EADDRINUSE.
  @discardableResult
  public func listen(on endpoint: Endpoint) async throws -> Endpoint {
    // Told before it is so: who connects at once finds it told.
    tap?.tell(.opened(.stream, endpoint))
    let channel = try await ServerBootstrap(group: loop)
      .serverChannelOption(.backlog, value: 512)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(.maxMessagesPerRead, value: 4)
      .childChannelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture { try addHandlers(to: channel) }
      }
      .bind(to: try SocketAddress(endpoint))
      .get()
    let local = channel.localAddress.flatMap(Endpoint.init) ?? endpoint
    try await loop.submit { [self] in state.value.listeners[local] = channel }.get()
    return local
  }

  /// Listens no longer there; connections that are open stay.
  public func stopListening(on endpoint: Endpoint) {
    loop.execute { [self] in
      state.value.listeners.removeValue(forKey: endpoint)?.close(promise: nil)
      tap?.tell(.closed(.stream, endpoint))
    }
  }

  /// Ends all listening and all connections; replies that were given before are written first.
  public func shutDown() async {
    _ = try? await loop.submit { [self] in
      for channel in state.value.listeners.values { channel.close(promise: nil) }
      state.value.listeners = [:]
      for connection in state.value.exchanges.values { connection.end() }
      state.value.exchanges = [:]
    }.get()
  }

  // MARK: What a role asks

  /// Answers an exchange; one that is over already is passed by.
  public func reply(_ exchange: Exchange, _ response: HTTPResponse) {
    perform(exchange) { $0.reply(exchange, response) }
  }

  public func openStream(_ exchange: Exchange, _ head: HTTPResponse) {
    perform(exchange) { $0.openStream(exchange, head) }
  }

  public func event(_ exchange: Exchange, _ event: ServerSentEvent) {
    perform(exchange) { $0.send(event.octets) }
  }

  public func comment(_ exchange: Exchange, _ text: String) {
    let line = String(text.map { $0.isNewline ? " " : $0 })
    perform(exchange) { $0.send(Array(": \(line)\n\n".utf8)) }
  }

  /// Ends an event stream.
  public func close(_ exchange: Exchange) { perform(exchange) { $0.endStream() } }

  /// Ends the connection of an exchange whose caller has gone and that got no answer in the turn which learnt of it.
  public func abandon(_ exchange: Exchange) { perform(exchange) { $0.end() } }

  private func perform(_ exchange: Exchange, _ body: @escaping @Sendable (ServerConnection) -> Void) {
    loop.execute { [self] in
      if let connection = state.value.exchanges[exchange] { body(connection) }
    }
  }

  // MARK: What connections tell, on the event loop

  func begin(_ connection: ServerConnection) -> Exchange {
    state.value.lastExchange += 1
    let exchange = Exchange(state.value.lastExchange)
    state.value.exchanges[exchange] = connection
    return exchange
  }

  func finish(_ exchange: Exchange) { state.value.exchanges[exchange] = nil }

  /// False when there are as many connections as there may be; otherwise the connection counts until ``left(_:)``.
  func entered(_ peer: String) -> Bool {
    guard state.value.connectionCount < limits.connections,
      state.value.connections[peer, default: 0] < limits.connectionsOfOnePeer
    else { return false }
    state.value.connectionCount += 1
    state.value.connections[peer, default: 0] += 1
    return true
  }

  func left(_ peer: String) {
    state.value.connectionCount -= 1
    let rest = state.value.connections[peer, default: 1] - 1
    state.value.connections[peer] = rest == 0 ? nil : rest
  }

  private func addHandlers(to channel: any Channel) throws {
    var rules = NIOHTTPDecoderLimitConfiguration()
    rules.maxHeaderFieldSize = limits.headerBlock
    rules.maxHeaderListSize = limits.headerBlock
    rules.maxHeaderFieldCount = limits.headerBlock / 4
    if let tap { try channel.pipeline.syncOperations.addHandler(TapHandler(tap, .server, log: log)) }
    let connection = ServerConnection(of: self, on: channel)
    try channel.pipeline.syncOperations.addHandlers([
      ConnectionFront(connection),
      ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: rules)),
      connection,
    ])
  }
}

extension SocketAddress {
  init(_ endpoint: Endpoint) throws {
    try self.init(ipAddress: endpoint.address.description, port: Int(endpoint.port))
  }
}

extension Endpoint {
  /// `nil` for addresses that are none of IP.
  init?(_ address: SocketAddress) {
    guard let text = address.ipAddress, let ip = IPAddress(text.prefix { $0 != "%" }),
      let port = address.port.flatMap(UInt16.init(exactly:))
    else { return nil }
    self.init(ip, port)
  }
}
