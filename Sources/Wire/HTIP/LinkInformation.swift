import Octets

/// What a switch has learnt at one of its ports (HTIP, TTC subtype 2), put together from all TLVs of the frame.
public struct LinkInformation: Sendable, Hashable {
  /// IANAifType: 6 Ethernet, 71 IEEE 802.11, 174 power line.
  public var interfaceType: UInt32
  /// From 1.
  public var port: UInt32
  /// The addresses that frames came in from at this port, without the switch's own.
  public var addresses: [MACAddress]

  public init(interfaceType: UInt32 = 6, port: UInt32, addresses: [MACAddress]) {
    self.interfaceType = interfaceType
    self.port = port
    self.addresses = addresses
  }

  /// Addresses that one TLV holds, where type and port have one octet each.
  static let addressLimit = 83

  /// Reads one TLV's body.
  init(parsing octets: ArraySlice<UInt8>, at offset: Int, _ reading: inout Reading) throws {
    var reader = ByteReader(octets, format: "HTIP", base: offset)
    interfaceType = try Self.number(&reader, "the interface type", &reading)
    let place = reader.offset
    port = try Self.number(&reader, "the port", &reading)
    guard port > 0 else { throw WireError(.malformed, in: "HTIP", at: place, "the port is 0, expected 1 or more") }
    let count = Int(try reader.uint8("the number of addresses"))
    addresses = []
    for _ in 0..<count {
      guard let address = MACAddress(try reader.take(6, "a MAC address")) else { continue }
      addresses.append(address)
    }
    if !reader.isAtEnd {
      try reading.met(.trailingOctets, at: reader.offset, "\(reader.remaining) octets after link information")
    }
  }

  private static func number(_ reader: inout ByteReader, _ what: String, _ reading: inout Reading) throws -> UInt32 {
    let place = reader.offset
    let count = Int(try reader.uint8("the length of \(what)"))
    guard (1...4).contains(count) else {
      throw WireError(.malformed, in: "HTIP", at: place, "\(what) has \(count) octets, expected 1 to 4")
    }
    if count > 1 { try reading.met(.longNumbers, at: place, "\(what) has \(count) octets") }
    return UInt32(try reader.bigEndian(count, what))
  }

  /// The bodies of the TLVs that tell it: one at least, and no empty one after a full one.
  func bodies() -> [[UInt8]] {
    let first =
      addresses.isEmpty
      ? [[]]
      : stride(from: 0, to: addresses.count, by: Self.addressLimit).map { start in
        Array(addresses[start..<min(start + Self.addressLimit, addresses.count)])
      }
    return first.map { part in
      var writer = ByteWriter()
      for number in [interfaceType, port] {
        let count = max(1, (32 - number.leadingZeroBitCount + 7) / 8)
        writer.uint8(UInt8(count))
        writer.bigEndian(UInt64(number), count)
      }
      writer.uint8(UInt8(part.count))
      for address in part { writer.append(address.octets) }
      return writer.octets
    }
  }
}
