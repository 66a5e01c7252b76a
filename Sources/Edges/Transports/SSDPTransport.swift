import Glibc
import Logging
import Messages
import NIOCore
import NIOPosix
import RoleKit

/// An interface that SSDP is spoken on.
public struct SSDPInterface: Sendable, Hashable {
  public var name: String
  /// The kernel's number of the interface; 0 on loopback, where the address tells it.
  public var index: Int32
  public var address: IPAddress
  public init(name: String, index: Int32, address: IPAddress) {
    self.name = name
    self.index = index
    self.address = address
  }
}

/// Sends and receives a role's SSDP datagrams (UDA 2.0 clause 1), on three sockets for each interface: one that hears the group,
/// one on the SSDP port of the interface's own address, and one that everything is sent from.
///
/// A datagram or an error of one ends nothing: a socket that the kernel closed is opened again.
public final class SSDPTransport: Sendable {
  /// The time to live of what is sent (UDA 2.0 clause 1.2.2).
  static let timeToLive: Int32 = 2

  let group: Endpoint
  private let loop: any EventLoop
  private let log: Logger
  private let sink: @Sendable ([UInt8], Endpoint, Delivery, String) -> Void
  private let tap: TapChannel?
  private let sockets: NIOLoopBoundBox<[String: Sockets]>

  private struct Sockets {
    var interface: SSDPInterface
    var search: any Channel
    var others: [any Channel]

    var all: [any Channel] { [search] + others }
  }

  /// - Parameters:
  ///   - tap: where every datagram is told; `nil`: nowhere.
  ///   - sink: takes datagrams that others sent, on the event loop.
  public init(
    loop: any EventLoop, group: Endpoint, tap: TapChannel? = nil, log: Logger,
    sink: @escaping @Sendable ([UInt8], Endpoint, Delivery, _ interface: String) -> Void
  ) {
    self.loop = loop
    self.group = group
    self.tap = tap
    self.log = log
    self.sink = sink
    sockets = .makeBoxSendingValue([:], eventLoop: loop)
  }

  /// Opens the sockets of an interface, or opens them anew after its address has changed.
  ///
  /// - Throws: the system's error, such as EADDRNOTAVAIL.
  public func open(_ interface: SSDPInterface) async throws {
    await close(interface.name)
    let membership = ip_mreqn(
      imr_multiaddr: group.address.inAddress, imr_address: interface.address.inAddress, imr_ifindex: interface.index)
    let search = try await DatagramBootstrap(group: loop)
      .channelInitializer { [self] in addHandler(to: $0, interface, .unicast) }
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: DatagramChannel.limit))
      .bind(to: try SocketAddress(Endpoint(interface.address, 0))).get()
    var opened: [any Channel] = [search]
    if let tap, let local = search.localAddress.flatMap({ Endpoint($0) }) { tap.tell(.opened(.datagram, local)) }
    do {
      try await search.set(IP_MULTICAST_IF, membership)
      try await search.set(IP_MULTICAST_TTL, SSDPTransport.timeToLive)
      let hearing = try await listen(on: group, interface, .multicast)
      opened.append(hearing)
      // Without this the socket also hears groups that others joined on other interfaces.
      try await hearing.set(IP_MULTICAST_ALL, Int32(0))
      try await hearing.set(IP_ADD_MEMBERSHIP, membership)
    } catch {
      for channel in opened { channel.close(promise: nil) }
      throw error
    }
    do {
      opened.append(try await listen(on: Endpoint(interface.address, group.port), interface, .unicast))
    } catch {
      log.debug("no unicast searches on \(interface.address): \(error)")
    }
    let sockets = Sockets(interface: interface, search: search, others: Array(opened.dropFirst()))
    try await loop.submit { [self] in self.sockets.value[interface.name] = sockets }.get()
    for channel in sockets.all {
      channel.closeFuture.whenComplete { [self] _ in lost(channel, of: interface) }
    }
  }

  public func close(_ name: String) async {
    let closed = try? await loop.submit { [self] in
      sockets.value.removeValue(forKey: name)?.all.map { $0.close() } ?? []
    }.get()
    for done in closed ?? [] { try? await done.get() }
  }

  /// Sends a datagram from the interface's search socket; to the group where `endpoint` is `nil`.
  public func send(_ octets: [UInt8], to endpoint: Endpoint?, interface: String) {
    loop.execute { [self] in
      guard let channel = sockets.value[interface]?.search else {
        return log.debug("a datagram for \(interface), which has no socket, is dropped")
      }
      DatagramChannel.send(octets, on: channel, to: endpoint ?? group, tap: tap, log: log)
    }
  }

  /// Returns when all that was sent before has left, and closes all sockets.
  public func shutDown() async {
    let names = try? await loop.submit { [self] in Array(sockets.value.keys) }.get()
    for name in names ?? [] { await close(name) }
  }

  // MARK: Sockets

  private func listen(
    on endpoint: Endpoint, _ interface: SSDPInterface, _ delivery: Delivery
  ) async throws -> any Channel {
    try await DatagramBootstrap(group: loop)
      .channelOption(.socketOption(.so_reuseaddr), value: 1)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: DatagramChannel.limit))
      .channelInitializer { [self] in addHandler(to: $0, interface, delivery) }
      .bind(to: try SocketAddress(endpoint)).get()
  }

  private func addHandler(
    to channel: any Channel, _ interface: SSDPInterface, _ delivery: Delivery
  ) -> EventLoopFuture<Void> {
    let bound = NIOLoopBound(channel, eventLoop: channel.eventLoop)
    return channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(
        DatagramReader(log) { [self] octets, from in
          // Multicast comes back to its sender.
          let own = sockets.value.values.contains { $0.search.localAddress.flatMap { Endpoint($0) } == from }
          guard !own else { return }
          if let tap {
            let local = bound.value.localAddress.flatMap { Endpoint($0) } ?? group
            guard tap.receiveDatagram(octets, from: from, to: local, at: interface.address) else { return }
          }
          sink(octets, from, delivery, interface.name)
        })
    }
  }

  /// On the event loop: a socket went away that nobody closed.
  private func lost(_ channel: any Channel, of interface: SSDPInterface) {
    guard let sockets = sockets.value[interface.name], sockets.all.contains(where: { $0 === channel }) else { return }
    log.notice("a socket on \(interface.name) was closed by the system; opening it anew")
    reopen(interface)
  }

  private func reopen(_ interface: SSDPInterface) {
    loop.scheduleTask(in: .seconds(1)) { [self] in
      guard sockets.value[interface.name]?.interface == interface else { return }
      loop.makeFutureWithTask { try await self.open(interface) }.whenFailure { [self] error in
        log.debug("\(interface.name): \(error)")
        reopen(interface)
      }
    }
  }
}

extension Channel {
  fileprivate func set<Value: Sendable>(_ name: CInt, _ value: Value) async throws {
    guard let provider = self as? any SocketOptionProvider else { throw ChannelError.operationUnsupported }
    try await provider.unsafeSetSocketOption(level: .ip, name: .init(rawValue: name), value: value).get()
  }
}

extension IPAddress {
  fileprivate var inAddress: in_addr {
    guard case .v4(let bits) = self else { return in_addr() }
    return in_addr(s_addr: bits.bigEndian)
  }
}
