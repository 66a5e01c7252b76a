import Messages

/// Answers kept by `Idempotency-Key`, so that a request sent twice is done once (profile section 1).
///
/// The same key, path and token get the same answer for 10 minutes; while the first is in work a second one waits for
/// its answer; the same key with another body is refused. Answers with 408, 429 and 5xx are not kept.
public struct IdempotencyCache: Sendable {
  /// What to do with a request.
  public enum Admission: Sendable, Hashable {
    /// The first of its kind, or one without a key: do it, then call ``settle(_:with:at:)``.
    case proceed
    /// The first is still in work: ``settle(_:with:at:)`` of that one names this exchange.
    case wait
    /// Answer with this again.
    case repeated(HTTPResponse)
    /// The key was used for another body: 422 `invalid-field`.
    case otherBody
    /// More requests are in work or waiting than the cache may hold: 429.
    case full
  }

  /// Tells request bodies apart: their length and two FNV-1a hashes from different starts. A key is worth nothing
  /// without the token that stands beside it, so a forged collision would only mislead its own maker.
  public struct Digest: Sendable, Hashable {
    public var length: Int
    public var first: UInt64
    public var second: UInt64

    public init(_ octets: [UInt8]) {
      length = octets.count
      first = octets.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
      second = octets.reduce(0x6C62_272E_07BB_0142) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// The digest as text that ``init(text:)`` reads again.
    public var text: String { "\(length)-\(String(first, radix: 16))-\(String(second, radix: 16))" }

    public init?(text: String) {
      let parts = text.split(separator: "-")
      guard parts.count == 3, let length = Int(parts[0]), let first = UInt64(parts[1], radix: 16),
        let second = UInt64(parts[2], radix: 16)
      else { return nil }
      self.length = length
      self.first = first
      self.second = second
    }
  }

  private struct Name: Sendable, Hashable {
    var key: String
    var method: String
    var path: RequestPath
    var token: String?
  }

  private enum Entry: Sendable {
    case inWork(Digest, waiting: [Exchange])
    case answered(Digest, HTTPResponse, until: UInt64)
  }

  /// How many keys are kept at most; the answer kept longest goes first.
  public let capacity: Int
  /// Nanoseconds for which an answer is kept: 10 minutes.
  public static let lifetime: UInt64 = .seconds(600)
  /// How many requests may wait for one answer.
  public static let waitingLimit = 16

  private var entries: [Name: Entry] = [:]
  /// Names with an answer, oldest first.
  private var order: [Name] = []
  private var inWork: [Exchange: Name] = [:]

  public init(capacity: Int = 1024) { self.capacity = capacity }

  /// How many keys are kept, in work or answered.
  public var count: Int { entries.count }

  /// Says what to do with a request that has come in.
  public mutating func admit(
    _ request: HTTPRequest, path: RequestPath, as exchange: Exchange, at now: Moment
  ) -> Admission {
    expire(at: now)
    guard let key = request.idempotencyKey else { return .proceed }
    let name = Name(key: key, method: request.method, path: path, token: request.bearerToken)
    let digest = Digest(request.body)
    switch entries[name] {
    case nil:
      guard makeRoom() else { return .full }
      entries[name] = .inWork(digest, waiting: [])
      inWork[exchange] = name
      return .proceed
    case .inWork(let first, let waiting):
      guard first == digest else { return .otherBody }
      guard waiting.count < IdempotencyCache.waitingLimit else { return .full }
      entries[name] = .inWork(first, waiting: waiting + [exchange])
      return .wait
    case .answered(let first, let response, _):
      return first == digest ? .repeated(response) : .otherBody
    }
  }

  /// Records the answer to an exchange that ``admit(_:path:as:at:)`` let proceed; returns the exchanges that wait for
  /// the same answer.
  public mutating func settle(_ exchange: Exchange, with response: HTTPResponse, at now: Moment) -> [Exchange] {
    guard let name = inWork.removeValue(forKey: exchange), case .inWork(let digest, let waiting) = entries[name] else {
      return []
    }
    if response.status == 408 || response.status == 429 || response.status >= 500 {
      entries[name] = nil
    } else {
      entries[name] = .answered(digest, response, until: now.monotonic + IdempotencyCache.lifetime)
      order.append(name)
    }
    return waiting
  }

  /// Drops a waiting caller that has gone; the one in work goes on, since its answer may be asked for again.
  public mutating func leave(_ exchange: Exchange) {
    for (name, entry) in entries {
      guard case .inWork(let digest, let waiting) = entry, waiting.contains(exchange) else { continue }
      entries[name] = .inWork(digest, waiting: waiting.filter { $0 != exchange })
    }
  }

  /// Forgets the answers kept for a path.
  public mutating func forget(path: RequestPath) {
    order.removeAll { $0.path == path }
    entries = entries.filter { name, entry in
      if name.path == path, case .answered = entry { return false }
      return true
    }
  }

  private mutating func expire(at now: Moment) {
    while let oldest = order.first, case .answered(_, _, let until) = entries[oldest], until <= now.monotonic {
      entries[oldest] = nil
      order.removeFirst()
    }
  }

  private mutating func makeRoom() -> Bool {
    guard entries.count >= capacity else { return true }
    guard let oldest = order.first else { return false }
    entries[oldest] = nil
    order.removeFirst()
    return true
  }
}
