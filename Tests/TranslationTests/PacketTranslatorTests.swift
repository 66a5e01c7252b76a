import Octets
import Packets
import Testing

@testable import Translation

/// The translator's work on packets; what it gives is read back by the packet reader, checksums and all.
struct PacketTranslatorTests {
  private static let host = Endpoint("192.168.1.10:5000")!
  private static let other = Endpoint("192.168.1.11:5000")!
  private static let server = Endpoint("198.51.100.10:3478")!
  private static let outer = IPAddress("203.0.113.1")!
  private static let inner = IPAddress("192.168.1.1")!

  private static func bits(_ address: IPAddress) -> UInt32 { UDPEnd(Endpoint(address, 0))!.address }

  private static func gateway(_ behaviour: NATBehaviour = NATBehaviour()) -> PacketTranslator {
    var gateway = PacketTranslator(TranslationTable(behaviour), isOwnPort: { $0 == 7 })
    gateway.move(to: bits(outer))
    gateway.inner = bits(inner)
    gateway.own = [bits(outer), bits(inner)]
    return gateway
  }

  static func datagram(
    _ from: Endpoint, _ to: Endpoint, _ payload: [UInt8] = Array("hello".utf8), ttl: UInt8 = 64,
    dontFragment: Bool = true
  ) -> [UInt8] {
    var body = ByteWriter()
    UDPDatagram(sourcePort: from.port, destinationPort: to.port, payload: payload[...])
      .serialize(source: from.address, destination: to.address, into: &body)
    var writer = ByteWriter()
    IPv4Header(
      source: bits(from.address), destination: bits(to.address), protocolNumber: .udp, identification: 77,
      timeToLive: ttl, dontFragment: dontFragment
    ).serialize(payloadLength: body.count, into: &writer)
    writer.append(body.octets)
    return writer.octets
  }

  struct Read {
    var header: IPv4Header
    var transport: Packet.Transport
    var udp: UDPDatagram? { if case .udp(let datagram) = transport { datagram } else { nil } }
    var icmp: ICMPMessage? { if case .icmp(let message) = transport { message } else { nil } }
    var from: Endpoint { Endpoint(header.source, udp?.sourcePort ?? 0) }
    var to: Endpoint { Endpoint(header.destination, udp?.destinationPort ?? 0) }
  }

