import ArgumentParser
import Messages
import Runner
import Trace

struct Decode: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the messages of a pcap or pcapng, one line each.",
    discussion: "What is not a message is counted, on standard error, below them.")

  @Argument(help: "A capture file; - reads standard input, also while it grows.")
  var capture: String

  @Flag(help: "One JSON object a line.")
  var json = false

  func run() throws {
    var decoding = CaptureDecoding()
    do {
      try Files.chunks(of: capture) { octets in
        tell(try decoding.feed(octets), decoding)
        return true
      }
      tell(decoding.finish(), decoding)
    } catch {
      complain("error: \(capture): \(error)")
      throw ExitCode(2)
    }
    complain("\(decoding.frameCount) frames; not a message:" + (decoding.countLines.isEmpty ? " none" : ""))
    for line in decoding.countLines { complain("  \(line)") }
  }

  private func tell(_ items: [CaptureDecoding.Item], _ decoding: CaptureDecoding) {
    for item in items {
      switch item {
      case .event(let event): say(json ? event.json.description : event.line(since: decoding.start ?? event.time))
      case .fault(let fault): complain("warning: \(capture): \(fault)")
      case .refused, .comment, .statistics: break
      }
    }
  }
}
