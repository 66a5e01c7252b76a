import Glibc
import LinuxNetwork
import Logging
import Messages
import NIOCore
import NIOPosix

/// Tells when interfaces, their addresses or their gateways have changed, from the kernel's notifications.
public final class InterfaceWatcher: Sendable {
  /// Changes that come together are told together: an address that is replaced is not told as gone first.
  static let quiet = TimeAmount.milliseconds(5)

  private let loop: any EventLoop
  private let log: Logger
  private let sink: @Sendable ([NetworkInterface]) -> Void
  private let state: NIOLoopBoundBox<State>

  private struct State {
    var monitor: InterfaceMonitor?
    var channel: (any Channel)?
    var last: [NetworkInterface]?
    /// Lost their carrier since the last list: that is told even if it is back by then.
    var losses: Set<Int32> = []
    var isListing = false
    var isOver = false
  }

  /// - Parameter sink: takes all interfaces after each change, on the event loop.
  public init(loop: any EventLoop, log: Logger, sink: @escaping @Sendable ([NetworkInterface]) -> Void) {
    self.loop = loop
    self.log = log
    self.sink = sink
    state = .makeBoxSendingValue(State(), eventLoop: loop)
  }

  /// Begins to watch.
  ///
  /// - Returns: the interfaces as they are now.
  public func start() async throws -> [NetworkInterface] {
    try await loop.submit { [self] in try open() }.get().get()
    return try await loop.submit { [self] in
      let now = try state.value.monitor?.list() ?? []
      state.value.last = now
      return now
    }.get()
  }

  public func shutDown() async {
    _ = try? await loop.submit { [self] in
      state.value.isOver = true
      state.value.channel?.close(promise: nil)
    }.get()
  }

  /// On the event loop.
  private func open() throws -> EventLoopFuture<Void> {
    let monitor = try InterfaceMonitor()
    state.value.monitor = monitor
    // The channel closes its descriptor, so it gets one of its own.
    let copy = fcntl(monitor.notifications.number, F_DUPFD_CLOEXEC, 3)
    guard copy >= 0 else { throw SystemError("copy a netlink socket", number: errno) }
    return NIOPipeBootstrap(group: loop)
      .channelInitializer { [self] channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            NotificationReader { octets in
              self.state.value.losses.formUnion(InterfaceMonitor.losses(in: octets))
              self.listSoon()
            })
        }
      }
      .takingOwnershipOfDescriptor(input: copy)
      .map { [self] channel in
        state.value.channel = channel
        // Notifications were lost (ENOBUFS), or the like: begin anew.
        channel.closeFuture.whenComplete { _ in self.reopen() }
      }
  }

  private func reopen() {
    guard !state.value.isOver else { return }
    loop.scheduleTask(in: .milliseconds(100)) { [self] in
      do {
        try open().whenFailure { [self] error in
          log.warning("changes of the interfaces are not seen: \(error)")
          reopen()
        }
        listSoon()
      } catch {
        log.warning("changes of the interfaces are not seen: \(error)")
        reopen()
      }
    }
  }

  private func listSoon() {
    guard !state.value.isListing else { return }
    state.value.isListing = true
    loop.scheduleTask(in: InterfaceWatcher.quiet) { [self] in
      state.value.isListing = false
      do {
        guard let now = try state.value.monitor?.list() else { return }
        tellLosses(now)
        guard now != state.value.last else { return }
        state.value.last = now
        sink(now)
      } catch {
        log.warning("the interfaces cannot be listed: \(error)")
      }
    }
  }
  /// A carrier that went and came back between two lists has still been gone.
  private func tellLosses(_ now: [NetworkInterface]) {
    let losses = state.value.losses
    state.value.losses = []
    guard var seen = state.value.last else { return }
    let flapped = seen.indices.filter { index in
      seen[index].isUp && losses.contains(seen[index].index)
        && now.contains { $0.index == seen[index].index && $0.isUp }
    }
    guard !flapped.isEmpty else { return }
    for index in flapped { seen[index].isUp = false }
    state.value.last = seen
    sink(seen)
  }
}

private final class NotificationReader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let changed: ([UInt8]) -> Void

  init(_ changed: @escaping ([UInt8]) -> Void) { self.changed = changed }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    changed(Array(unwrapInboundIn(data).readableBytesView))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
