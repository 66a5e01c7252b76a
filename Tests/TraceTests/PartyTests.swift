import CaptureFiles
import Messages
import Octets
import Packets
import Testing
import Trace

@Suite struct PartyTests {
  @Test func anAddressThatMovedBelongsToItsNode() throws {
    var home = TestHome()
    var moved = home.tv
    moved.link.endpoint = Endpoint(IPAddress("192.168.10.99")!, 0)
    // The agent speaks from its new address; then the configurator writes to it there.
    try home.multicast(DeviceSearch().octets(), from: moved)
    var link = try home.connection(home.cfg, 42_000, to: moved, 49_210)
    home.pass(
      link.send(try Octetted.request("PATCH", "/configuration", [:]), from: .client), client: home.cfg, server: moved)
    #expect(try home.arrows() == ["tv -> network discover", "cfg -> tv configure"])
  }

  @Test func aForgedPacketTakesNoAddressAway() throws {
    var home = TestHome()
    try home.datagram([1], from: home.cfg, 5000, to: home.tv, 5000)
    var forger = home.tv
    forger.link.endpoint = home.cfg.link.endpoint
    try home.multicast(DeviceSearch().octets(), from: forger)
    var link = try home.connection(home.gatewayInside, 40_000, to: home.cfg, 49_200)
    home.pass(
      link.send(try Octetted.request("PUT", "/agents/a", [:]), from: .client), client: home.gatewayInside,
      server: home.cfg)
    #expect(try home.arrows() == ["tv -> network discover", "hg -> cfg register"])
  }

  @Test func anAddressThatItsNodeLeftGoesToTheNext() throws {
    var home = TestHome()
    var moved = home.cfg
    moved.link.endpoint = Endpoint(IPAddress("192.168.10.77")!, 0)
    var heir = home.tv
    heir.link.endpoint = home.cfg.link.endpoint
    try home.datagram([1], from: moved, 5000, to: home.tv, 5000)
    try home.datagram([2], from: heir, 5000, to: moved, 5000)
    var link = try home.connection(moved, 42_000, to: heir, 49_210)
    home.pass(
      link.open().prefix(1)
        + link.send(try Octetted.request("PATCH", "/settings", [:]), from: .client).filter { $0.sender == .client },
      client: moved, server: heir)
    #expect(try home.arrows() == ["cfg -> tv configure"])
  }

  @Test func theOperatorIsNoNode() throws {
    var home = TestHome()
    var link = try home.connection(home.person, 43_000, to: home.server, 8080)
    home.pass(
      link.send(try Octetted.request("PUT", "/v1/homes/home-a", ["homeToken": "a", "userToken": "b"]), from: .client),
      client: home.person, server: home.server)
    home.pass(link.send(try Octetted.response(201), from: .server), client: home.person, server: home.server)
    let events = try home.decoded().events
    #expect(events.map(\.arrow) == ["operator -> server provision-home", "server -> operator provision-home-reply"])
    #expect(events[0].from == .operator)
  }

  @Test func whatNoNodeHasIsAnAddress() throws {
    var home = TestHome()
    let nobody = TestHome.host("nobody", 2, "203.0.113.7", 0x77)
    var link = try home.connection(home.tv, 40_000, to: nobody, 49_200)
    home.pass(link.send(try Octetted.request("PUT", "/agents/a", [:]), from: .client), client: home.tv, server: nobody)
    #expect(try home.arrows() == ["tv -> 203.0.113.7 register"])
  }

