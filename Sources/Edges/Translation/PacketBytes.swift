import Octets

/// An IPv4 packet's octets, read and changed in place. The offsets are RFC 791's, RFC 768's and RFC 792's.
struct PacketBytes: Sendable {
  var octets: [UInt8]

  /// `nil` unless the octets hold a whole IPv4 packet; what follows its end is cut off.
  init?(_ octets: [UInt8]) {
    self.octets = octets
    guard octets.count >= 20, octets[0] >> 4 == 4, headerLength >= 20, totalLength >= headerLength,
      totalLength <= octets.count
    else { return nil }
    if octets.count > totalLength { self.octets.removeLast(octets.count - totalLength) }
  }

  /// The head of a packet that an ICMP error quotes: it may be cut short after eight octets of its payload.
  init?(quoted octets: [UInt8]) {
    self.octets = octets
    guard octets.count >= 28, octets[0] >> 4 == 4, headerLength >= 20, octets.count >= headerLength + 8 else {
      return nil
    }
  }

  var headerLength: Int { Int(octets[0] & 15) * 4 }
  var totalLength: Int { Int(word(2)) }
  var protocolNumber: UInt8 { octets[9] }
  var isFragment: Bool { word(6) & 0x3FFF != 0 }
  var mayNotBeFragmented: Bool { word(6) & 0x4000 != 0 }
  var timeToLive: UInt8 { octets[8] }
  var source: UInt32 { double(12) }
  var destination: UInt32 { double(16) }
  /// Of UDP.
  var sourcePort: UInt16 { word(headerLength) }
  var destinationPort: UInt16 { word(headerLength + 2) }
  var sourceEnd: UDPEnd { UDPEnd(source, sourcePort) }
  var destinationEnd: UDPEnd { UDPEnd(destination, destinationPort) }

  var headerIsValid: Bool {
    var sum: UInt32 = 0
    for offset in stride(from: 0, to: headerLength, by: 2) { sum += UInt32(word(offset)) }
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    return sum == 0xFFFF
  }

  @inline(__always) func word(_ offset: Int) -> UInt16 { UInt16(octets[offset]) << 8 | UInt16(octets[offset + 1]) }
  @inline(__always) private func double(_ offset: Int) -> UInt32 {
    UInt32(word(offset)) << 16 | UInt32(word(offset + 2))
  }

  @inline(__always) mutating func set(_ value: UInt16, at offset: Int) {
    octets[offset] = UInt8(truncatingIfNeeded: value >> 8)
    octets[offset + 1] = UInt8(truncatingIfNeeded: value)
  }

  /// Changes a 16-bit word and mends the checksums that cover it (RFC 1624, equation 3).
  private mutating func replace(_ offset: Int, with value: UInt16, sums: [Int]) {
    let old = word(offset)
    guard old != value else { return }
    for place in sums {
      var sum = UInt32(~word(place)) + UInt32(~old) + UInt32(value)
      while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
      set(~UInt16(sum), at: place)
    }
    set(value, at: offset)
  }

  /// One hop less; the caller has seen that it is more than one.
  mutating func countHop() { replace(8, with: word(8) - 0x100, sums: [10]) }

  enum End { case source, destination }

  /// Gives an end another address and UDP port. A UDP checksum of 0 (there is none) stays; of a quoted packet it may be
  /// cut off.
  mutating func rewrite(_ end: End, to new: UDPEnd) {
    let (address, port) = end == .source ? (12, headerLength) : (16, headerLength + 2)
    let udpSum = headerLength + 6
    let hasSum = octets.count >= udpSum + 2 && word(udpSum) != 0
    let sums = hasSum ? [10, udpSum] : [10]
    replace(address, with: UInt16(truncatingIfNeeded: new.address >> 16), sums: sums)
    replace(address + 2, with: UInt16(truncatingIfNeeded: new.address), sums: sums)
    replace(port, with: new.port, sums: hasSum ? [udpSum] : [])
    // RFC 768: a sum that comes out as 0 is sent as all ones.
    if hasSum, word(udpSum) == 0 { set(0xFFFF, at: udpSum) }
  }

  /// Gives an end of the IP header another address.
  mutating func rewrite(_ end: End, address new: UInt32) {
    let offset = end == .source ? 12 : 16
    replace(offset, with: UInt16(truncatingIfNeeded: new >> 16), sums: [10])
    replace(offset + 2, with: UInt16(truncatingIfNeeded: new), sums: [10])
  }

  /// Computes a UDP checksum that the sender left to its interface.
  mutating func completeUDPChecksum() {
    let place = headerLength + 6
    set(0, at: place)
    var sum = UInt64(source >> 16) + UInt64(source & 0xFFFF) + UInt64(destination >> 16)
    sum += UInt64(destination & 0xFFFF) + 17 + UInt64(octets.count - headerLength)
    sum += UInt64(OnesComplement.sum(octets[headerLength...]))
    let value = ~OnesComplement.folded(sum)
    set(value == 0 ? 0xFFFF : value, at: place)
  }

  /// Computes the checksum of an ICMP message anew.
  mutating func completeICMPChecksum() {
    let place = headerLength + 2
    set(0, at: place)
    set(~OnesComplement.folded(UInt64(OnesComplement.sum(octets[headerLength...]))), at: place)
  }
}

/// RFC 1071.
enum OnesComplement {
  static func sum(_ octets: ArraySlice<UInt8>) -> UInt32 {
    octets.withUnsafeBufferPointer { bytes in
      var sum: UInt32 = 0
      var index = 0
      while index + 1 < bytes.count {
        sum &+= UInt32(bytes[index]) << 8 | UInt32(bytes[index + 1])
        index += 2
      }
      return index < bytes.count ? sum &+ UInt32(bytes[index]) << 8 : sum
    }
  }

  static func folded(_ sum: UInt64) -> UInt16 {
    var sum = sum
    while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
    return UInt16(sum)
  }
}
