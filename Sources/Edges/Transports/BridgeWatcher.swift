import Glibc
import LinuxNetwork
import Logging
import Messages
import NIOCore
import NIOPosix
import RoleKit

/// Tells what a bridge of the kernel has learnt, at first and after each change.
public final class BridgeWatcher: Sendable {
  /// Changes that come together are told together.
  static let quiet = TimeAmount.milliseconds(20)

  private let loop: any EventLoop
  private let log: Logger
  private let name: String
  private let sink: @Sendable (BridgeState) -> Void
  private let state: NIOLoopBoundBox<State>

  private struct State {
    var monitor: BridgeMonitor?
    var channel: (any Channel)?
    var last: BridgeState?
    var isReading = false
    var isMissingTold = false
    var isOver = false
  }

  /// - Parameter sink: takes the bridge, on the event loop.
  public init(bridge name: String, loop: any EventLoop, log: Logger, sink: @escaping @Sendable (BridgeState) -> Void) {
    self.name = name
    self.loop = loop
    self.log = log
    self.sink = sink
    state = .makeBoxSendingValue(State(), eventLoop: loop)
  }

  /// Begins to watch; a bridge that is not there yet is told when it comes.
  public func start() { loop.execute { [self] in open() } }

  public func shutDown() async {
    _ = try? await loop.submit { [self] in
      state.value.isOver = true
      state.value.channel?.close(promise: nil)
    }.get()
  }

  /// On the event loop.
  private func open() {
    guard !state.value.isOver else { return }
    do {
      let monitor = try BridgeMonitor(bridge: name)
      state.value.monitor = monitor
      // The channel closes its descriptor, so it gets one of its own.
      let copy = fcntl(monitor.notifications.number, F_DUPFD_CLOEXEC, 3)
      guard copy >= 0 else { throw SystemError("copy a netlink socket", number: errno) }
      NIOPipeBootstrap(group: loop)
        .channelInitializer { [self] channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ChangeReader { self.readSoon() })
          }
        }
        .takingOwnershipOfDescriptor(input: copy)
        .whenComplete { [self] result in
          guard case .success(let channel) = result else { return reopen("a pipe cannot be made") }
          state.value.channel = channel
          // Notifications were lost (ENOBUFS), or the like: begin anew.
          channel.closeFuture.whenComplete { [self] _ in reopen(nil) }
        }
      read()
    } catch {
      reopen("\(error)")
    }
  }

  private func reopen(_ reason: String?) {
    guard !state.value.isOver else { return }
    if let reason { log.warning("changes of the bridge \(name) are not seen: \(reason)") }
    loop.scheduleTask(in: .milliseconds(200)) { [self] in open() }
  }

  private func readSoon() {
    guard !state.value.isReading else { return }
    state.value.isReading = true
    loop.scheduleTask(in: BridgeWatcher.quiet) { [self] in
      state.value.isReading = false
      read()
    }
  }

  private func read() {
    guard !state.value.isOver, let monitor = state.value.monitor else { return }
    do {
      guard let now = BridgeState(try monitor.read()), now != state.value.last else { return }
      state.value.last = now
      state.value.isMissingTold = false
      sink(now)
    } catch {
      // It may come, or come back: links that are made are told.
      if !state.value.isMissingTold { log.warning("the bridge \(name) cannot be read: \(error)") }
      state.value.isMissingTold = true
    }
  }
}

extension BridgeState {
  init?(_ table: BridgeTable) {
    guard let mac = MACAddress(table.mac) else { return nil }
    self.init(
      name: table.name, macAddress: mac, isUp: table.isUp,
      ports: table.ports.compactMap { port in
        let number = BridgeState.number(in: port.alias) ?? UInt32(port.kernelNumber)
        guard number > 0 else { return nil }
        return BridgeState.Port(
          name: port.name, number: number, isUp: port.isUp, interfaceType: port.isWireless ? 71 : 6,
          addresses: port.addresses.compactMap { MACAddress($0) })
      }.sorted { ($0.number, $0.name) < ($1.number, $1.name) })
  }

  /// The number that an alias ends with: 3 for `sw1.3`, `port 3` and `3`.
  private static func number(in alias: String) -> UInt32? {
    let digits = alias.reversed().prefix { $0.isASCII && $0.isNumber }
    let rest = alias.dropLast(digits.count)
    guard !digits.isEmpty, rest.isEmpty || rest.last == "." || rest.last == " " else { return nil }
    return UInt32(String(digits.reversed()))
  }
}

private final class ChangeReader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  private let changed: () -> Void

  init(_ changed: @escaping () -> Void) { self.changed = changed }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { changed() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
