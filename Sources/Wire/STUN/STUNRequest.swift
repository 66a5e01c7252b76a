import Octets

/// A client's request under way: when it is sent again, and when it is given up (RFC 8489, 6.2.1).
///
/// A value without a clock: whoever holds it sends ``octets`` at once and after each pause that ``next()`` gives, and
/// sets a timer for that pause.
public struct STUNRequest: Sendable, Hashable {
  /// How often, and how long. The defaults are the RFC's.
  public struct Timing: Sendable, Hashable {
    /// RTO: milliseconds between the first and the second request; each later pause is twice the one before.
    public var firstPause: Int
    /// Rc: how many requests at most, from 1.
    public var requests: Int
    /// Rm: how many times RTO to wait after the last one.
    public var lastPause: Int

    public init(firstPause: Int = 500, requests: Int = 7, lastPause: Int = 16) {
      self.firstPause = max(1, firstPause)
      self.requests = max(1, requests)
      self.lastPause = max(1, lastPause)
    }

    /// Milliseconds from the first request until it is given up.
    public var whole: Int { firstPause * ((1 << (requests - 1)) - 1) + firstPause * lastPause }
  }

  public enum Step: Sendable, Hashable {
    /// Send the octets, and ask again after this many milliseconds.
    case send(again: Int)
    /// Nobody answered.
    case giveUp
  }

  public let transaction: STUNTransactionID
  public let octets: [UInt8]
  public let timing: Timing
  /// How often it was sent.
  public private(set) var sent = 0

  public init(
    _ message: STUNMessage, integrity: STUNIntegrity = .none, fingerprint: STUNFingerprint = .present,
    timing: Timing = Timing()
  ) {
    transaction = message.transaction
    octets = message.octets(integrity: integrity, fingerprint: fingerprint)
    self.timing = timing
  }

  /// What is to be done now: at the start, and whenever a pause is over.
  public mutating func next() -> Step {
    guard sent < timing.requests else { return .giveUp }
    sent += 1
    if sent == timing.requests { return .send(again: timing.firstPause * timing.lastPause) }
    return .send(again: timing.firstPause << (sent - 1))
  }

  /// Whether a message ends this request: a response with its transaction.
  public func isAnswered(by message: STUNMessage) -> Bool {
    message.transaction == transaction && (message.messageClass == .success || message.messageClass == .error)
  }
}
