import Octets

/// Cuts one direction of a connection into HTTP/1.1 messages (RFC 9112) as the octets come.
///
/// Whatever is ambiguous ends the reading with ``Item/garbage(_:)``, since what follows cannot be told apart for
/// certain: two lengths, folded lines, bad chunk sizes.
public struct HTTPStreamParser: Sendable {
  public enum Direction: Sendable, Hashable { case requests, responses }

  public enum Item: Sendable, Hashable {
    /// The head of a request, its body still to come where it has one.
    case requestHead(HTTPRequest)
    case request(HTTPRequest, trailers: HTTPFields)
    /// The head of a response, its body still to come where it has one.
    case responseHead(HTTPResponse)
    case response(HTTPResponse, trailers: HTTPFields)
    /// The head of a `text/event-stream`, told in place of a response.
    case streamHead(HTTPResponse)
    case streamEvent(ServerSentEvent)
    case streamComment(String)
    /// The stream sets the time before a new attempt, in milliseconds.
    case streamRetry(Int)
    case streamEnd
    /// The octets that follow belong to another protocol.
    case upgraded
    /// Not HTTP, or ambiguous, or longer than the rules allow; nothing more is read.
    case garbage(WireError)
  }

  /// An item, and the octets of its direction that it was made from: from its first to after its last.
  public struct Located: Sendable, Hashable {
    public var item: Item
    public var range: Range<Int>
    public init(_ item: Item, _ range: Range<Int>) {
      self.item = item
      self.range = range
    }
  }

  enum State: Sendable {
    case startLine, fields
    case fixedBody(left: Int)
    case untilClose
    case chunkSize
    case chunkData(left: Int)
    case chunkEnd, trailers
    case upgraded, failed
  }

  public let direction: Direction
  public let rules: HTTPRules
  /// The methods of requests whose responses are to come; a response that none awaits is read as one to GET.
  public var awaitedMethods: [String] = []
  /// Octets taken so far; offsets in errors and ranges count from the first.
  public private(set) var offset = 0

  var state = State.startLine
  private var line: [UInt8] = []
  private var lineStart = 0
  /// Octets of the head, or of the trailers, so far.
  private var headSize = 0
  private var messageStart = 0
  private(set) var head = HTTPHead()
  private var trailers = HTTPFields()
  private(set) var body: [UInt8] = []
  /// Set while the body is an event stream.
  private var events: EventStreamParser?
  private var eventStart = 0
  private var items: [Located] = []

  public init(_ direction: Direction, rules: HTTPRules = HTTPRules()) {
    self.direction = direction
    self.rules = rules
  }

  /// True between messages.
  public var isIdle: Bool {
    if case .startLine = state { line.isEmpty } else { false }
  }

  /// True once ``Item/garbage(_:)`` or ``Item/upgraded`` was told.
  public var isFinished: Bool {
    switch state {
    case .failed, .upgraded: true
    default: false
    }
  }

  /// Takes the next octets and tells what they complete.
  public mutating func feed(_ octets: ArraySlice<UInt8>) -> [Located] {
    var rest = octets
    do {
      while !rest.isEmpty, !isFinished { try step(&rest) }
    } catch {
      fail(error)
    }
    offset += rest.count
    defer { items.removeAll(keepingCapacity: true) }
    return items
  }

  public mutating func feed(_ octets: [UInt8]) -> [Located] { feed(octets[...]) }

  /// The direction ends: what only its end delimits is complete, what is not whole becomes ``Item/garbage(_:)``.
  public mutating func finish() -> [Located] {
    switch state {
    case .failed, .upgraded: break
    case .untilClose: endMessage()
    case .startLine where line.isEmpty: break
    default:
      if events != nil { items.append(Located(.streamEnd, messageStart..<offset)) }
      fail(HTTPHead.fault(offset, "the connection ended inside a message", .truncated))
    }
    if !isFinished { state = .failed }
    defer { items.removeAll() }
    return items
  }

  private mutating func fail(_ error: any Error) {
    let fault = error as? WireError ?? HTTPHead.fault(offset, "\(error)")
    items.append(Located(.garbage(fault), messageStart..<max(offset, messageStart)))
    state = .failed
    line = []
    body = []
    events = nil
  }

