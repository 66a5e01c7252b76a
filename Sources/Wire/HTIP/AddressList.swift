import Octets

/// The addresses of a device that has several (HTIP, TTC subtypes 3 and 5).
enum AddressList {
  /// How the addresses of subtype 3 are written; both are really sent.
  enum Dialect { case bare, withLengths }

  /// Addresses that one TLV holds without lengths.
  static let limit = 84

  /// Reads subtype 3 in either dialect; the length of the body tells which it is.
  static func macAddresses(
    parsing octets: ArraySlice<UInt8>, at offset: Int, _ reading: inout Reading
  ) throws -> [MACAddress] {
    var reader = ByteReader(octets, format: "HTIP", base: offset)
    let count = Int(try reader.uint8("the number of addresses"))
    let dialect: Dialect = reader.remaining == count * 7 && isWithLengths(octets.dropFirst()) ? .withLengths : .bare
    if dialect == .withLengths, count > 0 {
      try reading.met(.addressLengths, at: offset, "each address of the list carries its length")
    }
    var addresses: [MACAddress] = []
    for _ in 0..<count {
      if dialect == .withLengths { try reader.skip(1, "the length of an address") }
      if let address = MACAddress(try reader.take(6, "a MAC address")) { addresses.append(address) }
    }
    if !reader.isAtEnd {
      try reading.met(.trailingOctets, at: reader.offset, "\(reader.remaining) octets after the addresses")
    }
    return addresses
  }

  private static func isWithLengths(_ octets: ArraySlice<UInt8>) -> Bool {
    stride(from: octets.startIndex, to: octets.endIndex, by: 7).allSatisfy { octets[$0] == 6 }
  }

  /// Reads subtype 5: addresses of any length, each after its length.
  static func addresses(
    parsing octets: ArraySlice<UInt8>, at offset: Int, _ reading: inout Reading
  ) throws -> [[UInt8]] {
    var reader = ByteReader(octets, format: "HTIP", base: offset)
    let count = Int(try reader.uint8("the number of addresses"))
    var addresses: [[UInt8]] = []
    for _ in 0..<count {
      let length = Int(try reader.uint8("the length of an address"))
      addresses.append(Array(try reader.take(length, "an address")))
    }
    if !reader.isAtEnd {
      try reading.met(.trailingOctets, at: reader.offset, "\(reader.remaining) octets after the addresses")
    }
    return addresses
  }

  /// The bodies of the TLVs that tell these addresses, bare.
  static func bodies(_ addresses: [MACAddress]) -> [[UInt8]] {
    stride(from: 0, to: addresses.count, by: limit).map { start in
      let part = addresses[start..<min(start + limit, addresses.count)]
      return [UInt8(part.count)] + part.flatMap(\.octets)
    }
  }
}
