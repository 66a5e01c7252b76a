import LinuxNetwork
import Octets
import Synchronization
import Testing
import TopologyLanguage

@testable import Backends

/// The user-space wire in a real home.
extension InsideTests {
  private static let slow = Homes.gateway.replacing("link tv -- sw1.3", with: "link tv -- sw1.3 delay 30ms")

  /// How long an echo takes there and back.
  private func roundTrip(_ home: NamespaceHome, _ node: String, _ address: String) throws -> Duration {
    let before = ContinuousClock.now
    #expect(try home.reaches(node, address, within: .seconds(20)))
    return ContinuousClock.now - before
  }

  /// Whether an echo can be that fast: a busy machine makes single ones late, never early.
  private func isFast(_ home: NamespaceHome, _ node: String, _ address: String, limit: Duration) throws -> Bool {
    for _ in 0..<500 where try roundTrip(home, node, address) < limit { return true }
    return false
  }

  @Test func aDelayedLinkDelaysBothWays() async throws {
    try await NamespaceHome.with(Self.slow) { home in
      try home.power("tv", "pc", "hg")
      #expect(try isFast(home, "pc", "192.168.10.1", limit: .milliseconds(25)))
      #expect(try roundTrip(home, "tv", "192.168.10.22") >= .milliseconds(60))
      try home.degrade("tv--sw1.3", by: [LinkQuality(kind: .delay(5_000_000), towards: "tv")])
      #expect(try roundTrip(home, "tv", "192.168.10.22") >= .milliseconds(35))
      try home.heal(link: "tv--sw1.3")
      #expect(try roundTrip(home, "tv", "192.168.10.22") >= .milliseconds(60))
    }
  }

  @Test(arguments: ["tv--sw1.3", "sw1.8--sw2.8", "hg.lan--sw1.1"])
  func everyKindOfLinkCanBeWiredBrokenAndMended(_ link: String) async throws {
    let far = link == "hg.lan--sw1.1" ? "192.168.10.1" : "192.168.10.22"
    let items = try await NamespaceHome.with(Homes.gateway, wiring: Wiring(links: [link])) { home in
      try home.power("tv", "pc", "hg")
      #expect(try home.reaches("tv", far, within: .seconds(20)))
      try home.degrade(link, by: [LinkQuality(kind: .loss(1), towards: nil)])
      #expect(try !home.reaches("tv", far, within: .milliseconds(50)))
      try home.heal(link: link)
      #expect(try home.reaches("tv", far, within: .seconds(20)))
      // The carrier goes and comes as on any other link.
      try home.setPlugs(.out, ofLink: link)
      #expect(try !home.reaches("tv", far, within: .milliseconds(50)))
      try home.setPlugs(.in, ofLink: link)
      #expect(try home.reaches("tv", far, within: .seconds(20)))
      let last = try await home.capture.end()
      #expect(last.dropped == 0)
      return try CaptureText.read(try home.capture.path)
    }
    // What was lost on the link was sent all the same.
    #expect(items.filter { $0 == "tv--sw1.3 tv inbound icmp 8" }.count >= 4)
    #expect(items.filter { $0.hasSuffix("tv outbound icmp 0") }.count >= 3)
  }

  @Test func aWiredNodeCanMove() async throws {
    try await NamespaceHome.with(Self.slow) { home in
      try home.power("tv", "pc")
      #expect(try home.reaches("tv", "192.168.10.22", within: .seconds(20)))
      try home.move("tv", to: "sw2", newLink: "tv--sw2.4")
      // Another cable, without the delay.
      #expect(try isFast(home, "tv", "192.168.10.22", limit: .milliseconds(25)))
    }
  }

  @Test func aLinkThatIsNotWiredCannotBeMadeWorse() async throws {
    try await NamespaceHome.with(Homes.gateway) { home in
      #expect(throws: BackendError("the link tv--sw1.3 does not pass through the wire")) {
        try home.degrade("tv--sw1.3", by: [LinkQuality(kind: .loss(1), towards: nil)])
      }
      #expect(throws: BackendError("there is no link tv--sw9.9")) { try home.heal(link: "tv--sw9.9") }
    }
  }

  /// Does to every echo request what it is told.
  private final class EchoGate: FrameGate {
    let fate: Mutex<FrameFate>
    let seen = Mutex<[String]>([])
    init(_ fate: FrameFate) { self.fate = Mutex(fate) }

    func fate(of frame: GatedFrame) -> FrameFate {
      // IPv4, ICMP, echo request (RFC 792).
      guard frame.octets.count > 34, frame.octets[12] == 8, frame.octets[23] == 1, frame.octets[34] == 8 else {
        return .pass
      }
      seen.withLock { $0.append("\(frame.node) \(frame.link)") }
      return fate.withLock { $0 }
    }
  }

  @Test func theGateDecidesOnFramesOfNodes() async throws {
    let gate = EchoGate(.drop(onward: [], back: []))
    let items = try await NamespaceHome.with(Homes.gateway, wiring: Wiring(links: nil, gate: gate)) { home in
      try home.power("tv", "pc")
      #expect(try !home.reaches("tv", "192.168.10.22", within: .milliseconds(50)))
      gate.fate.withLock { $0 = .hold(for: 40_000_000) }
      let before = ContinuousClock.now
      #expect(try home.reaches("tv", "192.168.10.22", within: .seconds(20)))
      #expect(ContinuousClock.now - before >= .milliseconds(40))
      gate.fate.withLock { $0 = .holdUntilReleased(1) }
      #expect(try !home.reaches("tv", "192.168.10.22", within: .milliseconds(50)))
      // The sender dies; what was held left it before, and arrives.
      try home.setPower(.off, of: "tv")
      try home.release(held: 1)
      gate.fate.withLock { $0 = .twice }
      try home.power("tv")
      #expect(try home.reaches("tv", "192.168.10.22", within: .seconds(20)))
      _ = try await home.capture.end()
      return try CaptureText.read(try home.capture.path)
    }
    let sent = items.filter { $0 == "tv--sw1.3 tv inbound icmp 8" }.count
    let came = items.filter { $0 == "pc--sw2.1 pc outbound icmp 8" }.count
    #expect(sent == 4)
    // The first was dropped, the second and third were held, and of the last copies of copies came.
    #expect(came >= 3)
    #expect(gate.seen.withLock { $0.contains("tv tv--sw1.3") })
  }
}
