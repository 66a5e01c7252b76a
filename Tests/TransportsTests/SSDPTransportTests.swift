import Glibc
import Logging
import Messages
import NIOCore
import NIOPosix
import RoleKit
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(2)), .serialized)
struct SSDPTransportTests {
  /// A node that speaks SSDP on a loopback address.
  struct Speaker {
    let inputs = Inputs()
    let transport: SSDPTransport
    let address: IPAddress

    init(_ group: any EventLoopGroup, _ address: String, port: UInt16) async throws {
      let sink = inputs.sink
      self.address = try #require(IPAddress(address))
      transport = SSDPTransport(
        loop: group.next(), group: Endpoint(try #require(IPAddress("239.255.255.250")), port),
        log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
      ) { sink(.ssdp($0, from: $1, $2, interface: $3)) }
      try await transport.open(SSDPInterface(name: "lo", index: 0, address: self.address))
    }

    func heard() async throws -> (text: String, from: Endpoint, Delivery) {
      guard case .ssdp(let octets, let from, let delivery, "lo") = try await inputs.next() else {
        throw Inputs.Surprise()
      }
      return (String(decoding: octets, as: UTF8.self), from, delivery)
    }
  }

  /// A port of this process's own, so that runs side by side do not hear each other.
  static let port = UInt16(20_000 + getpid() % 20_000)

  @Test func theGroupHearsASearchAndItsSenderHearsTheReply() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let agent = try await Speaker(group, "127.0.0.21", port: Self.port)
    let configurator = try await Speaker(group, "127.0.0.2", port: Self.port)
    agent.transport.send(Array("search".utf8), to: nil, interface: "lo")
    let search = try await configurator.heard()
    #expect(search.text == "search")
    #expect(search.from.address == agent.address)
    #expect(search.2 == .multicast)
    // What stands next in the agent's ears is the reply: its own search did not come back.
    configurator.transport.send(Array("reply".utf8), to: search.from, interface: "lo")
    let reply = try await agent.heard()
    #expect(reply.text == "reply")
    #expect(reply.from.address == configurator.address)
    #expect(reply.2 == .unicast)
    // A unicast search to the well-known port.
    agent.transport.send(
      Array("unicast".utf8), to: Endpoint(configurator.address, Self.port), interface: "lo")
    #expect(try await configurator.heard() == ("unicast", search.from, .unicast))
    await agent.transport.shutDown()
    await configurator.transport.shutDown()
    try await group.shutdownGracefully()
  }

  @Test func noDatagramEndsTheHearing() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let one = try await Speaker(group, "127.0.0.21", port: Self.port)
    let other = try await Speaker(group, "127.0.0.2", port: Self.port)
    let sizes = [0, 1, 1500, 16_384, 60_000]
    for size in sizes {
      one.transport.send([UInt8](repeating: 0xFF, count: size), to: nil, interface: "lo")
      _ = try await other.heard()
    }
    // To a port where nobody listens, to an interface that is none, and to an address that cannot be.
    one.transport.send([1], to: Endpoint(other.address, 9), interface: "lo")
    one.transport.send([1], to: nil, interface: "eth7")
    one.transport.send([UInt8](repeating: 0, count: 70_000), to: nil, interface: "lo")
    one.transport.send(Array("still".utf8), to: nil, interface: "lo")
    #expect(try await other.heard().text == "still")
    await one.transport.shutDown()
    await other.transport.shutDown()
    try await group.shutdownGracefully()
  }

  @Test func anAddressMayChange() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let one = try await Speaker(group, "127.0.0.21", port: Self.port)
    let other = try await Speaker(group, "127.0.0.2", port: Self.port)
    let next = try #require(IPAddress("127.0.0.22"))
    try await one.transport.open(SSDPInterface(name: "lo", index: 0, address: next))
    one.transport.send(Array("moved".utf8), to: nil, interface: "lo")
    let heard = try await other.heard()
    #expect(heard.from.address == next)
    other.transport.send(Array("hello".utf8), to: nil, interface: "lo")
    #expect(try await one.heard().text == "hello")
    await one.transport.shutDown()
    await other.transport.shutDown()
    try await group.shutdownGracefully()
  }

  @Test func theKernelsInterfacesAreListed() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let watcher = InterfaceWatcher(loop: group.next(), log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
      _ in
    }
    let interfaces = try await watcher.start()
    let loopback = try #require(interfaces.first { $0.isLoopback })
    #expect(loopback.name == "lo")
    await watcher.shutDown()
    try await group.shutdownGracefully()
  }

  @Test func roleTimeRunsWithItsPace() {
    let clock = RoleClock(pace: 60)
    #expect(clock.machineTime(of: .seconds(60)) == .seconds(1))
    #expect(RoleClock(pace: 0).pace == RoleClock.paces.lowerBound)
    let (first, second) = (clock.now, clock.now)
    #expect(second.monotonic >= first.monotonic)
  }
}
