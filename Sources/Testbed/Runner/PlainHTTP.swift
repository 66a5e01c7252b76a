import HTTPWire

/// Reads the answers to the runner's own requests out of the octets that a connection gave.
enum PlainHTTP {
  /// The first final response in `octets`; `nil` while there is none. The head of an event stream counts as one.
  ///
  /// - Parameter isEnded: the connection gives no more, which ends a body of no stated length.
  static func response(in octets: [UInt8], to method: String, isEnded: Bool) -> HTTPResponse? {
    var parser = HTTPStreamParser(.responses, rules: HTTPRules())
    parser.awaitedMethods = [method]
    var items = parser.feed(octets[...])
    if isEnded { items += parser.finish() }
    for located in items {
      switch located.item {
      case .response(let response, _) where response.status >= 200: return response
      case .streamHead(let head): return head
      default: break
      }
    }
    return nil
  }
}
