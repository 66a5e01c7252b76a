import Glibc
import LinuxNetwork

/// Two network namespaces between which traffic goes.
struct TrafficEnds: Sendable {
  var a: NetworkNamespace
  var b: NetworkNamespace
  /// Four octets.
  var addressOfB: [UInt8]

  /// Microseconds from a datagram of 64 octets to its echo: the median of so many.
  func roundTrip(rounds: Int) async throws -> Double {
    let server = try socket(b, SOCK_DGRAM, boundTo: 7007)
    let client = try socket(a, SOCK_DGRAM, connectedTo: 7007)
    async let echo: Void = SystemThread.run("echo") {
      var octets = [UInt8](repeating: 0, count: 128)
      while true {
        var peer = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count = withUnsafeMutablePointer(to: &peer) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(server.number, &octets, 128, 0, $0, &size) }
        }
        // An empty datagram is the end.
        guard count > 0 else { return }
        _ = withUnsafePointer(to: &peer) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { sendto(server.number, octets, count, 0, $0, size) }
        }
      }
    }
    let times = try await SystemThread.run("ping") {
      var octets = [UInt8](repeating: 7, count: 64)
      var times: [Int64] = []
      // The first ones find the way: ARP, caches, the processor's clock.
      for round in -100..<rounds {
        let before = MonotonicClock.now()
        guard send(client.number, octets, 64, 0) == 64, recv(client.number, &octets, 64, 0) == 64 else {
          throw SystemError("exchange a datagram", number: errno)
        }
        if round >= 0 { times.append(MonotonicClock.now() - before) }
      }
      for _ in 0..<3 { send(client.number, octets, 0, 0) }
      return times.sorted()
    }
    try await echo
    return Double(times[times.count / 2]) / 1000
  }

  /// Octets a second that one TCP connection carries.
  func bulk(seconds: Double) async throws -> Double {
    let server = try socket(b, SOCK_STREAM, boundTo: 7008)
    guard listen(server.number, 1) == 0 else { throw SystemError("listen", number: errno) }
    async let received = SystemThread.run("sink") {
      let connection = accept(server.number, nil, nil)
      guard connection >= 0 else { throw SystemError("accept a connection", number: errno) }
      let sink = Descriptor(connection)
      var octets = [UInt8](repeating: 0, count: 1 << 18)
      var total = 0
      let start = MonotonicClock.now()
      while true {
        let count = recv(sink.number, &octets, octets.count, 0)
        guard count > 0 else { break }
        total += count
      }
      return Double(total) / (Double(MonotonicClock.now() - start) / 1e9)
    }
    let client = try socket(a, SOCK_STREAM, connectedTo: 7008)
    try await SystemThread.run("bulk") {
      let octets = [UInt8](repeating: 7, count: 1 << 17)
      let end = MonotonicClock.now() + Int64(seconds * 1e9)
      while MonotonicClock.now() < end {
        guard send(client.number, octets, octets.count, Int32(MSG_NOSIGNAL)) > 0 else {
          throw SystemError("send", number: errno)
        }
      }
      shutdown(client.number, Int32(SHUT_RDWR))
    }
    return try await received
  }

  /// Sends datagrams of 64 octets that nobody answers; returns how many went out, and in how many seconds.
  /// - Parameter rate: so many a second; `nil`: as fast as can be.
  func flood(rate: Double?, seconds: Double) async throws -> (sent: Int, seconds: Double) {
    // Somebody must own the port, else each datagram is answered by an ICMP error.
    let sink = try socket(b, SOCK_DGRAM, boundTo: 7009)
    let client = try socket(a, SOCK_DGRAM, connectedTo: 7009)
    return try await SystemThread.run("flood") {
      let octets = [UInt8](repeating: 7, count: 64)
      var sent = 0
      let start = MonotonicClock.now()
      let end = start + Int64(seconds * 1e9)
      var now = start
      while now < end {
        if let rate, Double(sent) > Double(now - start) / 1e9 * rate {
          sched_yield()
        } else if send(client.number, octets, 64, 0) == 64 {
          sent += 1
        } else if errno != ENOBUFS {
          throw SystemError("send a datagram", number: errno)
        }
        now = MonotonicClock.now()
      }
      withExtendedLifetime(sink) {}
      return (sent, Double(now - start) / 1e9)
    }
  }

  private func socket(
    _ namespace: NetworkNamespace, _ type: __socket_type, boundTo port: UInt16? = nil, connectedTo peer: UInt16? = nil
  ) throws -> Descriptor {
    let socket = try namespace.socket(domain: AF_INET, type: Int32(type.rawValue), "a socket")
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(socket.number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = (port ?? peer ?? 0).bigEndian
    if peer != nil { withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: addressOfB) } }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return port != nil ? bind(socket.number, $0, size) : connect(socket.number, $0, size)
      }
    }
    guard result == 0 else { throw SystemError("connect a socket", number: errno) }
    return socket
  }
}

extension SystemThread {
  /// What `body` gives on a thread of its own, which may wait in the kernel.
  static func run<Result: Sendable>(
    _ name: String, _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      do {
        try start(name) { continuation.resume(with: Swift.Result { try body() }) }
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }
}

extension Int32 {
  /// Another descriptor of the same file, with an owner of its own.
  func duplicate() throws -> Descriptor {
    let number = fcntl(self, F_DUPFD_CLOEXEC, 3)
    guard number >= 0 else { throw SystemError("duplicate a descriptor", number: errno) }
    return Descriptor(number)
  }
}
