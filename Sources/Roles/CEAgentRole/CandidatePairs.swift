import Messages
import RoleKit

/// The checks of one session: to which of the peer's addresses they go, and which of them got through (4.5 step 7,
/// profile section 6).
///
/// A value without I/O. What holds whoever sends to our socket:
/// - Only who has the session's key makes us send anything: a request is answered, and a check sent back to its source,
///   only if its integrity is right and its USERNAME is the peer's.
/// - A check that comes again from elsewhere is a replay, and changes nothing; the peer itself never uses a transaction
///   twice.
/// - A pair is checked by the answer to a check of ours alone: its transaction was chosen by chance a moment ago, it
///   comes from the very address that was asked, and its integrity is right. No replay can do that.
struct CandidatePairs: Sendable, Hashable {
  struct Datagram: Sendable, Hashable {
    var octets: [UInt8]
    var to: Endpoint
  }

  /// What a datagram came to.
  enum Heard: Sendable, Hashable {
    /// A valid check of the peer: the answer, and a check of ours to where it came from.
    case check([Datagram])
    /// A valid answer to a check of ours.
    case checked(Endpoint)
    /// Nothing changed.
    case ignored(String)
  }

  /// Nanoseconds between two checks to one candidate, and for how long they go on.
  static let interval: UInt64 = .milliseconds(100)
  static let patience: UInt64 = .seconds(5)
  /// Candidates of the peer that are checked at most.
  static let candidateLimit = 10
  /// Nanoseconds after which a source whose data came is checked once more.
  static let sourceInterval: UInt64 = .milliseconds(50)
  /// Sources of valid checks that are checked back, and how often one is: behind a gateway that maps each destination
  /// anew every check comes from elsewhere. Until then each valid check is worth one back, however soon after another:
  /// the two may have come by different mappings, and only the way back by one of them is open.
  static let sourceLimit = 32
  static let sourceChecks = 256
  /// Transactions that are remembered, ours without an answer and the peer's.
  static let memory = 512

  private struct Target: Sendable, Hashable {
    var endpoint: Endpoint
    /// Nanoseconds.
    var until: UInt64
  }

  private let username: String
  private let peerUsername: String
  private let key: [UInt8]
  private var targets: [Target] = []
  private var asked = TransactionMemory()
  private var heard = TransactionMemory()
  private struct Source: Sendable, Hashable {
    var checks = 0
    /// Nanoseconds.
    var last: UInt64 = 0
  }

  /// How often each source of valid checks was checked, and when last.
  private var sources: [Endpoint: Source] = [:]
  /// Addresses of the peer from which a valid answer came, the first one first.
  private(set) var checked: [Endpoint] = []

  init(_ grant: PeerGrant) {
    username = grant.username(of: grant.role)
    peerUsername = grant.username(of: grant.role.other)
    key = Array(grant.checkKey.utf8)
  }

  /// Addresses that are being checked or were.
  var endpoints: [Endpoint] { targets.map(\.endpoint) }

  /// Takes candidates of the peer; true where one is new.
  mutating func learn(_ endpoints: [Endpoint], at now: Moment) -> Bool {
    var isNew = false
    for endpoint in endpoints where targets.count < Self.candidateLimit {
      guard !targets.contains(where: { $0.endpoint == endpoint }) else { continue }
      targets.append(Target(endpoint: endpoint, until: now.monotonic + Self.patience))
      isNew = true
    }
    return isNew
  }

  /// Whether checks go on: until one got through, or for 5 s after the last new candidate.
  func isChecking(at now: Moment) -> Bool { checked.isEmpty && targets.contains { $0.until > now.monotonic } }

  /// The checks of one round: one to each candidate whose time is not over.
  mutating func round(at now: Moment, bits: inout RandomBits) -> [Datagram] {
    guard checked.isEmpty else { return [] }
    return targets.filter { $0.until > now.monotonic }.compactMap { check($0.endpoint, bits: &bits) }
  }

  private mutating func check(_ endpoint: Endpoint, bits: inout RandomBits) -> Datagram? {
    guard let transaction = STUNTransactionID(bits.octets(12)) else { return nil }
    asked.remember(transaction, endpoint)
    let message = STUNMessage(.request, transaction: transaction, attributes: [.username(username)])
    return Datagram(octets: message.octets(integrity: .sha1(key: key)), to: endpoint)
  }

