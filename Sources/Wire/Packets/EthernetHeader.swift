import Octets

/// What a frame's type field says follows it (IEEE 802 EtherType); values below 1536 are a length (IEEE 802.3).
public struct EtherType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let ipv4 = EtherType(rawValue: 0x0800)
  public static let arp = EtherType(rawValue: 0x0806)
  public static let ipv6 = EtherType(rawValue: 0x86DD)
  public static let lldp = EtherType(rawValue: 0x88CC)
  /// IEEE 802.1Q customer tag.
  public static let vlan = EtherType(rawValue: 0x8100)
  /// IEEE 802.1ad service tag.
  public static let serviceVLAN = EtherType(rawValue: 0x88A8)

  /// True where the field counts the octets that follow instead of naming their type.
  public var isLength: Bool { rawValue < 1536 }

  public var description: String {
    switch self {
    case .ipv4: "IPv4"
    case .arp: "ARP"
    case .ipv6: "IPv6"
    case .lldp: "LLDP"
    default: "0x" + [UInt8(rawValue >> 8), UInt8(truncatingIfNeeded: rawValue)].hex()
    }
  }
}

/// A tag between a frame's addresses and its type (IEEE 802.1Q).
public struct VLANTag: Sendable, Hashable {
  /// `vlan` or `serviceVLAN`.
  public var tagType: EtherType
  /// Priority (3 bits), drop eligible (1 bit) and identifier (12 bits) as they stand in the frame.
  public var control: UInt16

  public init(tagType: EtherType = .vlan, control: UInt16) {
    self.tagType = tagType
    self.control = control
  }

  /// 0 to 4095.
  public var identifier: UInt16 { control & 0xFFF }
  /// 0 to 7.
  public var priority: UInt8 { UInt8(control >> 13) }
}

/// The head of an Ethernet II frame.
public struct EthernetHeader: Sendable, Hashable {
  public var destination: MACAddress
  public var source: MACAddress
  /// Outermost first; at most ``maximumTags``.
  public var tags: [VLANTag]
  public var etherType: EtherType

  public static let maximumTags = 4

  public init(source: MACAddress, destination: MACAddress, tags: [VLANTag] = [], etherType: EtherType) {
    self.destination = destination
    self.source = source
    self.tags = tags
    self.etherType = etherType
  }

  /// Reads the head of `frame`; what follows it starts ``length`` octets on.
  ///
  /// - Throws: ``WireError`` `truncated`, or `tooLong` for more tags than ``maximumTags``.
  public init(parsing frame: ArraySlice<UInt8>) throws {
    guard frame.count >= 14 else {
      throw WireError(
        .truncated, in: "Ethernet", at: frame.count, "a frame of \(frame.count) octets, expected at least 14")
    }
    destination = MACAddress(bits: UInt64(frame.uint16(at: 0)) << 32 | UInt64(frame.uint32(at: 2)))
    source = MACAddress(bits: UInt64(frame.uint16(at: 6)) << 32 | UInt64(frame.uint32(at: 8)))
    var type = EtherType(rawValue: frame.uint16(at: 12))
    var tags: [VLANTag] = []
    while type == .vlan || type == .serviceVLAN {
      let offset = 14 + 4 * tags.count
      guard tags.count < Self.maximumTags else {
        throw WireError(.tooLong, in: "Ethernet", at: offset - 2, "more than \(Self.maximumTags) VLAN tags")
      }
      guard frame.count >= offset + 4 else {
        throw WireError(.truncated, in: "Ethernet", at: frame.count, "the frame ends inside a VLAN tag")
      }
      tags.append(VLANTag(tagType: type, control: frame.uint16(at: offset)))
      type = EtherType(rawValue: frame.uint16(at: offset + 2))
    }
    self.tags = tags
    etherType = type
  }

  /// Octets that the head takes in a frame.
  public var length: Int { 14 + 4 * tags.count }

  public func serialize(into writer: inout ByteWriter) {
    writer.append(destination.octets)
    writer.append(source.octets)
    for tag in tags {
      writer.uint16(tag.tagType.rawValue)
      writer.uint16(tag.control)
    }
    writer.uint16(etherType.rawValue)
  }
}
