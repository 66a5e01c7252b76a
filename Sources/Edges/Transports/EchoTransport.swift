import Glibc
import Logging
import Messages
import NIOCore
import NIOPosix
import Octets
import Packets
import RoleKit

/// Asks hosts for ICMP echoes (RFC 792), each as a call that ends with one answer or failure.
///
/// A raw socket where the program may open one, else the kernel's own kind for pings (`ping_group_range`); where it may
/// open neither, every call fails with `notPermitted`.
public final class EchoTransport: Sendable {
  private enum Socket {
    case closed
    /// Calls that wait for the socket.
    case opening([@Sendable () -> Void])
    case open(any Channel, isRaw: Bool)
    case refused
  }

  private struct Pending {
    var call: Call
    var address: IPAddress
    var timer: Scheduled<Void>
  }

  private struct State {
    var socket = Socket.closed
    var lastSequence: UInt16 = 0
    var pending: [UInt16: Pending] = [:]
  }

  private let loop: any EventLoop
  private let clock: RoleClock
  private let log: Logger
  private let sink: @Sendable (Input) -> Void
  private let identifier: UInt16
  private let state: NIOLoopBoundBox<State>

  /// - Parameter sink: takes `echoed` and `failed`, on the event loop.
  public init(loop: any EventLoop, clock: RoleClock, log: Logger, sink: @escaping @Sendable (Input) -> Void) {
    self.loop = loop
    self.clock = clock
    self.log = log
    self.sink = sink
    identifier = UInt16.random(in: 1...UInt16.max)
    state = .makeBoxSendingValue(State(), eventLoop: loop)
  }

  /// Sends one echo request.
  ///
  /// - Parameter timeout: nanoseconds of role time, from now to the reply.
  public func echo(_ call: Call, to address: IPAddress, timeout: UInt64) {
    loop.execute { [self] in
      switch state.value.socket {
      case .open(let channel, _): send(call, to: address, timeout: timeout, on: channel)
      case .refused: sink(.failed(call, .notPermitted))
      case .opening(let waiting):
        state.value.socket = .opening(waiting + [{ [self] in echo(call, to: address, timeout: timeout) }])
      case .closed:
        state.value.socket = .opening([{ [self] in echo(call, to: address, timeout: timeout) }])
        beginOpening()
      }
    }
  }

  /// Gives a call up; nothing more is heard of it.
  public func cancel(_ call: Call) {
    loop.execute { [self] in
      guard let (sequence, pending) = state.value.pending.first(where: { $0.value.call == call }) else { return }
      pending.timer.cancel()
      state.value.pending[sequence] = nil
    }
  }

  public func shutDown() async {
    let closed = try? await loop.submit { [self] () -> EventLoopFuture<Void>? in
      for pending in state.value.pending.values { pending.timer.cancel() }
      state.value.pending = [:]
      guard case .open(let channel, _) = state.value.socket else { return nil }
      state.value.socket = .closed
      return channel.close()
    }.get()
    try? await closed?.get()
  }

  // MARK: On the event loop

  private func send(_ call: Call, to address: IPAddress, timeout: UInt64, on channel: any Channel) {
    guard
      let sequence = (1...1024).lazy.map({ self.state.value.lastSequence &+ $0 }).first(where: {
        state.value.pending[$0] == nil
      }), let receiver = try? SocketAddress(Endpoint(address, 0))
    else { return sink(.failed(call, .unreachable)) }
    state.value.lastSequence = sequence
    let timer = loop.scheduleTask(in: clock.machineTime(of: timeout)) { [self] in end(sequence, .timeout) }
    state.value.pending[sequence] = Pending(call: call, address: address, timer: timer)
    var writer = ByteWriter()
    ICMPMessage(.echoRequest(identifier: identifier, sequence: sequence, payload: token(of: call)[...]))
      .serialize(into: &writer)
    channel.writeAndFlush(AddressedEnvelope(remoteAddress: receiver, data: ByteBuffer(bytes: writer.octets)))
      .whenFailure { [self] error in
        log.debug("an echo request to \(address) was not sent: \(error)")
        end(sequence, .unreachable)
      }
  }

  /// What tells a reply to this call from one to another program's.
  private func token(of call: Call) -> [UInt8] {
    var writer = ByteWriter()
    writer.append("homebed ".utf8)
    writer.uint16(identifier)
    writer.uint64(call.number)
    return writer.octets
  }

  private func end(_ sequence: UInt16, _ failure: Failure) {
    guard let pending = state.value.pending.removeValue(forKey: sequence) else { return }
    pending.timer.cancel()
    sink(.failed(pending.call, failure))
  }

  fileprivate func take(_ octets: [UInt8], from address: IPAddress) {
    guard case .open(_, let isRaw) = state.value.socket else { return }
    var message = octets[...]
    if isRaw {
      guard let header = try? IPv4Header(parsing: message) else { return }
      message = message.dropFirst(header.length)
    }
    guard let icmp = try? ICMPMessage(parsing: message) else { return }
    switch icmp.body {
    case .echoReply(_, let sequence, let payload):
      guard let pending = state.value.pending[sequence], pending.address == address,
        Array(payload) == token(of: pending.call)
      else { return }
      pending.timer.cancel()
      state.value.pending[sequence] = nil
      sink(.echoed(pending.call))
    case .destinationUnreachable(_, let quoted), .timeExceeded(let quoted):
      guard let header = try? IPv4Header(parsing: quoted),
        let request = try? ICMPMessage(parsing: quoted.dropFirst(header.length)),
        case .echoRequest(let id, let sequence, _) = request.body, id == identifier || !isRaw,
        let pending = state.value.pending[sequence], header.destination == pending.address
      else { return }
      end(sequence, .unreachable)
    case .echoRequest, .other: break
    }
  }

  private func beginOpening() { loop.makeFutureWithTask { await self.open() }.whenComplete { _ in } }

  /// NIO closes a socket whose kernel refused one datagram; the replies to others come to the next socket.
  private func lost(_ channel: any Channel) {
    guard case .open(let open, _) = state.value.socket, open === channel else { return }
    state.value.socket = state.value.pending.isEmpty ? .closed : .opening([])
    if case .opening = state.value.socket { beginOpening() }
  }

  private func settled(_ socket: Socket) {
    guard case .opening(let waiting) = state.value.socket else { return }
    state.value.socket = socket
    if case .open(let channel, _) = socket { channel.closeFuture.whenComplete { [self] _ in lost(channel) } }
    for call in waiting { call() }
  }

  // MARK: Sockets

  private func open() async {
    do {
      let channel = try await NIORawSocketBootstrap(group: loop).channelInitializer { [self] in addHandler(to: $0) }
        .bind(host: "0.0.0.0", ipProtocol: .icmp).get()
      try await loop.submit { [self] in settled(.open(channel, isRaw: true)) }.get()
      return
    } catch {
      log.debug("no raw socket for echoes: \(error)")
    }
    let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue) | O_NONBLOCK | O_CLOEXEC, CInt(IPPROTO_ICMP))
    do {
      guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
      let channel = try await DatagramBootstrap(group: loop).channelInitializer { [self] in addHandler(to: $0) }
        .withBoundSocket(descriptor).get()
      try await loop.submit { [self] in settled(.open(channel, isRaw: false)) }.get()
    } catch {
      log.notice("no ICMP echoes can be asked for: \(error)")
      _ = try? await loop.submit { [self] in settled(.refused) }.get()
    }
  }

  private func addHandler(to channel: any Channel) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(
        DatagramReader(log) { [self] octets, from in take(octets, from: from.address) })
    }
  }
}
