import Foundation
import LinuxNetwork
import Octets
import Testing
import TopologyLanguage

@testable import Backends

/// Programs inside nodes.
@Suite(.enabled(if: World.isInside, "OutsideTests runs it in a world"))
struct ProgramInsideTests {
  func shell(
    _ home: NamespaceHome, _ node: String, _ script: String, environment: [String: String] = [:]
  ) throws -> RunningProgram {
    try home.start(
      NodeProgram(
        node: node, executable: "sh", arguments: ["-c", script], environment: environment,
        stateFolder: home.folder + "/state-" + node, logFile: home.folder + "/\(node).log"))
  }

  @Test func outputComesByLinesAndTheStatusIsPassedOn() async throws {
    try await NamespaceHome.with(Homes.four) { home in
      let program = try shell(
        home, "a", "echo ready; echo wrong >&2; printf \"$WORD\"; exit 3", environment: ["WORD": "end"])
      var lines: [String] = []
      for await line in program.lines { lines.append(line) }
      #expect(lines == ["ready", "end"])
      #expect(await program.end() == .exited(3))
      #expect(program.ended == .exited(3))
      let log = try String(contentsOfFile: program.logFile, encoding: .utf8)
      #expect(log.contains("wrong\n"))
      #expect(log.contains("ready\n"))
    }
  }

  @Test func aNodeHasItsOwnNetworkRunAndResolver() async throws {
    try await NamespaceHome.with(Homes.four) { home in
      let program = try shell(
        home, "b", "echo $$; ls /run; cat /etc/resolv.conf; ls /sys/class/net; ls -d \"$STATE\"",
        environment: ["STATE": home.folder + "/state-b"])
      var lines: [String] = []
      for await line in program.lines { lines.append(line) }
      #expect(lines == ["2", "# no name service here", "eth0", "lo", home.folder + "/state-b"])
    }
  }

  @Test func aCommandThatDoesNotExistEndsWith127() async throws {
    try await NamespaceHome.with(Homes.four) { home in
      let program = try home.start(
        NodeProgram(node: "a", executable: "/nonexistent", logFile: home.folder + "/a.log"))
      #expect(await program.end() == .exited(127))
      let log = try String(contentsOfFile: program.logFile, encoding: .utf8)
      #expect(log == "homebed-launcher: cannot run /nonexistent: No such file or directory\n")
    }
  }

  @Test func termIsPassedOnAndWhoIgnoresItIsEnded() async throws {
    try await NamespaceHome.with(Homes.four) { home in
      let polite = try shell(home, "a", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done")
      for await line in polite.lines where line == "ready" { break }
      #expect(await polite.terminate(grace: .seconds(20)) == .exited(0))
      let stubborn = try shell(home, "b", "trap '' TERM; echo ready; while :; do sleep 1; done")
      for await line in stubborn.lines where line == "ready" { break }
      #expect(await stubborn.terminate(grace: .milliseconds(50)) == .killed(signal: 9))
    }
  }

  @Test func aCrashLeavesNoDescendant() async throws {
    try await NamespaceHome.with(Homes.four) { home in
      let mark = "77" + String(UInt32.random(in: 1000...9_999_999))
      let program = try shell(home, "a", "setsid sleep \(mark) & echo ready; sleep \(mark)")
      for await line in program.lines where line == "ready" { break }
      #expect(try Processes.withArgument(mark) > 0)
      #expect(await program.crash() == .killed(signal: 9))
      #expect(try Processes.withArgument(mark) == 0)
      #expect(await program.crash() == .killed(signal: 9))
    }
  }

  @Test func downEndsEveryProgram() async throws {
    let mark = "78" + String(UInt32.random(in: 1000...9_999_999))
    try await NamespaceHome.with(Homes.four) { home in
      _ = try shell(home, "a", "sleep \(mark)")
      _ = try shell(home, "b", "setsid sleep \(mark) & sleep \(mark)")
    }
    #expect(try Processes.withArgument(mark) == 0)
  }

  @Test func aGatewayMasqueradesWhatLeavesTheHome() async throws {
    let gateway = try Launcher.find().path.replacing("homebed-launcher", with: "home-gateway")
    try await NamespaceHome.with(Homes.gateway) { home in
      try home.power("server", "hg", "tv")
      let program = try home.start(
        NodeProgram(
          node: "hg", executable: gateway, arguments: ["--outside", "eth0", "--inside", "eth1"],
          logFile: home.folder + "/hg.log"))
      var lines = program.lines.makeAsyncIterator()
      let first = await lines.next()
      #expect(first == "ready", "\((try? String(contentsOfFile: program.logFile, encoding: .utf8)) ?? "")")
      guard first == "ready" else { return }

      let server = try TCPEcho(in: home.namespace(of: "server"), port: 80)
      let endpoint = try #require(Endpoint("198.51.100.10:80"))
      let answer = try await home.exchange(
        from: "tv", with: endpoint, sending: Array("hello".utf8), within: .seconds(10)
      ) { $0.count >= 5 }
      #expect(String(decoding: answer, as: UTF8.self) == "hello")
      // The server saw the gateway's address.
      #expect(server.lastPeer == IPAddress("198.51.100.1"))

      // Nothing gets in from outside unasked, and the way out can be cut.
      #expect(try home.reaches("tv", "198.51.100.10"))
      try home.setOutside(.out, of: "hg")
      #expect(try !home.reaches("tv", "198.51.100.10", within: .milliseconds(50)))
      #expect(try home.reaches("tv", "192.168.10.1"))
      try home.setOutside(.in, of: "hg")
      #expect(try home.reaches("tv", "198.51.100.10"))
      #expect(await program.terminate(grace: .seconds(20)) == .exited(0))
    }
  }

  @Test func datagramsAndFramesLeaveFromTheirNode() async throws {
    let items = try await NamespaceHome.with(Homes.four) { home in
      try home.power("a", "b")
      let group = try #require(Endpoint("239.255.255.250:1900"))
      try home.sendDatagram(from: "a", port: 0, to: group, Array("M-SEARCH * HTTP/1.1\r\n\r\n".utf8))
      let frame: [UInt8] =
        Array(repeating: 0xFF, count: 6) + [2, 0, 0, 0, 0, 1, 0x88, 0xB5] + Array("12345678901234567890123".utf8)
      try home.sendFrame(from: "b", interface: 0, frame)
      _ = try await home.capture.end()
      return try CaptureText.read(try home.capture.path)
    }
    #expect(items.contains("a--sw.2 a inbound udp"))
    #expect(items.contains("b--sw.3 b inbound other"))
  }
}

enum Processes {
  /// How many processes have an argument.
  static func withArgument(_ argument: String) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.filter { pid in
      let octets = (try? Files.read("/proc/\(pid)/cmdline")) ?? []
      return octets.split(separator: 0).contains { $0.elementsEqual(argument.utf8) }
    }.count
  }
}
