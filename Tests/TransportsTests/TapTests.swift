import Foundation
import Glibc
import LinuxNetwork
import Logging
import Messages
import NIOCore
import NIOPosix
import RoleKit
import Synchronization
import Taps
import Testing

@testable import Transports

/// The runner's end of a tap, for one test.
final class FakeRunner: Sendable {
  let path: String
  private let listener: Descriptor
  private let state = Mutex<(socket: Descriptor?, records: [TapRecord], number: UInt32, links: TapLinks)>(
    (nil, [], 0, TapLinks()))

  private let changes: SharedCounter

  init(_ links: TapLinks) throws {
    path = NSTemporaryDirectory() + "/tap-" + UUID().uuidString
    listener = try UnixSocket.listen(at: path)
    try FileManager.default.createDirectory(
      atPath: TapBoard.folder(besides: path), withIntermediateDirectories: false)
    changes = try SharedCounter.make(at: TapBoard.counter(besides: path))
    try show(links)
    state.withLock { $0.links = links }
    try SystemThread.start("runner") { [self] in
      var framing = TapFraming()
      guard (try? listener.waitReadable(before: .now + .seconds(20))) == true,
        let socket = try? UnixSocket.accept(listener)
      else { return }
      state.withLock { $0.socket = socket }
      while let octets = try? socket.read(atMost: 65_536, "a tap"), !octets.isEmpty {
        framing.feed(octets)
        while let message = try? framing.next(), let record = try? TapRecord(parsing: message) {
          state.withLock { $0.records.append(record) }
          if case .hello = record.content { try? self.order(state.withLock { $0.links }) }
        }
      }
    }
  }

  deinit {
    unlink(path)
    try? FileManager.default.removeItem(atPath: TapBoard.folder(besides: path))
  }

  func show(_ links: TapLinks) throws {
    let file = TapBoard.file(of: "tv", besides: path)
    try Data(TapOrder.links(0, links).octets).write(to: URL(fileURLWithPath: file), options: .atomic)
    changes.advance()
  }

  private func order(_ links: TapLinks) throws {
    try state.withLock { state in
      state.number += 1
      guard let socket = state.socket else { return }
      try UnixSocket.send(TapOrder.links(state.number, links).octets, on: socket)
    }
  }

  /// Gives other links and returns when the program acts by them.
  func tell(_ links: TapLinks) async throws {
    try show(links)
    try order(links)
    let number = state.withLock { $0.number }
    try await wait { $0.content == .done(number) }
  }

  func reach(_ number: UInt32) throws { try send(.reach(number)) }

  func send(_ order: TapOrder) throws {
    guard let socket = state.withLock({ $0.socket }) else { return }
    try UnixSocket.send(order.octets, on: socket)
  }

  var records: [TapRecord] { state.withLock { $0.records } }

  /// What was told of connections: `connecting`, `sent GET`, `ended ownFinish`.
  var story: [String] {
    records.compactMap { record in
      switch record.content {
      case .connecting: "connecting"
      case .connected: "connected"
      case .accepted: "accepted"
      case .sent(_, let octets): "sent " + String(decoding: octets.prefix { $0 != 0x20 }, as: UTF8.self)
      case .received(_, let octets): "received " + String(decoding: octets.prefix { $0 != 0x20 }, as: UTF8.self)
      case .ended(_, let end): "ended \(end)"
      default: nil
      }
    }
  }

