import Foundation
import LinuxNetwork
import Octets
import Testing
import TopologyLanguage

@testable import Backends

/// Without namespaces no kernel frees anything: what looks after each program has to end it.
@Suite(.enabled(if: !World.isInside))
struct LoopbackKillTests {
  @Test func nothingIsLeftOfAKilledRunner() async throws {
    var random = SystemRandomNumberGenerator()
    var seen = 0
    var round = 0
    // On a busy machine a runner may not get far before it is killed: then more of them.
    while round < Killing.rounds || (seen <= round && round < 10 * Killing.rounds) {
      round += 1
      let folder = try TestFolder()
      let mark = "80" + String(UInt32.random(in: 1_000_000...9_999_999))
      let command = [
        try Files.ownExecutable(), "--testing-library", "swift-testing", "--filter", "KilledLoopbackRunner",
      ]
      let pid = try Killing.start(command, mark, folder: folder.path)
      // Any moment from the first instruction to a home with programs: that is what is to be tried.
      usleep(UInt32.random(in: 0...400_000, using: &random))
      seen += try Processes.withEnvironment("HOMEBED_TEST_MARK=\(mark)")
      Foundation.kill(pid, SIGKILL)
      _ = try Commands.wait(pid)
      try await Killing.gone(mark, "round \(round)")
      let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { !$0.hasPrefix("run") }
      #expect(files == ["output"], "files beside the run folder")
    }
    #expect(seen > round, "the runners never got as far as to leave something")
  }

  @Test func aProgramEndsWithAllItsDescendants() async throws {
    let folder = try TestFolder()
    let mark = "81" + String(UInt32.random(in: 1_000_000...9_999_999))
    let home = try LoopbackHome(
      topology: Homes.topology(Homes.gateway), folder: folder.path, operatorOn: nil, launcher: .find())
    try home.up()
    let program = try home.start(KilledLoopbackRunner.program("tv", mark, in: home))
    // The line says that the descendants are there.
    for await line in program.lines where line == "ready" { break }
    #expect(try Processes.withEnvironment("HOMEBED_TEST_MARK=\(mark)") >= 3)
    #expect(await program.crash() == .killed(signal: SIGKILL))
    #expect(try Processes.withEnvironment("HOMEBED_TEST_MARK=\(mark)") == 0)
    await home.down()
  }

  /// While a program of a home is left, nobody else gets its addresses.
  @Test func addressesAreFreeWhenTheLastProgramIsGone() async throws {
    let folder = try TestFolder()
    let home = try LoopbackHome(
      topology: Homes.topology(Homes.gateway), folder: folder.path, operatorOn: nil, launcher: .find())
    try home.up()
    let number = try #require(home.state.withLock { $0.running?.addresses.number })
    #expect(try UnixSocket.claim("homebed-127.\(number)") == nil)
    await home.down()
    #expect(try UnixSocket.claim("homebed-127.\(number)") != nil)
  }

  @Test func whenAllNumbersAreTakenThatIsAnError() throws {
    // By other names than those of real homes, which are not to be disturbed.
    let names = "homebed-test-\(UUID())-"
    let topology = try Homes.topology(Homes.gateway)
    var held: [LoopbackAddresses] = []
    for _ in LoopbackAddresses.numbers { held.append(try LoopbackAddresses(topology, names: names)) }
    #expect(Set(held.map(\.number)).count == LoopbackAddresses.numbers.count)
    let error = #expect(throws: BackendError.self) { try LoopbackAddresses(topology, names: names) }
    #expect(error?.description == "no network 127.A.0.0/16 is left: 254 homes are on loopback already")
    withExtendedLifetime(held) {}
  }
}

/// The runner that is killed: it makes a home with programs and waits.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["HOMEBED_TEST_MARK"] != nil, "LoopbackKillTests kills it"))
struct KilledLoopbackRunner {
  @Test func makesAHomeAndWaits() async throws {
    let mark = ProcessInfo.processInfo.environment["HOMEBED_TEST_MARK"] ?? ""
    let home = try LoopbackHome(
      topology: Homes.topology(Homes.gateway), folder: NSTemporaryDirectory() + "/run", operatorOn: "internet",
      launcher: .find())
    try home.up()
    for node in ["tv", "hg", "server", "pc", "operator"] {
      try home.setPower(.on, of: node)
      _ = try home.start(Self.program(node, mark, in: home))
    }
    try await Task.sleep(for: .seconds(600))
  }

  /// A program that starts another in a session of its own, and that no polite signal ends.
  static func program(_ node: String, _ mark: String, in home: LoopbackHome) -> NodeProgram {
    NodeProgram(
      node: node, executable: "sh",
      arguments: ["-c", "(setsid sleep 600 &) ; trap '' TERM; sleep 600 & echo ready; sleep 600; sleep 600"],
      environment: ["HOMEBED_TEST_MARK": mark], stateFolder: home.folder + "/\(node)",
      logFile: home.folder + "/\(node).log")
  }
}
