import Dispatch
import Glibc
import Logging
import ManagementStore
import Messages
import RoleKit
import Synchronization
import Testing
import Transports

@testable import RoleHost

/// A role as small as can be: a counter that anybody may raise, kept in its store.
private struct Counter: Role {
  var count = 0
  var held: [Exchange] = []
  var exitsOnStop = true

  mutating func handle(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    switch input {
    case .started(let rows, let interfaces):
      count = rows.first?.value?.int ?? 0
      return [.report(Report(.debug, "started", "\(interfaces.map(\.name))")), .ready]
    case .requested(let exchange, let request, _, _):
      switch request.path {
      case "/up":
        count += 1
        return [.save([Row("count", "count", .int(count))]), .reply(exchange, text(200, "\(count)"))]
      case "/bad":
        count += 100
        return [.reply(exchange, text(200, "wrong")), .save([Row("nowhere", "count", .int(count))])]
      case "/wait":
        held.append(exchange)
        return [
          .arm(TimerName("reply"), after: .seconds(60)), .arm(TimerName("gone"), after: .seconds(30)),
          .disarm(TimerName("gone")),
        ]
      case "/time": return [.reply(exchange, text(200, "\(now.wall)"))]
      default: return [.reply(exchange, text(200, "\(count)"))]
      }
    case .fired(let timer):
      defer { held = [] }
      return held.map { .reply($0, text(200, timer.name)) }
    case .commitFailed(_, of: .requested(let exchange, _, _, _)): return [.reply(exchange, text(503, "full \(count)"))]
    case .stopping: return exitsOnStop ? [.exit(7)] : []
    default: return []
    }
  }

  private func text(_ status: Int, _ text: String) -> HTTPResponse { HTTPResponse(status, body: Array(text.utf8)) }
}

/// Opens a port when asked, and answers there; asks for a mapping and tells what came of it.
private struct Doorman: Role {
  let port: UInt16

  func handle(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    switch input {
    case .started: return [.listen(port: port), .openDatagrams(port: port), .ready]
    case .requested(let exchange, _, _, let local):
      return [.reply(exchange, HTTPResponse(200, body: Array("\(local.port)".utf8)))]
    case .datagram(let octets, let from, let to): return [.datagram(octets.reversed(), from: to, to: from)]
    case .portRefused(let port, .refused): return [.exit(Int32(port == self.port ? 3 : 4))]
    case .stopping: return [.map(PortMapping(.udp, externalPort: 9, client: Endpoint(.v4(1), 9)))]
    case .mapped(let mapping, let failure): return [.exit(failure == nil ? Int32(mapping.externalPort) : 1)]
    default: return []
    }
  }
}

struct Mapper: PortMapper {
  let refuses: Bool
  func map(_ mapping: PortMapping) throws(Failure) { if refuses { throw .refused } }
  func unmap(_ mapping: PortMapping) {}
}

/// A host under test with a store of its own, on a port of its own.
private final class LiveHost: Sendable {
  let stop = StopRequest()
  let endpoint: Endpoint
  let end: Task<Int32, any Error>

