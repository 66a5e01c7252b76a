import Octets
import Packets
import Testing

private func hex(_ text: String) -> [UInt8] {
  let digits = text.filter { !$0.isWhitespace }
  return stride(from: 0, to: digits.count, by: 2).compactMap { place in
    let start = digits.index(digits.startIndex, offsetBy: place)
    return UInt8(digits[start...].prefix(2), radix: 16)
  }
}

@Suite struct PacketTests {
  private let a = LinkEndpoint(
    hardware: MACAddress(bits: 0x02_00_00_00_00_01), endpoint: Endpoint(.v4(0xC0A8_0A15), 40000))
  private let b = LinkEndpoint(
    hardware: MACAddress(bits: 0x02_00_00_00_00_02), endpoint: Endpoint(.v4(0xC0A8_0A02), 1900))

  /// The example of RFC 1071 section 3.
  @Test func theChecksumOfRFC1071() {
    var sum = InternetChecksum()
    sum.add(hex("0001 f203 f4f5 f6f7")[...])
    #expect(sum.value == ~0xDDF2)
  }

  @Test func theChecksumDoesNotDependOnHowItIsGathered() {
    var random = SeededNumbers(seed: 1071)
    for count in 0..<40 {
      let octets = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
      var (whole, parts) = (InternetChecksum(), InternetChecksum())
      whole.add(octets[...])
      let split = count / 4 * 2
      parts.add(octets[..<split])
      parts.add(octets[split...])
      #expect(whole.value == parts.value)
      // RFC 1071: with its checksum added, the sum is all ones.
      if count % 2 == 0 {
        whole.add(whole.value)
        #expect(whole.value == 0)
      }
    }
  }

  @Test func aDatagramIsWrittenAndRead() throws {
    let packet = try Packet.datagram(from: a, to: b, [1, 2, 3])
    let read = try Packet(parsing: packet.octets[...])
    guard case .ipv4(let header, .udp(let datagram)) = read.payload else {
      Issue.record("\(read)")
      return
    }
    #expect(header.source == a.endpoint.address && header.destination == b.endpoint.address && header.totalLength == 31)
    #expect(datagram.sourcePort == 40000 && datagram.destinationPort == 1900 && datagram.payload == [1, 2, 3])
    #expect(read.checksumsAreValid && read.octets == packet.octets)
    var broken = packet.octets
    broken[broken.count - 1] ^= 1
    #expect(try !Packet(parsing: broken[...]).checksumsAreValid)
    var rules = PacketRules()
    rules.checksumsRequired = true
    #expect(throws: WireError(.malformed, in: "frame", at: 14, "")) { try Packet(parsing: broken[...], rules: rules) }
    #expect(throws: WireError.self) { try Packet.datagram(from: a, to: b, [UInt8](repeating: 0, count: 65508)[...]) }
    let six = LinkEndpoint(hardware: a.hardware, endpoint: Endpoint(.v6(high: 0, low: 1), 1))
    #expect(throws: WireError(.unsupported, in: "IPv4", at: 0, "")) { try Packet.datagram(from: six, to: b, []) }
  }

  @Test func tagsPaddingAndARP() throws {
    let arp = ARPPacket(
      operation: .request, senderHardware: a.hardware, sender: a.endpoint.address, targetHardware: MACAddress(bits: 0),
      target: b.endpoint.address)
    let packet = Packet(
      ethernet: EthernetHeader(
        source: a.hardware, destination: .broadcast,
        tags: [VLANTag(tagType: .serviceVLAN, control: 5), VLANTag(control: 0x6064)], etherType: .arp),
      payload: .arp(arp), trailer: [UInt8](repeating: 0, count: 10)[...])
    let read = try Packet(parsing: packet.octets[...])
    #expect(read == packet && read.octets == packet.octets)
    #expect(read.ethernet.tags.last?.identifier == 100 && read.ethernet.tags.last?.priority == 3)
    #expect(read.trailer.count == 10)
  }

  @Test func framesWithALengthAndUnknownTypesAreKept() throws {
    let length = hex("0180c2000000 020000000001 0003 424203 0000")
    guard case .other(let type, let octets) = try Packet(parsing: length[...]).payload else {
      Issue.record("no other payload")
      return
    }
    #expect(type.isLength && octets == hex("424203")[...])
    #expect(try Packet(parsing: length[...]).octets == length)
    let lldp = hex("0180c200000e 020000000001 88cc 0207")
    #expect(try Packet(parsing: lldp[...]).payload == .other(.lldp, [2, 7]))
  }

