import Glibc
import Logging
import Messages
import NIOCore
import Taps

/// Stands next to the socket of a TCP connection: tells its octets to the tap, and holds them where no link carries
/// them, as a cable that was pulled would.
///
/// What is held leaves, or is handed on, when the links are back. Where the machine at the other end was switched off
/// meanwhile, the connection is dead: the first octets sent to the new one bring a reset.
final class TapHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum Inbound {
    case octets(ByteBuffer)
    case event(Any)
    case error(any Error)
  }

  private struct Write {
    /// Asked: the runner has not said yet what becomes of them.
    enum Stage { case untold, asked, told }
    var octets: ByteBuffer
    var stage = Stage.untold
    var promise: EventLoopPromise<Void>?
  }

  /// How long the kernel asks for a link address before it calls a host unreachable: three requests, a second each
  /// (RFC 1122 section 2.3.2, Linux' mcast_solicit and retrans_time).
  private static let resolutionLimit = TimeAmount.seconds(3)

  private let tap: TapChannel
  private let side: TapChannel.Side
  private let connection: UInt32
  private let log: Logger?
  private var observer: Int?
  private var local: Endpoint?
  private var remote: Endpoint?
  /// Both ends are this node's own.
  private var isOwn = false
  private var incarnation: UInt32?
  private var isDead = false
  private var heldConnect: (to: SocketAddress, promise: EventLoopPromise<Void>?)?
  private var writes = CircularBuffer<Write>()
  private var heldClose: (mode: CloseMode, promise: EventLoopPromise<Void>?)?
  private var inbound = CircularBuffer<Inbound>()
  private var hasHeldRead = false
  private var told: Set<TapEnd> = []

  init(_ tap: TapChannel, _ side: TapChannel.Side, log: Logger? = nil) {
    self.log = log
    self.tap = tap
    self.side = side
    connection = tap.newConnection()
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let me = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    observer = tap.observe { _ in
      me.eventLoop.execute {
        let (handler, context) = me.value
        handler.linksChanged(context)
      }
    }
    tap.await(verdictsOf: connection) { verdict in
      me.eventLoop.execute {
        let (handler, context) = me.value
        handler.take(verdict, context)
      }
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    forget()
    drop()
  }

  private func forget() {
    if let observer { tap.forget(observer) }
    observer = nil
    tap.await(verdictsOf: connection, nil)
  }

  private var passes: Bool {
    guard let local, let remote, !isOwn else { return true }
    guard !isDead, let now = tap.incarnation(side, local: local, remote: remote) else { return false }
    return now == incarnation
  }

  private func tell(_ end: TapEnd) {
    guard !isOwn, local != nil, told.insert(end).inserted else { return }
    tap.tell(.ended(connection, end))
  }

  // MARK: Opening

  func connect(context: ChannelHandlerContext, to address: SocketAddress, promise: EventLoopPromise<Void>?) {
    local = context.localAddress.flatMap { Endpoint($0) }
    remote = Endpoint(address)
    guard let local, let remote else { return context.connect(to: address, promise: promise) }
    isOwn = local.address == remote.address || tap.isOwn(remote.address)
    if isOwn { return context.connect(to: address, promise: promise) }
    guard let found = tap.open(connection, local: local, remote: remote) else {
      if heldConnect == nil {
        let me = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: TapHandler.resolutionLimit) {
          me.value.heldConnect?.promise?.fail(IOError(errnoCode: EHOSTUNREACH, reason: "connect"))
          me.value.heldConnect = nil
        }
      }
      heldConnect = (address, promise)
      return
    }
    heldConnect = nil
    incarnation = found
    let own = context.eventLoop.makePromise(of: Void.self)
    let me = NIOLoopBound(self, eventLoop: context.eventLoop)
    own.futureResult.whenComplete { result in
      switch result {
      case .success: me.value.tap.tell(.connected(me.value.connection))
      case .failure(let error as IOError) where error.errnoCode == ECONNREFUSED: me.value.tell(.refused)
      case .failure: break
      }
    }
    own.futureResult.cascade(to: promise)
    context.connect(to: address, promise: own)
  }

  func channelActive(context: ChannelHandlerContext) {
    if side == .server {
      local = context.localAddress.flatMap { Endpoint($0) }
      remote = context.remoteAddress.flatMap { Endpoint($0) }
      if let local, let remote {
        isOwn = local.address == remote.address || tap.isOwn(remote.address)
        incarnation = tap.incarnation(side, local: local, remote: remote)
        if !isOwn, incarnation == nil {
          log?.warning(
            "a connection from \(remote.address), from where no link leads here, waits; on loopback a program binds its sockets to HOMEBED_ADDRESS"
          )
        }
        if !isOwn { tap.tell(.accepted(connection, local: local, remote: remote)) }
      }
    }
    context.fireChannelActive()
  }

  // MARK: Sending

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard let local, let remote, !isOwn else { return context.write(data, promise: promise) }
    if isDead { return die(context, promise) }
    writes.append(Write(octets: Self.unwrapOutboundIn(data), promise: promise))
    drain(context, local, remote)
  }

  /// Sends what waits, in order, as far as it may go now.
  private func drain(_ context: ChannelHandlerContext, _ local: Endpoint, _ remote: Endpoint) {
    while let first = writes.first {
      switch first.stage {
      case .untold:
        let octets = Array(first.octets.readableBytesView)
        switch tap.send(octets, on: connection, side, local: local, remote: remote) {
        case .held: return
        case .asked: writes[writes.startIndex].stage = .asked
        case .passes, .lost: writes[writes.startIndex].stage = .told
        }
      case .asked: return
      case .told:
        let now = tap.incarnation(side, local: local, remote: remote)
        guard let now else { return }
        guard now == incarnation else {
          isDead = true
          return die(context)
        }
        writes.removeFirst()
        context.write(Self.wrapOutboundOut(first.octets), promise: first.promise)
      }
    }
  }

  /// The runner says what becomes of the octets that were offered.
  private func take(_ verdict: TapVerdict, _ context: ChannelHandlerContext) {
    guard let local, let remote, case .asked? = writes.first?.stage else { return }
    switch verdict {
    case .pass, .twice: break
    case .replace(let others): writes[writes.startIndex].octets = ByteBuffer(bytes: others)
    case .drop:
      tell(.ownReset)
      told.insert(.ownFinish)
      drop()
      // A reset in place of an end, for the peer too.
      (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure {
        [log] in log?.debug("no reset: \($0)")
      }
      return context.close(promise: nil)
    }
    writes[writes.startIndex].stage = .told
    drain(context, local, remote)
    context.flush()
    finishWriting(context)
  }

  private func finishWriting(_ context: ChannelHandlerContext) {
    guard writes.isEmpty, let (mode, promise) = heldClose else { return }
    heldClose = nil
    close(context: context, mode: mode, promise: promise)
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if mode == .output, !writes.isEmpty {
      heldClose = (mode, promise)
      return
    }
    drop()
    if mode != .input, passes { tell(.ownFinish) }
    context.close(mode: mode, promise: promise)
  }

  private func drop() {
    heldConnect?.promise?.fail(ChannelError.ioOnClosedChannel)
    heldConnect = nil
    while let write = writes.popFirst() { write.promise?.fail(ChannelError.ioOnClosedChannel) }
  }

  /// The machine at the other end answers with a reset: it knows nothing of this connection.
  private func die(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>? = nil) {
    tell(.peerReset)
    promise?.fail(ChannelError.ioOnClosedChannel)
    drop()
    inbound.removeAll()
    context.close(promise: nil)
  }

  private func end(_ context: ChannelHandlerContext) {
    forget()
    context.fireChannelInactive()
  }

  // MARK: Receiving

  func read(context: ChannelHandlerContext) {
    if passes { context.read() } else { hasHeldRead = true }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    take(.octets(Self.unwrapInboundIn(data)), context)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) { take(.event(event), context) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { take(.error(error), context) }

  func channelInactive(context: ChannelHandlerContext) {
    // By a reset perhaps that no link carried: but the channel is going, and nobody could be told later.
    if passes {
      if told.isEmpty { tell(.peerFinish) }
      tell(.ownFinish)
    }
    end(context)
  }

  private func take(_ item: Inbound, _ context: ChannelHandlerContext) {
    if !inbound.isEmpty || !passes { return inbound.append(item) }
    handOn(item, context)
  }

  private func handOn(_ item: Inbound, _ context: ChannelHandlerContext) {
    switch item {
    case .octets(let buffer):
      if let local, let remote, !isOwn {
        let octets = Array(buffer.readableBytesView)
        guard tap.receive(octets, on: connection, side, local: local, remote: remote) else {
          return inbound.prepend(item)
        }
      }
      context.fireChannelRead(Self.wrapInboundOut(buffer))
    case .event(let event):
      if event as? ChannelEvent == .inputClosed {
        tell(.peerFinish)
        // A client reads no further than to the server's end.
        if side == .client {
          tell(.ownFinish)
          return context.close(promise: nil)
        }
      }
      context.fireUserInboundEventTriggered(event)
    case .error(let error):
      if (error as? IOError)?.errnoCode == ECONNRESET { tell(.peerReset) }
      context.fireErrorCaught(error)
    }
  }

  // MARK: Links

  private func linksChanged(_ context: ChannelHandlerContext) {
    if let (address, promise) = heldConnect { return connect(context: context, to: address, promise: promise) }
    guard let local, let remote, !isOwn, !isDead else { return }
    // With the own link back, what waited leaves, whether or not it arrives.
    drain(context, local, remote)
    context.flush()
    guard !isDead, let now = tap.incarnation(side, local: local, remote: remote) else { return }
    guard now == incarnation else {
      isDead = true
      return
    }
    release(context)
  }

  private func release(_ context: ChannelHandlerContext) {
    while passes, let item = inbound.popFirst() { handOn(item, context) }
    finishWriting(context)
    if hasHeldRead, passes {
      hasHeldRead = false
      context.read()
    }
  }
}
