import CaptureFiles
import Messages
import Octets
import Packets
import Testing
import Trace

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct TrafficTests {
  struct Missing: Error { var path: String }

  static func vector(_ name: String, file: String = #filePath) throws -> [UInt8] {
    let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
    let path = folder + "/Vectors/" + name
    guard let stream = fopen(path, "rb") else { throw Missing(path: path) }
    defer { fclose(stream) }
    var result: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&piece, 1, piece.count, stream)
      if count == 0 { return result }
      result += piece[..<count]
    }
  }

  /// A gateway and a control point of other people, captured.
  @Test func aForeignGatewaysCaptureIsReadAndCounted() throws {
    let result = try CaptureDecoding.decode(try TrafficTests.vector("igd_lan.pcap"))
    let names = Dictionary(grouping: result.events, by: \.name).mapValues(\.count)
    #expect(result.frames > 100)
    #expect(names["discover", default: 0] > 0)
    #expect(names["discover-reply", default: 0] > 0)
    #expect(names["description-read", default: 0] > 0)
    #expect(names["description-read", default: 0] == names["description-read-reply", default: 0])
    let foreground = result.events.filter { !$0.isBackground }
    #expect(foreground.map(\.name) == ["map-port", "map-port-reply"])
    #expect(foreground.first?.fields["NewExternalPort"]?.int == 18080)
    #expect(foreground.first?.fields["NewInternalClient"]?.string == "192.168.11.21")
    #expect(foreground.last?.fields["status"]?.int == 200)
    #expect(result.counts.contains { $0.contains("HTTP POST /ctl/") })
    #expect(result.faults.isEmpty)
  }

  @Test func framesOfForeignHTIPAgentsAreTold() throws {
    let lwhtip = try CaptureDecoding.decode(try TrafficTests.vector("lwhtip_mgr_eth0.pcap")).events
    #expect(lwhtip.count { $0.name == "htip" } == 15)
    let sw2 = try #require(lwhtip.first { $0.fields["chassisId"] == "02:00:00:00:0b:00" })
    #expect(sw2.fields["links"]?[1] == ["port": 2, "addresses": ["02:00:00:00:01:03"]])
    #expect(sw2.fields["category"] == "COM_Swit" && sw2.fields["ttl"] == 60)
    #expect(sw2.fields["departures"]?.array?.isEmpty == false)
    let freehtip = try CaptureDecoding.decode(try TrafficTests.vector("freehtip_mgr_eth0.pcap")).events
    #expect(freehtip.first { $0.name == "htip" }?.fields["signalStrength"] == 80)
    // Of plain LLDP beside HTIP nothing is told.
    let lldpd = try CaptureDecoding.decode(try TrafficTests.vector("lldpd_mgr_eth0.pcap"))
    #expect(lldpd.events.count { $0.name == "htip" } < lldpd.frames)
  }

  @Test func whatIsNoMessageIsCountedByWhatItIs() throws {
    var home = TestHome()
    var link = try home.connection(home.tv, 40_000, to: home.cfg, 8200)
    home.pass(link.send(Array("SSH-2.0-x\r\n".utf8), from: .client), client: home.tv, server: home.cfg)
    try home.datagram([1, 2, 3], from: home.tv, 50_000, to: home.cfg, 9999)
    try home.datagram([1, 2, 4], from: home.tv, 50_000, to: home.cfg, 9999)
    var http = try home.connection(home.tv, 40_001, to: home.cfg, 49_200, sequence: 5)
    home.pass(http.send(try Octetted.request("GET", "/topology"), from: .client), client: home.tv, server: home.cfg)
    var writer = ByteWriter()
    EthernetHeader(source: home.tv.link.hardware, destination: .broadcast, etherType: .ipv6).serialize(into: &writer)
    home.pass(writer.octets + [UInt8](repeating: 0, count: 40), from: 0, to: [])
    home.pass([1, 2, 3], from: 0, to: [])
    let result = try home.decoded()
    #expect(result.events.isEmpty)
    #expect(
      result.counts == [
        "2  UDP to 192.168.10.2 port 9999: not a message", "1  HTTP GET /topology: no message of the catalogue",
        "1  IPv6 packets", "1  TCP connection to 192.168.10.2 port 8200: not a message",
        "1  malformed Ethernet: a frame of 3 octets, expected at least 14, at octet 3 of the frame",
      ])
  }

  @Test func aRefusedBodyIsToldAsFarAsItCame() throws {
    var home = TestHome()
    var link = try home.connection(home.tv, 40_000, to: home.cfg, 49_200)
    let head = "PUT /agents/\(Octetted.agentId) HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n"
    home.pass(link.send(Array(head.utf8) + [0x7B, 0x20], from: .client), client: home.tv, server: home.cfg)
    home.pass(
      link.send(
        try Octetted.response(413, ["type": "urn:homebed:problem:body-too-large", "status": 413]), from: .server),
      client: home.tv, server: home.cfg)
    home.pass(link.close(from: .server), client: home.tv, server: home.cfg)
    let events = try home.decoded().events
    #expect(events.map(\.arrow) == ["tv -> cfg register", "cfg -> tv register-reply"])
    #expect(events[0].fields["agentId"]?.string == Octetted.agentId)
    #expect(events[1].fields["status"]?.int == 413)
    #expect(events[1].fields["type"]?.string == "urn:homebed:problem:body-too-large")
  }

  @Test func bodiesThatAreNoObjectAreText() throws {
    var home = TestHome()
    var link = try home.connection(home.tv, 40_000, to: home.cfg, 49_200)
    var request = HTTPRequest(
      "PUT", "/agents/x", fields: ["Host": "x", "Content-Type": "text/plain"], body: Array("{oops".utf8))
    home.pass(link.send(try request.octets(), from: .client), client: home.tv, server: home.cfg)
    request.body = [UInt8](repeating: 0x61, count: 5000)
    home.pass(link.send(try request.octets(), from: .client), client: home.tv, server: home.cfg)
    let events = try home.decoded().events
    #expect(events[0].fields["body"]?.string == "{oops")
    #expect(events[0].fields["contentType"]?.string == "text/plain")
    #expect(events[0].fields["agentId"]?.string == "x")
    #expect(events[1].fields["body"]?.string?.count == 1024)
  }

  @Test func announcementsArpAndDhcpAreBackground() throws {
    var home = TestHome()
    let device = DiscoverableDevice(
      uuid: "u", deviceType: ProfileNames.configuratorType, location: "http://192.168.10.2:49200/d.xml")
    for octets in device.aliveNotices() + device.byebyeNotices() { try home.multicast(octets, from: home.cfg) }
    let arp = ARPPacket(
      operation: .request, senderHardware: home.tv.link.hardware, sender: home.tv.link.endpoint.address,
      targetHardware: MACAddress(bits: 0), target: home.cfg.link.endpoint.address)
    home.pass(
      Packet(
        ethernet: EthernetHeader(source: home.tv.link.hardware, destination: .broadcast, etherType: .arp),
        payload: .arp(arp)
      ).octets, from: 0, to: [1, 2])
    let events = try home.decoded().events
    #expect(
      events.map(\.name) == Array(repeating: "ssdp-alive", count: 3) + Array(repeating: "ssdp-byebye", count: 3) + [
        "arp"
      ])
    #expect(events.allSatisfy { $0.isBackground })
    #expect(events.last?.fields["targetAddress"]?.string == "192.168.10.2")
  }

  @Test func commentsComeInTheirPlace() throws {
    var home = TestHome()
    try home.multicast(DeviceSearch().octets(), from: home.tv)
    home.octets += try home.writer.comment(time: home.time, text: "homebed:{}")
    try home.multicast(DeviceSearch().octets(), from: home.tv)
    var decoding = CaptureDecoding(parties: TestHome.parties)
    let items = try decoding.feed(home.octets)
    #expect(items.count == 3)
    #expect(items[1] == .comment(time: home.time - 30_000, text: "homebed:{}"))
    #expect(decoding.start == home.time - 50_000)
  }

  @Test func whatIsNoCaptureIsAnError() {
    var decoding = CaptureDecoding()
    #expect(throws: WireError.self) { try decoding.feed(Array("not a capture at all".utf8)) }
  }

  @Test(arguments: 0..<24)
  func mutatedFramesNeverCrash(_ seed: UInt64) throws {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    func random(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state >> 1) % bound
    }
    let home = try DissectorTests.sequence1()
    var reader = CaptureReader()
    reader.feed(home.octets)
    var dissector = Dissector(parties: TestHome.parties)
    var interfaces: [Int: CaptureInterface] = [:]
    var frame = 0
    while let item = try reader.next() {
      if case .interface(let interface) = item { interfaces[interface.index] = interface }
      guard case .packet(var packet) = item, let interface = interfaces[packet.interface] else { continue }
      frame += 1
      if random(3) == 0 {
        var octets = Array(packet.octets)
        for _ in 0...random(4) { octets[random(octets.count)] = UInt8(truncatingIfNeeded: random(256)) }
        if random(6) == 0 { octets.removeLast(random(octets.count)) }
        packet.octets = octets[...]
      }
      dissector.consume(packet, interface: interface, frame: frame)
    }
    dissector.finish()
    #expect(dissector.frameCount == home.frames, "seed \(seed)")
  }
}