  /// Takes a STUN message that came to the socket.
  mutating func hear(
    _ message: STUNMessage, from: Endpoint, at now: Moment, bits: inout RandomBits
  ) -> Heard {
    guard message.method == STUNMessage.binding else { return .ignored("method \(message.method) is no Binding") }
    switch message.messageClass {
    case .request: return hearCheck(message, from: from, at: now, bits: &bits)
    case .success: return hearAnswer(message, from: from)
    case .error: return .ignored("an error response: \(message.errorCode?.code ?? 0)")
    case .indication: return .ignored("an indication")
    }
  }

  private mutating func hearCheck(
    _ message: STUNMessage, from: Endpoint, at now: Moment, bits: inout RandomBits
  ) -> Heard {
    guard message.username == peerUsername else { return .ignored("a check with another USERNAME") }
    guard message.integrity(key: key) == .valid else { return .ignored("a check without the session's integrity") }
    guard message.notUnderstood.isEmpty else {
      // RFC 8489 clause 6.3.1.
      let refusal = STUNMessage(
        .error, transaction: message.transaction,
        attributes: [.errorCode(420, "Unknown Attribute"), .unknownAttributes(message.notUnderstood)])
      return .check([Datagram(octets: refusal.octets(integrity: .sha1(key: key)), to: from)])
    }
    let earlier = heard[message.transaction]
    if let earlier, earlier != from { return .ignored("a check that came from \(earlier) before: a replay") }
    let answer = STUNMessage(.success, transaction: message.transaction, attributes: [.xorMappedAddress(from)])
    let reply = Datagram(octets: answer.octets(integrity: .sha1(key: key)), to: from)
    guard earlier == nil else { return .check([reply]) }
    heard.remember(message.transaction, from)
    return .check([reply] + (isWorthACheck(from, at: now) ? check(from, bits: &bits).map { [$0] } ?? [] : []))
  }

  /// Whether a check goes back to the source of a valid one: not where it got through already, else the two ends would
  /// answer check with check for ever.
  private mutating func isWorthACheck(_ source: Endpoint, at now: Moment) -> Bool {
    guard !checked.contains(source) else { return false }
    guard sources[source].map({ $0.checks < Self.sourceChecks }) ?? (sources.count < Self.sourceLimit) else {
      return false
    }
    sources[source, default: Source()].checks += 1
    sources[source]?.last = now.monotonic
    return true
  }

  /// Data came from an address that is not checked: where the peer's checks came from there too, ours or the answer to
  /// it was lost, and it is checked again.
  mutating func hearData(from source: Endpoint, at now: Moment, bits: inout RandomBits) -> Datagram? {
    guard let known = sources[source], now.monotonic >= known.last + Self.sourceInterval,
      isWorthACheck(source, at: now)
    else { return nil }
    return check(source, bits: &bits)
  }

  private mutating func hearAnswer(_ message: STUNMessage, from: Endpoint) -> Heard {
    guard let endpoint = asked[message.transaction] else { return .ignored("an answer to no check of ours") }
    guard endpoint == from else { return .ignored("an answer to the check of \(endpoint) from elsewhere") }
    guard message.integrity(key: key) == .valid else { return .ignored("an answer without the session's integrity") }
    asked.forget(message.transaction)
    if !checked.contains(from) { checked.append(from) }
    return .checked(from)
  }
}

/// The newest transactions, and the address that each belongs to.
private struct TransactionMemory: Sendable, Hashable {
  private var endpoints: [STUNTransactionID: Endpoint] = [:]
  private var order: [STUNTransactionID] = []

  subscript(transaction: STUNTransactionID) -> Endpoint? { endpoints[transaction] }

  mutating func remember(_ transaction: STUNTransactionID, _ endpoint: Endpoint) {
    endpoints[transaction] = endpoint
    order.append(transaction)
    if order.count > CandidatePairs.memory { endpoints[order.removeFirst()] = nil }
  }

  mutating func forget(_ transaction: STUNTransactionID) { endpoints[transaction] = nil }
}
