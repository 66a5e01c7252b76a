import Backends
import Glibc
import LanguageKit
import Octets
import Runner
import TopologyLanguage
import Trace
import TraceChecker

/// What `make bench` measures from inside: parts that no command of homebed shows alone.
///
/// Arguments are read by hand: what is timed as a whole process shall not carry a parser of flags.
@main
enum HomebedBench {
  static let usage = """
    usage: homebed-bench home               a home of four hosts: up, one ping, down
           homebed-bench judge COUNT        so many events judged by a scenario
           homebed-bench decode CAPTURE     a capture turned into messages, 200 times
    """

  static func main() async {
    let arguments = CommandLine.arguments.dropFirst()
    do {
      switch (arguments.first, arguments.dropFirst().first) {
      case ("home", nil): try await FourHosts.run()
      case ("judge", let count?): try judge(Int(count) ?? 1_000_000)
      case ("decode", let capture?): try decode(capture, times: 200)
      default:
        print(usage)
        exit(2)
      }
    } catch {
      print("error: \(error)")
      exit(1)
    }
  }
}

/// What a measurement needs and did not get.
struct BenchError: Error, CustomStringConvertible {
  var description: String
}

/// A home of four hosts at one switch: up, one ping, down.
enum FourHosts {
  static let topology = """
    topology four-hosts
    network lan 192.168.10.0/24
    host a on lan address 192.168.10.2
    host b on lan address 192.168.10.3
    host c on lan address 192.168.10.4
    host d on lan address 192.168.10.5
    """

  static func run() async throws {
    let loader = SourceLoader(files: ["four-hosts.topology": topology + "\n"])
    guard let home = TopologyFile.read("four-hosts.topology", loader: loader).topology else {
      throw BenchError(description: "the topology is not in order")
    }
    let folder = try Files.temporaryFolder("homebed-bench")
    let running = try NamespaceHome(
      topology: home, folder: folder, operatorOn: nil, launcher: try Launcher.find(), recording: .nothing)
    try running.up()
    for node in home.nodes { try running.setPower(.on, of: node.name) }
    guard let address = IPAddress("192.168.10.5"), try running.ping(from: "a", to: address, within: .seconds(2)) else {
      throw BenchError(description: "the ping was not answered")
    }
    await running.down()
    try Files.remove(folder)
  }
}

extension HomebedBench {
  /// Events judged by a scenario, all but a few of them background, repeats, or passed over.
  static func judge(_ count: Int) throws {
    for traffic in SyntheticTrace.Traffic.allCases {
      let trace = SyntheticTrace(traffic, events: count)
      let (judgement, seconds) = timed { trace.judge() }
      print("  \(count) events, \(traffic.rawValue): \(seconds) s (\(judgement.verdict.rawValue)); goal: at most 2 s")
    }
  }

  /// Frames of a capture turned into messages, again and again.
  static func decode(_ capture: String, times: Int) throws {
    let octets = try Files.read(capture)
    let (counts, seconds) = try timed {
      var frames = 0
      var events = 0
      for _ in 0..<times {
        var decoding = CaptureDecoding()
        let items = try decoding.feed(octets) + decoding.finish()
        events += items.count { if case .event = $0 { true } else { false } }
        frames += decoding.frameCount
      }
      return (frames: frames, events: events)
    }
    let rate = Int(Double(counts.frames) / seconds)
    print("  \(counts.frames) frames, \(counts.events) messages in \(seconds) s: \(rate) frames/s")
  }

  /// What `body` gives, and the seconds it took, to hundredths.
  private static func timed<Result>(_ body: () throws -> Result) rethrows -> (Result, Double) {
    let clock = ContinuousClock()
    let start = clock.now
    let result = try body()
    let seconds = start.duration(to: clock.now) / .seconds(1)
    return (result, (seconds * 100).rounded() / 100)
  }
}
