import Octets

/// An end of a conversation down to its link address, for frames that are made up.
public struct LinkEndpoint: Sendable, Hashable {
  public var hardware: MACAddress
  public var endpoint: Endpoint

  public init(hardware: MACAddress, endpoint: Endpoint) {
    self.hardware = hardware
    self.endpoint = endpoint
  }

  /// The address as IPv4 has it.
  ///
  /// - Throws: ``WireError`` `unsupported` for IPv6.
  func ipv4() throws -> UInt32 {
    guard case .v4(let bits) = endpoint.address else {
      throw WireError(.unsupported, in: "IPv4", at: 0, "the address \(endpoint.address), expected an IPv4 address")
    }
    return bits
  }
}

extension Packet {
  /// The longest payload that a UDP datagram carries over IPv4 without fragments.
  public static let maximumDatagramPayload = 65507

  /// A frame that carries one UDP datagram.
  ///
  /// - Throws: ``WireError`` `unsupported` for IPv6, `tooLong` beyond ``maximumDatagramPayload``.
  public static func datagram(
    from sender: LinkEndpoint, to receiver: LinkEndpoint, _ payload: ArraySlice<UInt8>, identification: UInt16 = 0
  ) throws -> Packet {
    guard payload.count <= maximumDatagramPayload else {
      throw WireError(
        .tooLong, in: "UDP", at: maximumDatagramPayload,
        "a payload of \(payload.count) octets, at most \(maximumDatagramPayload)")
    }
    return Packet(
      ethernet: EthernetHeader(source: sender.hardware, destination: receiver.hardware, etherType: .ipv4),
      payload: .ipv4(
        IPv4Header(
          source: try sender.ipv4(), destination: try receiver.ipv4(), protocolNumber: .udp,
          identification: identification),
        .udp(
          UDPDatagram(
            sourcePort: sender.endpoint.port, destinationPort: receiver.endpoint.port, payload: payload))))
  }
}
