import Messages
import Trace
import TraceChecker

/// Turns a capture into what a judge takes: events and the runner's notes. The same for a file that grows and for a
/// finished one.
struct TraceFeed {
  private var decoding: CaptureDecoding
  /// Octets of the file that were fed so far.
  private var position = 0
  /// Connection attempts that were refused, since the last look.
  private(set) var refusals: [RefusedConnection] = []

  init(_ parties: PartyMap) { decoding = CaptureDecoding(parties: parties) }

  /// Reads what the file at `path` has gained up to its octet `end`.
  ///
  /// - Throws: ``FileError``, or a `WireError` where the capture is damaged.
  mutating func read(_ path: String, upTo end: Int) throws -> [TraceItem] {
    guard end > position else { return [] }
    let octets = try Files.read(path, from: position, count: end - position)
    position += octets.count
    return try feed(octets)
  }

  /// Takes the next octets of the capture.
  mutating func feed(_ octets: [UInt8]) throws -> [TraceItem] { try take(try decoding.feed(octets)) }

  /// The capture has no more octets.
  mutating func finish() throws -> [TraceItem] { try take(decoding.finish()) }

  mutating func drainRefusals() -> [RefusedConnection] {
    defer { refusals = [] }
    return refusals
  }

  private mutating func take(_ items: [CaptureDecoding.Item]) throws -> [TraceItem] {
    var result: [TraceItem] = []
    for item in items {
      switch item {
      case .event(let event): result.append(.event(event))
      case .comment(_, let text): if let note = Note(comment: text) { result.append(.note(note)) }
      case .refused(let refusal): refusals.append(refusal)
      case .fault(let fault): throw fault
      case .statistics: break
      }
    }
    return result
  }
}
