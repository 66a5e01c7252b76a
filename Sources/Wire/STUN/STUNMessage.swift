import Octets

/// A STUN message (RFC 8489): a class, a method, a transaction and attributes.
///
/// MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT are no ``attributes``: they are computed when the
/// message is written (``octets(integrity:fingerprint:)``), and checked on the octets that were read.
public struct STUNMessage: Sendable, Hashable {
  public enum Class: UInt16, Sendable, Hashable, CaseIterable {
    case request, indication, success, error
  }

  public var messageClass: Class
  /// 0 to 0xFFF.
  public var method: UInt16
  public var transaction: STUNTransactionID
  /// In their order on the wire, up to the first integrity attribute: RFC 8489 has what follows that one ignored.
  public var attributes: [STUNAttribute]
  /// What was read, for the checks of integrity; `nil` of a message that was made here.
  var source: Source?

  /// The method of every message of the profile.
  public static let binding: UInt16 = 1
  /// The number that tells STUN from other traffic (RFC 8489, 5).
  public static let cookie: UInt32 = 0x2112_A442
  static let headerLength = 20

  public init(
    _ messageClass: Class, method: UInt16 = STUNMessage.binding, transaction: STUNTransactionID,
    attributes: [STUNAttribute] = []
  ) {
    self.messageClass = messageClass
    self.method = method & 0xFFF
    self.transaction = transaction
    self.attributes = attributes
  }

  /// Where the attributes of a message that was read stand in its octets.
  struct Source: Sendable, Hashable {
    var octets: [UInt8]
    var offsets: [Int] = []
    var integrity: Int?
    var integritySHA256: Int?
    var fingerprint: Int?
  }

  /// The octet at which an attribute of a message that was read begins, from 0.
  public func offset(ofAttribute index: Int) -> Int? {
    guard let offsets = source?.offsets, offsets.indices.contains(index) else { return nil }
    return offsets[index]
  }

  /// True where the message was read with a FINGERPRINT; a wrong one is not read at all.
  public var hasFingerprint: Bool { source?.fingerprint != nil }

  /// True where the message was read with MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256, right or wrong.
  public var hasIntegrity: Bool { source.map { $0.integrity != nil || $0.integritySHA256 != nil } ?? false }

  /// The 16 bits of class and method (RFC 8489, figure 3).
  var type: UInt16 {
    let bits = messageClass.rawValue
    return method & 0x000F | (bits & 1) << 4 | (method & 0x0070) << 1 | (bits & 2) << 7 | (method & 0x0F80) << 2
  }

  static func split(type: UInt16) -> (Class, method: UInt16) {
    let method = type & 0x000F | (type & 0x00E0) >> 1 | (type & 0x3E00) >> 2
    return (Class(rawValue: type >> 4 & 1 | type >> 7 & 2)!, method)
  }
}

/// The 96 bits by which a response finds its request.
public struct STUNTransactionID: Sendable, Hashable, CustomStringConvertible {
  public let high: UInt32
  public let low: UInt64

  public init(high: UInt32, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// From twelve octets; `nil` for any other number of them.
  public init?(_ octets: some Collection<UInt8>) {
    guard octets.count == 12 else { return nil }
    high = octets.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
    low = octets.dropFirst(4).reduce(0) { $0 << 8 | UInt64($1) }
  }

  public var octets: [UInt8] {
    var writer = ByteWriter(reserving: 12)
    writer.uint32(high)
    writer.uint64(low)
    return writer.octets
  }

  public var description: String { octets.hex() }
}

extension STUNMessage {
  /// True of octets that could be STUN: two zero bits, a length that fits, the cookie (RFC 8489, 5 and 6.3).
  public static func isLikely(_ octets: some RandomAccessCollection<UInt8>) -> Bool {
    guard octets.count >= headerLength, let first = octets.first, first & 0xC0 == 0 else { return false }
    return octets.dropFirst(4).prefix(4).elementsEqual([0x21, 0x12, 0xA4, 0x42])
  }

  public var username: String? { find { if case .username(let text) = $0 { text } else { nil } } }
  public var software: String? { find { if case .software(let text) = $0 { text } else { nil } } }
  public var realm: String? { find { if case .realm(let text) = $0 { text } else { nil } } }
  public var nonce: String? { find { if case .nonce(let text) = $0 { text } else { nil } } }
  public var mappedAddress: Endpoint? { find { if case .mappedAddress(let end) = $0 { end } else { nil } } }
  public var xorMappedAddress: Endpoint? { find { if case .xorMappedAddress(let end) = $0 { end } else { nil } } }
  public var otherAddress: Endpoint? { find { if case .otherAddress(let end) = $0 { end } else { nil } } }
  public var responseOrigin: Endpoint? { find { if case .responseOrigin(let end) = $0 { end } else { nil } } }
  /// What the request asks the server to answer from (RFC 5780, 7.2); `nil` where it does not ask.
  public var changeRequest: STUNChangeRequest? { find { if case .changeRequest(let it) = $0 { it } else { nil } } }
  /// To which port of the sender's address the response is wanted (RFC 5780, 7.5).
  public var responsePort: UInt16? { find { if case .responsePort(let port) = $0 { port } else { nil } } }
  /// Octets of PADDING (RFC 5780, 7.6).
  public var padding: Int? { find { if case .padding(let count) = $0 { count } else { nil } } }
  /// The code, 300 to 699, and the reason.
  public var errorCode: (code: Int, reason: String)? {
    find { if case .errorCode(let code, let reason) = $0 { (code, reason) } else { nil } }
  }
  public var unknownAttributes: [UInt16]? { find { if case .unknownAttributes(let list) = $0 { list } else { nil } } }

  /// The reflexive address of a success: XOR-MAPPED-ADDRESS, else what an RFC 3489 server says.
  public var reflexiveAddress: Endpoint? { xorMappedAddress ?? mappedAddress }

  /// The comprehension-required types that are not understood here: a server answers 420 (RFC 8489, 6.3.1).
  public var notUnderstood: [UInt16] {
    attributes.compactMap { if case .unknown(let type, _) = $0, type < 0x8000 { type } else { nil } }
  }

  /// The first attribute counts (RFC 8489, 14).
  private func find<Value>(_ pick: (STUNAttribute) -> Value?) -> Value? {
    for attribute in attributes { if let value = pick(attribute) { return value } }
    return nil
  }
}
