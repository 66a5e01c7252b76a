import CaptureFiles
import Messages
import Octets
import Packets
import Testing
import Trace

@Suite struct DissectorTests {
  /// Sequence 1 with every "if needed" step, as frames.
  static func sequence1() throws -> TestHome {
    var home = TestHome()
    let device = DiscoverableDevice(
      uuid: "7f9c0000-0000-8000-8000-000000000002", deviceType: ProfileNames.configuratorType,
      location: "http://192.168.10.2:49200/description.xml")
    let agent = Octetted.agentId
    try home.multicast(DeviceSearch().octets(), from: home.tv)
    try home.datagram(device.replies(to: DeviceSearch(), now: 0)[0], from: home.cfg, 1900, to: home.tv, 50_000)

    var register = try home.connection(home.tv, 40_000, to: home.cfg, 49_200)
    home.pass(
      register.send(try Octetted.request("PUT", "/agents/\(agent)", Octetted.registration()), from: .client),
      client: home.tv, server: home.cfg)
    home.pass(
      register.send(
        try Octetted.response(201, ["agentId": .string(agent), "lifetime": 3600, "revision": nil]), from: .server),
      client: home.tv, server: home.cfg)

    var up = try home.connection(home.cfg, 41_000, to: home.server, 8080, sequence: 77)
    let path = "/v1/homes/home-a/agents/\(agent)"
    for (side, octets) in [
      (TCPSide.client, try Octetted.request("PUT", path, Octetted.registration())),
      (.server, try Octetted.response(201, ["revision": 1])),
      (.client, try Octetted.request("GET", path + "/configuration", fields: ["If-None-Match": "\"0\""])),
      (
        .server,
        try Octetted.response(200, ["ntpServer": "198.51.100.10"], fields: ["ETag": "\"1\"", "Date": "x"])
      ),
    ] {
      try home.passThroughGateway(up.send(octets, from: side), client: home.cfg, server: home.server, port: 61_000)
    }

    var configure = try home.connection(home.cfg, 42_000, to: home.tv, 49_210, sequence: 900)
    for (side, octets) in [
      (TCPSide.client, try Octetted.request("GET", "/settings")),
      (.server, try Octetted.response(200, [:], fields: ["ETag": "\"a\""])),
      (
        .client,
        try Octetted.request("PATCH", "/settings", ["ntpServer": "198.51.100.10"], fields: ["If-Match": "\"a\""])
      ),
      (.server, try Octetted.response(200, ["ntpServer": "198.51.100.10"], fields: ["ETag": "\"b\""])),
    ] {
      home.pass(configure.send(octets, from: side), client: home.cfg, server: home.tv)
    }
    home.pass(configure.close(from: .client) + configure.close(from: .server), client: home.cfg, server: home.tv)
    return home
  }

  static let expected = [
    "tv -> network discover", "cfg -> tv discover-reply", "tv -> cfg register", "cfg -> tv register-reply",
    "cfg -> server server-register", "server -> cfg server-register-reply", "cfg -> server configuration-request",
    "server -> cfg configuration-reply", "cfg -> tv configuration-read", "tv -> cfg configuration-read-reply",
    "cfg -> tv configure", "tv -> cfg configure-reply",
  ]

  @Test func sequence1IsToldOnceThroughAGateway() throws {
    let home = try DissectorTests.sequence1()
    let result = try home.decoded()
    #expect(result.events.map(\.arrow) == DissectorTests.expected)
    #expect(result.counts.isEmpty)
    #expect(result.faults.isEmpty)
    #expect(result.events.map(\.index) == Array(0..<12))
    #expect(result.events.map(\.time) == result.events.map(\.time).sorted())
    #expect(result.events.filter(\.isBackground).map(\.name) == ["configuration-read", "configuration-read-reply"])
  }

