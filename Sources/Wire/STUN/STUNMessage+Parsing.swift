import Octets

extension STUNMessage {
  /// Reads a datagram.
  ///
  /// - Throws: ``WireError``: `truncated`, `malformed` (no STUN, a length that does not fit, a value that its attribute
  ///   may not have, a wrong FINGERPRINT). Such a datagram is dropped without an answer (RFC 8489, 6.3).
  public init(parsing octets: [UInt8]) throws {
    var reader = ByteReader(octets, format: "STUN")
    let type = try reader.uint16("the type")
    guard type & 0xC000 == 0 else { throw Self.fault(0, "type 0x\([octets[0]].hex()), expected two zero bits first") }
    let length = Int(try reader.uint16("the length"))
    let cookie = try reader.uint32("the cookie")
    guard cookie == Self.cookie else {
      throw Self.fault(4, "cookie 0x\(octets[4..<8].hex()), expected 0x2112a442")
    }
    let transaction = STUNTransactionID(try reader.take(12, "the transaction"))!
    guard length % 4 == 0 else { throw Self.fault(2, "length \(length), expected a multiple of 4") }
    guard length == reader.remaining else {
      throw WireError(
        length > reader.remaining ? .truncated : .malformed, in: "STUN", at: 2,
        "length \(length), \(reader.remaining) octets follow the header")
    }
    let (messageClass, method) = Self.split(type: type)
    self.init(messageClass, method: method, transaction: transaction)
    var source = Source(octets: octets)
    while !reader.isAtEnd { try take(&reader, &source) }
    try Self.checkFingerprint(source)
    self.source = source
  }

  static func fault(_ offset: Int, _ reason: String) -> WireError {
    WireError(.malformed, in: "STUN", at: offset, reason)
  }

  private mutating func take(_ reader: inout ByteReader, _ source: inout Source) throws {
    let offset = reader.offset
    if source.fingerprint != nil { throw Self.fault(offset, "an attribute behind FINGERPRINT") }
    let type = try reader.uint16("an attribute's type")
    let length = Int(try reader.uint16("an attribute's length"))
    let value = try reader.take(length, "attribute 0x\([UInt8(type >> 8), UInt8(type & 0xFF)].hex())")
    try reader.skip((4 - length % 4) % 4, "an attribute's padding")
    switch type {
    case STUNAttribute.Code.messageIntegrity:
      guard length == 20 else { throw Self.fault(offset, "MESSAGE-INTEGRITY of \(length) octets, expected 20") }
      if source.integrity == nil, source.integritySHA256 == nil { source.integrity = offset }
    case STUNAttribute.Code.messageIntegritySHA256:
      guard (16...32).contains(length), length % 4 == 0 else {
        throw Self.fault(offset, "MESSAGE-INTEGRITY-SHA256 of \(length) octets, expected 16 to 32")
      }
      if source.integritySHA256 == nil { source.integritySHA256 = offset }
    case STUNAttribute.Code.fingerprint:
      guard length == 4 else { throw Self.fault(offset, "FINGERPRINT of \(length) octets, expected 4") }
      source.fingerprint = offset
    default:
      // RFC 8489, 14.5: what follows the integrity is not covered by it.
      guard source.integrity == nil, source.integritySHA256 == nil else { return }
      attributes.append(try STUNAttribute(type, value, at: offset, transaction))
      source.offsets.append(offset)
    }
  }

  private static func checkFingerprint(_ source: Source) throws {
    guard let offset = source.fingerprint else { return }
    let expected = CRC32.of(source.octets[..<offset]) ^ STUNMessage.fingerprintMask
    guard source.octets[(offset + 4)...].uint32(at: 0) == expected else {
      throw fault(offset, "FINGERPRINT 0x\(source.octets[(offset + 4)...].prefix(4).hex()) is not the message's")
    }
  }
}

