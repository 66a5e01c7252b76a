import Octets

/// The control bits of a TCP header (RFC 9293 section 3.1).
public struct TCPFlags: OptionSet, Sendable, Hashable, CustomStringConvertible {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  public static let fin = TCPFlags(rawValue: 0x01)
  public static let syn = TCPFlags(rawValue: 0x02)
  public static let rst = TCPFlags(rawValue: 0x04)
  public static let psh = TCPFlags(rawValue: 0x08)
  public static let ack = TCPFlags(rawValue: 0x10)
  public static let urg = TCPFlags(rawValue: 0x20)
  public static let ece = TCPFlags(rawValue: 0x40)
  public static let cwr = TCPFlags(rawValue: 0x80)

  public var description: String {
    let names: [(TCPFlags, String)] = [
      (.syn, "SYN"), (.fin, "FIN"), (.rst, "RST"), (.psh, "PSH"), (.ack, "ACK"), (.urg, "URG"), (.ece, "ECE"),
      (.cwr, "CWR"),
    ]
    return names.filter { contains($0.0) }.map(\.1).joined(separator: ",")
  }
}

/// A TCP segment (RFC 9293).
public struct TCPSegment: Sendable, Hashable {
  public var sourcePort: UInt16
  public var destinationPort: UInt16
  public var sequence: UInt32
  public var acknowledgement: UInt32
  /// All twelve bits after the data offset, the reserved ones included.
  public var flags: TCPFlags
  /// As it stands in the header, not scaled.
  public var window: UInt16
  /// As read; writing computes it.
  public var checksum: UInt16
  public var urgentPointer: UInt16
  /// The options with their padding: a multiple of 4 octets, at most 40. See ``TCPOption``.
  public var options: ArraySlice<UInt8>
  public var payload: ArraySlice<UInt8>

  public init(
    sourcePort: UInt16, destinationPort: UInt16, sequence: UInt32, acknowledgement: UInt32 = 0, flags: TCPFlags,
    window: UInt16 = 65535, urgentPointer: UInt16 = 0, options: ArraySlice<UInt8> = [], payload: ArraySlice<UInt8> = []
  ) {
    self.sourcePort = sourcePort
    self.destinationPort = destinationPort
    self.sequence = sequence
    self.acknowledgement = acknowledgement
    self.flags = flags
    self.window = window
    self.urgentPointer = urgentPointer
    self.options = options
    self.payload = payload
    checksum = 0
  }

  /// - Throws: ``WireError`` `truncated`, or `malformed` for a data offset below 5.
  public init(parsing octets: ArraySlice<UInt8>, base: Int = 0) throws {
    guard octets.count >= 20 else {
      throw WireError(.truncated, in: "TCP", at: base + octets.count, "\(octets.count) octets, expected at least 20")
    }
    let word = octets.uint16(at: 12)
    let headerLength = Int(word >> 12) * 4
    guard headerLength >= 20 else {
      throw WireError(.malformed, in: "TCP", at: base + 12, "data offset \(headerLength), expected at least 20")
    }
    guard headerLength <= octets.count else {
      throw WireError(.truncated, in: "TCP", at: base + 12, "data offset \(headerLength), \(octets.count) octets left")
    }
    sourcePort = octets.uint16(at: 0)
    destinationPort = octets.uint16(at: 2)
    sequence = octets.uint32(at: 4)
    acknowledgement = octets.uint32(at: 8)
    flags = TCPFlags(rawValue: word & 0xFFF)
    window = octets.uint16(at: 14)
    checksum = octets.uint16(at: 16)
    urgentPointer = octets.uint16(at: 18)
    options = octets[octets.startIndex + 20..<octets.startIndex + headerLength]
    payload = octets[(octets.startIndex + headerLength)...]
  }

  /// Octets that the header takes: 20 to 60.
  public var headerLength: Int { 20 + options.count }

  /// Sequence numbers that the segment takes: its payload, and one each for SYN and FIN.
  public var sequenceLength: Int { payload.count + (flags.contains(.syn) ? 1 : 0) + (flags.contains(.fin) ? 1 : 0) }

  /// Whether the checksum is right between these addresses; offloading senders leave it wrong in a capture.
  public func checksumIsValid(source: IPAddress, destination: IPAddress) -> Bool {
    checksum == computedChecksum(source: source, destination: destination)
  }

  private var offsetAndFlags: UInt16 {
    UInt16(truncatingIfNeeded: headerLength / 4) << 12 | flags.rawValue & 0xFFF
  }

  private func computedChecksum(source: IPAddress, destination: IPAddress) -> UInt16 {
    var sum = InternetChecksum()
    sum.addPseudoHeader(
      source: source, destination: destination, protocolNumber: .tcp, length: headerLength + payload.count)
    sum.add(sourcePort)
    sum.add(destinationPort)
    sum.add(sequence)
    sum.add(acknowledgement)
    sum.add(offsetAndFlags)
    sum.add(window)
    sum.add(urgentPointer)
    sum.add(options)
    sum.add(payload)
    return sum.value
  }

  /// Writes the segment with the checksum that it has between these addresses.
  public func serialize(source: IPAddress, destination: IPAddress, into writer: inout ByteWriter) {
    writer.uint16(sourcePort)
    writer.uint16(destinationPort)
    writer.uint32(sequence)
    writer.uint32(acknowledgement)
    writer.uint16(offsetAndFlags)
    writer.uint16(window)
    writer.uint16(computedChecksum(source: source, destination: destination))
    writer.uint16(urgentPointer)
    writer.append(options)
    writer.append(payload)
  }
}
