import Backends
import JSONText
import LanguageKit
import Messages
import Octets
import Packets
import ScenarioLanguage
import Synchronization
import Testing
import TopologyLanguage
import Trace
import TraceChecker

@testable import Runner

/// Frames of a registration, one by one, past an armed fault.
@Suite struct MessageFaultsTests {
  /// The device's connection to the configurator, and a gate that watches the device's link.
  private struct Line {
    var conversation: TCPSynthesiser
    let faults: MessageFaults
    let told = Told()
    let topology: Topology
    var time: Int64 = 1_000_000_000

    final class Told: Sendable { let list = Mutex<[MessageFaults.Befallen]>([]) }

    init(segmentSize: Int = 1460) throws {
      let topology = try #require(
        TopologyFile.read("small.topology", loader: SourceLoader(files: ["small.topology": smallHome])).topology)
      self.topology = topology
      func end(_ node: String, _ port: UInt16) throws -> LinkEndpoint {
        let interface = try #require(topology.node(named: node)?.interfaces.first)
        return LinkEndpoint(
          hardware: interface.mac, endpoint: Endpoint(try #require(interface.address).address, port))
      }
      conversation = try TCPSynthesiser(
        client: end("tv", 40_000), server: end("cfg", 49_200), maximumSegmentSize: segmentSize)
      let told = told
      faults = MessageFaults(PartyMap(topology)) { befallen in told.list.withLock { $0.append(befallen) } }
    }

    func arm(_ text: String, _ fault: MessageFaults.Fault) throws {
      let (actions, diagnostics) = HandActions.read(text, called: "action", in: topology)
      let action = try #require(actions.first, "\(diagnostics.map { $0.rendered() })")
      faults.arm(7, fault, ArrowTest(try #require(action.trigger), in: topology), text: text)
    }

    /// What becomes of each frame that the device sends; what the configurator sends is seen at its own end.
    mutating func fates(_ frames: [TCPSynthesiser.Frame]) -> [FrameFate] {
      frames.map { frame in
        time += 1_000_000
        let isTV = frame.sender == .client
        return faults.fate(
          of: GatedFrame(
            end: isTV ? 0 : 1, link: isTV ? "tv--sw1.3" : "cfg--sw1.2", node: isTV ? "tv" : "cfg", time: time,
            octets: frame.octets))
      }
    }

    /// A `register` whose body is of some length.
    mutating func register(_ padding: Int = 0) throws -> [TCPSynthesiser.Frame] {
      let id = try #require(topology.node(named: "tv")).id
      let body =
        "{\"agentId\":\"\(id)\",\"reason\":\"new-device\",\"pad\":\"\(String(repeating: "x", count: padding))\"}"
      let text =
        "PUT /agents/\(id) HTTP/1.1\r\nHost: 192.168.10.2:49200\r\nContent-Type: application/json\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
      return conversation.send(Array(text.utf8), from: .client).filter { $0.sender == .client }
    }
  }

  @Test func onlyTheSegmentThatCompletesTheMessageIsDropped() throws {
    var line = try Line(segmentSize: 200)
    try line.arm("at tv -> cfg register do drop", .drop)
    #expect(line.fates(line.conversation.open()) == [.pass, .pass, .pass])
    let frames = try line.register(600)
    #expect(frames.count > 3)
    let fates = line.fates(frames)
    #expect(fates.dropLast().allSatisfy { $0 == .pass })
    guard case .drop(let onward, let back)? = fates.last else { throw Unexpected() }
    let last = try #require(frames.last?.octets)
    try expectReset(onward, sequence: try segment(last).sequence, port: 49_200)
    try expectReset(back, sequence: try segment(last).acknowledgement, port: 40_000)
    // Retransmissions are held back too, and nothing of the connection goes on.
    #expect(line.fates([frames[frames.count - 1]]) == [.drop(onward: [], back: [])])
    #expect(line.told.list.withLock { $0.map(\.number) } == [7])
  }

  @Test func aFaultBefallsOneMessage() throws {
    var line = try Line()
    try line.arm("at tv -> cfg register do corrupt", .corrupt)
    _ = line.fates(line.conversation.open())
    let first = try line.register()
    guard case .replace(let changed)? = line.fates(first).first else { throw Unexpected() }
    let (sent, came) = (try segment(first[0].octets), try segment(changed))
    #expect(came.payload.dropLast() == sent.payload.dropLast())
    #expect(came.payload.last == sent.payload.last.map { $0 ^ 0xFF })
    #expect(try Packet(parsing: changed[...]).checksumsAreValid)
    #expect(line.fates(try line.register()) == [.pass])
  }

  @Test func conditionsSelectTheMessage() throws {
    var line = try Line()
    try line.arm("at tv -> cfg register where reason = \"refresh\" do drop", .drop)
    _ = line.fates(line.conversation.open())
    #expect(line.fates(try line.register()) == [.pass])
    #expect(line.told.list.withLock { $0.isEmpty })
  }

  @Test func whatFollowsOnAHeldSegmentWaitsWithIt() throws {
    var line = try Line()
    try line.arm("at tv -> cfg register do hold 2s", .hold(2_000_000_000))
    _ = line.fates(line.conversation.open())
    let frames = try line.register()
    #expect(line.fates(frames) == [.hold(for: 2_000_000_000)])
    // Its retransmission 1 ms later.
    #expect(line.fates(frames) == [.hold(for: 1_999_000_000)])
    line.time += 2_000_000_000
    #expect(line.fates(frames) == [.pass])
  }

  @Test func anActionHoldsTheMessageUntilItIsDone() throws {
    var line = try Line()
    try line.arm("at tv -> cfg register do crash cfg", .act)
    _ = line.fates(line.conversation.open())
    let frames = try line.register()
    #expect(line.fates(frames) == [.holdUntilReleased(1)])
    #expect(line.fates(frames) == [.holdUntilReleased(1)])
    #expect(line.told.list.withLock { $0.map(\.held) } == [1])
    line.faults.letGo(1)
    #expect(line.fates(frames) == [.pass])
  }

  @Test func damagedFramesPass() throws {
    let line = try Line()
    try line.arm("at tv -> cfg register do drop", .drop)
    for octets in [[], [1, 2, 3], [UInt8](repeating: 0xFF, count: 60), [UInt8](repeating: 0x45, count: 40)] {
      #expect(
        line.faults.fate(of: GatedFrame(end: 0, link: "tv--sw1.3", node: "tv", time: 5, octets: octets)) == .pass)
    }
  }

  private struct Unexpected: Error {}

  private func segment(_ frame: [UInt8]) throws -> TCPSegment {
    guard case .ipv4(_, .tcp(let segment)) = try Packet(parsing: frame[...]).payload else { throw Unexpected() }
    return segment
  }

  private func expectReset(_ frames: [[UInt8]], sequence: UInt32, port: UInt16) throws {
    let reset = try segment(try #require(frames.first))
    #expect(frames.count == 1)
    #expect(reset.flags.contains(.rst))
    #expect(reset.sequence == sequence)
    #expect(reset.destinationPort == port)
    #expect(try Packet(parsing: frames[0][...]).checksumsAreValid)
  }
}
