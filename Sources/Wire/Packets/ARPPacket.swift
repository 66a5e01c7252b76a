import Octets

/// An address resolution packet for IPv4 over Ethernet (RFC 826).
public struct ARPPacket: Sendable, Hashable {
  /// What the packet asks or tells.
  public struct Operation: RawRepresentable, Sendable, Hashable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    public static let request = Operation(rawValue: 1)
    public static let reply = Operation(rawValue: 2)
  }

  public static let length = 28

  public var operation: Operation
  public var senderHardware: MACAddress
  public var sender: IPAddress
  public var targetHardware: MACAddress
  public var target: IPAddress

  public init(
    operation: Operation, senderHardware: MACAddress, sender: IPAddress, targetHardware: MACAddress, target: IPAddress
  ) {
    self.operation = operation
    self.senderHardware = senderHardware
    self.sender = sender
    self.targetHardware = targetHardware
    self.target = target
  }

  /// - Throws: ``WireError`` `truncated`, or `unsupported` for other hardware or protocols than Ethernet and IPv4.
  public init(parsing octets: ArraySlice<UInt8>, base: Int = 0) throws {
    guard octets.count >= Self.length else {
      throw WireError(
        .truncated, in: "ARP", at: base + octets.count, "\(octets.count) octets, expected \(Self.length)")
    }
    guard octets.uint16(at: 0) == 1, octets.uint16(at: 2) == EtherType.ipv4.rawValue, octets.uint16(at: 4) == 0x0604
    else {
      throw WireError(
        .unsupported, in: "ARP", at: base,
        "hardware and protocol \(octets.prefix(6).hex(separator: "-")), expected Ethernet and IPv4 00-01-08-00-06-04")
    }
    operation = Operation(rawValue: octets.uint16(at: 6))
    senderHardware = MACAddress(bits: UInt64(octets.uint16(at: 8)) << 32 | UInt64(octets.uint32(at: 10)))
    sender = .v4(octets.uint32(at: 14))
    targetHardware = MACAddress(bits: UInt64(octets.uint16(at: 18)) << 32 | UInt64(octets.uint32(at: 20)))
    target = .v4(octets.uint32(at: 24))
  }

  /// The packet's 28 octets; addresses that are not IPv4 can't be written and become 0.0.0.0.
  public func serialize(into writer: inout ByteWriter) {
    func fourOctets(_ address: IPAddress) -> UInt32 { if case .v4(let bits) = address { bits } else { 0 } }
    writer.uint16(1)
    writer.uint16(EtherType.ipv4.rawValue)
    writer.uint16(0x0604)
    writer.uint16(operation.rawValue)
    writer.append(senderHardware.octets)
    writer.uint32(fourOctets(sender))
    writer.append(targetHardware.octets)
    writer.uint32(fourOctets(target))
  }
}
