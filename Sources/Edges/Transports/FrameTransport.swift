import Glibc
import LinuxNetwork
import Logging
import Messages
import NIOCore
import NIOPosix

/// Sends and takes in the LLDP frames (EtherType 0x88CC) of interfaces.
///
/// An interface that goes down or away takes its socket along; it is opened anew until it is there again.
public final class FrameTransport: Sendable {
  /// Pause before a socket is opened anew, which also covers an interface that flaps.
  static let pause = TimeAmount.milliseconds(100)
  private static let etherType: UInt16 = 0x88CC
  /// Destination, source and type.
  private static let headLength = 14
  /// The shortest frame without its check sequence (IEEE 802.3).
  private static let shortest = 60
  /// Room for the longest frame that is no jumbo.
  private static let longest = 2048

  private let loop: any EventLoop
  private let log: Logger
  private let sink: @Sendable ([UInt8], _ from: MACAddress, _ interface: String) -> Void
  private let state: NIOLoopBoundBox<State>

  private struct State {
    /// The channel is there a moment after the socket.
    var sockets: [String: (socket: FrameSocket, channel: (any Channel)?)] = [:]
    /// Interfaces whose frames are wanted.
    var wanted: Set<String> = []
  }

  /// - Parameter sink: takes LLDPDUs that others sent, without the frame's header, on the event loop.
  public init(
    loop: any EventLoop, log: Logger,
    sink: @escaping @Sendable ([UInt8], _ from: MACAddress, _ interface: String) -> Void
  ) {
    self.loop = loop
    self.log = log
    self.sink = sink
    state = .makeBoxSendingValue(State(), eventLoop: loop)
  }

  /// Opens an interface; where the system forbids it, the log says so and it stays closed.
  public func open(_ interface: String) async {
    _ = try? await loop.submit { [self] in
      state.value.wanted.insert(interface)
      tryOpen(interface, isFirst: true)
    }.get()
  }

  /// Sends an LLDPDU to everybody on the link; where the interface is not open or down, it is dropped.
  public func send(_ octets: [UInt8], interface: String) {
    loop.execute { [self] in
      guard state.value.wanted.contains(interface) else { return }
      // A link that has just come up again is told of before its socket is opened anew.
      guard
        let socket = state.value.sockets[interface]?.socket
          ?? (try? FrameSocket(interface: interface, etherType: FrameTransport.etherType))
      else { return }
      var frame = [UInt8](repeating: 0xFF, count: 6) + socket.mac
      frame += [UInt8(FrameTransport.etherType >> 8), UInt8(truncatingIfNeeded: FrameTransport.etherType)] + octets
      frame += [UInt8](repeating: 0, count: max(0, FrameTransport.shortest - frame.count))
      do {
        try socket.send(frame)
      } catch {
        log.debug("a frame on \(interface) is dropped: \(error)")
      }
    }
  }

  /// Returns when all that was sent before has left.
  public func shutDown() async {
    _ = try? await loop.submit { [self] in
      state.value.wanted = []
      for (_, entry) in state.value.sockets { entry.channel?.close(promise: nil) }
      state.value.sockets = [:]
    }.get()
  }

  /// On the event loop.
  private func tryOpen(_ interface: String, isFirst: Bool) {
    guard state.value.wanted.contains(interface), state.value.sockets[interface] == nil else { return }
    let socket: FrameSocket
    do {
      socket = try FrameSocket(interface: interface, etherType: FrameTransport.etherType)
    } catch let error as SystemError where [EPERM, EACCES].contains(error.number) {
      state.value.wanted.remove(interface)
      return log.notice(
        "HTIP is not spoken on \(interface): \(error); hint: give the program CAP_NET_RAW, all else works without")
    } catch {
      if isFirst { log.notice("HTIP is not spoken on \(interface) yet: \(error)") }
      return reopen(interface)
    }
    // The channel closes its descriptor, so it gets one of its own.
    let copy = fcntl(socket.descriptor.number, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { return reopen(interface) }
    state.value.sockets[interface] = (socket, nil)
    NIOPipeBootstrap(group: loop)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: FrameTransport.longest))
      .channelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(FrameReader { self.received($0, on: interface) })
        }
      }
      .takingOwnershipOfDescriptor(input: copy)
      .whenComplete { [self] result in
        guard case .success(let channel) = result else {
          state.value.sockets[interface] = nil
          return reopen(interface)
        }
        guard state.value.wanted.contains(interface) else { return channel.close(promise: nil) }
        state.value.sockets[interface]?.channel = channel
        channel.closeFuture.whenComplete { [self] _ in
          // ENETDOWN, or the interface was deleted.
          state.value.sockets[interface] = nil
          reopen(interface)
        }
      }
  }

  private func reopen(_ interface: String) {
    guard state.value.wanted.contains(interface) else { return }
    loop.scheduleTask(in: FrameTransport.pause) { [self] in tryOpen(interface, isFirst: false) }
  }

  private func received(_ frame: [UInt8], on interface: String) {
    guard frame.count > FrameTransport.headLength, let source = MACAddress(frame[6..<12]) else { return }
    sink(Array(frame.dropFirst(FrameTransport.headLength)), source, interface)
  }
}

/// Each read of a packet socket is one frame.
private final class FrameReader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let took: ([UInt8]) -> Void

  init(_ took: @escaping ([UInt8]) -> Void) { self.took = took }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    took(Array(unwrapInboundIn(data).readableBytesView))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