  func wait(_ isThere: (TapRecord) -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while !records.contains(where: isThere) {
      guard ContinuousClock.now < deadline else { throw Missing() }
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  struct Missing: Error {}
}

/// A client with a tap, and a server without one at another address.
private struct TappedCall {
  let live: LiveServer
  let runner: FakeRunner
  let tap: TapChannel
  let inputs = Inputs()
  let client: HTTPClient
  static let own = IPAddress.v4(0x7F00_0015)
  static let peer = IPAddress.v4(0x7F00_0002)

  init(_ links: TapLinks) async throws {
    live = try await LiveServer(address: "127.0.0.2")
    runner = try FakeRunner(links)
    tap = try TapChannel(path: runner.path, node: "tv")
    client = HTTPClient(
      loop: live.group.next(), clock: RoleClock(), tap: tap, source: { _ in TappedCall.own }, sink: inputs.sink)
  }

  static func links(isUp: Bool = true, reaches: Bool = true, incarnation: UInt32 = 1) -> TapLinks {
    var links = TapLinks()
    links.interfaces = [.init(name: "eth0", isUp: isUp, address: CIDR(own, prefixLength: 24), gateway: nil)]
    if reaches {
      links.mayOpen[peer] = incarnation
      links.mayHear[peer] = incarnation
    }
    return links
  }

  func call(timeout: UInt64 = .seconds(100)) {
    client.call(Call(1), HTTPRequest("GET", "/x"), to: live.endpoint, timeout: timeout)
  }

  func answer() async throws {
    let (exchange, _, from, _) = try await live.inputs.request()
    #expect(from.address == TappedCall.own)
    live.server.reply(exchange, HTTPResponse(204))
  }

  func end() async throws {
    await client.shutDown()
    try await live.end()
  }
}

@Suite struct TapTests {
  @Test func everyOctetIsToldInOrder() async throws {
    let call = try await TappedCall(TappedCall.links())
    call.call()
    try await call.answer()
    guard case .answered(_, let response) = try await call.inputs.next() else { throw Inputs.Surprise() }
    #expect(response.status == 204)
    try await call.runner.wait { $0.content == .ended(1, .peerFinish) || $0.content == .ended(1, .ownFinish) }
    #expect(call.runner.story.prefix(4) == ["connecting", "connected", "sent GET", "received HTTP/1.1"])
    let times = call.runner.records.map(\.time)
    #expect(times == times.sorted())
    try await call.end()
  }

  @Test func whatIsAskedIsAnsweredAfterEverythingBefore() async throws {
    let call = try await TappedCall(TappedCall.links())
    call.call()
    try await call.answer()
    _ = try await call.inputs.next()
    try call.runner.reach(77)
    try await call.runner.wait { $0.content == .reached(77) }
    let place = try #require(call.runner.records.firstIndex { $0.content == .reached(77) })
    #expect(call.runner.records[..<place].contains { if case .received = $0.content { true } else { false } })
    try await call.end()
  }

  /// A cable that is out: nothing leaves, nothing is told; with the cable in it goes on.
  @Test func aRequestWaitsForTheLink() async throws {
    let call = try await TappedCall(TappedCall.links(isUp: false, reaches: false))
    call.call()
    try await Task.sleep(for: .milliseconds(100))
    #expect(call.runner.story.isEmpty)
    try await call.runner.tell(TappedCall.links())
    try await call.answer()
    guard case .answered = try await call.inputs.next() else { throw Inputs.Surprise() }
    try await call.end()
  }

  /// What a server sends to a device whose cable is out does not come before it is in again.
  @Test func anAnswerWaitsForTheLink() async throws {
    let call = try await TappedCall(TappedCall.links())
    call.call()
    let (exchange, _, _, _) = try await call.live.inputs.request()
    try await call.runner.tell(TappedCall.links(isUp: false, reaches: false))
    call.live.server.reply(exchange, HTTPResponse(204))
    try await Task.sleep(for: .milliseconds(100))
    #expect(call.runner.story == ["connecting", "connected", "sent GET"])
    try await call.runner.tell(TappedCall.links())
    guard case .answered = try await call.inputs.next() else { throw Inputs.Surprise() }
    try await call.end()
  }

  /// A machine that was switched off and on knows nothing of its old connections, and says so to nobody unasked.
  @Test func aConnectionToAnEarlierMachineIsDead() async throws {
    let call = try await TappedCall(TappedCall.links())
    call.call(timeout: .seconds(3))
    _ = try await call.live.inputs.request()
    try await call.runner.tell(TappedCall.links(reaches: false))
    // The machine's end closes its sockets; nobody hears of it.
    await call.live.server.shutDown()
    try await call.runner.tell(TappedCall.links(incarnation: 2))
    guard case .failed(_, let failure) = try await call.inputs.next() else { throw Inputs.Surprise() }
    #expect(failure == .timeout)
    #expect(!call.runner.story.contains("ended peerFinish"))
    try await call.end()
  }

  @Test func aHostThatIsNotThereIsUnreachableAfterThreeSeconds() async throws {
    let call = try await TappedCall(TappedCall.links(reaches: false))
    let began = ContinuousClock.now
    call.call()
    guard case .failed(_, let failure) = try await call.inputs.next() else { throw Inputs.Surprise() }
    #expect(failure == .unreachable)
    #expect(ContinuousClock.now - began >= .seconds(3))
    #expect(call.runner.story.isEmpty)
    try await call.end()
  }

  /// Where a fault may befall a message, nothing leaves before the runner has said so.
  @Test(arguments: [TapVerdict.pass, .drop, .replace(Array("GET /other HTTP/1.1\r\n\r\n".utf8))])
  func whatIsOfferedWaitsForItsVerdict(_ verdict: TapVerdict) async throws {
    var links = TappedCall.links()
    links.asks = true
    let call = try await TappedCall(links)
    call.call()
    try await call.runner.wait { if case .offered(1, _) = $0.content { true } else { false } }
    #expect(call.runner.story == ["connecting", "connected"])
    try call.runner.send(.verdict(1, verdict))
    if verdict == .drop {
      guard case .failed(_, let failure) = try await call.inputs.next() else { throw Inputs.Surprise() }
      #expect(failure == .reset)
      #expect(call.runner.story.contains("ended ownReset"))
    } else {
      let (_, request, _, _) = try await call.live.inputs.request()
      #expect(request.target == (verdict == .pass ? "/x" : "/other"))
    }
    try await call.end()
  }

  @Test func anOfferedDatagramWaitsForItsVerdict() async throws {
    var links = TappedCall.links()
    links.asks = true
    let runner = try FakeRunner(links)
    let tap = try TapChannel(path: runner.path, node: "tv")
    let (own, peer) = (Endpoint(TappedCall.own, 5000), Endpoint(TappedCall.peer, 6000))
    let (verdicts, tell) = AsyncStream<TapVerdict>.makeStream()
    #expect(tap.sendDatagram([1], from: own, to: peer) { tell.yield($0) } == .asked)
    try await runner.wait { if case .datagramOffered = $0.content { true } else { false } }
    guard case .datagramOffered(let number, _, _, _)? = runner.records.last?.content else { throw Inputs.Surprise() }
    try runner.send(.datagramVerdict(number, .twice))
    for await verdict in verdicts {
      #expect(verdict == .twice)
      break
    }
  }

  /// Before the program has heard of it, it acts by it.
  @Test func aLinkIsDownInTheInstant() throws {
    let runner = try FakeRunner(TappedCall.links())
    let tap = try TapChannel(path: runner.path, node: "tv")
    let (own, peer) = (Endpoint(TappedCall.own, 5000), Endpoint(TappedCall.peer, 6000))
    #expect(tap.sendDatagram([1], from: own, to: peer) == .passes)
    try runner.show(TappedCall.links(isUp: false))
    #expect(tap.sendDatagram([2], from: own, to: peer) == .held)
    try runner.show(TappedCall.links())
    #expect(tap.sendDatagram([3], from: own, to: peer) == .passes)
  }

  @Test func datagramsOfStrangersAreNotHeard() throws {
    let runner = try FakeRunner(TappedCall.links())
    let tap = try TapChannel(path: runner.path, node: "tv")
    let (own, group) = (Endpoint(TappedCall.own, 5000), Endpoint(.v4(0xEFFF_05FA), 1900))
    let (peer, stranger) = (Endpoint(TappedCall.peer, 6000), Endpoint(.v4(0x7F00_0009), 6000))
    #expect(tap.receiveDatagram([1], from: peer, to: group, at: TappedCall.own))
    #expect(!tap.receiveDatagram([2], from: stranger, to: group, at: TappedCall.own))
    #expect(tap.sendDatagram([3], from: own, to: group) == .passes)
    #expect(tap.sendDatagram([4], from: own, to: peer) == .passes)
    // It leaves, and arrives nowhere.
    #expect(tap.sendDatagram([5], from: own, to: stranger) == .lost)
  }
}
