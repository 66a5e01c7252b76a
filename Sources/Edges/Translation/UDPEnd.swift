import Octets

/// An IPv4 address and a UDP port, as the table compares them.
public struct UDPEnd: Sendable, Hashable, CustomStringConvertible {
  /// The address in the high 32 of 48 bits, the port in the low 16.
  public let bits: UInt64

  public init(_ address: UInt32, _ port: UInt16) { bits = UInt64(address) << 16 | UInt64(port) }

  /// `nil` for an IPv6 endpoint.
  public init?(_ endpoint: Endpoint) {
    guard case .v4(let address) = endpoint.address else { return nil }
    self.init(address, endpoint.port)
  }

  public var address: UInt32 { UInt32(truncatingIfNeeded: bits >> 16) }
  public var port: UInt16 { UInt16(truncatingIfNeeded: bits) }
  public var description: String { "\(Endpoint(.v4(address), port))" }
}
