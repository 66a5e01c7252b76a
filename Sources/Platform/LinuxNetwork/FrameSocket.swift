import CLinux
import Glibc

/// The frames of one EtherType on one interface: what comes in, not what the interface itself sends.
public struct FrameSocket: Sendable {
  /// Readable when a frame waits; a read gives one frame, header included. Never waits.
  public let descriptor: Descriptor
  /// The interface's own address, six octets.
  public let mac: [UInt8]

  /// Where plain LLDP is sent to (IEEE 802.1AB); an interface that filters groups lets it pass from now on.
  private static let nearestBridge: [UInt8] = [0x01, 0x80, 0xC2, 0x00, 0x00, 0x0E]

  /// - Throws: ``SystemError``: ENODEV where there is no such interface or it has no Ethernet address, EPERM where the
  ///   process may not open packet sockets (CAP_NET_RAW).
  public init(interface: String, etherType: UInt16) throws {
    let index = Int32(bitPattern: if_nametoindex(interface))
    guard index > 0 else { throw SystemError("find the interface \(interface)", number: ENODEV) }
    // Protocol 0 receives nothing until the socket is bound to its interface.
    let number = clinux_socket_in(
      -1, AF_PACKET, Int32(SOCK_RAW.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
    descriptor = Descriptor(try SystemError.check(number, "open a packet socket on \(interface)"))
    var on: Int32 = 1
    setsockopt(
      descriptor.number, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, socklen_t(MemoryLayout<Int32>.size))
    var member = packet_mreq()
    member.mr_ifindex = index
    member.mr_type = UInt16(PACKET_MR_MULTICAST)
    member.mr_alen = 6
    withUnsafeMutableBytes(of: &member.mr_address) { $0.copyBytes(from: FrameSocket.nearestBridge) }
    setsockopt(
      descriptor.number, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &member, socklen_t(MemoryLayout<packet_mreq>.size))
    try SystemError.check(
      clinux_bind_packet(descriptor.number, Int32(index), etherType), "take frames of \(interface)")
    mac = try FrameSocket.address(of: descriptor, interface)
  }

  /// The hardware address that the socket's own name tells.
  private static func address(of socket: Descriptor, _ interface: String) throws -> [UInt8] {
    var name = sockaddr_ll()
    var length = socklen_t(MemoryLayout<sockaddr_ll>.size)
    let result = withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket.number, $0, &length) }
    }
    guard result == 0 else { throw SystemError("ask for the address of \(interface)", number: errno) }
    // ARPHRD_ETHER, which glibc's module does not have.
    guard name.sll_hatype == 1, name.sll_halen == 6 else {
      throw SystemError("find an Ethernet address on \(interface)", number: ENODEV)
    }
    return withUnsafeBytes(of: name.sll_addr) { Array($0.prefix(6)) }
  }

  /// Sends one frame, header included.
  public func send(_ octets: [UInt8]) throws {
    try SystemError.check(clinux_packet_send(descriptor.number, octets, octets.count), "send a frame")
  }
}