  init(_ role: Counter = Counter(), folder: String, pace: Double = 1) async throws {
    // The kernel picks addresses for nobody here, so the test takes a port that was free a moment ago.
    endpoint = Endpoint(try #require(IPAddress("127.0.0.1")), try freePort())
    let network = InterfaceState(
      name: "lo", isUp: true, macAddress: nil, addresses: [CIDR(endpoint.address, prefixLength: 24)],
      defaultGateway: nil,
      dnsServers: [])
    let settings = HostSettings(
      network: .fixed([network]), httpPort: endpoint.port, ssdp: nil, pace: pace,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let store = try RowStore(path: folder + "/store.sqlite", tables: ["count"])
    let stop = stop
    let (ready, feed) = AsyncStream<Void>.makeStream()
    end = Task {
      defer {
        store.close()
        feed.finish()
      }
      return try await RoleHost(role, settings: settings, store: store) { feed.yield() }.run(stop: stop)
    }
    for await _ in ready { break }
  }

  /// Status line and body of an answer.
  func get(_ path: String) async throws -> (status: String, body: String) {
    let endpoint = endpoint
    let text = try await offThreads {
      try exchange(endpoint, "GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    }
    let head = try #require(text.firstRange(of: "\r\n\r\n"))
    return (String(text.prefix { $0 != "\r\n" }), String(text[head.upperBound...]))
  }
}

private final class Folder {
  let path: String

  init() throws {
    var template = Array("/tmp/role-host-XXXXXX".utf8CString)
    path = String(cString: try #require(mkdtemp(&template)))
  }

  deinit {
    for name in ["store.sqlite", "store.sqlite-wal", "store.sqlite-shm", "store.sqlite.lock", "id", "tokens.json"] {
      unlink("\(path)/\(name)")
    }
    rmdir(path)
  }
}

@Suite(.timeLimit(.minutes(2)))
struct RoleHostTests {
  @Test func whatIsAcknowledgedIsCommittedAndComesBack() async throws {
    let folder = try Folder()
    let first = try await LiveHost(folder: folder.path)
    #expect(try await first.get("/up").body == "1")
    #expect(try await first.get("/up").body == "2")
    first.stop.ask()
    #expect(try await first.end.value == 7)
    let second = try await LiveHost(folder: folder.path)
    #expect(try await second.get("/").body == "2")
    second.stop.ask()
    _ = try await second.end.value
  }

  @Test func aTurnWhoseCommitFailsLeavesNoTrace() async throws {
    let folder = try Folder()
    let host = try await LiveHost(folder: folder.path)
    #expect(try await host.get("/up").body == "1")
    // The effect before the save was not performed either, and the role is told which input was lost.
    let answer = try await host.get("/bad")
    #expect(answer.status == "HTTP/1.1 503 Service Unavailable")
    #expect(answer.body == "full 1")
    #expect(try await host.get("/").body == "1")
    host.stop.ask()
    _ = try await host.end.value
  }

  @Test func timersRunInRoleTime() async throws {
    let folder = try Folder()
    let host = try await LiveHost(folder: folder.path, pace: 600)
    // 60 s of role time; the timer of 30 s was disarmed.
    #expect(try await host.get("/wait").body == "reply")
    let first = try #require(Int(try await host.get("/time").body))
    _ = try await host.get("/wait")
    #expect(try #require(Int(try await host.get("/time").body)) >= first + 60_000)
    host.stop.ask()
    _ = try await host.end.value
  }

  @Test func aRoleThatDoesNotExitIsStoppedAnyway() async throws {
    let folder = try Folder()
    let host = try await LiveHost(Counter(exitsOnStop: false), folder: folder.path)
    host.stop.ask()
    #expect(try await host.end.value == 0)
  }

  @Test func aPortInUseIsOneClearSentence() async throws {
    let (folder, other) = (try Folder(), try Folder())
    let host = try await LiveHost(folder: folder.path)
    let network = InterfaceState(
      name: "lo", isUp: true, macAddress: nil, addresses: [CIDR(host.endpoint.address, prefixLength: 24)],
      defaultGateway: nil, dnsServers: [])
    let settings = HostSettings(
      network: .fixed([network]), httpPort: host.endpoint.port, ssdp: nil,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let store = try RowStore(path: other.path + "/store.sqlite", tables: ["count"])
    let error = try await #require(throws: HostError.self) {
      _ = try await RoleHost(Counter(), settings: settings, store: store) {}.run()
    }
    #expect(error.exitStatus == 1)
    #expect("\(error)".hasPrefix("cannot listen on \(host.endpoint): Address already in use; hint: "))
    host.stop.ask()
    _ = try await host.end.value
  }

  private func settings(_ address: IPAddress) -> HostSettings {
    let network = InterfaceState(
      name: "lo", isUp: true, macAddress: nil, addresses: [CIDR(address, prefixLength: 24)], defaultGateway: nil,
      dnsServers: [])
    return HostSettings(
      network: .fixed([network]), httpPort: nil, ssdp: nil,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  @Test(arguments: [(nil, 1), (Mapper(refuses: true), 1), (Mapper(refuses: false), 9)] as [(Mapper?, Int32)])
  func aRoleOpensPortsOfItsOwnAndAsksForMappings(_ mapper: Mapper?, _ status: Int32) async throws {
    let endpoint = Endpoint(try #require(IPAddress("127.0.0.1")), try freePort())
    let stop = StopRequest()
    let (ready, feed) = AsyncStream<Void>.makeStream()
    let settings = settings(endpoint.address)
    let end = Task {
      try await RoleHost(Doorman(port: endpoint.port), settings: settings, store: nil, portMapper: mapper) {
        feed.yield()
      }.run(stop: stop)
    }
    for await _ in ready { break }
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    #expect(try await offThreads { try exchange(endpoint, request) }.hasSuffix("\r\n\r\n\(endpoint.port)"))
    #expect(try await offThreads { try sendDatagram([1, 2, 3], to: endpoint) } == [3, 2, 1])
    stop.ask()
    #expect(try await end.value == status)
  }

  @Test func aRoleIsToldOfAPortThatIsInUse() async throws {
    let folder = try Folder()
    let host = try await LiveHost(folder: folder.path)
    let settings = settings(host.endpoint.address)
    #expect(try await RoleHost(Doorman(port: host.endpoint.port), settings: settings, store: nil) {}.run() == 3)
    host.stop.ask()
    _ = try await host.end.value
  }

  @Test func anInterfaceThatIsNotThereIsOneClearSentence() async throws {
    let settings = HostSettings(
      network: .named(["nosuch0"], preferred: nil), httpPort: nil, ssdp: nil,
      log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let error = try await #require(throws: HostError.self) {
      _ = try await RoleHost(Counter(), settings: settings, store: nil) {}.run()
    }
    #expect("\(error)".contains("nosuch0"))
  }
}

/// Runs what blocks off the threads that tasks run on, since the host's own task needs one to answer.
private func offThreads<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
  try await withCheckedThrowingContinuation { done in
    DispatchQueue.global().async { done.resume(with: Swift.Result { try body() }) }
  }
}

private func freePort() throws -> UInt16 {
  let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let result = withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
    }
  }
  try #require(result)
  return UInt16(bigEndian: address.sin_port)
}

/// Sends text to a server and reads to the end.
private func exchange(_ endpoint: Endpoint, _ text: String) throws -> String {
  let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = endpoint.port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  let connected = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
  try #require(connected)
  let octets = Array(text.utf8)
  try #require(send(descriptor, octets, octets.count, CInt(MSG_NOSIGNAL)) == octets.count)
  var answer: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65_536)
  while case let count = recv(descriptor, &buffer, buffer.count, 0), count > 0 { answer += buffer[..<count] }
  return String(decoding: answer, as: UTF8.self)
}

/// Sends a datagram and gives the answer.
private func sendDatagram(_ octets: [UInt8], to endpoint: Endpoint) throws -> [UInt8] {
  let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
  defer { close(descriptor) }
  guard case .v4(let bits) = endpoint.address else { return [] }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = endpoint.port.bigEndian
  address.sin_addr.s_addr = bits.bigEndian
  var patience = timeval(tv_sec: 10, tv_usec: 0)
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  let isConnected = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
  guard isConnected, send(descriptor, octets, octets.count, 0) == octets.count else { return [] }
  var answer = [UInt8](repeating: 0, count: 100)
  let count = recv(descriptor, &answer, answer.count, 0)
  return Array(answer.prefix(max(0, count)))
}
