import Octets

/// The one's complement sum of RFC 1071, gathered part by part.
public struct InternetChecksum: Sendable {
  private var sum: UInt64 = 0

  public init() {}

  /// Adds octets that begin at an even place of the sum; an odd last octet counts as if a zero followed it.
  public mutating func add(_ octets: ArraySlice<UInt8>) {
    sum += octets.withUnsafeBytes { bytes in
      var partial: UInt64 = 0
      var index = 0
      while index + 4 <= bytes.count {
        partial += UInt64(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self)))
        index += 4
      }
      // 32-bit words and 16-bit words have the same one's complement sum once folded (RFC 1071 section 2).
      if index + 2 <= bytes.count {
        partial += UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt16.self)))
        index += 2
      }
      if index < bytes.count { partial += UInt64(bytes[index]) << 8 }
      return partial
    }
  }

  public mutating func add(_ word: UInt16) { sum += UInt64(word) }

  public mutating func add(_ word: UInt32) { sum += UInt64(word) }

  /// Adds the pseudo header that UDP and TCP are summed with (RFC 768, RFC 9293 section 3.1, RFC 8200 section 8.1).
  public mutating func addPseudoHeader(
    source: IPAddress, destination: IPAddress, protocolNumber: IPProtocol, length: Int
  ) {
    for address in [source, destination] {
      switch address {
      case .v4(let bits): add(bits)
      case .v6(let high, let low):
        for word in [high >> 32, high & 0xFFFF_FFFF, low >> 32, low & 0xFFFF_FFFF] { sum += word }
      }
    }
    add(UInt16(protocolNumber.rawValue))
    add(UInt32(truncatingIfNeeded: length))
  }

  /// The checksum field's value for what was added.
  public var value: UInt16 {
    var folded = sum
    while folded > 0xFFFF { folded = (folded & 0xFFFF) + (folded >> 16) }
    return ~UInt16(folded)
  }
}
