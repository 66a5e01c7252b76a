import Foundation
import LinuxNetwork
import Testing

@testable import Backends

/// Whatever kills the runner, nothing is left behind.
@Suite(.enabled(if: !World.isInside && World.outside == .available, "\(World.outside)"))
struct KillTests {
  /// Who is killed: the launcher that a person started, its init, or the runner itself.
  enum Victim: CaseIterable { case launcher, firstChild, runner }

  @Test func nothingIsLeftOfAKilledRunner() async throws {
    var random = SystemRandomNumberGenerator()
    let interfaces = try names(ofInterfaces: ())
    let mounts = try Files.read("/proc/self/mountinfo").count
    var seen = 0
    for round in 0..<Killing.rounds {
      let folder = try TestFolder()
      let mark = "79" + String(UInt32.random(in: 1_000_000...9_999_999))
      let victim = Victim.allCases[round % Victim.allCases.count]
      let pid = try Killing.start(World.command("KilledRunner"), mark, folder: folder.path)
      // Any moment from the first instruction to a home with programs: that is what is to be tried.
      usleep(UInt32.random(in: 0...400_000, using: &random))
      seen += try Processes.withEnvironment("HOMEBED_TEST_MARK=\(mark)")
      try kill(victim, below: pid)
      _ = try Commands.wait(pid)
      try await Killing.gone(mark, "round \(round): the \(victim) killed")
      #expect(try names(ofInterfaces: ()) == interfaces)
      #expect(try Files.read("/proc/self/mountinfo").count == mounts)
      let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { !$0.hasPrefix("run") }
      #expect(files == ["output"], "files beside the run folder")
    }
    #expect(seen > Killing.rounds, "the runners never got as far as to leave something")
  }

  /// Kills a process of the chain launcher, init, runner; one that is not there yet stands for its parent.
  private func kill(_ victim: Victim, below pid: pid_t) throws {
    var target = pid
    for _ in 0..<(Victim.allCases.firstIndex(of: victim) ?? 0) { target = child(of: target) ?? target }
    Foundation.kill(target, SIGKILL)
  }

  private func child(of pid: pid_t) -> pid_t? {
    let octets = (try? Files.read("/proc/\(pid)/task/\(pid)/children")) ?? []
    return String(decoding: octets, as: UTF8.self).split(separator: " ").first.flatMap { pid_t($0) }
  }

  private func names(ofInterfaces: Void) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "/sys/class/net").sorted()
  }
}

enum Killing {
  /// How often a runner is killed: ten times here, a hundred times and more with HOMEBED_KILL_ROUNDS=100.
  static let rounds = ProcessInfo.processInfo.environment["HOMEBED_KILL_ROUNDS"].flatMap(Int.init) ?? 10

  /// Starts a runner whose descendants carry the mark.
  static func start(_ command: [String], _ mark: String, folder: String) throws -> pid_t {
    try FileManager.default.createDirectory(atPath: folder + "/run", withIntermediateDirectories: true)
    let output = try Files.open(folder + "/output", 0o102)
    let environment =
      Commands.ownEnvironment().filter { !$0.hasPrefix("TMPDIR=") }
      + ["TMPDIR=\(folder)", "\(World.variable)=inside", "HOMEBED_TEST_MARK=\(mark)", "SWIFT_BACKTRACE=enable=no"]
    return try Commands.spawn(
      command[0], Array(command.dropFirst()), environment: environment, output: output, errors: output)
  }

  /// The descendants end in their own time; ten seconds mean never.
  static func gone(_ mark: String, _ words: String) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    var left = try Processes.withEnvironment("HOMEBED_TEST_MARK=\(mark)")
    while left > 0, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(5))
      left = try Processes.withEnvironment("HOMEBED_TEST_MARK=\(mark)")
    }
    #expect(left == 0, "\(words): \(left) processes are left")
  }
}

/// The runner that is killed: it makes a home with programs and waits.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["HOMEBED_TEST_MARK"] != nil, "KillTests runs and kills it"))
struct KilledRunner {
  @Test func makesAHomeAndWaits() async throws {
    let mark = ProcessInfo.processInfo.environment["HOMEBED_TEST_MARK"] ?? ""
    let home = try NamespaceHome(
      topology: Homes.topology(Homes.gateway), folder: NSTemporaryDirectory() + "/run", operatorOn: "internet",
      launcher: .find())
    try home.up()
    for node in ["tv", "hg", "server", "pc", "operator"] {
      try home.setPower(.on, of: node)
      _ = try home.start(
        NodeProgram(
          node: node, executable: "sh", arguments: ["-c", "setsid sleep 600 & trap '' TERM; sleep 600; sleep 600"],
          environment: ["HOMEBED_TEST_MARK": mark], stateFolder: home.folder + "/\(node)",
          logFile: home.folder + "/\(node).log"))
    }
    try await Task.sleep(for: .seconds(600))
  }
}

extension Processes {
  /// How many processes of this user have a variable in their environment.
  static func withEnvironment(_ entry: String) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.filter { pid in
      let octets = (try? Files.read("/proc/\(pid)/environ")) ?? []
      return octets.split(separator: 0).contains { $0.elementsEqual(entry.utf8) }
    }.count
  }
}
