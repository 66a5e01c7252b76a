import Octets
import Packets

/// A NAT's work on packets: UDP, and ICMP errors about UDP, from one side to the other. A value: octets in, octets out.
public struct PacketTranslator: Sendable {
  public enum Side: Sendable, Hashable { case inside, outside }

  /// Whether the sender computed the UDP checksum, or left it to an interface that this packet never went through.
  public enum Checksum: Sendable, Hashable { case whole, left }

  /// What to do with a packet.
  public enum Outcome: Sendable, Hashable {
    /// Send it on, towards this side.
    case forward([UInt8], to: Side)
    /// Tell its sender what is wrong with it, towards this side.
    case answer([UInt8], to: Side)
    case drop(Drop)
  }

  public enum Drop: String, Sendable, Hashable {
    /// No IPv4 packet, or one whose header is damaged.
    case malformed
    /// Neither UDP nor an ICMP error about it, or for the gateway itself.
    case notOurs
    /// A part of a datagram; the rest is awaited.
    case incomplete
    case expired, unmapped, filtered, exhausted
    /// For an outer address, from inside, where the NAT does not hairpin.
    case hairpin
    /// There is no outer address at the moment.
    case noAddress
  }

  public var table: TranslationTable
  /// The outer address; `nil` while there is none.
  public private(set) var outer: UInt32?
  /// The gateway's address inside, from which it tells of errors.
  public var inner: UInt32?
  /// All addresses of the gateway itself: what is for them, or claims to be from them, is not passed on.
  public var own: Set<UInt32> = []
  /// UDP ports at the outer address that are the gateway's own.
  public var isOwnPort: @Sendable (UInt16) -> Bool
  private var reassembler = IPv4Reassembler()

  /// - Parameter isOwnPort: whether the gateway itself speaks at this port of its outer address.
  public init(_ table: TranslationTable, isOwnPort: @escaping @Sendable (UInt16) -> Bool = { _ in false }) {
    self.table = table
    self.isOwnPort = isOwnPort
  }

  /// Another outer address ends all mappings but the static ones.
  public mutating func move(to address: UInt32?) {
    guard address != outer else { return }
    outer = address
    table.forgetDynamic()
  }

  /// Takes a packet that came in on a side; `now` is nanoseconds of role time.
  public mutating func take(
    _ octets: [UInt8], from side: Side, checksum: Checksum = .whole, at now: UInt64
  ) -> Outcome {
    guard var packet = PacketBytes(octets), packet.headerIsValid else { return .drop(.malformed) }
    guard packet.protocolNumber == 17 || packet.protocolNumber == 1 else { return .drop(.notOurs) }
    if packet.isFragment {
      guard let whole = reassembled(packet, at: now) else { return .drop(.incomplete) }
      packet = whole
    }
    if packet.protocolNumber == 1 { return takeError(packet, from: side, at: now) }
    guard packet.octets.count >= packet.headerLength + 8,
      Int(packet.word(packet.headerLength + 4)) <= packet.octets.count - packet.headerLength
    else { return .drop(.malformed) }
    if checksum == .left { packet.completeUDPChecksum() }
    return takeDatagram(packet, from: side, at: now)
  }

  private mutating func reassembled(_ packet: PacketBytes, at now: UInt64) -> PacketBytes? {
    guard let header = try? IPv4Header(parsing: packet.octets[...]),
      let (first, octets) = try? reassembler.join(
        header, packet.octets[packet.headerLength...], time: Int64(truncatingIfNeeded: now))
    else { return nil }
    var writer = ByteWriter(reserving: first.length + octets.count)
    var whole = first
    // Its parts were cut by somebody, so that it may be cut again.
    whole.dontFragment = false
    whole.serialize(payloadLength: octets.count, into: &writer)
    writer.append(octets)
    return PacketBytes(writer.octets)
  }

  // MARK: Datagrams

  private mutating func takeDatagram(_ packet: PacketBytes, from side: Side, at now: UInt64) -> Outcome {
    guard let outer else { return .drop(.noAddress) }
    guard packet.destination == outer || !own.contains(packet.destination), !own.contains(packet.source),
      PacketTranslator.isUnicast(packet.destination), PacketTranslator.isUnicast(packet.source)
    else { return .drop(.notOurs) }
    if packet.destination == outer, isOwnPort(packet.destinationPort), !isMapped(packet.destinationPort) {
      return .drop(.notOurs)
    }
    guard packet.timeToLive > 1 else { return tell(11, 0, of: packet, from: side) }
    var packet = packet
    packet.countHop()
    switch side {
    case .inside:
      guard packet.destination != outer || table.behaviour.hairpin == .yes else { return .drop(.hairpin) }
      let remote = packet.destinationEnd
      switch table.outbound(from: packet.sourceEnd, to: remote, at: now) {
      case .failure(let refusal): return .drop(Drop(refusal))
      case .success(let port): packet.rewrite(.source, to: UDPEnd(outer, port))
      }
      if remote.address != outer { return .forward(packet.octets, to: .outside) }
      // RFC 4787, REQ-9: it comes back from the sender's outer endpoint.
      return deliver(packet, at: now)
    case .outside:
      guard packet.destination == outer else { return .drop(.notOurs) }
      return deliver(packet, at: now)
    }
  }

