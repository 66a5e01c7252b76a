import ArgumentParser
import Backends
import Glibc
import LanguageKit
import Octets
import Runner
import TopologyLanguage
import Trace
import TraceChecker

/// What `make bench` measures from inside: parts that no command of homebed shows alone.
@main
struct HomebedBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "homebed-bench", abstract: "Parts of homebed, measured alone.",
    subcommands: [Home.self, JudgeEvents.self, DecodePackets.self])
}

/// A home of four hosts at one switch: up, one ping, down.
struct Home: AsyncParsableCommand {
  static let topology = """
    topology four-hosts
    network lan 192.168.10.0/24
    host a on lan address 192.168.10.2
    host b on lan address 192.168.10.3
    host c on lan address 192.168.10.4
    host d on lan address 192.168.10.5
    """

  func run() async throws {
    let loader = SourceLoader(files: ["four-hosts.topology": Home.topology + "\n"])
    guard let topology = TopologyFile.read("four-hosts.topology", loader: loader).topology else { throw ExitCode(3) }
    let folder = try Files.temporaryFolder("homebed-bench")
    let home = try NamespaceHome(
      topology: topology, folder: folder, operatorOn: nil, launcher: try Launcher.find(), recording: .nothing)
    try home.up()
    for node in topology.nodes { try home.setPower(.on, of: node.name) }
    guard let address = IPAddress("192.168.10.5"), try home.ping(from: "a", to: address, within: .seconds(2)) else {
      throw ExitCode(1)
    }
    await home.down()
    try Files.remove(folder)
  }
}

/// Events judged by a scenario, all but a few of them background or repeats.
struct JudgeEvents: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "judge")

  @Argument(help: "How many events.")
  var count: Int

  func run() throws {
    for traffic in SyntheticTrace.Traffic.allCases {
      let trace = SyntheticTrace(traffic, events: count)
      let clock = ContinuousClock()
      let start = clock.now
      let judgement = trace.judge()
      let seconds = start.duration(to: clock.now) / .seconds(1)
      let rounded = (seconds * 100).rounded() / 100
      print("  \(count) events, \(traffic.rawValue): \(rounded) s (\(judgement.verdict.rawValue)); goal: at most 2 s")
    }
  }
}

/// Frames of a capture turned into messages, again and again.
struct DecodePackets: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "decode")

  @Argument(help: "A capture to read again and again.")
  var capture: String

  @Option(help: "How many times.")
  var times = 200

  func run() throws {
    let octets = try Files.read(capture)
    let clock = ContinuousClock()
    let start = clock.now
    var frames = 0
    var events = 0
    for _ in 0..<times {
      var decoding = CaptureDecoding()
      let items = try decoding.feed(octets) + decoding.finish()
      events += items.count { if case .event = $0 { true } else { false } }
      frames += decoding.frameCount
    }
    let seconds = start.duration(to: clock.now) / .seconds(1)
    print("  \(frames) frames, \(events) messages in \((seconds * 100).rounded() / 100) s")
  }
}
