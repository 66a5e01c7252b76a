import Messages

/// A request that a server of ours has in hand, with what was learnt of it on the way in.
public struct ServedRequest: Sendable {
  public let exchange: Exchange
  public let request: HTTPRequest
  public let path: RequestPath
  /// The segments of the path that its route names.
  public let parameters: [String: String]
  public let from: Endpoint
  /// The local address and port at which it came in.
  public let to: Endpoint
  public let now: Moment

  public init(
    _ exchange: Exchange, _ request: HTTPRequest, path: RequestPath, parameters: [String: String], from: Endpoint,
    to: Endpoint, now: Moment
  ) {
    self.exchange = exchange
    self.request = request
    self.path = path
    self.parameters = parameters
    self.from = from
    self.to = to
    self.now = now
  }

  /// The parameter called `name`; empty where the route has none.
  public subscript(name: String) -> String { parameters[name] ?? "" }

  public var correlation: String? { request.correlation }
}

/// What a request came to: the rows to store first, the response, and what else follows from it.
public struct ServedOutcome: Sendable {
  public var rows: [Row]
  public var response: HTTPResponse
  public var then: [Effect]

  public init(_ response: HTTPResponse, rows: [Row] = [], then: [Effect] = []) {
    self.response = response
    self.rows = rows
    self.then = then
  }

  /// The effects in the order that the profile wants: what was acknowledged is stored before the reply is written.
  ///
  /// - Parameter waiting: exchanges that wait for the same answer.
  public func effects(for served: Exchange, correlation: String?, waiting: [Exchange] = []) -> [Effect] {
    (rows.isEmpty ? [] : [.save(rows)]) + [.reply(served, response.repeating(correlation: correlation))]
      + waiting.map { .reply($0, response.repeating(correlation: nil)) } + then
  }
}
