import Foundation
import LinuxNetwork
import Octets
import Testing
import TopologyLanguage

@testable import Backends

/// Whether this process runs inside a world, and how to get there.
enum World {
  static let variable = "HOMEBED_TEST_WORLD"
  static let isInside = ProcessInfo.processInfo.environment[variable] == "inside"
  static let outside: Availability = {
    do { return try Launcher.find().probe() } catch { return .unavailable("\(error)") }
  }()

  /// Runs tests of this program in a world: the ones whose suite is enabled inside only.
  static func command(_ filter: String) throws -> [String] {
    let own = try Files.ownExecutable()
    return try Launcher.find().world([own, "--testing-library", "swift-testing", "--filter", filter])
  }
}

/// Namespaces need privileges that a test process lacks, so these run this program once more, inside a world.
@Suite(.enabled(if: !World.isInside))
struct OutsideTests {
  @Test(.enabled(if: World.outside == .available, "\(World.outside)"))
  func whatNeedsNamespacesPassesInAWorld() throws {
    let command = try World.command("InsideTests")
    let log = NSTemporaryDirectory() + "/homebed-test-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: log) }
    let output = try Files.open(log, 0o102)  // O_RDWR | O_CREAT
    let environment = Commands.ownEnvironment() + ["\(World.variable)=inside", "SWIFT_BACKTRACE=enable=no"]
    let pid = try Commands.spawn(
      command[0], Array(command.dropFirst()), environment: environment, output: output, errors: output)
    let status = try Commands.wait(pid)
    let text = try String(contentsOfFile: log, encoding: .utf8)
    #expect(status == 0, "\(text)")
    // A filter that meets no test would pass as well.
    #expect(text.contains("aPingCrossesTheSwitch"), "\(text)")
  }

  @Test(.enabled(if: World.outside == .available, "\(World.outside)"))
  func aCommandThatCannotRunIsTold() throws {
    let path = try Launcher.find().path
    let missing = try Commands.run(path, ["world", "--", "/nonexistent/command"])
    #expect(missing.status == 127)
    #expect(missing.errors == "homebed-launcher: cannot run /nonexistent/command: No such file or directory\n")
    let refused = try Commands.run(path, ["world", "--", "/etc/passwd"])
    #expect(refused.status == 126)
    #expect(refused.errors == "homebed-launcher: cannot run /etc/passwd: Permission denied\n")
  }

  @Test(.enabled(if: World.outside == .available, "\(World.outside)"))
  func theCommandsStatusIsPassedOn() throws {
    let path = try Launcher.find().path
    #expect(try Commands.run(path, ["world", "--", "sh", "-c", "exit 42"]).status == 42)
    #expect(try Commands.run(path, ["world", "--", "sh", "-c", "kill -9 $$"]).status == 137)
  }

  @Test func wrongUsageShowsTheUsage() throws {
    let path = try Launcher.find().path
    for arguments in [[], ["word"], ["world"], ["world", "--"], ["node", "--", "true"], ["node", "--netns"]] {
      let result = try Commands.run(path, arguments)
      #expect(result.status == 2)
      #expect(result.errors.contains("usage: homebed-launcher"))
    }
  }
}

@Suite(.enabled(if: World.isInside, "OutsideTests runs it in a world"))
struct InsideTests {
  @Test func aPingCrossesTheSwitch() async throws {
    try await NamespaceHome.with(Homes.four) { home in
      try home.power("a", "b")
      #expect(try home.reaches("a", "192.168.10.12"))
      #expect(try !home.reaches("a", "192.168.10.13", within: .milliseconds(50)))
    }
  }

  @Test func framesStandInTheCaptureOncePerTap() async throws {
    let items = try await NamespaceHome.with(Homes.four) { home in
      try home.power("a", "b")
      let before = WallClock.now()
      try home.capture.note("before", at: before)
      #expect(try home.reaches("a", "192.168.10.12"))
      try home.capture.note("after", at: nil)
      let last = try await home.capture.end()
      #expect(last.dropped == 0)
      #expect(last.failure == nil)
      return try CaptureText.read(try home.capture.path)
    }
    // The unlearned ARP request goes to everybody with carrier, the rest between the two.
    #expect(items.first == "note before")
    #expect(items.last == "note after")
    let frames = Set(items)
    #expect(frames.contains("a--sw.2 a inbound icmp 8"))
    #expect(frames.contains("b--sw.3 b outbound icmp 8"))
    #expect(frames.contains("b--sw.3 b inbound icmp 0"))
    #expect(frames.contains("a--sw.2 a outbound icmp 0"))
    #expect(items.filter { $0.hasSuffix("icmp 8") }.count == 2)
    #expect(items.filter { $0.hasSuffix("icmp 0") }.count == 2)
  }

