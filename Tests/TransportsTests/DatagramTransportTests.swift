import Logging
import Messages
import NIOCore
import NIOPosix
import RoleKit
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(2)))
struct DatagramTransportTests {
  private struct Speaker {
    let inputs = Inputs()
    let transport: DatagramTransport
    let endpoint: Endpoint

    init(_ group: any EventLoopGroup, _ address: String) async throws {
      let sink = inputs.sink
      transport = DatagramTransport(loop: group.next(), log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
        sink(.datagram($0, from: $1, to: $2))
      }
      endpoint = try await transport.open(Endpoint(try #require(IPAddress(address)), 0))
    }
  }

  @Test func aDatagramTellsBothItsEnds() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let a = try await Speaker(group, "127.0.0.31")
    let b = try await Speaker(group, "127.0.0.32")
    let second = try await b.transport.open(Endpoint(b.endpoint.address, 0))
    a.transport.send([1, 2], from: a.endpoint, to: second)
    #expect(try await b.inputs.next() == .datagram([1, 2], from: a.endpoint, to: second))
    // An empty datagram is one too, and so is the longest that the kernel leaves whole.
    b.transport.send([], from: second, to: a.endpoint)
    #expect(try await a.inputs.next() == .datagram([], from: second, to: a.endpoint))
    let long = [UInt8](repeating: 7, count: DatagramChannel.limit)
    b.transport.send(long, from: b.endpoint, to: a.endpoint)
    #expect(try await a.inputs.next() == .datagram(long, from: b.endpoint, to: a.endpoint))
    await a.transport.shutDown()
    await b.transport.shutDown()
    try await group.shutdownGracefully()
  }

  @Test func aClosedSocketSendsAndHearsNothing() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let a = try await Speaker(group, "127.0.0.33")
    let b = try await Speaker(group, "127.0.0.34")
    let other = try await b.transport.open(Endpoint(b.endpoint.address, 0))
    await b.transport.close(b.endpoint)
    a.transport.send([1], from: a.endpoint, to: b.endpoint)
    b.transport.send([2], from: b.endpoint, to: a.endpoint)
    // What came before these, which leave by open sockets, would be heard before them.
    a.transport.send([3], from: a.endpoint, to: other)
    b.transport.send([4], from: other, to: a.endpoint)
    #expect(try await b.inputs.next() == .datagram([3], from: a.endpoint, to: other))
    #expect(try await a.inputs.next() == .datagram([4], from: other, to: a.endpoint))
    // The port is free again.
    try await b.transport.open(b.endpoint)
    await a.transport.shutDown()
    await b.transport.shutDown()
    try await group.shutdownGracefully()
  }

  @Test func aDatagramThatTheKernelRefusesEndsNothing() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let a = try await Speaker(group, "127.0.0.36")
    let b = try await Speaker(group, "127.0.0.37")
    // To everybody: the kernel refuses it, and the socket is another one from then on.
    a.transport.send([1], from: a.endpoint, to: Endpoint(.v4(.max), 9))
    let sender = Task {
      while !Task.isCancelled {
        a.transport.send([2], from: a.endpoint, to: b.endpoint)
        try? await Task.sleep(for: .milliseconds(5))
      }
    }
    #expect(try await b.inputs.next() == .datagram([2], from: a.endpoint, to: b.endpoint))
    sender.cancel()
    b.transport.send([3], from: b.endpoint, to: a.endpoint)
    #expect(try await a.inputs.next() == .datagram([3], from: b.endpoint, to: a.endpoint))
    await a.transport.shutDown()
    await b.transport.shutDown()
    try await group.shutdownGracefully()
  }

  @Test func aPortInUseIsRefused() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let a = try await Speaker(group, "127.0.0.35")
    await #expect(throws: IOError.self) { try await a.transport.open(a.endpoint) }
    await a.transport.shutDown()
    try await group.shutdownGracefully()
  }
}
