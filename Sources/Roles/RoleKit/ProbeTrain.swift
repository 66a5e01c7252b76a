import Messages

/// A row of small questions to one host, sent shortly after one another: what comes back tells whether the way there
/// is open, how much it loses and how long it takes (profile section 8).
///
/// A value without a clock: its owner calls ``next(at:local:call:bits:)`` at each of its ticks, hands in what comes
/// back, and gives up what is missing by ``end(at:)``.
public struct ProbeTrain: Sendable {
  public enum Means: Sendable, Hashable {
    /// STUN Bindings with a USERNAME (RFC 8489).
    case stun(Endpoint, username: String)
    /// ICMP echoes.
    case echo(IPAddress)
    /// UDP echoes (RFC 862).
    case datagramEcho(Endpoint)
  }

  private enum Question: Sendable, Hashable {
    case call(Call)
    case datagram([UInt8])
  }

  /// Nanoseconds between two questions, and for which the last of them is waited for.
  public static let interval: UInt64 = .milliseconds(50)
  public static let patience: UInt64 = .seconds(1)

  /// 127.0.0.0/8 and ::1: the system answers echoes for every such address by itself.
  public static func isOnThisMachine(_ address: IPAddress) -> Bool {
    switch address {
    case .v4(let bits): bits >> 24 == 127
    case .v6(let high, let low): high == 0 && low == 1
    }
  }

  public private(set) var means: Means
  public let count: Int
  public private(set) var sent = 0
  public private(set) var received = 0
  /// Nanoseconds.
  private var shortest: UInt64?
  /// When it was asked, and as which of the row.
  private var asked: [Question: (since: UInt64, number: Int)] = [:]
  /// The number of the newest question that was answered.
  private var newestAnswered = 0
  /// Where to go on by UDP echo if this program may not send ICMP.
  private var fallback: Endpoint?

  public init(_ means: Means, count: Int, fallback: Endpoint? = nil) {
    self.means = means
    self.count = count
    self.fallback = fallback
  }

  public var isSent: Bool { sent >= count }
  /// All questions were asked, and each was answered or given up.
  public var isOver: Bool { isSent && asked.isEmpty }

  /// The shortest round trip in ms, which is what the way takes where no machine is busy; `nil` where nothing came back.
  public var roundTrip: Double? { shortest.map { Double($0 / 1000) / 1000 } }

  /// Asks once more, if anything is left to ask.
  ///
  /// - Parameters:
  ///   - local: the open socket that datagrams are sent from.
  ///   - call: a number for an ICMP echo.
  public mutating func next(
    at now: Moment, local: Endpoint, call: () -> Call, bits: inout RandomBits
  ) -> [Effect] {
    guard !isSent else { return [] }
    sent += 1
    switch means {
    case .echo(let address):
      let call = call()
      asked[.call(call)] = (now.monotonic, sent)
      return [.echo(call, to: address, timeout: ProbeTrain.patience)]
    case .datagramEcho(let endpoint):
      let octets = bits.octets(16)
      asked[.datagram(octets)] = (now.monotonic, sent)
      return [.datagram(octets, from: local, to: endpoint)]
    case .stun(let endpoint, let username):
      let octets = bits.octets(12)
      guard let transaction = STUNTransactionID(octets) else { return [] }
      let message = STUNMessage(.request, transaction: transaction, attributes: [.username(username)])
      asked[.datagram(octets)] = (now.monotonic, sent)
      return [.datagram(message.octets(fingerprint: .present), from: local, to: endpoint)]
    }
  }

  /// Takes an ICMP echo's answer; false where it is none of this train's.
  public mutating func echoed(_ call: Call, at now: Moment) -> Bool { answered(.call(call), at: now) }

  /// Takes the end of an ICMP echo without an answer; false where it is none of this train's.
  public mutating func failed(_ call: Call, _ failure: Failure) -> Bool {
    guard asked.removeValue(forKey: .call(call)) != nil else { return false }
    if failure == .notPermitted, let other = fallback {
      // This program may not send ICMP: the whole row goes by UDP.
      means = .datagramEcho(other)
      fallback = nil
      sent = 0
      asked = [:]
    }
    return true
  }

  /// Takes a datagram that came from this train's host; false where it is none of its.
  public mutating func heard(_ octets: [UInt8], from sender: Endpoint, at now: Moment) -> Bool {
    switch means {
    case .echo: return false
    case .datagramEcho(let endpoint):
      guard sender == endpoint else { return false }
      return answered(.datagram(octets), at: now)
    case .stun(let endpoint, _):
      guard sender == endpoint, let message = try? STUNMessage(parsing: octets), message.messageClass == .success else {
        return false
      }
      return answered(.datagram(message.transaction.octets), at: now)
    }
  }

  private mutating func answered(_ question: Question, at now: Moment) -> Bool {
    guard let (since, number) = asked.removeValue(forKey: question) else { return false }
    received += 1
    newestAnswered = max(newestAnswered, number)
    let time = now.monotonic - min(since, now.monotonic)
    shortest = min(shortest ?? time, time)
    return true
  }

  /// Nothing more is waited for; the effects stop what is under way.
  public mutating func end() -> [Effect] {
    defer { asked = [:] }
    return asked.keys.compactMap { if case .call(let call) = $0 { .cancel(call) } else { nil } }
  }

  public var tally: ProbeTally {
    ProbeTally(sent: sent, received: received, roundTrip: roundTrip, unansweredSince: sent - newestAnswered)
  }
}

/// What a row of questions came to.
public struct ProbeTally: Sendable, Hashable, CustomStringConvertible {
  public var sent: Int
  public var received: Int
  /// The shortest, in ms.
  public var roundTrip: Double?
  /// How many at the end of the row were not answered.
  public var unansweredSince: Int

  public init(sent: Int, received: Int, roundTrip: Double? = nil, unansweredSince: Int = 0) {
    self.sent = sent
    self.received = received
    self.roundTrip = roundTrip
    self.unansweredSince = unansweredSince
  }

  /// One answer missing of a row is no trouble yet; more than 5 % are.
  public var isLossy: Bool { !isSilent && received > 0 && (sent - received) * 20 > sent && sent - received > 1 }
  /// Milliseconds from which a way inside the home counts as slow.
  public static let slow = 100.0
  public var isSlow: Bool { !isSilent && (roundTrip.map { $0 >= ProbeTally.slow } ?? false) }
  /// Nothing came back, or from some time in the row on nothing more: what counts is how the way is now.
  public var isSilent: Bool { sent > 0 && (received == 0 || unansweredSince * 10 >= sent * 6) }
  public var isClean: Bool { received > 0 && !isSilent && !isLossy && !isSlow }

  public var description: String {
    let time = roundTrip.map { "; the fastest in \(ProbeTally.text($0)) ms" } ?? ""
    let end = isSilent && received > 0 ? ", none of the last \(unansweredSince)" : ""
    return "\(received) of \(sent) answered\(time)\(end)"
  }

  /// Without more digits than a person reads.
  public static func text(_ milliseconds: Double) -> String {
    let tenths = Int((milliseconds * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }
}
