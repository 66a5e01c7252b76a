import Messages

/// What became of a request: it is answered in this turn, or held until something else happens.
public enum Served: Sendable {
  case answered(ServedOutcome)
  /// Rows to store first, and what else follows; the reply comes by ``HeldReplies/answer(_:with:in:at:)``.
  case held(rows: [Row] = [], effects: [Effect] = [])
}

/// Exchanges whose replies wait for somebody else: `connect`, `peer-connect`, `session-join` and their like (profile
/// section 1).
///
/// A caller that goes takes its exchange along; the request stays in work, since its answer may be asked for again by
/// its `Idempotency-Key`.
public struct HeldReplies: Sendable {
  private var correlations: [Exchange: String?] = [:]

  public init() {}

  public mutating func hold(_ served: ServedRequest) { correlations[served.exchange] = .some(served.correlation) }

  /// True while the caller waits.
  public func contains(_ exchange: Exchange) -> Bool { correlations[exchange] != nil }

  /// The caller has gone; a reply would reach nobody.
  public mutating func leave(_ exchange: Exchange) { correlations[exchange] = nil }

  /// The reply to a held exchange, and to those that sent the same request again meanwhile.
  public mutating func answer(
    _ exchange: Exchange, with response: HTTPResponse, in cache: inout IdempotencyCache, at now: Moment
  ) -> [Effect] {
    let waiting = cache.settle(exchange, with: response, at: now)
    var effects = waiting.map { Effect.reply($0, response.repeating(correlation: nil)) }
    if let correlation = correlations.removeValue(forKey: exchange) {
      effects.insert(.reply(exchange, response.repeating(correlation: correlation)), at: 0)
    }
    return effects
  }
}