  private mutating func step(_ rest: inout ArraySlice<UInt8>) throws {
    switch state {
    case .startLine:
      guard let text = try takeLine(&rest) else { return }
      try takeStartLine(text)
    case .fields:
      guard let text = try takeLine(&rest) else { return }
      if text.isEmpty { try endHead() } else { head.fields.list.append(try HTTPHead.field(text, at: lineStart)) }
    case .fixedBody(let left):
      let part = rest.prefix(left)
      state = .fixedBody(left: left - part.count)
      try takeBody(part, &rest)
      if part.count == left { endMessage() }
    case .untilClose:
      try takeBody(rest, &rest)
    case .chunkSize:
      guard let text = try takeLine(&rest) else { return }
      try takeChunkSize(text)
    case .chunkData(let left):
      let part = rest.prefix(left)
      state = part.count == left ? .chunkEnd : .chunkData(left: left - part.count)
      try takeBody(part, &rest)
    case .chunkEnd:
      guard let text = try takeLine(&rest) else { return }
      guard text.isEmpty else { throw HTTPHead.fault(lineStart, "expected CRLF after the chunk") }
      headSize = 0
      state = .chunkSize
    case .trailers:
      guard let text = try takeLine(&rest) else { return }
      if text.isEmpty { endMessage() } else { trailers.list.append(try HTTPHead.field(text, at: lineStart)) }
    case .upgraded, .failed: break
    }
  }

  /// Takes octets up to the end of a line; `nil` while it is not there.
  private mutating func takeLine(_ rest: inout ArraySlice<UInt8>) throws -> [UInt8]? {
    if line.isEmpty { lineStart = offset }
    while let octet = rest.popFirst() {
      offset += 1
      headSize += 1
      guard headSize <= rules.headerLimit else {
        throw HTTPHead.fault(offset - 1, "a header block of more than \(rules.headerLimit) octets", .tooLong)
      }
      line.append(octet)
      if octet == 0x0A {
        defer { line.removeAll(keepingCapacity: true) }
        if line.count >= 2, line[line.count - 2] == 0x0D { return Array(line.dropLast(2)) }
        guard rules.bareLineFeedAllowed else { throw HTTPHead.fault(offset - 1, "a line that ends with LF alone") }
        return Array(line.dropLast())
      }
      if case .startLine = state { try checkPrefix() }
      if case .chunkEnd = state, line.count > 1 || octet != 0x0D {
        throw HTTPHead.fault(offset - 1, "expected CRLF after the chunk")
      }
    }
    return nil
  }

  /// Tells octets that are no HTTP at the first that can't be, not at the end of a line that may never come.
  private func checkPrefix() throws {
    guard line.count <= 32, let last = line.last else { return }
    switch direction {
    case .responses:
      let version = StaticString("HTTP/1.")
      guard line.count > version.utf8CodeUnitCount || last == version.utf8Start[line.count - 1] || line == [0x0D] else {
        throw HTTPHead.fault(offset - 1, "not an HTTP response")
      }
    case .requests:
      guard
        last.isToken || (last == 0x0D && line.count == 1) || line.dropLast().contains(0x20)
          || (last == 0x20 && line.count > 1)
      else { throw HTTPHead.fault(offset - 1, "not an HTTP request") }
      guard line.count < 32 || line.contains(0x20) else {
        throw HTTPHead.fault(offset - 1, "a method of more than 31 octets", .tooLong)
      }
    }
  }

  private mutating func takeStartLine(_ text: [UInt8]) throws {
    // RFC 9112 clause 2.2: an empty line before the start line is passed over; the header limit bounds how many.
    if text.isEmpty { return }
    messageStart = lineStart
    head = HTTPHead()
    switch direction {
    case .requests: try head.takeRequestLine(text, at: lineStart)
    case .responses: try head.takeStatusLine(text, at: lineStart)
    }
    state = .fields
  }

