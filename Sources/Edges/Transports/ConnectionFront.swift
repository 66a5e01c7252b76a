import NIOCore

/// Stands before the HTTP decoder: counts the octets of a header block that is not whole yet, drops what comes after
/// the connection was given up, and sees the peer's end of sending while a reply is held.
final class ConnectionFront: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let connection: ServerConnection

  init(_ connection: ServerConnection) { self.connection = connection }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let count = Self.unwrapInboundIn(data).readableBytes
    guard connection.willRead(count) else { return }
    context.fireChannelRead(data)
    connection.didRead()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // The decoder is not told, or it would call a request in work malformed.
    if event as? ChannelEvent == .inputClosed { return connection.peerEndedSending() }
    context.fireUserInboundEventTriggered(event)
  }
}
