import Octets

/// A UDP datagram (RFC 768).
public struct UDPDatagram: Sendable, Hashable {
  public var sourcePort: UInt16
  public var destinationPort: UInt16
  /// As read; 0 means that the sender computed none. Writing computes it.
  public var checksum: UInt16
  public var payload: ArraySlice<UInt8>

  public init(sourcePort: UInt16, destinationPort: UInt16, payload: ArraySlice<UInt8>) {
    self.sourcePort = sourcePort
    self.destinationPort = destinationPort
    self.payload = payload
    checksum = 0
  }

  /// - Parameter rules: `cutPayloadAllowed` takes a datagram that the capture cut short.
  /// - Throws: ``WireError`` `truncated`, or `malformed` for a length field below 8.
  public init(parsing octets: ArraySlice<UInt8>, base: Int = 0, rules: PacketRules = PacketRules()) throws {
    guard octets.count >= 8 else {
      throw WireError(.truncated, in: "UDP", at: base + octets.count, "\(octets.count) octets, expected at least 8")
    }
    sourcePort = octets.uint16(at: 0)
    destinationPort = octets.uint16(at: 2)
    let length = Int(octets.uint16(at: 4))
    guard length >= 8 else {
      throw WireError(.malformed, in: "UDP", at: base + 4, "length \(length), expected at least 8")
    }
    guard length <= octets.count || rules.cutPayloadAllowed else {
      throw WireError(.truncated, in: "UDP", at: base + 4, "length \(length), \(octets.count) octets left")
    }
    checksum = octets.uint16(at: 6)
    payload = octets[octets.startIndex + 8..<octets.startIndex + min(length, octets.count)]
  }

  /// Whether the checksum is right between these addresses; a checksum of 0 is.
  public func checksumIsValid(source: IPAddress, destination: IPAddress) -> Bool {
    checksum == 0 || checksum == computedChecksum(source: source, destination: destination)
  }

  private func computedChecksum(source: IPAddress, destination: IPAddress) -> UInt16 {
    let length = 8 + payload.count
    var sum = InternetChecksum()
    sum.addPseudoHeader(source: source, destination: destination, protocolNumber: .udp, length: length)
    sum.add(sourcePort)
    sum.add(destinationPort)
    sum.add(UInt16(truncatingIfNeeded: length))
    sum.add(payload)
    return sum.value == 0 ? 0xFFFF : sum.value
  }

  /// Writes the datagram with the checksum that it has between these addresses.
  public func serialize(source: IPAddress, destination: IPAddress, into writer: inout ByteWriter) {
    writer.uint16(sourcePort)
    writer.uint16(destinationPort)
    writer.uint16(UInt16(truncatingIfNeeded: 8 + payload.count))
    writer.uint16(computedChecksum(source: source, destination: destination))
    writer.append(payload)
  }
}
