import CLinux
import Glibc

/// Single datagrams, frames and echo requests on blocking sockets; addresses are 4 or 16 octets.
public enum InternetSocket {
  /// Sends one datagram. `multicastInterface` is the index of the interface that a group is sent out of.
  public static func send(
    _ octets: [UInt8], on socket: Descriptor, fromPort: UInt16, to address: [UInt8], port: UInt16,
    multicastInterface: Int32?
  ) throws {
    var on: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(socket.number, SOL_SOCKET, SO_BROADCAST, &on, size)
    setsockopt(socket.number, SOL_SOCKET, SO_REUSEADDR, &on, size)
    if var index = multicastInterface, address.count == 4 {
      var request = ip_mreqn(imr_multiaddr: in_addr(), imr_address: in_addr(), imr_ifindex: index)
      setsockopt(
        socket.number, Int32(IPPROTO_IP), IP_MULTICAST_IF, &request, socklen_t(MemoryLayout<ip_mreqn>.size))
      index = 2
      // UDA 2.0 section 1.3.2: the TTL of a search is 2.
      setsockopt(socket.number, Int32(IPPROTO_IP), IP_MULTICAST_TTL, &index, size)
    }
    if fromPort != 0 {
      let any = [UInt8](repeating: 0, count: address.count)
      let result = SocketAddress(any, port: fromPort).with { bind(socket.number, $0, $1) }
      guard result == 0 else { throw SystemError("use port \(fromPort)", number: errno) }
    }
    let sent = SocketAddress(address, port: port).with {
      sendto(socket.number, octets, octets.count, 0, $0, $1)
    }
    guard sent == octets.count else { throw SystemError("send a datagram to \(address) port \(port)", number: errno) }
  }

  /// A socket of this namespace that is bound to an address; port 0 takes a free one.
  public static func open(type: Int32, at address: [UInt8], port: UInt16) throws -> Descriptor {
    let number = socket(address.count == 4 ? AF_INET : AF_INET6, type | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw SystemError("make a socket", number: errno) }
    let socket = Descriptor(number)
    var on: Int32 = 1
    setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    let result = SocketAddress(address, port: port).with { bind(number, $0, $1) }
    guard result == 0 else { throw SystemError("use \(address) port \(port)", number: errno) }
    return socket
  }

  /// The port that a socket is bound to.
  public static func port(of socket: Descriptor) throws -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket.number, $0, &length) }
    }
    guard result == 0 else { throw SystemError("ask for a socket's port", number: errno) }
    return withUnsafeBytes(of: storage) { $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian }
  }

  /// Sends one datagram from a bound socket; a group is reached by way of the interface that has `from`.
  public static func send(
    _ octets: [UInt8], on socket: Descriptor, to address: [UInt8], port: UInt16, from: [UInt8]
  ) throws {
    if from.count == 4 {
      var interface = in_addr(s_addr: from.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) })
      setsockopt(
        socket.number, Int32(IPPROTO_IP), IP_MULTICAST_IF, &interface, socklen_t(MemoryLayout<in_addr>.size))
    }
    let sent = SocketAddress(address, port: port).with {
      sendto(socket.number, octets, octets.count, 0, $0, $1)
    }
    guard sent == octets.count else { throw SystemError("send a datagram to \(address) port \(port)", number: errno) }
  }

  /// Sends one Ethernet frame, header included, out of an interface.
  public static func sendFrame(_ octets: [UInt8], in namespace: NetworkNamespace, index: Int32) throws {
    let socket = try namespace.socket(domain: AF_PACKET, type: Int32(SOCK_RAW.rawValue), "a packet socket")
    try SystemError.check(
      clinux_send_frame(socket.number, index, octets, octets.count), "send a frame of \(octets.count) octets")
  }

  /// One echo request (RFC 792); false if no reply came in time. A destination that is told unreachable at once
  /// counts as no reply.
  public static func ping(
    _ address: [UInt8], in namespace: NetworkNamespace, before deadline: ContinuousClock.Instant
  ) throws -> Bool {
    let socket = try namespace.socket(
      domain: AF_INET, type: Int32(SOCK_RAW.rawValue), protocol: Int32(IPPROTO_ICMP), "an ICMP socket")
    let identifier = UInt16(truncatingIfNeeded: getpid())
    var request: [UInt8] = [8, 0, 0, 0, UInt8(identifier >> 8), UInt8(identifier & 0xFF), 0, 1]
    let checksum = ~(UInt32(0x0800) + UInt32(identifier) + 1).folded
    request[2] = UInt8(checksum >> 8)
    request[3] = UInt8(checksum & 0xFF)
    let sent = SocketAddress(address, port: 0).with { sendto(socket.number, request, request.count, 0, $0, $1) }
    if sent < 0 {
      if [ENETUNREACH, EHOSTUNREACH, ENETDOWN].contains(errno) { return false }
      throw SystemError("send an echo request to \(address)", number: errno)
    }
    while try socket.waitReadable(before: deadline) {
      guard let packet = try socket.read(atMost: 2048, "an ICMP socket"), let first = packet.first else { continue }
      let message = packet.dropFirst(Int(first & 0x0F) * 4)
      if message.count >= 8, message.first == 0, Array(message.dropFirst(4).prefix(4)) == Array(request[4..<8]),
        Array(packet[12..<16]) == address
      {
        return true
      }
    }
    return false
  }
}

