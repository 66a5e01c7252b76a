import Glibc
import Runner
import Trace
import TraceChecker

/// What `make bench` measures from inside: parts that no command of homebed shows alone.
///
/// Arguments are read by hand: what is timed as a whole process shall not carry a parser of flags.
@main
enum HomebedBench {
  static let usage = """
    usage: homebed-bench home [HOSTS]       a home of so many hosts (4 if not said): up, one ping, down
           homebed-bench link TURNS         latency and throughput of links, beside a veth pair alone
           homebed-bench capture            a link flooded with small packets, and what is captured of them
           homebed-bench judge COUNT        so many events judged by a scenario
           homebed-bench stun ADDRESS:PORT  a STUN server asked, and what it answers
           homebed-bench decode CAPTURE     a capture turned into messages, 200 times
    """

  static func main() async {
    let arguments = CommandLine.arguments.dropFirst()
    do {
      switch (arguments.first, arguments.dropFirst().first) {
      case ("home", let hosts):
        let home = try BenchHome.up(hosts: hosts.flatMap { Int($0) } ?? 4)
        try home.ping()
        try await home.down()
      case ("link", let turns?): try await LinkBench.links(turns: Int(turns) ?? 5)
      case ("capture", nil): try await LinkBench.capture()
      case ("judge", let count?): try judge(Int(count) ?? 1_000_000)
      case ("stun", let server?): try STUNAsk.ask(server)
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
