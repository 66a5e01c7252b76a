import Octets

/// Reads `text/event-stream` (WHATWG HTML, clause 9.2.6) octet by octet.
struct EventStreamParser: Sendable {
  enum Item: Sendable, Hashable {
    case event(ServerSentEvent)
    case comment(String)
    /// Milliseconds.
    case retry(Int)
  }

  private var line: [UInt8] = []
  private var isAtStart = true
  /// The line ended with CR; an LF that follows belongs to it.
  private var mayTakeLineFeed = false
  private var data: String?
  private var event: String?
  private var id: String?
  /// Octets of the event so far.
  private var size = 0

  /// Takes one octet.
  ///
  /// - Throws: ``WireError`` `too-long`, its offset relative to the octet.
  mutating func take(_ octet: UInt8, limit: Int) throws -> Item? {
    if mayTakeLineFeed {
      mayTakeLineFeed = false
      if octet == 0x0A { return nil }
    }
    guard octet == 0x0A || octet == 0x0D else {
      line.append(octet)
      size += 1
      guard size <= limit else {
        throw WireError(.tooLong, in: "HTTP", at: 0, "a server-sent event of more than \(limit) octets")
      }
      return nil
    }
    mayTakeLineFeed = octet == 0x0D
    defer { line.removeAll(keepingCapacity: true) }
    if isAtStart {
      isAtStart = false
      if line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
    }
    return endOfLine()
  }

  private mutating func endOfLine() -> Item? {
    guard let first = line.first else { return dispatch() }
    guard first != 0x3A else {
      size -= min(size, line.count)
      return .comment(String(decoding: line.dropFirst(line.dropFirst().first == 0x20 ? 2 : 1), as: UTF8.self))
    }
    let colon = line.firstIndex(of: 0x3A)
    let name = String(decoding: line[..<(colon ?? line.endIndex)], as: UTF8.self)
    var rest = colon.map { line[($0 + 1)...] } ?? []
    if rest.first == 0x20 { rest.removeFirst() }
    let value = String(decoding: rest, as: UTF8.self)
    switch name {
    case "data": data = data.map { $0 + "\n" + value } ?? value
    case "event": event = value
    case "id": if !rest.contains(0) { id = value }
    case "retry":
      if !rest.isEmpty, rest.count <= 9, rest.allSatisfy(\.isDecimalDigit), let time = Int(value) {
        return .retry(time)
      }
    default: break  // The format says that unknown fields are ignored.
    }
    return nil
  }

  /// An empty line ends an event; one without data is none.
  private mutating func dispatch() -> Item? {
    defer {
      data = nil
      event = nil
      id = nil
      size = 0
    }
    guard let data else { return nil }
    return .event(ServerSentEvent(id: id, event: event, data: data))
  }
}