  /// Neither this host (0/8), loopback (127/8), multicast nor reserved (RFC 6890).
  static func isUnicast(_ address: UInt32) -> Bool {
    let first = address >> 24
    return first != 0 && first != 127 && first < 224
  }

  private func isMapped(_ port: UInt16) -> Bool { table.statics[port] != nil }

  private mutating func deliver(_ packet: PacketBytes, at now: UInt64) -> Outcome {
    switch table.inbound(from: packet.sourceEnd, toPort: packet.destinationPort, at: now) {
    case .failure(let refusal): return .drop(Drop(refusal))
    case .success(let inner):
      var packet = packet
      packet.rewrite(.destination, to: inner)
      return .forward(packet.octets, to: .inside)
    }
  }

  // MARK: ICMP errors (RFC 5508)

  private mutating func takeError(_ packet: PacketBytes, from side: Side, at now: UInt64) -> Outcome {
    let start = packet.headerLength
    guard let outer else { return .drop(.noAddress) }
    guard packet.octets.count >= start + 8, [3, 4, 11, 12].contains(packet.octets[start]),
      var quoted = PacketBytes(quoted: Array(packet.octets[(start + 8)...])), quoted.protocolNumber == 17
    else { return .drop(.notOurs) }
    guard OnesComplement.folded(UInt64(OnesComplement.sum(packet.octets[start...]))) == 0xFFFF else {
      return .drop(.malformed)
    }
    guard packet.timeToLive > 1 else { return .drop(.expired) }
    var packet = packet
    packet.countHop()
    switch side {
    case .outside:
      guard packet.destination == outer, quoted.source == outer,
        let inner = table.inner(ofPort: quoted.sourcePort, towards: quoted.destinationEnd, at: now)
      else { return .drop(.notOurs) }
      quoted.rewrite(.source, to: inner)
      packet.rewrite(.destination, address: inner.address)
    case .inside:
      guard !own.contains(packet.destination),
        let port = table.outerPort(of: quoted.destinationEnd, towards: quoted.sourceEnd, at: now)
      else { return .drop(.unmapped) }
      quoted.rewrite(.destination, to: UDPEnd(outer, port))
      packet.rewrite(.source, address: outer)
    }
    packet.octets.replaceSubrange((start + 8)..., with: quoted.octets)
    packet.completeICMPChecksum()
    return .forward(packet.octets, to: side == .inside ? .outside : .inside)
  }

  /// An ICMP error to the sender of a packet, with its head (RFC 1812, 4.3.2.3); none about what no error may answer.
  ///
  /// - Parameter side: where the packet came from.
  public func tell(_ type: UInt8, _ code: UInt8, nextHopMTU: UInt16 = 0, of octets: [UInt8], from side: Side) -> Outcome
  {
    guard let packet = PacketBytes(octets) else { return .drop(.malformed) }
    return tell(type, code, nextHopMTU: nextHopMTU, of: packet, from: side)
  }

  private func tell(
    _ type: UInt8, _ code: UInt8, nextHopMTU: UInt16 = 0, of packet: PacketBytes, from side: Side
  ) -> Outcome {
    let quoted = packet.octets.prefix(548)
    guard let own = side == .inside ? inner ?? outer : outer, Self.isUnicast(packet.source) else {
      return .drop(.expired)
    }
    let body: ICMPMessage.Body =
      type == 3
      ? .destinationUnreachable(nextHopMTU: nextHopMTU, quoted: quoted) : .timeExceeded(quoted: quoted)
    var message = ByteWriter(reserving: 8 + quoted.count)
    ICMPMessage(code: code, body).serialize(into: &message)
    var writer = ByteWriter(reserving: 28 + quoted.count)
    IPv4Header(source: own, destination: packet.source, protocolNumber: .icmp, dontFragment: false)
      .serialize(payloadLength: message.count, into: &writer)
    writer.append(message.octets)
    return .answer(writer.octets, to: side)
  }
}

extension PacketTranslator.Drop {
  init(_ refusal: TranslationTable.Refusal) {
    switch refusal {
    case .unmapped: self = .unmapped
    case .filtered: self = .filtered
    case .exhausted: self = .exhausted
    }
  }
}