  @Test func fieldsAreNamedAsScenariosNameThem() throws {
    let events = try DissectorTests.sequence1().decoded().events
    func event(_ name: String) throws -> Event { try #require(events.first { $0.name == name }) }
    #expect(try event("discover").fields["st"]?.string == ProfileNames.configuratorType)
    let reply = try event("discover-reply")
    #expect(reply.fields["configuratorId"]?.string == "7f9c0000-0000-8000-8000-000000000002")
    #expect(reply.fields["location"]?.string == "http://192.168.10.2:49200/description.xml")
    let register = try event("register")
    #expect(register.fields.value(at: "/interfaces/0/macAddress")?.string == "02:00:00:00:00:21")
    #expect(register.fields["reason"]?.string == "new-device")
    #expect(try event("register-reply").fields["status"]?.int == 201)
    #expect(try event("server-register").fields["homeId"]?.string == "home-a")
    #expect(try event("configuration-request").fields["ifNoneMatch"]?.int == 0)
    let configuration = try event("configuration-reply")
    #expect(configuration.fields["revision"]?.int == 1)
    #expect(configuration.fields["ntpServer"]?.string == "198.51.100.10")
    #expect(try event("configure").fields["ifMatch"]?.string == "a")
    #expect(try event("configure-reply").fields["etag"]?.string == "b")
    for event in events {
      let definition = try #require(MessageCatalogue[event.name])
      for name in event.fields.object?.names ?? [] {
        #expect(definition.fields.contains { $0.name == name }, "\(event.name) \(name)")
      }
    }
  }

  @Test func theFrameIsTheSendersOwn() throws {
    let events = try DissectorTests.sequence1().decoded().events
    #expect(events[0].frame == 1 && events[1].frame == 4)
    // The handshake's three frames are seen twice each before the request.
    #expect(events[2].frame == 12 && events[2].firstFrame == 12)
  }

  @Test func aCaptureIsReadTheSameInAnyPieces() throws {
    let home = try DissectorTests.sequence1()
    let whole = try home.decoded()
    for pieces in [1, 7, 100] { #expect(try home.decoded(pieces: pieces).events == whole.events) }
  }

  @Test func withoutATopologyTheInterfacesNameTheNodes() throws {
    let arrows = try DissectorTests.sequence1().arrows(PartyMap())
    #expect(arrows == DissectorTests.expected)
  }

  @Test func aForeignCaptureNamesAddresses() throws {
    let home = try DissectorTests.sequence1()
    var writer = PcapngWriter()
    var octets =
      writer.header() + writer.interface(name: "eth0", description: nil)
      + writer.interface(name: "eth1", description: nil)
    var reader = CaptureReader()
    reader.feed(home.octets)
    // What one sees who stands at the home's segment, on two of its links at once.
    while let item = try reader.next() {
      guard case .packet(let packet) = item, packet.interface <= 1 else { continue }
      octets += writer.packet(
        interface: packet.interface, time: packet.time, direction: .unknown, octets: packet.octets)
    }
    let arrows = try CaptureDecoding.decode(octets).events.map(\.arrow)
    let tv = "192.168.10.21"
    let cfg = "192.168.10.2"
    #expect(
      arrows == [
        "\(tv) -> network discover", "\(cfg) -> \(tv) discover-reply", "\(tv) -> \(cfg) register",
        "\(cfg) -> \(tv) register-reply", "\(cfg) -> 198.51.100.10 server-register",
        "198.51.100.10 -> \(cfg) server-register-reply", "\(cfg) -> 198.51.100.10 configuration-request",
        "198.51.100.10 -> \(cfg) configuration-reply", "\(cfg) -> \(tv) configuration-read",
        "\(tv) -> \(cfg) configuration-read-reply", "\(cfg) -> \(tv) configure", "\(tv) -> \(cfg) configure-reply",
      ])
  }

  @Test func retransmissionsAndReorderingTellNothingTwice() throws {
    var home = TestHome()
    var link = try home.connection(home.tv, 40_000, to: home.cfg, 49_200)
    let long = Octetted.registration().merging([
      "device": ["friendlyName": .string(String(repeating: "x", count: 4000))]
    ])
    let frames = link.send(try Octetted.request("PUT", "/agents/\(Octetted.agentId)", long), from: .client)
    #expect(frames.count > 6)
    var shuffled = frames
    shuffled.swapAt(3, 4)
    home.pass(shuffled + frames, client: home.tv, server: home.cfg)
    let result = try home.decoded()
    #expect(result.events.map(\.arrow) == ["tv -> cfg register"])
    #expect(result.events[0].firstFrame < result.events[0].frame)
  }

  @Test func aRepeatHasTheSameDigestWhateverItsDateAndCorrelation() throws {
    var home = TestHome()
    for (index, reason) in ["new-device", "new-device", "refresh"].enumerated() {
      var link = try home.connection(
        home.tv, 40_000 + UInt16(index), to: home.cfg, 49_200, sequence: UInt32(index + 1) * 100_000)
      home.pass(
        link.send(
          try Octetted.request(
            "PUT", "/agents/\(Octetted.agentId)", Octetted.registration(reason),
            fields: ["Homebed-Correlation": "c\(index)", "Date": "d\(index)"]), from: .client),
        client: home.tv, server: home.cfg)
    }
    let events = try home.decoded().events
    #expect(events.count == 3)
    #expect(events[0].digest == events[1].digest)
    #expect(events[0].digest != events[2].digest)
    #expect(events.map(\.isBackground) == [false, false, true])
    #expect(events[1].fields["correlation"]?.string == "c1")
  }

  @Test func requestsOfAnEventStreamAreMessages() throws {
    var home = TestHome()
    var up = try home.connection(home.cfg, 41_000, to: home.server, 8080)
    try home.passThroughGateway(
      up.send(
        try Octetted.request("GET", "/v1/homes/home-a/requests", fields: ["Authorization": "Bearer t0"]), from: .client),
      client: home.cfg, server: home.server, port: 61_000)
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    let event = ServerSentEvent(
      id: "4", event: "configuration-changed", data: #"{"requestId":"r1","kind":"configuration-changed","revision":3}"#)
    func chunk(_ octets: [UInt8]) -> [UInt8] {
      Array("\(String(octets.count, radix: 16))\r\n".utf8) + octets + [13, 10]
    }
    for octets in [Array(head.utf8), chunk(Array(": hello\n".utf8)), chunk(event.octets), chunk(event.octets)] {
      try home.passThroughGateway(up.send(octets, from: .server), client: home.cfg, server: home.server, port: 61_000)
    }
    try home.passThroughGateway(
      up.reset(from: .client), client: home.cfg, server: home.server, port: 61_000)
    let result = try home.decoded()
    #expect(
      result.events.map(\.arrow) == [
        "cfg -> server request-stream", "server -> cfg request-stream-reply", "server -> cfg request",
        "server -> cfg request",
      ])
    #expect(result.events[0].fields["token"]?.string == "t0")
    #expect(result.events[2].fields["kind"]?.string == "configuration-changed")
    #expect(result.events[2].fields["revision"]?.int == 3)
    #expect(result.events[2].fields["homeId"]?.string == "home-a")
    #expect(result.events[2].digest == result.events[3].digest)
    #expect(result.events.map(\.isBackground) == [true, true, false, false])
  }
}
