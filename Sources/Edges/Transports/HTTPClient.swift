import Messages
import NIOCore
import NIOHTTP1
import NIOPosix
import RoleKit

/// Performs a role's calls and subscriptions: one connection each, from a source address that the host chooses.
public final class HTTPClient: Sendable {
  let clock: RoleClock
  let sink: @Sendable (Input) -> Void
  private let loop: any EventLoop
  private let source: @Sendable (IPAddress) -> IPAddress?
  private let tap: TapChannel?
  private let connections: NIOLoopBoundBox<[Call: ClientConnection]>

  /// - Parameters:
  ///   - source: the address to send from for a destination; `nil` leaves it to the kernel's routes.
  ///   - tap: where every octet is told; `nil`: nowhere.
  ///   - sink: takes `answered`, `streamed`, `ended` and `failed`, on the event loop.
  public init(
    loop: any EventLoop, clock: RoleClock, tap: TapChannel? = nil,
    source: @escaping @Sendable (IPAddress) -> IPAddress?, sink: @escaping @Sendable (Input) -> Void
  ) {
    self.loop = loop
    self.clock = clock
    self.source = source
    self.tap = tap
    self.sink = sink
    connections = .makeBoxSendingValue([:], eventLoop: loop)
  }

  /// - Parameter timeout: nanoseconds of role time, from now to the whole answer.
  public func call(_ call: Call, _ request: HTTPRequest, to endpoint: Endpoint, timeout: UInt64) {
    start(call, request, to: endpoint, timeout: timeout, kind: .call)
  }

  /// - Parameter timeout: nanoseconds of role time, from now to the head of the answer.
  public func subscribe(_ call: Call, _ request: HTTPRequest, to endpoint: Endpoint, timeout: UInt64) {
    start(call, request, to: endpoint, timeout: timeout, kind: .subscription)
  }

  /// Ends a call or subscription; nothing more is told of it.
  public func cancel(_ call: Call) {
    loop.execute { [self] in connections.value.removeValue(forKey: call)?.cancel() }
  }

  public func shutDown() async {
    _ = try? await loop.submit { [self] in
      for connection in connections.value.values { connection.cancel() }
      connections.value = [:]
    }.get()
  }

  /// On the event loop.
  func finished(_ call: Call) { connections.value[call] = nil }

  private func start(
    _ call: Call, _ request: HTTPRequest, to endpoint: Endpoint, timeout: UInt64, kind: ClientConnection.Kind
  ) {
    loop.execute { [self] in
      // A number in use again: the earlier call can get no answer that could be told apart.
      connections.value.removeValue(forKey: call)?.cancel()
      let connection = ClientConnection(of: self, call, request, to: endpoint, kind: kind)
      connections.value[call] = connection
      connection.arm(timeout, on: loop)
      connect(connection, to: endpoint)
    }
  }

  private func connect(_ connection: ClientConnection, to endpoint: Endpoint) {
    let bound = NIOLoopBound(connection, eventLoop: loop)
    do {
      var bootstrap = ClientBootstrap(group: loop)
        // The call's own time-out rules.
        .connectTimeout(.hours(24))
        .channelOption(.tcpOption(.tcp_nodelay), value: 1)
        .channelOption(.socketOption(.so_keepalive), value: 1)
        // The tap's handler is to decide when an end that came over a dead cable is known.
        .channelOption(.allowRemoteHalfClosure, value: tap != nil)
        .channelInitializer { [tap] channel in
          channel.eventLoop.makeCompletedFuture {
            let connection = bound.value
            connection.channel = channel
            if let tap { try channel.pipeline.syncOperations.addHandler(TapHandler(tap, .client)) }
            var rules = NIOHTTPDecoderLimitConfiguration()
            rules.maxHeaderListSize = ClientConnection.headerLimit
            rules.maxHeaderFieldSize = ClientConnection.headerLimit
            try channel.pipeline.syncOperations.addHandlers([
              HTTPRequestEncoder(),
              ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: rules)),
              connection,
            ])
          }
        }
      if let address = source(endpoint.address) {
        bootstrap = bootstrap.bind(to: try SocketAddress(Endpoint(address, 0)))
      }
      bootstrap.connect(to: try SocketAddress(endpoint)).whenFailure { bound.value.fail($0) }
    } catch {
      connection.fail(error)
    }
  }
}
