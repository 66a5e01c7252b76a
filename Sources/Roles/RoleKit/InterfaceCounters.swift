/// What has passed an interface since it was made, in octets and packets.
public struct InterfaceCounters: Sendable, Hashable {
  public var octetsSent: UInt64
  public var octetsReceived: UInt64
  public var packetsSent: UInt64
  public var packetsReceived: UInt64

  public init(octetsSent: UInt64, octetsReceived: UInt64, packetsSent: UInt64, packetsReceived: UInt64) {
    self.octetsSent = octetsSent
    self.octetsReceived = octetsReceived
    self.packetsSent = packetsSent
    self.packetsReceived = packetsReceived
  }
}