  static let head = "020000000002 020000000001 0800"
  static let ip = "4500 0020 0001 0000 40 11 0000 c0a80a15 c0a80a02"
  /// Faulty frames and the octet of the fault.
  static let refused: [(String, String, WireError.Code, Int)] = [
    ("", "Ethernet", .truncated, 0), ("020000000002 020000000001 08", "Ethernet", .truncated, 13),
    ("020000000002 020000000001 8100 00", "Ethernet", .truncated, 15),
    ("020000000002 020000000001 8100 0001 8100 0001 8100 0001 8100 0001 8100 0001", "Ethernet", .tooLong, 28),
    (head + "4500 0020", "IPv4", .truncated, 18), (head + "6500" + ip.dropFirst(4), "IPv4", .malformed, 14),
    (head + "4400" + ip.dropFirst(4), "IPv4", .malformed, 14),
    (head + "4f00" + ip.dropFirst(4), "IPv4", .truncated, 34),
    (head + "4500 0013" + ip.dropFirst(9), "IPv4", .malformed, 16), (head + ip, "IPv4", .truncated, 16),
    (head + "4500 001b" + ip.dropFirst(9) + "0001 0002 0008 00", "UDP", .truncated, 41),
    (head + "4500 001c" + ip.dropFirst(9) + "0001 0002 0007 0000", "UDP", .malformed, 38),
    (head + "4500 001c" + ip.dropFirst(9) + "0001 0002 0009 0000", "UDP", .truncated, 38),
    ("ffffffffffff 020000000001 0806 0001 0800 0604 0001", "ARP", .truncated, 22),
    ("ffffffffffff 020000000001 0806 0001 0800 0804" + String(repeating: "00", count: 30), "ARP", .unsupported, 14),
  ]

  @Test(arguments: refused.indices) func faultyFramesTellTheirOctet(index: Int) {
    let (text, format, code, offset) = Self.refused[index]
    #expect(throws: WireError(code, in: format, at: offset, ""), "\(text)") { try Packet(parsing: hex(text)[...]) }
  }

  @Test func namedLeniencies() throws {
    var rules = PacketRules()
    let offloaded = hex(Self.head + "4500 0000" + Self.ip.dropFirst(9) + "0001 0002 0008 0000")
    guard case .ipv4(_, .udp) = try Packet(parsing: offloaded[...]).payload else {
      Issue.record("no datagram")
      return
    }
    rules.zeroTotalLengthAllowed = false
    #expect(throws: WireError(.malformed, in: "IPv4", at: 16, "")) { try Packet(parsing: offloaded[...], rules: rules) }
    let cut = hex(Self.head + Self.ip + "0001 0002 000c 0000 ff")
    rules.cutPayloadAllowed = true
    guard case .ipv4(_, .udp(let datagram)) = try Packet(parsing: cut[...], rules: rules).payload else {
      Issue.record("no datagram")
      return
    }
    #expect(datagram.payload == [0xFF])
  }

  @Test func optionsOfBothHeadersAreKept() throws {
    let options: [TCPOption] = [
      .maximumSegmentSize(1460), .selectiveAcknowledgementPermitted, .timestamps(value: 1, echo: 2), .noOperation,
      .windowScale(9), .selectiveAcknowledgement([.init(start: 5, end: 9)]), .unknown(kind: 253, octets: [1, 2]),
    ]
    var header = IPv4Header(source: 1, destination: 2, protocolNumber: .tcp, options: [0x94, 4, 0, 0])
    header.reservedFlag = true
    let segment = TCPSegment(
      sourcePort: 1, destinationPort: 2, sequence: 3, flags: [.syn, .ece], options: TCPOption.octets(options),
      payload: [1, 2, 3])
    let packet = Packet(
      ethernet: EthernetHeader(source: a.hardware, destination: b.hardware, etherType: .ipv4),
      payload: .ipv4(header, .tcp(segment)))
    let read = try Packet(parsing: packet.octets[...])
    #expect(read.checksumsAreValid && read.octets == packet.octets)
    guard case .ipv4(let readHeader, .tcp(let readSegment)) = read.payload else { return }
    #expect(readHeader.options == [0x94, 4, 0, 0] && readHeader.reservedFlag)
    #expect(try TCPOption.list(parsing: readSegment.options) == options)
    #expect(readSegment.flags.description == "SYN,ECE" && readSegment.sequenceLength == 4)
    #expect(throws: WireError(.truncated, in: "TCP options", at: 2, "")) { try TCPOption.list(parsing: [2, 4, 5]) }
    #expect(throws: WireError(.malformed, in: "TCP options", at: 1, "")) { try TCPOption.list(parsing: [2, 1, 5, 0]) }
    #expect(try TCPOption.list(parsing: [1, 0, 9, 9]) == [.noOperation])
    #expect(try TCPOption.list(parsing: [2, 3, 5, 0]) == [.unknown(kind: 2, octets: [5])])
  }

