import HTTPWire
import Messages
import Octets
import Packets

/// A TCP connection that may carry HTTP: who its ends are, and what was read of it.
struct Conversation: Sendable {
  /// A request that awaits its response.
  struct Pending: Sendable {
    var definition: MessageDefinition
    /// Path parameters, which the events of a stream take over.
    var parameters: [(name: String, value: String)]
    var isBackground: Bool
  }

  struct Ends: Sendable {
    var client: Party
    /// The flow as its first sender sees it.
    var flow: FlowKey
    var network: Int
    /// The server's end in the client's view.
    var server: Endpoint
  }

  let ends: Ends
  /// Longer heads and bodies than the profile allows are read too, since a test may well send them.
  var parser = HTTPConnectionParser(rules: HTTPRules(headerLimit: 65_536, bodyLimit: 1_048_576))
  var pending: [Int: Pending] = [:]
  var stream: Pending?
  private var clientLog = SegmentLog()
  private var serverLog = SegmentLog()
  private(set) var endedSides: Set<TCPSide> = []
  /// Not to count a connection twice for what it is not.
  var isCounted = false

  init(_ ends: Ends) { self.ends = ends }

  mutating func feed(_ octets: ArraySlice<UInt8>, from side: TCPSide, _ origin: TCPOrigin) -> [HTTPConnectionParser
    .Located]
  {
    guard !parser.isFinished(side == .client ? .client : .server) else { return [] }
    let offset = parser.offset(of: side == .client ? .client : .server)
    if side == .client { clientLog.add(offset, origin) } else { serverLog.add(offset, origin) }
    return parser.feed(octets, from: side == .client ? .client : .server)
  }

  mutating func end(_ side: TCPSide) -> [HTTPConnectionParser.Located] {
    endedSides.insert(side)
    return parser.finish(side == .client ? .client : .server)
  }

  /// The frames in which a range of a side's octets began and ended.
  mutating func origins(of range: Range<Int>, from side: HTTPConnectionParser.Side) -> (
    first: TCPOrigin, last: TCPOrigin
  )? {
    side == .client ? clientLog.origins(of: range) : serverLog.origins(of: range)
  }
}

/// Which octets of a stream came in which segment, as far back as it is still asked for.
private struct SegmentLog: Sendable {
  private var entries: [(offset: Int, origin: TCPOrigin)] = []
  private static let limit = 4096

  mutating func add(_ offset: Int, _ origin: TCPOrigin) {
    if entries.count >= SegmentLog.limit { entries.removeSubrange(1..<SegmentLog.limit / 2) }
    entries.append((offset, origin))
  }

  mutating func origins(of range: Range<Int>) -> (first: TCPOrigin, last: TCPOrigin)? {
    guard !entries.isEmpty else { return nil }
    let first = max(0, (entries.firstIndex { $0.offset > range.lowerBound } ?? entries.count) - 1)
    let lastOctet = max(range.upperBound - 1, range.lowerBound)
    let last = max(first, (entries.lastIndex { $0.offset <= lastOctet } ?? 0))
    let result = (entries[first].origin, entries[last].origin)
    // What comes next begins in the last segment at the earliest.
    entries.removeFirst(last)
    return result
  }
}

/// URLs that messages gave: where descriptions and configuration documents are.
struct LearntURLs: Sendable {
  enum Purpose: Sendable { case description, configuration }

  private struct Key: Hashable {
    var server: Endpoint
    var target: String
  }

  private var purposes: [Key: Purpose] = [:]
  private static let limit = 16_384

  mutating func add(_ text: String, _ purpose: Purpose) {
    guard purposes.count < LearntURLs.limit, let url = HTTPURL(text), let endpoint = url.endpoint else { return }
    purposes[Key(server: endpoint, target: url.target)] = purpose
  }

  func purpose(of target: String, at server: Endpoint) -> Purpose? {
    purposes[Key(server: server, target: target)]
  }
}
