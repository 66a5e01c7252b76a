import Octets

/// Reads both directions of a connection and pairs responses with their requests.
///
/// Octets are to be fed in the order in which they were sent, as far as that can be known: a request before its response.
public struct HTTPConnectionParser: Sendable {
  public enum Side: Sendable, Hashable { case client, server }

  public enum Item: Sendable, Hashable {
    /// A request, counted from 0 on its connection. It is not whole where the response came before its last octet.
    case request(HTTPRequest, number: Int, isWhole: Bool)
    /// A response, and the head of the request that it answers; `nil` where none was seen. A status below 200 is interim.
    case response(HTTPResponse, to: HTTPRequest?, number: Int?)
    case streamHead(HTTPResponse, to: HTTPRequest?, number: Int?)
    case streamEvent(ServerSentEvent, of: HTTPRequest?, number: Int?)
    case streamComment(String)
    /// Milliseconds.
    case streamRetry(Int)
    case streamEnd
    /// The octets that follow belong to another protocol.
    case upgraded
    /// This side is no HTTP, or ambiguous; nothing more is read of it.
    case garbage(WireError)
  }

  /// An item, the side that sent it, and the octets of that side that it was made from.
  public struct Located: Sendable, Hashable {
    public var item: Item
    public var side: Side
    public var range: Range<Int>
    public init(_ item: Item, _ side: Side, _ range: Range<Int>) {
      self.item = item
      self.side = side
      self.range = range
    }
  }

  private struct Pending: Sendable {
    var number: Int
    var head: HTTPRequest
  }

  private var requests: HTTPStreamParser
  private var responses: HTTPStreamParser
  private var pending: [Pending] = []
  private var current: Pending?
  private var requestCount = 0
  /// The request under way was told already, since its response overtook it.
  private var isToldEarly = false
  /// That was even before its head was complete.
  private var isHeadToldEarly = false

  public init(rules: HTTPRules = HTTPRules()) {
    requests = HTTPStreamParser(.requests, rules: rules)
    responses = HTTPStreamParser(.responses, rules: rules)
  }

  /// Octets of a side so far; ranges count the same way.
  public func offset(of side: Side) -> Int { side == .client ? requests.offset : responses.offset }

  /// True once neither side can give anything more.
  public var isFinished: Bool { requests.isFinished && responses.isFinished }

  /// True once nothing more is read of a side.
  public func isFinished(_ side: Side) -> Bool { side == .client ? requests.isFinished : responses.isFinished }

  public mutating func feed(_ octets: ArraySlice<UInt8>, from side: Side) -> [Located] {
    switch side {
    case .client: takeRequests(requests.feed(octets))
    case .server: takeResponses(responses.feed(octets))
    }
  }

  /// The side sends nothing more: FIN, RST, or octets that the capture lacks.
  public mutating func finish(_ side: Side) -> [Located] {
    switch side {
    case .client: takeRequests(requests.finish())
    case .server: takeResponses(responses.finish())
    }
  }

  private mutating func takeRequests(_ items: [HTTPStreamParser.Located]) -> [Located] {
    var result: [Located] = []
    for located in items {
      switch located.item {
      case .requestHead where isHeadToldEarly:
        isHeadToldEarly = false
      case .requestHead(let head):
        guard pending.count < requests.rules.pendingLimit else {
          let fault = HTTPHead.fault(located.range.upperBound, "too many requests without a response", .tooLong)
          requests.state = .failed
          return result + [Located(.garbage(fault), .client, located.range)]
        }
        pending.append(Pending(number: requestCount, head: head))
        responses.awaitedMethods.append(head.method)
        requestCount += 1
        isToldEarly = false
      case .request(let request, _):
        if !isToldEarly {
          result.append(Located(.request(request, number: requestCount - 1, isWhole: true), .client, located.range))
        }
        isToldEarly = false
      case .garbage(let fault): result.append(Located(.garbage(fault), .client, located.range))
      case .upgraded: result.append(Located(.upgraded, .client, located.range))
      default: break  // The other items are of the other direction.
      }
    }
    return result
  }

  private mutating func takeResponses(_ items: [HTTPStreamParser.Located]) -> [Located] {
    var result: [Located] = []
    func add(_ item: Item, _ located: HTTPStreamParser.Located) { result.append(Located(item, .server, located.range)) }
    for located in items {
      switch located.item {
      case .responseHead(let head): if head.status >= 200 { begin(&result) }
      case .streamHead(let head):
        begin(&result)
        add(.streamHead(head, to: current?.head, number: current?.number), located)
      case .response(let response, _):
        let request = response.status < 200 ? pending.first : current
        add(.response(response, to: request?.head, number: request?.number), located)
      case .streamEvent(let event): add(.streamEvent(event, of: current?.head, number: current?.number), located)
      case .streamComment(let text): add(.streamComment(text), located)
      case .streamRetry(let time): add(.streamRetry(time), located)
      case .streamEnd: add(.streamEnd, located)
      case .upgraded: add(.upgraded, located)
      case .garbage(let fault): add(.garbage(fault), located)
      case .requestHead, .request: break  // The other direction's.
      }
    }
    return result
  }

  /// A final response begins: it answers the oldest request, which may still be under way (413 before the body's end,
  /// 431 before the head's).
  private mutating func begin(_ result: inout [Located]) {
    if pending.isEmpty, !isHeadToldEarly, let part = requests.unfinishedHead {
      let head = Pending(number: requestCount, head: part)
      current = head
      requestCount += 1
      isToldEarly = true
      isHeadToldEarly = true
      let offset = requests.offset
      result.append(Located(.request(part, number: head.number, isWhole: false), .client, offset..<offset))
      return
    }
    current = pending.isEmpty ? nil : pending.removeFirst()
    guard let current, current.number == requestCount - 1, let part = requests.unfinishedRequest, !isToldEarly else {
      return
    }
    isToldEarly = true
    let offset = requests.offset
    result.append(Located(.request(part, number: current.number, isWhole: false), .client, offset..<offset))
  }
}

extension HTTPStreamParser {
  /// The request whose head is complete and whose body is not.
  var unfinishedRequest: HTTPRequest? {
    guard case .request(let method, let target) = head.start else { return nil }
    switch state {
    case .fixedBody, .chunkSize, .chunkData, .chunkEnd, .trailers: break
    default: return nil
    }
    return HTTPRequest(method, target, fields: head.fields, body: body)
  }

  /// The request whose first line is complete and whose head is not.
  var unfinishedHead: HTTPRequest? {
    guard case .fields = state, case .request(let method, let target) = head.start else { return nil }
    return HTTPRequest(method, target, fields: head.fields)
  }
}
