import Octets

/// How strictly a frame is read; the defaults fit captures taken beside a sender that offloads work to its interface.
public struct PacketRules: Sendable, Hashable {
  /// Refuse wrong checksums. Off, ``Packet/checksumsAreValid`` tells.
  public var checksumsRequired = false
  /// Take a total length of 0, which segmentation offload leaves, as reaching to the frame's end.
  public var zeroTotalLengthAllowed = true
  /// Take a datagram that the capture cut short; what is left of its payload is given.
  public var cutPayloadAllowed = false

  public init() {}
}

/// One frame, read down to its transport header; payloads are slices of the frame, not copies.
public struct Packet: Sendable, Hashable {
  /// What follows the Ethernet header.
  public enum Payload: Sendable, Hashable {
    case arp(ARPPacket)
    case ipv4(IPv4Header, Transport)
    case other(EtherType, ArraySlice<UInt8>)
  }

  /// What an IP header carries.
  public enum Transport: Sendable, Hashable {
    case udp(UDPDatagram)
    case tcp(TCPSegment)
    case icmp(ICMPMessage)
    /// A part of a datagram; see ``IPv4Reassembler``.
    case fragment(ArraySlice<UInt8>)
    case other(IPProtocol, ArraySlice<UInt8>)

    /// Reads what an IP header of this protocol carries.
    public init(
      parsing octets: ArraySlice<UInt8>, protocolNumber: IPProtocol, base: Int = 0, rules: PacketRules = PacketRules()
    ) throws {
      switch protocolNumber {
      case .tcp: self = .tcp(try TCPSegment(parsing: octets, base: base))
      case .udp: self = .udp(try UDPDatagram(parsing: octets, base: base, rules: rules))
      case .icmp: self = .icmp(try ICMPMessage(parsing: octets, base: base))
      default: self = .other(protocolNumber, octets)
      }
    }
  }

  public var ethernet: EthernetHeader
  public var payload: Payload
  /// Padding or other octets after the end that the payload's own length names.
  public var trailer: ArraySlice<UInt8>

  public init(ethernet: EthernetHeader, payload: Payload, trailer: ArraySlice<UInt8> = []) {
    self.ethernet = ethernet
    self.payload = payload
    self.trailer = trailer
  }

  /// Reads a frame from its destination address to its last octet (without a frame check sequence).
  ///
  /// - Throws: ``WireError`` with the offset in the frame.
  public init(parsing frame: ArraySlice<UInt8>, rules: PacketRules = PacketRules()) throws {
    ethernet = try EthernetHeader(parsing: frame)
    trailer = []
    let start = ethernet.length
    let content = frame.dropFirst(start)
    switch ethernet.etherType {
    case .ipv4:
      let header = try IPv4Header(parsing: content, base: start)
      let end = try Packet.end(of: header, in: content, base: start, rules: rules)
      let octets = content[content.startIndex + header.length..<content.startIndex + end]
      trailer = content.dropFirst(end)
      let transport: Transport =
        header.isFragment
        ? .fragment(octets)
        : try Transport(
          parsing: octets, protocolNumber: header.protocolNumber, base: start + header.length, rules: rules)
      payload = .ipv4(header, transport)
    case .arp
    where content.count >= 6 && content.uint16(at: 0) == 1 && content.uint16(at: 2) == EtherType.ipv4.rawValue:
      payload = .arp(try ARPPacket(parsing: content, base: start))
      trailer = content.dropFirst(ARPPacket.length)
    case let type where type.isLength:
      payload = .other(type, content.prefix(Int(type.rawValue)))
      trailer = content.dropFirst(Int(type.rawValue))
    case let type: payload = .other(type, content)
    }
    if rules.checksumsRequired, !checksumsAreValid {
      throw WireError(.malformed, in: "frame", at: start, "a checksum is wrong")
    }
  }

  /// Where the datagram ends, in octets from its start.
  private static func end(
    of header: IPv4Header, in content: ArraySlice<UInt8>, base: Int, rules: PacketRules
  ) throws -> Int {
    if header.totalLength == 0, rules.zeroTotalLengthAllowed { return content.count }
    guard header.totalLength >= header.length else {
      throw WireError(
        .malformed, in: "IPv4", at: base + 2, "total length \(header.totalLength), expected at least \(header.length)")
    }
    if header.totalLength <= content.count { return header.totalLength }
    guard rules.cutPayloadAllowed else {
      throw WireError(
        .truncated, in: "IPv4", at: base + 2, "total length \(header.totalLength), the frame holds \(content.count)")
    }
    return content.count
  }

  /// Whether every checksum in the frame is right; parts of datagrams count for their IP header only.
  public var checksumsAreValid: Bool {
    guard case .ipv4(let header, let transport) = payload else { return true }
    guard header.checksumIsValid else { return false }
    switch transport {
    case .udp(let datagram):
      return datagram.checksumIsValid(source: header.source, destination: header.destination)
    case .tcp(let segment): return segment.checksumIsValid(source: header.source, destination: header.destination)
    case .icmp(let message): return message.checksumIsValid
    case .fragment, .other: return true
    }
  }

  /// The frame, with lengths and checksums computed.
  public var octets: [UInt8] {
    var writer = ByteWriter(reserving: 128)
    ethernet.serialize(into: &writer)
    switch payload {
    case .arp(let packet): packet.serialize(into: &writer)
    case .ipv4(let header, let transport):
      var body = ByteWriter(reserving: 64)
      switch transport {
      case .udp(let datagram):
        datagram.serialize(source: header.source, destination: header.destination, into: &body)
      case .tcp(let segment):
        segment.serialize(source: header.source, destination: header.destination, into: &body)
      case .icmp(let message): message.serialize(into: &body)
      case .fragment(let octets), .other(_, let octets): body.append(octets)
      }
      header.serialize(payloadLength: body.count, into: &writer)
      writer.append(body.octets)
    case .other(_, let octets): writer.append(octets)
    }
    writer.append(trailer)
    return writer.octets
  }
}
