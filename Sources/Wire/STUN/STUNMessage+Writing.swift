import Octets

/// The integrity that a message is written with.
public enum STUNIntegrity: Sendable, Hashable {
  case none
  /// MESSAGE-INTEGRITY: HMAC-SHA1 with this key.
  case sha1(key: [UInt8])
  /// MESSAGE-INTEGRITY-SHA256: HMAC-SHA256, whole.
  case sha256(key: [UInt8])
}

public enum STUNFingerprint: Sendable, Hashable { case absent, present }

extension STUNMessage {
  static let fingerprintMask: UInt32 = 0x5354_554E

  /// The message's octets.
  public func octets(integrity: STUNIntegrity = .none, fingerprint: STUNFingerprint = .present) -> [UInt8] {
    var writer = ByteWriter(reserving: 128)
    writer.uint16(type)
    writer.uint16(0)
    writer.uint32(Self.cookie)
    writer.append(transaction.octets)
    for attribute in attributes { attribute.write(into: &writer, transaction) }
    switch integrity {
    case .none: break
    case .sha1(let key):
      // The length counts the attribute itself, which the hash does not cover (RFC 8489, 14.5).
      writer.replaceUInt16(at: 2, with: UInt16(truncatingIfNeeded: writer.count - Self.headerLength + 24))
      STUNAttribute.write(
        STUNAttribute.Code.messageIntegrity, HMAC.sha1(key: key, writer.octets[...]), into: &writer)
    case .sha256(let key):
      writer.replaceUInt16(at: 2, with: UInt16(truncatingIfNeeded: writer.count - Self.headerLength + 36))
      STUNAttribute.write(
        STUNAttribute.Code.messageIntegritySHA256, HMAC.sha256(key: key, writer.octets[...]), into: &writer)
    }
    if fingerprint == .present {
      writer.replaceUInt16(at: 2, with: UInt16(truncatingIfNeeded: writer.count - Self.headerLength + 8))
      let sum = CRC32.of(writer.octets[...]) ^ Self.fingerprintMask
      STUNAttribute.write(STUNAttribute.Code.fingerprint, bytes(sum), into: &writer)
    } else {
      writer.replaceUInt16(at: 2, with: UInt16(truncatingIfNeeded: writer.count - Self.headerLength))
    }
    return writer.octets
  }

  private func bytes(_ number: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }
}

extension STUNMessage {
  public enum IntegrityCheck: Sendable, Hashable { case absent, valid, invalid }

  /// Whether the integrity that the message was read with is that of `key`, a short-term credential's password as
  /// octets (RFC 8489, 9.1.1). Where it has both kinds, both must be right.
  public func integrity(key: [UInt8]) -> IntegrityCheck {
    guard let source, source.integrity != nil || source.integritySHA256 != nil else { return .absent }
    var isValid = true
    if let offset = source.integrity {
      isValid = HMAC.sha1(key: key, covered(source.octets, by: offset, 24)) == Array(value(source.octets, offset))
    }
    if let offset = source.integritySHA256 {
      let told = value(source.octets, offset)
      let whole = HMAC.sha256(key: key, covered(source.octets, by: offset, 4 + told.count))
      isValid = isValid && whole.prefix(told.count).elementsEqual(told)
    }
    return isValid ? .valid : .invalid
  }

  private func value(_ octets: [UInt8], _ offset: Int) -> ArraySlice<UInt8> {
    octets[(offset + 4)...].prefix(Int(octets[offset...].uint16(at: 2)))
  }

  /// What the hash at an offset covers: all before it, with the length as if it were the last attribute.
  private func covered(_ octets: [UInt8], by offset: Int, _ size: Int) -> ArraySlice<UInt8> {
    var part = octets[..<offset]
    let length = offset - Self.headerLength + size
    part[2] = UInt8(truncatingIfNeeded: length >> 8)
    part[3] = UInt8(truncatingIfNeeded: length)
    return part
  }
}

extension STUNAttribute {
  func write(into writer: inout ByteWriter, _ transaction: STUNTransactionID) {
    switch self {
    case .mappedAddress(let end), .responseOrigin(let end), .otherAddress(let end):
      Self.write(type, Self.octets(end), into: &writer)
    case .xorMappedAddress(let end): Self.write(type, Self.octets(end.masked(by: transaction)), into: &writer)
    case .username(let text), .realm(let text), .nonce(let text), .software(let text):
      Self.write(type, Array(text.utf8), into: &writer)
    case .errorCode(let code, let reason):
      Self.write(type, [0, 0, UInt8(code / 100 & 7), UInt8(code % 100)] + Array(reason.utf8), into: &writer)
    case .unknownAttributes(let types):
      Self.write(type, types.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }, into: &writer)
    case .changeRequest(let change):
      Self.write(type, (0..<4).map { UInt8(truncatingIfNeeded: change.rawValue >> (24 - 8 * $0)) }, into: &writer)
    case .responsePort(let port): Self.write(type, [UInt8(port >> 8), UInt8(port & 0xFF), 0, 0], into: &writer)
    case .padding(let count): Self.write(type, [UInt8](repeating: 0, count: count), into: &writer)
    case .unknown(_, let value): Self.write(type, value, into: &writer)
    }
  }

  static func write(_ type: UInt16, _ value: [UInt8], into writer: inout ByteWriter) {
    writer.uint16(type)
    writer.uint16(UInt16(truncatingIfNeeded: value.count))
    writer.append(value)
    writer.append([UInt8](repeating: 0, count: (4 - value.count % 4) % 4))
  }

  private static func octets(_ end: Endpoint) -> [UInt8] {
    let family: UInt8 = end.address.bitWidth == 32 ? 1 : 2
    return [0, family, UInt8(end.port >> 8), UInt8(end.port & 0xFF)] + end.address.octets
  }
}
