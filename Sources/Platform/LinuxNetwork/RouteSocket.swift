import CLinux
import Glibc

/// A connection to the kernel's routing family in one network namespace.
///
/// A socket stays in the namespace where it was opened. Requests of one thread at a time: callers see to that.
public final class RouteSocket {
  /// Readable when a notification waits.
  public let descriptor: Descriptor
  private var sequence: UInt32 = 0
  /// Requests are some 150 octets, a refusal of one some 200; a socket buffer holds at least 100,000.
  private static let batchLimit = 100

  /// Takes over a socket that was opened already.
  public init(_ descriptor: Descriptor) {
    self.descriptor = descriptor
    clinux_netlink_explain(descriptor.number)
  }

  /// Opens one in `namespace`, or in the caller's own.
  public convenience init(in namespace: NetworkNamespace? = nil) throws {
    let number = clinux_socket_in(
      namespace?.descriptor.number ?? -1, AF_NETLINK, Int32(SOCK_RAW.rawValue), NETLINK_ROUTE)
    self.init(Descriptor(try SystemError.check(number, "open a netlink socket")))
  }

  /// Carries requests out in order, many in one system call, and stops at the first that is refused.
  ///
  /// Requests after a refused one that went in the same call were tried too.
  public func perform(_ messages: [NetlinkMessage]) throws {
    var rest = messages[...]
    while !rest.isEmpty {
      // The limit keeps a batch, and a refusal of each of its requests, within the socket's buffers.
      let batch = rest.prefix(RouteSocket.batchLimit)
      rest = rest.dropFirst(batch.count)
      let first = sequence &+ 1
      var octets: [UInt8] = []
      for (index, message) in zip(batch.indices, batch) {
        sequence &+= 1
        // One acknowledgement, of the last request, says that all were handled; a refusal is told anyway.
        message.write(to: &octets, sequence: sequence, moreFlags: index == batch.endIndex - 1 ? NLM_F_ACK : 0)
      }
      try SystemError.check(clinux_netlink_send(descriptor.number, octets, octets.count), "speak to the kernel")
      var refused: SystemError?
      try untilReply(to: sequence) { reply in
        guard refused == nil, let error = RouteSocket.error(in: reply), error.number != 0 else { return }
        let index = batch.startIndex + Int(reply.sequence &- first)
        refused = SystemError(
          batch.indices.contains(index) ? batch[index].asked : "speak to the kernel", number: error.number,
          detail: error.detail)
      }
      if let refused { throw refused }
    }
  }

  /// Carries one request out.
  public func perform(_ message: NetlinkMessage) throws { try perform([message]) }

  /// Asks for a listing (`NLM_F_DUMP`) and gives its messages.
  public func list(_ message: NetlinkMessage) throws -> [NetlinkReply] { try ask(message, NLM_F_DUMP) }

  /// Asks about one thing and gives the answer.
  public func get(_ message: NetlinkMessage) throws -> NetlinkReply {
    guard let reply = try ask(message, NLM_F_ACK).first else { throw SystemError(message.asked, number: ENODATA) }
    return reply
  }

  private func ask(_ message: NetlinkMessage, _ moreFlags: Int32) throws -> [NetlinkReply] {
    sequence &+= 1
    var octets: [UInt8] = []
    message.write(to: &octets, sequence: sequence, moreFlags: moreFlags)
    try SystemError.check(clinux_netlink_send(descriptor.number, octets, octets.count), message.asked)
    var replies: [NetlinkReply] = []
    var refused: SystemError?
    try untilReply(to: sequence) { reply in
      if let error = RouteSocket.error(in: reply) {
        if error.number != 0 { refused = SystemError(message.asked, number: error.number, detail: error.detail) }
      } else if reply.type != UInt16(NLMSG_DONE) {
        replies.append(reply)
      }
    }
    if let refused { throw refused }
    return replies
  }

  /// Subscribes to notifications, such as `RTNLGRP_LINK`; use a socket of its own for it.
  public func subscribe(to group: some BinaryInteger) throws {
    try SystemError.check(clinux_netlink_join(descriptor.number, Int32(group)), "subscribe to network changes")
  }

  /// Waits for notifications and gives those that one read brings. Throws ENOBUFS when some were lost: list again.
  public func receive() throws -> [NetlinkReply] {
    guard let octets = try descriptor.read(atMost: 65_536, "from a netlink socket") else { return [] }
    return NetlinkReply.messages(in: octets)
  }

  private func untilReply(to last: UInt32, _ body: (NetlinkReply) -> Void) throws {
    // The kernel answers before the request's system call returns; only an answer that it dropped is waited for.
    let deadline = ContinuousClock.now + .seconds(5)
    while true {
      guard try descriptor.waitReadable(before: deadline) else {
        throw SystemError("hear from the kernel", number: ETIMEDOUT)
      }
      for reply in try receive() {
        body(reply)
        let ends = reply.type == UInt16(NLMSG_ERROR) || reply.type == UInt16(NLMSG_DONE)
        if reply.sequence == last, ends { return }
      }
    }
  }

  /// The outcome that a reply of type `NLMSG_ERROR` carries; number 0 means success.
  private static func error(in reply: NetlinkReply) -> (number: Int32, detail: String?)? {
    guard reply.type == UInt16(NLMSG_ERROR), let header = reply.fixed(nlmsgerr.self) else { return nil }
    var detail: String?
    if reply.flags & UInt16(NLM_F_ACK_TLVS) != 0 {
      let skip =
        reply.flags & UInt16(NLM_F_CAPPED) != 0
        ? MemoryLayout<nlmsgerr>.size : MemoryLayout<Int32>.size + Int(header.msg.nlmsg_len)
      detail = reply.attributes(after: skip).first { $0.type == Int(NLMSGERR_ATTR_MSG.rawValue) }?.value.text
    }
    return (-header.error, detail)
  }
}

extension RouteSocket {
  /// Makes an interface of the socket's namespace send whole checksums, so that captures show no bad ones.
  public func turnTransmitChecksumsOff(_ interface: String) throws {
    try SystemError.check(
      clinux_transmit_checksum_off(descriptor.number, interface), "turn checksum offload of \(interface) off")
  }
}