  static func read(_ octets: [UInt8]) throws -> Read {
    let header = try IPv4Header(parsing: octets[...])
    #expect(header.checksumIsValid)
    #expect(header.totalLength == octets.count)
    let transport = try Packet.Transport(
      parsing: octets[header.length...], protocolNumber: header.protocolNumber)
    if case .udp(let datagram) = transport {
      #expect(datagram.checksumIsValid(source: header.source, destination: header.destination))
    }
    if case .icmp(let message) = transport { #expect(message.checksumIsValid) }
    return Read(header: header, transport: transport)
  }

  private static func forwarded(_ outcome: PacketTranslator.Outcome, _ side: PacketTranslator.Side) throws -> Read {
    guard case .forward(let octets, side) = outcome else {
      Issue.record("\(outcome) towards \(side)")
      throw WireError(.malformed, in: "test", at: 0, "not forwarded")
    }
    return try read(octets)
  }

  @Test("A datagram goes out and its answer comes back: addresses, ports, hops and checksums", arguments: [0, 5, 1472])
  func thereAndBack(length: Int) throws {
    var gateway = Self.gateway()
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let out = try Self.forwarded(
      gateway.take(Self.datagram(Self.host, Self.server, payload), from: .inside, at: 1), .outside)
    #expect(out.from == Endpoint(Self.outer, 5000))
    #expect(out.to == Self.server)
    #expect(out.header.timeToLive == 63)
    #expect(out.udp?.payload.elementsEqual(payload) == true)
    let back = try Self.forwarded(
      gateway.take(Self.datagram(Self.server, out.from, payload), from: .outside, at: 2), .inside)
    #expect(back.from == Self.server)
    #expect(back.to == Self.host)
    #expect(back.udp?.payload.elementsEqual(payload) == true)
  }

  @Test("Checksums: none stays none, one left to the interface is computed, a wrong one stays wrong")
  func checksums() throws {
    var gateway = Self.gateway()
    let plain = Self.datagram(Self.host, Self.server)
    var without = plain
    (without[26], without[27]) = (0, 0)
    #expect(try Self.forwarded(gateway.take(without, from: .inside, at: 1), .outside).udp?.checksum == 0)
    var left = plain
    (left[26], left[27]) = (0x12, 0x34)
    _ = try Self.forwarded(gateway.take(left, from: .inside, checksum: .left, at: 1), .outside)
    guard case .forward(let octets, _) = gateway.take(left, from: .inside, at: 1) else {
      Issue.record("dropped")
      return
    }
    let header = try IPv4Header(parsing: octets[...])
    let datagram = try UDPDatagram(parsing: octets[20...])
    #expect(!datagram.checksumIsValid(source: header.source, destination: header.destination))
  }

  @Test("What is not to be passed on is dropped, each for its reason")
  func drops() {
    var gateway = Self.gateway()
    func take(_ octets: [UInt8], _ side: PacketTranslator.Side) -> PacketTranslator.Outcome {
      gateway.take(octets, from: side, at: 1)
    }
    let stranger = Endpoint("198.51.100.66:9")!
    #expect(take(Self.datagram(stranger, Endpoint(Self.outer, 5000)), .outside) == .drop(.unmapped))
    #expect(take(Self.datagram(stranger, Self.host), .outside) == .drop(.notOurs))
    #expect(take(Self.datagram(stranger, Endpoint(Self.outer, 7)), .outside) == .drop(.notOurs))
    #expect(take(Self.datagram(Self.host, Endpoint(Self.inner, 53)), .inside) == .drop(.notOurs))
    #expect(take(Self.datagram(Self.host, Endpoint("239.255.255.250:1900")!), .inside) == .drop(.notOurs))
    #expect(take(Self.datagram(Self.host, Endpoint("127.0.0.1:9")!), .inside) == .drop(.notOurs))
    #expect(take(Self.datagram(Endpoint(Self.outer, 9), Self.server), .inside) == .drop(.notOurs))
    #expect(take(Self.datagram(Self.host, Endpoint(Self.outer, 5000)), .inside) == .drop(.hairpin))
    var damaged = Self.datagram(Self.host, Self.server)
    damaged[8] ^= 1
    #expect(take(damaged, .inside) == .drop(.malformed))
    let whole = Self.datagram(Self.host, Self.server)
    for count in whole.indices { #expect(take(Array(whole[..<count]), .inside) == .drop(.malformed)) }
    _ = take(whole, .inside)
    #expect(take(Self.datagram(stranger, Endpoint(Self.outer, 5000)), .outside) == .drop(.filtered))
    gateway.move(to: nil)
    #expect(take(whole, .inside) == .drop(.noAddress))
  }

  @Test("Hairpinning: the other host sees the sender's outer endpoint (RFC 4787, REQ-9)")
  func hairpin() throws {
    var gateway = Self.gateway(NATBehaviour(filtering: .endpointIndependent, hairpin: .yes))
    let one = try Self.forwarded(gateway.take(Self.datagram(Self.host, Self.server), from: .inside, at: 1), .outside)
    let two = try Self.forwarded(gateway.take(Self.datagram(Self.other, Self.server), from: .inside, at: 1), .outside)
    let seen = try Self.forwarded(gateway.take(Self.datagram(Self.host, two.from), from: .inside, at: 2), .inside)
    #expect(seen.from == one.from)
    #expect(seen.to == Self.other)
    #expect(seen.header.timeToLive == 63)
    let back = try Self.forwarded(gateway.take(Self.datagram(Self.other, seen.from), from: .inside, at: 3), .inside)
    #expect(back.from == two.from)
    #expect(back.to == Self.host)
  }

  @Test("Hairpinned datagrams are filtered like others")
  func hairpinFiltered() throws {
    var gateway = Self.gateway(NATBehaviour(filtering: .addressAndPortDependent, hairpin: .yes))
    let two = try Self.forwarded(gateway.take(Self.datagram(Self.other, Self.server), from: .inside, at: 1), .outside)
    #expect(gateway.take(Self.datagram(Self.host, two.from), from: .inside, at: 2) == .drop(.filtered))
  }

  @Test("The last hop is told to the sender, from the side's own address")
  func timeExceeded() throws {
    var gateway = Self.gateway()
    let packet = Self.datagram(Self.host, Self.server, ttl: 1)
    guard case .answer(let octets, .inside) = gateway.take(packet, from: .inside, at: 1) else {
      Issue.record("no answer")
      return
    }
    let answer = try Self.read(octets)
    #expect(answer.header.source == Self.inner)
    #expect(answer.header.destination == Self.host.address)
    #expect(answer.icmp?.body == .timeExceeded(quoted: packet[...]))
  }

  private static func error(about quoted: [UInt8], from: IPAddress, to: IPAddress) -> [UInt8] {
    var body = ByteWriter()
    ICMPMessage(code: 3, .destinationUnreachable(nextHopMTU: 0, quoted: quoted[...])).serialize(into: &body)
    var writer = ByteWriter()
    IPv4Header(source: bits(from), destination: bits(to), protocolNumber: .icmp).serialize(
      payloadLength: body.count, into: &writer)
    writer.append(body.octets)
    return writer.octets
  }

  @Test("An error from outside reaches the host, about the datagram that it sent", arguments: [28, 33])
  func errorFromOutside(quotedLength: Int) throws {
    var gateway = Self.gateway()
    guard case .forward(let sent, _) = gateway.take(Self.datagram(Self.host, Self.server), from: .inside, at: 1) else {
      Issue.record("dropped")
      return
    }
    let router = IPAddress("198.51.100.254")!
    let error = Self.error(about: Array(sent.prefix(quotedLength)), from: router, to: Self.outer)
    let seen = try Self.forwarded(gateway.take(error, from: .outside, at: 2), .inside)
    #expect(seen.header.source == router)
    #expect(seen.header.destination == Self.host.address)
    guard case .destinationUnreachable(_, let quoted)? = seen.icmp?.body else {
      Issue.record("\(seen)")
      return
    }
    let inside = try IPv4Header(parsing: quoted)
    #expect(inside.checksumIsValid)
    #expect(inside.source == Self.host.address)
    #expect(inside.destination == Self.server.address)
    #expect(quoted.dropFirst(20).uint16(at: 0) == 5000)
    // About a datagram that nobody sent: dropped.
    let forged = Self.error(
      about: Self.datagram(Endpoint(Self.outer, 5000), Endpoint("192.0.2.1:1")!), from: router, to: Self.outer)
    #expect(gateway.take(forged, from: .outside, at: 2) == .drop(.notOurs))
  }

  @Test("An error from inside tells the remote end of the outer endpoint that it sent to")
  func errorFromInside() throws {
    var gateway = Self.gateway()
    let out = try Self.forwarded(gateway.take(Self.datagram(Self.host, Self.server), from: .inside, at: 1), .outside)
    guard case .forward(let came, _) = gateway.take(Self.datagram(Self.server, out.from), from: .outside, at: 2) else {
      Issue.record("dropped")
      return
    }
    let error = Self.error(about: came, from: Self.host.address, to: Self.server.address)
    let seen = try Self.forwarded(gateway.take(error, from: .inside, at: 3), .outside)
    #expect(seen.header.source == Self.outer)
    guard case .destinationUnreachable(_, let quoted)? = seen.icmp?.body else {
      Issue.record("\(seen)")
      return
    }
    let inside = try IPv4Header(parsing: quoted)
    #expect(inside.destination == Self.outer)
    #expect(quoted.dropFirst(20).uint16(at: 2) == 5000)
    let stray = Self.error(about: came, from: Self.other.address, to: Self.server.address)
    #expect(try Self.forwarded(gateway.take(stray, from: .inside, at: 3), .outside).header.source == Self.outer)
  }

  @Test("Fragments in any order are put together, translated, and cut for the next link")
  func fragments() throws {
    var gateway = Self.gateway()
    let payload = (0..<4000).map { UInt8(truncatingIfNeeded: $0) }
    let whole = Self.datagram(Self.host, Self.server, payload, dontFragment: false)
    let parts = Fragments.of(whole, mtu: 1500)
    #expect(parts.count == 3)
    for part in parts { #expect(part.count <= 1500 && PacketBytes(part)?.headerIsValid == true) }
    #expect(gateway.take(parts[2], from: .inside, at: 1) == .drop(.incomplete))
    #expect(gateway.take(parts[0], from: .inside, at: 2) == .drop(.incomplete))
    let out = gateway.take(parts[1], from: .inside, at: 3)
    let read = try Self.forwarded(out, .outside)
    #expect(read.from == Endpoint(Self.outer, 5000))
    #expect(read.udp?.payload.elementsEqual(payload) == true)
    guard case .forward(let octets, _) = out else { return }
    var reassembler = IPv4Reassembler()
    var again: Packet.Transport?
    for part in Fragments.of(octets, mtu: 1400) {
      let header = try IPv4Header(parsing: part[...])
      #expect(header.checksumIsValid)
      again = try reassembler.feed(header, part[header.length...], time: 1)?.1
    }
    guard case .udp(let datagram)? = again else {
      Issue.record("not whole")
      return
    }
    #expect(datagram.payload.elementsEqual(payload))
    #expect(datagram.checksumIsValid(source: Self.outer, destination: Self.server.address))
  }

  @Test("Random octets never trap, and never come out as something else")
  func random() {
    var gateway = Self.gateway(NATBehaviour(filtering: .endpointIndependent, hairpin: .yes))
    var state: UInt64 = 3
    func below(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(limit))
    }
    let seeds = [
      Self.datagram(Self.host, Self.server), Self.datagram(Self.server, Endpoint(Self.outer, 5000)),
      Self.error(
        about: Self.datagram(Endpoint(Self.outer, 5000), Self.server), from: Self.server.address, to: Self.outer),
    ]
    for round in 0..<30_000 {
      var octets = seeds[round % 3]
      for _ in 0...below(4) { octets[below(octets.count)] = UInt8(below(256)) }
      if below(3) == 0 { octets.removeLast(below(octets.count)) }
      // With a right header checksum the damage is read further.
      if octets.count >= 20, below(2) == 0 {
        (octets[10], octets[11]) = (0, 0)
        let sum = ~OnesComplement.folded(UInt64(OnesComplement.sum(octets.prefix(20))))
        (octets[10], octets[11]) = (UInt8(sum >> 8), UInt8(sum & 0xFF))
      }
      if case .forward(let out, _) = gateway.take(octets, from: below(2) == 0 ? .inside : .outside, at: UInt64(round)) {
        #expect(PacketBytes(out)?.headerIsValid == true)
      }
    }
  }
}
