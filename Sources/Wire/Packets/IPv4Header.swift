import Octets

/// The protocol number that an IP header carries (IANA).
public struct IPProtocol: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  public static let icmp = IPProtocol(rawValue: 1)
  public static let igmp = IPProtocol(rawValue: 2)
  public static let tcp = IPProtocol(rawValue: 6)
  public static let udp = IPProtocol(rawValue: 17)

  public var description: String {
    switch self {
    case .icmp: "ICMP"
    case .igmp: "IGMP"
    case .tcp: "TCP"
    case .udp: "UDP"
    default: "protocol \(rawValue)"
    }
  }
}

/// An IPv4 header (RFC 791).
public struct IPv4Header: Sendable, Hashable {
  /// DSCP (6 bits, RFC 2474) and ECN (2 bits).
  public var trafficClass: UInt8
  /// Header and payload in octets, as read; writing derives it from the payload.
  public var totalLength: Int
  public var identification: UInt16
  /// The first of the three flag bits, which RFC 791 reserves.
  public var reservedFlag: Bool
  public var dontFragment: Bool
  public var moreFragments: Bool
  /// In octets; a multiple of 8, at most 65528.
  public var fragmentOffset: Int
  public var timeToLive: UInt8
  public var protocolNumber: IPProtocol
  /// As read; writing computes it.
  public var checksum: UInt16
  /// The two addresses as numbers, first octet highest.
  public var sourceBits: UInt32
  public var destinationBits: UInt32
  /// The options with their padding: a multiple of 4 octets, at most 40.
  public var options: ArraySlice<UInt8>

  public init(
    source: UInt32, destination: UInt32, protocolNumber: IPProtocol, identification: UInt16 = 0, timeToLive: UInt8 = 64,
    trafficClass: UInt8 = 0, dontFragment: Bool = true, moreFragments: Bool = false, fragmentOffset: Int = 0,
    options: ArraySlice<UInt8> = []
  ) {
    sourceBits = source
    destinationBits = destination
    self.protocolNumber = protocolNumber
    self.identification = identification
    self.timeToLive = timeToLive
    self.trafficClass = trafficClass
    reservedFlag = false
    self.dontFragment = dontFragment
    self.moreFragments = moreFragments
    self.fragmentOffset = fragmentOffset
    self.options = options
    totalLength = 0
    checksum = 0
  }

  public var source: IPAddress { .v4(sourceBits) }
  public var destination: IPAddress { .v4(destinationBits) }
  /// DSCP, 0 to 63.
  public var codePoint: UInt8 { trafficClass >> 2 }
  /// True for every part of a datagram that was sent in parts, the first included.
  public var isFragment: Bool { moreFragments || fragmentOffset != 0 }
  /// Octets that the header takes: 20 to 60.
  public var length: Int { 20 + options.count }

  /// Reads the header only.
  ///
  /// - Throws: ``WireError`` `truncated`, or `malformed` for another version or a header length below 20.
  public init(parsing octets: ArraySlice<UInt8>, base: Int = 0) throws {
    guard octets.count >= 20 else {
      throw WireError(.truncated, in: "IPv4", at: base + octets.count, "\(octets.count) octets, expected at least 20")
    }
    let first = octets.uint8(at: 0)
    guard first >> 4 == 4 else {
      throw WireError(.malformed, in: "IPv4", at: base, "version \(first >> 4), expected 4")
    }
    let headerLength = Int(first & 15) * 4
    guard headerLength >= 20 else {
      throw WireError(.malformed, in: "IPv4", at: base, "header length \(headerLength), expected at least 20")
    }
    guard octets.count >= headerLength else {
      throw WireError(
        .truncated, in: "IPv4", at: base + octets.count, "header of \(headerLength) octets, \(octets.count) left")
    }
    trafficClass = octets.uint8(at: 1)
    totalLength = Int(octets.uint16(at: 2))
    identification = octets.uint16(at: 4)
    let fragment = octets.uint16(at: 6)
    reservedFlag = fragment & 0x8000 != 0
    dontFragment = fragment & 0x4000 != 0
    moreFragments = fragment & 0x2000 != 0
    fragmentOffset = Int(fragment & 0x1FFF) * 8
    timeToLive = octets.uint8(at: 8)
    protocolNumber = IPProtocol(rawValue: octets.uint8(at: 9))
    checksum = octets.uint16(at: 10)
    sourceBits = octets.uint32(at: 12)
    destinationBits = octets.uint32(at: 16)
    options = octets[octets.startIndex + 20..<octets.startIndex + headerLength]
  }

  /// Whether the header's checksum is the one that its fields have.
  public var checksumIsValid: Bool { checksum == computedChecksum(totalLength: totalLength) }

  private var fragmentField: UInt16 {
    (reservedFlag ? 0x8000 : 0) | (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0)
      | UInt16(truncatingIfNeeded: fragmentOffset / 8) & 0x1FFF
  }

  private func computedChecksum(totalLength: Int) -> UInt16 {
    var sum = InternetChecksum()
    sum.add(UInt16(0x40 | UInt8(length / 4)) << 8 | UInt16(trafficClass))
    sum.add(UInt16(truncatingIfNeeded: totalLength))
    sum.add(identification)
    sum.add(fragmentField)
    sum.add(UInt16(timeToLive) << 8 | UInt16(protocolNumber.rawValue))
    sum.add(sourceBits)
    sum.add(destinationBits)
    sum.add(options)
    return sum.value
  }

  /// Writes the header for a payload of so many octets, with the right total length and checksum.
  public func serialize(payloadLength: Int, into writer: inout ByteWriter) {
    let total = length + payloadLength
    writer.uint8(0x40 | UInt8(truncatingIfNeeded: length / 4))
    writer.uint8(trafficClass)
    writer.uint16(UInt16(truncatingIfNeeded: total))
    writer.uint16(identification)
    writer.uint16(fragmentField)
    writer.uint8(timeToLive)
    writer.uint8(protocolNumber.rawValue)
    writer.uint16(computedChecksum(totalLength: total))
    writer.uint32(sourceBits)
    writer.uint32(destinationBits)
    writer.append(options)
  }
}