  @Test(arguments: [
    ICMPMessage(.echoRequest(identifier: 7, sequence: 9, payload: [1, 2, 3])),
    ICMPMessage(.echoReply(identifier: 7, sequence: 9, payload: [])),
    ICMPMessage(code: 4, .destinationUnreachable(nextHopMTU: 1400, quoted: [1])),
    ICMPMessage(.timeExceeded(quoted: [9, 9])),
    ICMPMessage(code: 1, .other(type: 5, rest: [0, 0, 0, 1, 2])),
  ]) func icmpMessagesRoundTrip(message: ICMPMessage) throws {
    var writer = ByteWriter()
    message.serialize(into: &writer)
    var read = try ICMPMessage(parsing: writer.octets[...])
    #expect(read.checksumIsValid)
    #expect(read.body == message.body && read.type == message.type && read.code == message.code)
    read.checksum ^= 1
    #expect(!read.checksumIsValid)
  }

  @Test func anErrorMessageQuotesItsDatagram() throws {
    let quoted = hex(Self.ip + "0001 0002 0008 0000")
    #expect(ICMPMessage(.timeExceeded(quoted: quoted[...])).quotedHeader?.destination == IPAddress("192.168.10.2"))
    #expect(ICMPMessage(.timeExceeded(quoted: quoted.prefix(10))).quotedHeader == nil)
  }
}

@Suite struct IPv4ReassemblerTests {
  private func fragment(_ offset: Int, more: Bool, identification: UInt16 = 1) -> IPv4Header {
    IPv4Header(
      source: 1, destination: 2, protocolNumber: .udp, identification: identification, dontFragment: false,
      moreFragments: more, fragmentOffset: offset)
  }

  private func datagram(_ count: Int) -> [UInt8] {
    var writer = ByteWriter()
    UDPDatagram(sourcePort: 5, destinationPort: 6, payload: (0..<count).map { UInt8(truncatingIfNeeded: $0) }[...])
      .serialize(source: .v4(1), destination: .v4(2), into: &writer)
    return writer.octets
  }

  @Test(arguments: 0..<40) func fragmentsInAnyOrderGiveTheDatagram(seed: Int) throws {
    var random = SeededNumbers(seed: UInt64(seed))
    let octets = datagram(500)
    var parts: [(Int, Int)] = []
    var place = 0
    while place < octets.count {
      let count = min(Int.random(in: 1...10, using: &random) * 8, octets.count - place)
      parts.append((place, count))
      // Some parts twice, some overlapping.
      if Bool.random(using: &random) { parts.append((place, min(count + 16, octets.count - place))) }
      place += count
    }
    parts.shuffle(using: &random)
    var reassembler = IPv4Reassembler()
    var result: (IPv4Header, Packet.Transport)?
    for (start, count) in parts where result == nil {
      result = try reassembler.feed(
        fragment(start, more: start + count < octets.count), octets[start..<start + count], time: 0)
    }
    guard case .udp(let whole)? = result?.1 else {
      Issue.record("no datagram, seed \(seed)")
      return
    }
    #expect(whole.payload.count == 500 && whole.checksumIsValid(source: .v4(1), destination: .v4(2)), "seed \(seed)")
    #expect(result?.0.totalLength == 528 && result?.0.isFragment == false)
  }

  @Test func whatNeverBecomesWholeIsForgotten() throws {
    var limits = IPv4Reassembler.Limits()
    limits.datagrams = 2
    limits.fragments = 3
    var reassembler = IPv4Reassembler(limits: limits)
    for identification in UInt16(1)...3 {
      #expect(
        try reassembler.feed(
          fragment(8, more: true, identification: identification), [0, 0, 0, 0, 0, 0, 0, 0], time: 0) == nil)
    }
    #expect(reassembler.forgotten == 1)
    #expect(try reassembler.feed(fragment(8, more: true, identification: 9), [1], time: 20_000_000_000) == nil)
    #expect(reassembler.forgotten == 3)
    #expect(throws: WireError(.tooLong, in: "IPv4", at: 0, "")) {
      for place in [24, 40, 56] {
        _ = try reassembler.feed(fragment(place, more: true, identification: 9), [1], time: 20_000_000_000)
      }
    }
  }
}
