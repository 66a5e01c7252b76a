import Glibc
import Logging
import Messages
import NIOCore
import NIOPosix
import RoleKit

/// What SSDP's sockets and a role's own have in common: datagrams go out by way of the tap and come in one by one.
enum DatagramChannel {
  /// Octets of a datagram; what is longer is cut by the kernel.
  static let limit = 16_384

  /// Sends a datagram; a failure is logged and ends nothing.
  static func send(
    _ octets: [UInt8], on channel: any Channel, to receiver: Endpoint, tap: TapChannel?, log: Logger
  ) {
    do {
      let address = try SocketAddress(receiver)
      @Sendable func write(_ octets: [UInt8]) {
        channel.writeAndFlush(AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: octets)))
          .whenFailure { log.debug("a datagram was not sent: \($0)") }
      }
      guard let tap, let local = channel.localAddress.flatMap({ Endpoint($0) }) else { return write(octets) }
      let passage = tap.sendDatagram(octets, from: local, to: receiver) { verdict in
        switch verdict {
        case .pass: write(octets)
        case .twice:
          write(octets)
          write(octets)
        case .replace(let others): write(others)
        case .drop: break
        }
      }
      switch passage {
      case .passes: write(octets)
      case .held, .lost: log.debug("a datagram to \(receiver) is lost: no link leads there")
      case .asked: break
      }
    } catch {
      log.debug("a datagram was not sent: \(error)")
    }
  }
}

/// Hands datagrams on one by one.
final class DatagramReader: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>

  private let log: Logger
  private let take: ([UInt8], Endpoint) -> Void

  init(_ log: Logger, _ take: @escaping ([UInt8], Endpoint) -> Void) {
    self.log = log
    self.take = take
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = Self.unwrapInboundIn(data)
    guard let from = Endpoint(envelope.remoteAddress) else { return }
    take(Array(envelope.data.readableBytesView), from)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { log.debug("datagram socket: \(error)") }
}