  private mutating func endHead() throws {
    headSize = 0
    let method = direction == .responses ? awaitedMethods.first ?? "GET" : "GET"
    let framing = try head.framing(method: method, at: messageStart)
    switch head.start {
    case .request(let method, let target):
      items.append(Located(.requestHead(HTTPRequest(method, target, fields: head.fields)), messageStart..<offset))
    case .response(let status):
      let response = HTTPResponse(status, fields: head.fields)
      let type = head.fields["Content-Type"].map { $0.prefix { $0 != ";" }.lowercased() } ?? ""
      if status == 200, framing != .none, type.filter({ $0 != " " }) == "text/event-stream" {
        events = EventStreamParser()
        eventStart = offset
        items.append(Located(.streamHead(response), messageStart..<offset))
      } else {
        items.append(Located(.responseHead(response), messageStart..<offset))
      }
      if status >= 200, !awaitedMethods.isEmpty { awaitedMethods.removeFirst() }
    case nil: break
    }
    switch framing {
    case .none: endMessage()
    case .length(let length):
      guard length <= rules.bodyLimit || events != nil else {
        throw HTTPHead.fault(offset, "a body of \(length) octets, \(rules.bodyLimit) at most", .tooLong)
      }
      state = .fixedBody(left: length)
    case .chunked: state = .chunkSize
    case .untilClose: state = .untilClose
    case .upgraded:
      endMessage()
      items.append(Located(.upgraded, offset..<offset))
      state = .upgraded
    }
  }

  private mutating func takeBody(_ part: ArraySlice<UInt8>, _ rest: inout ArraySlice<UInt8>) throws {
    rest = rest[part.endIndex...]
    guard events != nil else {
      offset += part.count
      guard body.count + part.count <= rules.bodyLimit else {
        throw HTTPHead.fault(offset, "a body of more than \(rules.bodyLimit) octets", .tooLong)
      }
      body += part
      return
    }
    for octet in part {
      offset += 1
      do {
        guard let item = try events?.take(octet, limit: rules.bodyLimit) else { continue }
        let range = eventStart..<offset
        eventStart = offset
        switch item {
        case .event(let event): items.append(Located(.streamEvent(event), range))
        case .comment(let text): items.append(Located(.streamComment(text), range))
        case .retry(let time): items.append(Located(.streamRetry(time), range))
        }
      } catch let fault as WireError {
        throw WireError(fault.code, in: fault.format, at: offset - 1, fault.reason)
      }
    }
  }

  /// Takes `size [; extension]` (RFC 9112 clause 7.1); extensions have no meaning here.
  private mutating func takeChunkSize(_ text: [UInt8]) throws {
    let digits = text.prefix(while: \.isHexDigit)
    var after = text[digits.count...]
    while let first = after.first, first == 0x20 || first == 0x09 { after.removeFirst() }
    guard (1...8).contains(digits.count), after.isEmpty ? digits.count == text.count : after.first == 0x3B,
      after.allSatisfy(\.isFieldContent)
    else { throw HTTPHead.fault(lineStart, "expected a chunk size of 1 to 8 hexadecimal digits") }
    let size = digits.reduce(0) { $0 << 4 | Int($1 < 0x3A ? $1 - 0x30 : ($1 | 0x20) - 0x57) }
    headSize = 0
    guard size > 0 else {
      state = .trailers
      return
    }
    guard events != nil || body.count + size <= rules.bodyLimit else {
      throw HTTPHead.fault(lineStart, "a body of more than \(rules.bodyLimit) octets", .tooLong)
    }
    state = .chunkData(left: size)
  }

  private mutating func endMessage() {
    let range = messageStart..<offset
    switch head.start {
    case .request(let method, let target):
      items.append(
        Located(
          .request(HTTPRequest(method, target, fields: head.fields, body: body), trailers: trailers), range))
    case .response(let status):
      items.append(
        Located(
          events == nil
            ? .response(HTTPResponse(status, fields: head.fields, body: body), trailers: trailers) : .streamEnd, range))
    case nil: break
    }
    body = []
    trailers = HTTPFields()
    events = nil
    headSize = 0
    messageStart = offset
    state = .startLine
  }
}
