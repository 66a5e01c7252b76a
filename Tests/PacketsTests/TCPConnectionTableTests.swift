import CaptureFiles
import Octets
import Packets
import Testing

@Suite struct TCPConnectionTableTests {
  private func events(
    of frames: [ArraySlice<UInt8>], limits: TCPConnectionTable.Limits = .init()
  ) throws -> [TCPEvent] {
    var table = TCPConnectionTable(limits: limits)
    var events: [TCPEvent] = []
    for (index, frame) in frames.enumerated() {
      guard case .ipv4(let header, .tcp(let segment)) = try Packet(parsing: frame).payload else { continue }
      table.feed(
        segment, source: header.source, destination: header.destination,
        from: TCPOrigin(time: Int64(index), frame: index + 1), into: &events)
    }
    table.flush(into: &events)
    return events
  }

  private func text(_ events: [TCPEvent], _ id: Int, _ side: TCPSide) -> String {
    events.filter { $0.connection.id == id && $0.sender == side }.map { event in
      switch event.content {
      case .opened, .delivery(.end(.finished, _)): ""
      case .delivery(.octets(let octets, _)): String(decoding: octets, as: UTF8.self)
      case .delivery(.gap(let count, _)): "[\(count)]"
      case .delivery(.end(let end, _)): "<\(end)>"
      }
    }.joined()
  }

  @Test func upnpcTalksToMiniupnpd() throws {
    let events = try events(of: try frames(of: "igd_lan.pcap"))
    let first = try #require(events.first)
    #expect(first.connection.client == Endpoint("192.168.11.21:48948"))
    #expect(first.connection.server == Endpoint("192.168.11.1:5000"))
    #expect(!first.connection.startedMidStream)
    #expect(first.content == .opened(TCPOrigin(time: 31, frame: 32)))
    #expect(text(events, 0, .client).hasPrefix("GET /rootDesc.xml HTTP/1.1\r\n"))
    #expect(text(events, 0, .server).hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(text(events, 0, .server).hasSuffix("</root>"))
    let last = try #require(events.map(\.connection.id).max())
    for id in 0...last { #expect(!text(events, id, .client).contains("[")) }
  }

  private let client = LinkEndpoint(
    hardware: MACAddress(bits: 0x02_00_00_00_00_01), endpoint: Endpoint(.v4(0xC0A8_0A15), 40000))
  private let server = LinkEndpoint(
    hardware: MACAddress(bits: 0x02_00_00_00_00_02), endpoint: Endpoint(.v4(0xC0A8_0A02), 49200))

  private func conversation(_ request: String, _ reply: String, sequence: UInt32 = 5000) throws -> [TCPSynthesiser
    .Frame]
  {
    var synthesiser = try TCPSynthesiser(
      client: client, server: server, clientSequence: sequence, serverSequence: sequence &+ 77, maximumSegmentSize: 5)
    return synthesiser.open() + synthesiser.send(request.utf8, from: .client)
      + synthesiser.send(reply.utf8, from: .server) + synthesiser.close(from: .server)
      + synthesiser.close(from: .client)
  }

  @Test func aSynthesisedConversationReadsBack() throws {
    let frames = try conversation("hello, configurator", "hello")
    for frame in frames {
      let packet = try Packet(parsing: frame.octets[...])
      #expect(packet.checksumsAreValid)
      #expect(packet.octets == frame.octets)
    }
    let events = try events(of: frames.map { $0.octets[...] })
    #expect(text(events, 0, .client) == "hello, configurator")
    #expect(text(events, 0, .server) == "hello")
    #expect(events.last?.content.isEnd == true)
  }

  @Test func aNewInitialSequenceNumberIsANewConnection() throws {
    let frames = try conversation("one", "1") + conversation("two", "2", sequence: 90_000)
    let events = try events(of: frames.map { $0.octets[...] })
    #expect(text(events, 0, .client) == "one")
    #expect(text(events, 1, .client) == "two")
    #expect(text(events, 1, .server) == "2")
  }

  @Test func aPortTakenAgainEndsWhatWasOpen() throws {
    let frames = try conversation("one", "1").dropLast(4) + conversation("two", "2", sequence: 90_000)
    let events = try events(of: frames.map { $0.octets[...] })
    #expect(text(events, 0, .client) == "one<replaced>")
    #expect(text(events, 0, .server) == "1<replaced>")
    #expect(text(events, 1, .client) == "two")
  }

  @Test func withoutItsHandshakeTheLowerPortIsTheServer() throws {
    let frames = try conversation("one", "1").dropFirst(3).filter { $0.sender == .server }
    let events = try events(of: frames.map { $0.octets[...] })
    #expect(events.first?.connection.server.port == 40000)
    #expect(events.first?.connection.startedMidStream == true)
    #expect(events.first?.sender == .client)
  }

  @Test func aRefusedSYNEnds() throws {
    var synthesiser = try TCPSynthesiser(client: client, server: server)
    let events = try events(of: synthesiser.reset(from: .server).map { $0.octets[...] })
    #expect(text(events, 0, .server) == "<reset>")
  }

  @Test func equalAddressesOfTwoDomainsAreTwoConnections() throws {
    var table = TCPConnectionTable()
    var events: [TCPEvent] = []
    for (index, frame) in try conversation("one", "1").enumerated() {
      guard case .ipv4(let header, .tcp(let segment)) = try Packet(parsing: frame.octets[...]).payload else { continue }
      for domain in [1, 2] {
        table.feed(
          segment, source: header.source, destination: header.destination, domain: domain,
          from: TCPOrigin(time: 0, frame: index), into: &events)
      }
    }
    #expect(text(events, 0, .client) == "one")
    #expect(text(events, 1, .client) == "one")
    #expect(Set(events.map(\.connection.domain)) == [1, 2])
  }

  @Test func theTableIsBounded() throws {
    var limits = TCPConnectionTable.Limits()
    limits.connections = 3
    var table = TCPConnectionTable(limits: limits)
    var events: [TCPEvent] = []
    for port in UInt16(1)...10 {
      table.feed(
        TCPSegment(sourcePort: port, destinationPort: 80, sequence: 1, flags: [.syn]), source: .v4(1),
        destination: .v4(2), from: TCPOrigin(time: 0, frame: Int(port)), into: &events)
      #expect(table.count <= 3)
    }
    #expect(text(events, 0, .client) == "<evicted>")
    #expect(text(events, 9, .client) == "")
  }
}

extension TCPEvent.Content {
  var isEnd: Bool { if case .delivery(.end) = self { true } else { false } }
}
