import Messages

/// Reads the octets of a `text/event-stream` as they come (WHATWG HTML, "Server-sent events", "Interpreting an event
/// stream"): CR, LF and CRLF end lines, comments and unknown fields are ignored, an event without data is none.
struct EventStreamReader: Sendable {
  /// Octets that one event, or one line, may have.
  static let limit = 262_144

  struct TooLong: Error {}

  private var line: [UInt8] = []
  private var isFirstLine = true
  private var lastWasReturn = false
  private var data: [UInt8]?
  private var event: String?
  private var id: String?

  /// Takes the next octets and gives the events that they complete. After a throw nothing more is to be fed.
  mutating func take(_ octets: some Sequence<UInt8>) throws -> [ServerSentEvent] {
    var events: [ServerSentEvent] = []
    for octet in octets {
      let wasReturn = lastWasReturn
      lastWasReturn = octet == 0x0D
      switch octet {
      case 0x0A where wasReturn: break
      case 0x0A, 0x0D:
        if let event = try endLine() { events.append(event) }
      default:
        line.append(octet)
        if line.count > EventStreamReader.limit { throw TooLong() }
      }
    }
    return events
  }

  private mutating func endLine() throws -> ServerSentEvent? {
    defer { line.removeAll(keepingCapacity: true) }
    if isFirstLine {
      isFirstLine = false
      if line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
    }
    if line.isEmpty { return dispatch() }
    let colon = line.firstIndex(of: UInt8(ascii: ":"))
    let name = line[..<(colon ?? line.endIndex)]
    var value = colon.map { line[($0 + 1)...] } ?? []
    if value.first == 0x20 { value.removeFirst() }
    switch String(decoding: name, as: UTF8.self) {
    case "data":
      data = (data.map { $0 + [0x0A] } ?? []) + value
      if let data, data.count > EventStreamReader.limit { throw TooLong() }
    case "event": event = String(decoding: value, as: UTF8.self)
    case "id" where !value.contains(0): id = String(decoding: value, as: UTF8.self)
    default: break
    }
    return nil
  }

  private mutating func dispatch() -> ServerSentEvent? {
    defer { (data, event, id) = (nil, nil, nil) }
    return data.map { ServerSentEvent(id: id, event: event, data: String(decoding: $0, as: UTF8.self)) }
  }
}