extension STUNAttribute {
  init(_ type: UInt16, _ value: ArraySlice<UInt8>, at offset: Int, _ transaction: STUNTransactionID) throws {
    func text(_ name: String, atMost limit: Int) throws -> String {
      guard value.count <= limit else {
        throw STUNMessage.fault(offset, "\(name) of \(value.count) octets, expected at most \(limit)")
      }
      guard let text = String(validating: value, as: UTF8.self) else {
        throw STUNMessage.fault(offset, "\(name) is not UTF-8")
      }
      return text
    }
    switch type {
    case Code.mappedAddress: self = .mappedAddress(try Self.address(value, at: offset, mask: nil))
    case Code.xorMappedAddress: self = .xorMappedAddress(try Self.address(value, at: offset, mask: transaction))
    case Code.responseOrigin: self = .responseOrigin(try Self.address(value, at: offset, mask: nil))
    case Code.otherAddress: self = .otherAddress(try Self.address(value, at: offset, mask: nil))
    case Code.username: self = .username(try text("USERNAME", atMost: 508))
    case Code.realm: self = .realm(try text("REALM", atMost: 763))
    case Code.nonce: self = .nonce(try text("NONCE", atMost: 763))
    case Code.software: self = .software(try text("SOFTWARE", atMost: 763))
    case Code.errorCode: self = try Self.errorCode(value, at: offset)
    case Code.unknownAttributes:
      guard value.count % 2 == 0 else {
        throw STUNMessage.fault(offset, "UNKNOWN-ATTRIBUTES of \(value.count) octets, expected an even number")
      }
      self = .unknownAttributes(stride(from: 0, to: value.count, by: 2).map { value.uint16(at: $0) })
    case Code.changeRequest:
      guard value.count == 4 else {
        throw STUNMessage.fault(offset, "CHANGE-REQUEST of \(value.count) octets, expected 4")
      }
      self = .changeRequest(STUNChangeRequest(rawValue: value.uint32(at: 0)))
    case Code.responsePort:
      guard value.count == 4 else {
        throw STUNMessage.fault(offset, "RESPONSE-PORT of \(value.count) octets, expected 4")
      }
      self = .responsePort(value.uint16(at: 0))
    case Code.padding: self = .padding(value.count)
    default: self = .unknown(type: type, value: Array(value))
    }
  }

  /// - Parameter mask: of XOR-MAPPED-ADDRESS: what the address was combined with, behind the cookie (RFC 8489, 14.2).
  private static func address(
    _ value: ArraySlice<UInt8>, at offset: Int, mask: STUNTransactionID?
  ) throws -> Endpoint {
    guard value.count >= 4 else {
      throw STUNMessage.fault(offset, "an address of \(value.count) octets, expected 8 or 20")
    }
    let family = value.uint8(at: 1)
    let length = family == 1 ? 8 : family == 2 ? 20 : 0
    guard length > 0 else { throw STUNMessage.fault(offset + 5, "address family \(family), expected 1 or 2") }
    guard value.count == length else {
      throw STUNMessage.fault(offset, "an address of family \(family) in \(value.count) octets, expected \(length)")
    }
    let plain = Endpoint(IPAddress(value.dropFirst(4))!, value.uint16(at: 2))
    return mask.map { plain.masked(by: $0) } ?? plain
  }

  private static func errorCode(_ value: ArraySlice<UInt8>, at offset: Int) throws -> STUNAttribute {
    guard value.count >= 4 else {
      throw STUNMessage.fault(offset, "ERROR-CODE of \(value.count) octets, expected at least 4")
    }
    let (hundreds, rest) = (Int(value.uint8(at: 2) & 7), Int(value.uint8(at: 3)))
    guard (3...6).contains(hundreds), rest < 100 else {
      throw STUNMessage.fault(offset + 6, "error code \(hundreds), \(rest), expected 300 to 699")
    }
    return .errorCode(hundreds * 100 + rest, String(decoding: value.dropFirst(4), as: UTF8.self))
  }
}

extension Endpoint {
  /// Combined with the cookie and the transaction, or taken out of the combination again (RFC 8489, 14.2).
  func masked(by transaction: STUNTransactionID) -> Endpoint {
    let cookie = STUNMessage.cookie
    let hidden: IPAddress =
      switch address {
      case .v4(let bits): .v4(bits ^ cookie)
      case .v6(let high, let low):
        .v6(high: high ^ (UInt64(cookie) << 32 | UInt64(transaction.high)), low: low ^ transaction.low)
      }
    return Endpoint(hidden, port ^ UInt16(cookie >> 16))
  }
}
