import Octets

/// Makes the frames of a TCP connection of which only the octets are known, as a tap on loopback sockets knows them.
///
/// The frames are a legal sequence (RFC 9293): handshake, data with advancing numbers, acknowledgements, and FIN.
public struct TCPSynthesiser: Sendable {
  /// A frame, and which end sends it.
  public struct Frame: Sendable, Hashable {
    public var sender: TCPSide
    public var octets: [UInt8]
  }

  private struct End: Sendable {
    let link: LinkEndpoint
    let address: UInt32
    /// The sequence number of the next octet.
    var sequence: UInt32
    var identification: UInt16 = 0
    var hasFinished = false
  }

  public let maximumSegmentSize: Int
  private var client: End
  private var server: End
  private var isRequested = false
  private var isOpen = false
  private var isReset = false

  /// - Parameters:
  ///   - clientSequence: the client's initial sequence number.
  ///   - serverSequence: the server's.
  ///   - maximumSegmentSize: 1 to 65495 octets.
  /// - Throws: ``WireError`` `unsupported` for IPv6, `malformed` for another segment size.
  public init(
    client: LinkEndpoint, server: LinkEndpoint, clientSequence: UInt32 = 1_000_000, serverSequence: UInt32 = 2_000_000,
    maximumSegmentSize: Int = 1460
  ) throws {
    guard (1...65495).contains(maximumSegmentSize) else {
      throw WireError(.malformed, in: "TCP", at: 0, "segment size \(maximumSegmentSize), expected 1 to 65495")
    }
    self.client = End(link: client, address: try client.ipv4(), sequence: clientSequence)
    self.server = End(link: server, address: try server.ipv4(), sequence: serverSequence)
    self.maximumSegmentSize = maximumSegmentSize
  }

  /// The client's SYN alone, for a connection of which it is not known yet what comes of it; nothing the second time.
  public mutating func request() -> [Frame] {
    guard !isRequested else { return [] }
    isRequested = true
    let request = segment(from: .client, [.syn], options: options)
    client.sequence &+= 1
    return [request]
  }

  /// The handshake, or what is left of it; nothing where it was made already.
  public mutating func open() -> [Frame] {
    guard !isOpen else { return [] }
    let request = request()
    isOpen = true
    let reply = segment(from: .server, [.syn, .ack], options: options)
    server.sequence &+= 1
    return request + [reply, segment(from: .client, [.ack])]
  }

  private var options: ArraySlice<UInt8> {
    TCPOption.octets([.maximumSegmentSize(UInt16(maximumSegmentSize))])
  }

  /// The octets in segments, and the receiver's acknowledgement; opens the connection where it is not open yet.
  ///
  /// Nothing after the sender's FIN or a reset.
  public mutating func send(_ octets: some Collection<UInt8>, from side: TCPSide) -> [Frame] {
    guard !isReset, !end(side).hasFinished, !octets.isEmpty else { return [] }
    var frames = open()
    var rest = Array(octets)[...]
    while !rest.isEmpty {
      let part = rest.prefix(maximumSegmentSize)
      rest = rest.dropFirst(part.count)
      frames.append(segment(from: side, rest.isEmpty ? [.psh, .ack] : [.ack], payload: part))
      advance(side, by: part.count)
    }
    return frames + [segment(from: side.other, [.ack])]
  }

  /// The FIN of one end and its acknowledgement.
  public mutating func close(from side: TCPSide) -> [Frame] {
    guard !isReset, !end(side).hasFinished else { return [] }
    var frames = open()
    frames.append(segment(from: side, [.fin, .ack]))
    advance(side, by: 1)
    if side == .client { client.hasFinished = true } else { server.hasFinished = true }
    return frames + [segment(from: side.other, [.ack])]
  }

  /// A reset; before the handshake it is a SYN that is refused.
  public mutating func reset(from side: TCPSide) -> [Frame] {
    guard !isReset else { return [] }
    isReset = true
    if isOpen { return [segment(from: side, [.rst, .ack])] }
    let request = request()
    isOpen = true
    server.sequence = 0
    return request + [segment(from: .server, [.rst, .ack])]
  }

  private func end(_ side: TCPSide) -> End { side == .client ? client : server }

  private mutating func advance(_ side: TCPSide, by count: Int) {
    if side == .client {
      client.sequence &+= UInt32(truncatingIfNeeded: count)
    } else {
      server.sequence &+= UInt32(truncatingIfNeeded: count)
    }
  }

  private mutating func segment(
    from side: TCPSide, _ flags: TCPFlags, options: ArraySlice<UInt8> = [], payload: ArraySlice<UInt8> = []
  ) -> Frame {
    let (sender, receiver) = (end(side), end(side.other))
    if side == .client { client.identification &+= 1 } else { server.identification &+= 1 }
    let packet = Packet(
      ethernet: EthernetHeader(source: sender.link.hardware, destination: receiver.link.hardware, etherType: .ipv4),
      payload: .ipv4(
        IPv4Header(
          source: sender.address, destination: receiver.address, protocolNumber: .tcp,
          identification: sender.identification),
        .tcp(
          TCPSegment(
            sourcePort: sender.link.endpoint.port, destinationPort: receiver.link.endpoint.port,
            sequence: sender.sequence, acknowledgement: flags.contains(.ack) ? receiver.sequence : 0, flags: flags,
            options: options, payload: payload))))
    return Frame(sender: side, octets: packet.octets)
  }
}