extension UInt32 {
  /// The ones' complement sum in 16 bits (RFC 1071).
  fileprivate var folded: UInt16 {
    var sum = self
    while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
    return UInt16(sum)
  }
}

/// A TCP client on a blocking socket, with a deadline for each step.
public struct TCPConnection: Sendable {
  private let socket: Descriptor
  /// Answers are cut off beyond it.
  public static let receiveLimit = 16 << 20

  public init(_ socket: Descriptor) { self.socket = socket }

  public func connect(to address: [UInt8], port: UInt16, before deadline: ContinuousClock.Instant) throws {
    let what = "connect to \(address.map(String.init).joined(separator: ".")) port \(port)"
    _ = fcntl(socket.number, F_SETFL, O_NONBLOCK)
    let result = SocketAddress(address, port: port).with { Glibc.connect(socket.number, $0, $1) }
    if result == 0 { return }
    guard errno == EINPROGRESS else { throw SystemError(what, number: errno) }
    guard try socket.wait(for: Int16(POLLOUT), before: deadline) else { throw SystemError(what, number: ETIMEDOUT) }
    var error: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(socket.number, SOL_SOCKET, SO_ERROR, &error, &size)
    if error != 0 { throw SystemError(what, number: error) }
  }

  public func send(_ octets: [UInt8], before deadline: ContinuousClock.Instant) throws {
    var rest = octets[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { Glibc.send(socket.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if sent >= 0 {
        rest = rest.dropFirst(sent)
      } else if errno == EAGAIN {
        guard try socket.wait(for: Int16(POLLOUT), before: deadline) else {
          throw SystemError("send \(octets.count) octets", number: ETIMEDOUT)
        }
      } else if errno != EINTR {
        throw SystemError("send \(octets.count) octets", number: errno)
      }
    }
  }

  /// Gives what comes until the peer closes or `isWhole` says that it is enough. Throws ETIMEDOUT.
  public func receive(before deadline: ContinuousClock.Instant, until isWhole: ([UInt8]) -> Bool) throws -> [UInt8] {
    var received: [UInt8] = []
    while received.count < Self.receiveLimit {
      guard try socket.waitReadable(before: deadline) else {
        throw SystemError("receive a whole answer (\(received.count) octets came)", number: ETIMEDOUT)
      }
      guard let more = try socket.read(atMost: 65_536, "an answer") else { continue }
      received += more
      if more.isEmpty || isWhole(received) { break }
    }
    return received
  }
}

extension Descriptor {
  /// Waits until something can be read; false when the deadline passed.
  public func waitReadable(before deadline: ContinuousClock.Instant) throws -> Bool {
    try wait(for: Int16(POLLIN), before: deadline)
  }

  func wait(for events: Int16, before deadline: ContinuousClock.Instant) throws -> Bool {
    while true {
      let left = deadline - ContinuousClock.now
      guard left > .zero else { return false }
      // Rounded up, so that the last millisecond is not spent in a loop.
      let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
      var waiting = pollfd(fd: number, events: events, revents: 0)
      let result = poll(&waiting, 1, Int32(clamping: milliseconds))
      if result > 0 { return true }
      if result < 0, errno != EINTR { throw SystemError("wait for a socket", number: errno) }
    }
  }
}

/// A sockaddr_in or sockaddr_in6.
struct SocketAddress {
  private var storage = sockaddr_storage()
  private let length: Int

  /// - Parameter address: 4 or 16 octets.
  init(_ address: [UInt8], port: UInt16) {
    let isV4 = address.count == 4
    length = isV4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
    withUnsafeMutableBytes(of: &storage) { octets in
      octets.storeBytes(of: sa_family_t(isV4 ? AF_INET : AF_INET6), as: sa_family_t.self)
      octets.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
      let start = isV4 ? 4 : 8
      for (offset, octet) in address.enumerated() { octets[start + offset] = octet }
    }
  }

  func with<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    withUnsafePointer(to: storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
    }
  }
}
