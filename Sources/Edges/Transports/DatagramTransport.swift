import Logging
import Messages
import NIOCore
import NIOPosix
import RoleKit

/// Sends and receives a role's datagrams, each on the socket of one address and port.
///
/// A datagram or an error of one ends nothing: a socket that the kernel closed is opened again.
public final class DatagramTransport: Sendable {
  private let loop: any EventLoop
  private let log: Logger
  private let tap: TapChannel?
  private let sink: @Sendable ([UInt8], _ from: Endpoint, _ to: Endpoint) -> Void
  private let sockets: NIOLoopBoundBox<[Endpoint: any Channel]>

  /// - Parameters:
  ///   - tap: where every datagram is told; `nil`: nowhere.
  ///   - sink: takes datagrams that others sent, on the event loop.
  public init(
    loop: any EventLoop, tap: TapChannel? = nil, log: Logger,
    sink: @escaping @Sendable ([UInt8], _ from: Endpoint, _ to: Endpoint) -> Void
  ) {
    self.loop = loop
    self.tap = tap
    self.log = log
    self.sink = sink
    sockets = .makeBoxSendingValue([:], eventLoop: loop)
  }

  /// Opens the socket of an address and port; port 0 takes a free one.
  ///
  /// - Returns: where it is.
  /// - Throws: the system's error, such as EADDRINUSE.
  @discardableResult
  public func open(_ endpoint: Endpoint) async throws -> Endpoint {
    let channel = try await DatagramBootstrap(group: loop)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: DatagramChannel.limit))
      .channelInitializer { [self] in addHandler(to: $0) }
      .bind(to: try SocketAddress(endpoint)).get()
    let local = channel.localAddress.flatMap { Endpoint($0) } ?? endpoint
    tap?.tell(.opened(.datagram, local))
    try await loop.submit { [self] in
      sockets.value[local] = channel
      channel.closeFuture.whenComplete { [self] _ in lost(channel, local) }
    }.get()
    return local
  }

  /// Returns when what was sent before has left and the socket is closed.
  public func close(_ endpoint: Endpoint) async {
    let closed = try? await loop.submit { [self] in sockets.value.removeValue(forKey: endpoint)?.close() }.get()
    guard let closed else { return }
    tap?.tell(.closed(.datagram, endpoint))
    try? await closed.get()
  }

  /// Sends a datagram from a socket that is open; without one it is dropped, and the log says so.
  public func send(_ octets: [UInt8], from local: Endpoint, to receiver: Endpoint) {
    loop.execute { [self] in
      guard let channel = sockets.value[local] else {
        return log.debug("a datagram from \(local), where no socket is open, is dropped")
      }
      DatagramChannel.send(octets, on: channel, to: receiver, tap: tap, log: log)
    }
  }

  /// Returns when all that was sent before has left, and closes all sockets.
  public func shutDown() async {
    let open = try? await loop.submit { [self] in Array(sockets.value.keys) }.get()
    for endpoint in open ?? [] { await close(endpoint) }
  }

  private func addHandler(to channel: any Channel) -> EventLoopFuture<Void> {
    let bound = NIOLoopBound(channel, eventLoop: channel.eventLoop)
    return channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(
        DatagramReader(log) { [self] octets, from in
          guard let local = bound.value.localAddress.flatMap({ Endpoint($0) }) else { return }
          if let tap, !tap.receiveDatagram(octets, from: from, to: local, at: local.address) { return }
          sink(octets, from, local)
        })
    }
  }

  /// On the event loop: a socket went away that nobody closed.
  private func lost(_ channel: any Channel, _ endpoint: Endpoint) {
    guard sockets.value[endpoint] === channel else { return }
    // NIO closes a socket whose kernel refused one datagram, as where no route leads to its receiver.
    log.debug("the socket at \(endpoint) was closed; opening it anew")
    reopen(endpoint, insteadOf: channel, after: .zero)
  }

  private func reopen(_ endpoint: Endpoint, insteadOf lost: any Channel, after pause: TimeAmount = .seconds(1)) {
    let lost = NIOLoopBound(lost, eventLoop: loop)
    loop.scheduleTask(in: pause) { [self] in
      guard sockets.value[endpoint] === lost.value else { return }
      loop.makeFutureWithTask { try await self.open(endpoint) }.whenFailure { [self] error in
        log.debug("\(endpoint): \(error)")
        reopen(endpoint, insteadOf: lost.value)
      }
    }
  }
}