  /// Two homes with equal addresses, each behind a gateway of its own.
  @Test func equalPrefixesOfTwoHomesAreKeptApart() throws {
    let taps = [
      ("home-a.tv--home-a.sw.1", "home-a.tv"), ("home-a.cfg--home-a.sw.2", "home-a.cfg"),
      ("home-b.tv--home-b.sw.1", "home-b.tv"), ("home-b.cfg--home-b.sw.2", "home-b.cfg"),
    ]
    func node(_ home: String, _ name: String, _ kind: PartyKind, _ address: String, _ mac: UInt64) -> PartyNode {
      PartyNode(
        name: "\(home).\(name)", kind: kind, home: home,
        interfaces: [
          PartyInterface(
            network: "\(home).lan", address: CIDR(address), mac: MACAddress(bits: 0x0200_0000_0000 | mac))
        ])
    }
    let parties = PartyMap(
      nodes: [
        node("home-a", "tv", .ce, "192.168.10.21/24", 0xA1),
        node("home-a", "cfg", .configurator, "192.168.10.2/24", 0xA2),
        node("home-b", "tv", .ce, "192.168.10.21/24", 0xB1),
        node("home-b", "cfg", .configurator, "192.168.10.2/24", 0xB2),
      ],
      networks: [PartyNetwork(name: "home-a.lan", home: "home-a"), PartyNetwork(name: "home-b.lan", home: "home-b")])
    var home = TestHome(taps: taps)
    // The same ports and sequence numbers too, interleaved.
    var links: [(TCPSynthesiser, TestHome.Host, TestHome.Host)] = []
    for (tap, mac) in [(0, UInt64(0xA1)), (2, 0xB1)] {
      let tv = TestHome.host("tv", tap, "192.168.10.21", mac)
      let cfg = TestHome.host("cfg", tap + 1, "192.168.10.2", mac + 1)
      links.append((try home.connection(tv, 40_000, to: cfg, 49_200), tv, cfg))
    }
    let request = try Octetted.request("PUT", "/agents/\(Octetted.agentId)", Octetted.registration())
    for index in links.indices {
      home.pass(links[index].0.send(request, from: .client), client: links[index].1, server: links[index].2)
    }
    for index in links.indices {
      home.pass(
        links[index].0.send(try Octetted.response(201, [:]), from: .server), client: links[index].1,
        server: links[index].2)
    }
    #expect(
      try home.arrows(parties) == [
        "home-a.tv -> home-a.cfg register", "home-b.tv -> home-b.cfg register",
        "home-a.cfg -> home-a.tv register-reply", "home-b.cfg -> home-b.tv register-reply",
      ])
  }

  /// A switch's link ends show what it passes on as coming from it, a hub shows every frame everywhere.
  @Test func whatSwitchesPassOnIsToldOnce() throws {
    var home = TestHome()
    let frame = try Packet.datagram(
      from: LinkEndpoint(hardware: home.tv.link.hardware, endpoint: Endpoint(home.tv.link.endpoint.address, 50_000)),
      to: LinkEndpoint(
        hardware: MACAddress(bits: 0x0100_5E7F_FFFA), endpoint: Endpoint(ProfileNames.ssdpGroup, 1900)),
      DeviceSearch().octets()[...]
    ).octets
    home.pass(frame, from: 0, to: [1, 2, 7])
    home.pass(frame, from: 6, to: [7])
    home.pass(frame, from: 6, to: [7, 0])
    #expect(try home.arrows() == ["tv -> network discover"])
  }

  @Test func aSwitchsOwnFramesAreItsOwn() throws {
    var home = TestHome()
    func lldp(_ mac: UInt64) -> [UInt8] {
      let source = MACAddress(bits: 0x0200_0000_0000 | mac)
      var writer = ByteWriter()
      EthernetHeader(source: source, destination: .broadcast, etherType: .lldp).serialize(into: &writer)
      writer.append([0x02, 0x07, 0x04] + source.octets + [0x04, 0x02, 0x07, 0x31, 0x06, 0x02, 0x00, 0x78, 0x00, 0x00])
      return writer.octets
    }
    home.pass(lldp(0x21), from: 0, to: [1, 2])
    // The agent's frame, as the switch passes it on, and the switch's own.
    home.pass(lldp(0x21), from: 6, to: [7])
    home.pass(lldp(0x51), from: 6, to: [7])
    let events = try home.decoded().events
    #expect(events.map(\.arrow) == ["tv -> network htip", "sw1 -> network htip"])
    #expect(events[1].fields["chassisId"]?.string == "02:00:00:00:00:51")
    #expect(events[1].fields["ttl"]?.int == 120)
  }

  /// UDP from the home to the outside and back: the reply is for whoever asked.
  @Test func datagramsFindTheirWayBackThroughAGateway() throws {
    var home = TestHome()
    let question: [UInt8] = [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x61, 0, 0, 1, 0, 1]
    var answer = question
    answer[2] = 0x81
    try home.datagram(question, from: home.tv, 50_000, to: home.server, 53)
    try home.datagram(question, from: home.gatewayOutside, 62_000, to: home.server, 53)
    try home.datagram(answer, from: home.server, 53, to: home.gatewayOutside, 62_000)
    var inside = home.server
    inside.tap = 2
    inside.link.hardware = home.gatewayInside.link.hardware
    try home.datagram(answer, from: inside, 53, to: home.tv, 50_000)
    // The gateway's own question is its own.
    var other = question
    other[1] = 8
    try home.datagram(other, from: home.gatewayOutside, 63_000, to: home.server, 53)
    let events = try home.decoded().events
    #expect(events.map(\.arrow) == ["tv -> server dns", "server -> tv dns", "hg -> server dns"])
    #expect(events[0].fields["question"]?.string == "a")
    #expect(events[1].fields["isReply"]?.bool == true)
  }

  @Test func theGatewaysOwnAnswersAreItsOwn() throws {
    var home = TestHome()
    var link = try home.connection(home.cfg, 44_000, to: home.gatewayInside, 49_300)
    home.pass(
      link.send(try Octetted.request("GET", "/igd.xml"), from: .client), client: home.cfg, server: home.gatewayInside)
    home.pass(
      link.send(try Octetted.response(200), from: .server), client: home.cfg, server: home.gatewayInside)
    #expect(try home.arrows() == ["cfg -> hg description-read", "hg -> cfg description-read-reply"])
  }

  @Test func refusedConnectionsAreKnown() throws {
    var home = TestHome()
    var link = try home.connection(home.cfg, 41_000, to: home.server, 8080)
    try home.passThroughGateway(link.reset(from: .server), client: home.cfg, server: home.server, port: 61_000)
    let result = try home.decoded()
    #expect(result.events.isEmpty)
    #expect(result.refusals.count == 1)
    #expect(result.refusals.first?.from == .node("cfg") && result.refusals.first?.to == .node("server"))
    var open = try home.connection(home.tv, 45_000, to: home.cfg, 49_200, sequence: 9)
    home.pass(open.open() + open.reset(from: .server), client: home.tv, server: home.cfg)
    #expect(try home.decoded().refusals.count == 1)
  }
}
