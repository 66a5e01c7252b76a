import Glibc
import Logging
import Messages
import NIOCore
import NIOPosix
import RoleKit
import Testing

@testable import Transports

/// What a transport told its host, to be awaited in order.
final class Inputs: Sendable {
  private let stream: AsyncStream<Input>
  let sink: @Sendable (Input) -> Void

  init() {
    let (stream, feed) = AsyncStream<Input>.makeStream()
    self.stream = stream
    sink = { feed.yield($0) }
  }

  /// The next input; the test's own time limit ends a wait that is in vain.
  func next() async throws -> Input {
    var iterator = stream.makeAsyncIterator()
    return try #require(await iterator.next())
  }

  /// The next one, which must be a request.
  func request() async throws -> (Exchange, HTTPRequest, from: Endpoint, to: Endpoint) {
    guard case .requested(let exchange, let request, let from, let to) = try await next() else {
      throw Surprise()
    }
    return (exchange, request, from, to)
  }

  struct Surprise: Error {}
}

/// A server on a free port of a loopback address, for one test.
struct LiveServer {
  let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  let inputs = Inputs()
  let server: HTTPServer
  let endpoint: Endpoint

  init(pace: Double = 1, address: String = "127.0.0.1", limits: HTTPLimits = HTTPLimits()) async throws {
    server = HTTPServer(
      loop: group.next(), clock: RoleClock(pace: pace), limits: limits,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      sink: inputs.sink)
    endpoint = try await server.listen(on: Endpoint(try #require(IPAddress(address)), 0))
  }

  func end() async throws {
    await server.shutDown()
    try await group.shutdownGracefully()
  }
}

/// A TCP connection that says exactly what it is told.
final class RawConnection {
  private let descriptor: CInt

  init(_ descriptor: CInt) {
    self.descriptor = descriptor
    var limit = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  convenience init(to endpoint: Endpoint) throws {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    self.init(descriptor)
    let result = withSocketAddress(endpoint) { connect(descriptor, $0, $1) }
    try #require(result == 0)
  }

  deinit { close(descriptor) }

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ octets: [UInt8]) {
    var rest = octets[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      if count <= 0 { return }
      rest = rest.dropFirst(count)
    }
  }

  /// No more will be sent; reading goes on.
  func endSending() { shutdown(descriptor, CInt(SHUT_WR)) }

  /// Closes with a reset.
  func reset() {
    var now = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
  }

  /// One read; empty at the end.
  func read() -> String {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }

  /// Reads until the text has come, or to the end.
  func read(until mark: String) -> String {
    var text = ""
    while !text.contains(mark) {
      let more = read()
      if more.isEmpty { break }
      text += more
    }
    return text
  }

  func readToEnd() -> String {
    var text = ""
    while case let more = read(), !more.isEmpty { text += more }
    return text
  }
}

/// A TCP listener of the test's own.
final class RawListener {
  private let descriptor: CInt
  let endpoint: Endpoint

  init() throws {
    descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    let any = Endpoint(.v4(0x7F00_0001), 0)
    let own = descriptor
    try #require(withSocketAddress(any) { bind(own, $0, $1) } == 0)
    try #require(listen(own, 8) == 0)
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      _ = $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(own, $0, &length) }
    }
    endpoint = Endpoint(.v4(0x7F00_0001), UInt16(bigEndian: address.sin_port))
  }

  deinit { close(descriptor) }

  func accept() -> RawConnection { RawConnection(Glibc.accept(descriptor, nil, nil)) }
}

func withSocketAddress<Result>(_ endpoint: Endpoint, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = endpoint.port.bigEndian
  if case .v4(let bits) = endpoint.address { address.sin_addr.s_addr = bits.bigEndian }
  return withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}

extension Endpoint {
  static let loopback = IPAddress.v4(0x7F00_0001)
}