  @Test func aLinkBetweenSwitchesIsSeenAtBothEnds() async throws {
    let items = try await NamespaceHome.with(Homes.gateway) { home in
      try home.power("tv", "pc")
      #expect(try home.reaches("tv", "192.168.10.22"))
      _ = try await home.capture.end()
      return try CaptureText.read(try home.capture.path)
    }
    let request = items.filter { $0.hasSuffix("icmp 8") }
    #expect(
      request == [
        "tv--sw1.3 tv inbound icmp 8", "sw1.8--sw2.8 sw1 inbound icmp 8", "sw1.8--sw2.8 sw2 outbound icmp 8",
        "pc--sw2.1 pc outbound icmp 8",
      ])
  }

  @Test func powerAndPlugsTakeTheCarrier() async throws {
    try await NamespaceHome.with(Homes.four) { home in
      try home.power("a", "b")
      #expect(try home.reaches("a", "192.168.10.12"))
      func isUp(_ node: String) throws -> Bool {
        let route = try RouteSocket(in: home.namespace(of: node))
        do {
          try route.awaitCarrier(.up, of: 2, within: .zero)
          return true
        } catch { return false }
      }
      #expect(try isUp("b"))
      try home.setPlugs(.out, of: "b")
      #expect(try !isUp("b"))
      #expect(try !home.reaches("a", "192.168.10.12", within: .milliseconds(50)))
      try home.setPlugs(.in, ofLink: "b--sw.3")
      #expect(try home.reaches("a", "192.168.10.12"))
      try home.setPower(.off, of: "sw")
      #expect(try !isUp("a"))
      try home.setPower(.on, of: "sw")
      #expect(try home.reaches("a", "192.168.10.12"))
      #expect(throws: BackendError("there is no link a--sw.7")) { try home.setPlugs(.out, ofLink: "a--sw.7") }
      #expect(throws: BackendError("there is no node nobody")) { try home.setPower(.on, of: "nobody") }
    }
  }

  @Test func aMovedNodeIsReachedAtItsNewPort() async throws {
    let items = try await NamespaceHome.with(Homes.gateway) { home in
      try home.power("tv", "pc")
      #expect(try home.reaches("tv", "192.168.10.22"))
      try home.move("tv", to: "sw2", newLink: "tv--sw2.4")
      #expect(try home.reaches("tv", "192.168.10.22"))
      _ = try await home.capture.end()
      return try CaptureText.read(try home.capture.path)
    }
    let sent = items.filter { $0.hasSuffix("tv inbound icmp 8") }
    #expect(sent == ["tv--sw1.3 tv inbound icmp 8", "tv--sw2.4 tv inbound icmp 8"])
    #expect(items.filter { $0.hasPrefix("sw1.8--sw2.8 sw1 inbound icmp 8") }.count == 1)
  }

  @Test func anAddressCanBeChanged() async throws {
    try await NamespaceHome.with(Homes.gateway) { home in
      try home.power("tv", "pc", "hg")
      try home.setAddress(CIDR("192.168.10.99/24"), gateway: nil, of: "tv", interface: 0)
      #expect(try home.reaches("pc", "192.168.10.99"))
      #expect(try !home.reaches("pc", "192.168.10.21", within: .milliseconds(50)))
      // The default route is still there: the gateway's far side answers.
      #expect(try home.reaches("tv", "198.51.100.1"))
      #expect(try home.interfaces(of: "tv").map(\.address) == [CIDR("192.168.10.99/24")])
    }
  }

  @Test func aHubFloodsWhatASwitchDoesNot() async throws {
    for (kind, isSeen) in [("switch", false), ("hub", true)] {
      let items = try await NamespaceHome.with(Homes.four.replacing("switch sw", with: kind + " sw")) { home in
        try home.power("a", "b", "c")
        #expect(try home.reaches("a", "192.168.10.12"))
        _ = try await home.capture.end()
        return try CaptureText.read(try home.capture.path)
      }
      #expect(items.contains { $0.hasPrefix("c--sw.4 c outbound icmp") } == isSeen)
    }
  }

  @Test func homesWithTheSameAddressesDoNotMeet() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<8 {
        group.addTask {
          try await NamespaceHome.with(Homes.four) { home in
            try home.power("a")
            if number % 2 == 0 { try home.power("b") }
            let limit: Duration = number % 2 == 0 ? .seconds(5) : .milliseconds(50)
            #expect(try home.reaches("a", "192.168.10.12", within: limit) == (number % 2 == 0))
          }
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func aFullDiskIsTold() async throws {
    let (world, _) = try NetworkNamespace.make([.withoutIPv6])
    let capture = try Capture(world: world, taps: [], path: "/dev/full")
    let last = await capture.end()
    #expect(last.octets == 0)
    let words = "cannot write the capture: No space left on device; hint: the disk is full"
    #expect(last.failure?.hasPrefix(words) == true, "\(last.failure ?? "no failure")")
  }

  @Test func reachTellsEvenWhenNothingHappens() async throws {
    let (world, _) = try NetworkNamespace.make([.withoutIPv6])
    let folder = try TestFolder()
    let capture = try Capture(world: world, taps: [], path: folder.path + "/c.pcapng")
    let target = WallClock.now() + 5_000_000
    capture.reach(target)
    for await progress in capture.progress where progress.completeUntil >= target { break }
    #expect(WallClock.now() > target)
    let last = await capture.end()
    #expect(last.completeUntil >= target)
    let again = await capture.end()
    #expect(again == last)
  }

  @Test func lostFramesAreCounted() async throws {
    let (namespace, route) = try NetworkNamespace.make([.withoutIPv6])
    try route.perform([
      .makeVeth(
        near: .init(name: "n", index: 20_000, mac: nil, state: .down),
        far: .init(name: "f", index: 20_001, mac: nil, state: .down), in: nil),
      .set(index: 20_000, .up), .set(index: 20_001, .up),
    ])
    try route.awaitCarrier(.up, of: 20_000)
    var ring = try PacketRing(in: namespace, firstInterface: 20_000, octets: 2 * 131_072, retireAfter: 1)
    let frame = [UInt8](repeating: 0xFF, count: 12) + [0x88, 0xB5] + [UInt8](repeating: 0, count: 1400)
    for _ in 0..<1000 { try InternetSocket.sendFrame(frame, in: namespace, index: 20_000) }
    let (_, dropped) = ring.counts()
    #expect(dropped > 0)
    var kept = 0
    ring.drain { _ in kept += 1 }
    #expect(kept > 0)
    #expect(kept < 2000)
  }
}
