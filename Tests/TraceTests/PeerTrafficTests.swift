import Messages
import Octets
import Packets
import Testing
import Trace

/// Datagrams between agents of homes that have the same addresses, through the gateways of both (rule S1).
struct PeerTrafficTests {
  /// Two homes of one prefix; what each hop of a datagram shows is written down by the test.
  private struct Homes {
    var home = TestHome(taps: [
      ("a--sw", "a"), ("hga.lan--sw", "hga"), ("hga--internet", "hga"), ("b--sw", "b"), ("hgb.lan--sw", "hgb"),
      ("hgb--internet", "hgb"), ("server--internet", "server"), ("c--sw", "c"),
    ])

    static let parties: PartyMap = {
      func node(_ name: String, _ kind: PartyKind, _ home: String?, _ places: [(String, String, UInt64)]) -> PartyNode {
        PartyNode(
          name: name, kind: kind, home: home,
          interfaces: places.map {
            PartyInterface(network: $0, address: CIDR($1), mac: MACAddress(bits: 0x0200_0000_0000 | $2))
          })
      }
      return PartyMap(
        nodes: [
          node("a", .ce, "home-a", [("home-a.lan", "192.168.1.10/24", 0)]),
          node("c", .ce, "home-a", [("home-a.lan", "192.168.1.11/24", 7)]),
          node(
            "hga", .homeGateway, "home-a", [("home-a.lan", "192.168.1.1/24", 1), ("internet", "198.51.100.1/24", 2)]),
          node("b", .ce, "home-b", [("home-b.lan", "192.168.1.10/24", 3)]),
          node(
            "hgb", .homeGateway, "home-b", [("home-b.lan", "192.168.1.1/24", 4), ("internet", "198.51.100.2/24", 5)]),
          node("server", .serviceServer, nil, [("internet", "198.51.100.10/24", 6)]),
        ],
        networks: [
          PartyNetwork(name: "home-a.lan", home: "home-a"), PartyNetwork(name: "home-b.lan", home: "home-b"),
          PartyNetwork(name: "internet", home: nil),
        ])
    }()

    /// One frame as its sender's link end shows it: `hop` is that end's place in the list of taps.
    mutating func hop(_ tap: Int, _ payload: [UInt8], _ from: String, _ to: String) throws {
      let packet = try Packet.datagram(
        from: LinkEndpoint(
          hardware: MACAddress(bits: 0x0200_0000_0000 | UInt64(tap)), endpoint: Endpoint(from)!),
        to: LinkEndpoint(hardware: MACAddress(bits: 0x0200_0000_00EE), endpoint: Endpoint(to)!), payload[...])
      home.write(packet.octets, tap: tap, .inbound)
    }

    func events() throws -> [Event] { try home.decoded(Self.parties).events }
    func arrows() throws -> [String] { try events().map(\.arrow) }
  }

  private static func request(_ number: UInt64, _ username: String? = nil) -> [UInt8] {
    STUNMessage(
      .request, transaction: STUNTransactionID(high: 1, low: number),
      attributes: username.map { [.username($0)] } ?? []
    ).octets(integrity: username == nil ? .none : .sha1(key: [1]))
  }

  private static func success(_ number: UInt64, _ mapped: String) -> [UInt8] {
    STUNMessage(
      .success, transaction: STUNTransactionID(high: 1, low: number), attributes: [.xorMappedAddress(Endpoint(mapped)!)]
    ).octets()
  }

  private static let data: [UInt8] = Array("HBPD".utf8) + [0x44, 0, 3, 9, 9]
  private static let acknowledgement: [UInt8] = Array("HBPD".utf8) + [0x41, 0, 3]

  /// Each agent asks the server, and so its gateway's outer port is known to be it.
  private static func bindings(_ homes: inout Homes) throws {
    try homes.hop(0, request(1), "192.168.1.10:5000", "198.51.100.10:3478")
    try homes.hop(2, request(1), "198.51.100.1:5000", "198.51.100.10:3478")
    try homes.hop(6, success(1, "198.51.100.1:5000"), "198.51.100.10:3478", "198.51.100.1:5000")
    try homes.hop(1, success(1, "198.51.100.1:5000"), "198.51.100.10:3478", "192.168.1.10:5000")
    try homes.hop(3, request(2), "192.168.1.10:5000", "198.51.100.10:3478")
    try homes.hop(5, request(2), "198.51.100.2:6000", "198.51.100.10:3478")
    try homes.hop(6, success(2, "198.51.100.2:6000"), "198.51.100.10:3478", "198.51.100.2:6000")
    try homes.hop(4, success(2, "198.51.100.2:6000"), "198.51.100.10:3478", "192.168.1.10:5000")
  }

  /// A's datagram all the way to B.
  private static func aToB(_ homes: inout Homes, _ payload: [UInt8]) throws {
    try homes.hop(0, payload, "192.168.1.10:5000", "198.51.100.2:6000")
    try homes.hop(2, payload, "198.51.100.1:5000", "198.51.100.2:6000")
    try homes.hop(4, payload, "198.51.100.1:5000", "192.168.1.10:5000")
  }

  private static func bToA(_ homes: inout Homes, _ payload: [UInt8]) throws {
    try homes.hop(3, payload, "192.168.1.10:5000", "198.51.100.1:5000")
    try homes.hop(5, payload, "198.51.100.2:6000", "198.51.100.1:5000")
    try homes.hop(1, payload, "198.51.100.2:6000", "192.168.1.10:5000")
  }

  @Test("Hole punching: every datagram goes from agent to agent, also equal ones that cross")
  func holePunching() throws {
    var homes = Homes()
    try Self.bindings(&homes)
    // A's first check stops at B's gateway.
    try homes.hop(0, Self.request(3, "s:controlling"), "192.168.1.10:5000", "198.51.100.2:6000")
    try homes.hop(2, Self.request(3, "s:controlling"), "198.51.100.1:5000", "198.51.100.2:6000")
    try Self.bToA(&homes, Self.request(4, "s:controlled"))
    try Self.aToB(&homes, Self.success(4, "198.51.100.2:6000"))
    // Equal octets under way both ways at once.
    try homes.hop(0, Self.data, "192.168.1.10:5000", "198.51.100.2:6000")
    try homes.hop(3, Self.data, "192.168.1.10:5000", "198.51.100.1:5000")
    try homes.hop(5, Self.data, "198.51.100.2:6000", "198.51.100.1:5000")
    try homes.hop(2, Self.data, "198.51.100.1:5000", "198.51.100.2:6000")
    try homes.hop(1, Self.data, "198.51.100.2:6000", "192.168.1.10:5000")
    try homes.hop(4, Self.data, "198.51.100.1:5000", "192.168.1.10:5000")
    try Self.aToB(&homes, Self.acknowledgement)
    try Self.bToA(&homes, Self.acknowledgement)
    let arrows = try homes.arrows()
    #expect(
      arrows == [
        "a -> server stun-binding", "server -> a stun-binding-reply", "b -> server stun-binding",
        "server -> b stun-binding-reply", "a -> b peer-check", "b -> a peer-check", "a -> b peer-check-reply",
        "a -> b peer-data", "b -> a peer-data", "a -> b peer-data", "b -> a peer-data",
      ])
  }

  @Test("A port that is mapped by configuration: the gateway's first frame tells whom the datagram before it was for")
  func mappedPort() throws {
    var homes = Homes()
    try Self.bindings(&homes)
    for number in UInt64(5)...6 {
      let check = Self.request(number, "s:controlling")
      try homes.hop(0, check, "192.168.1.10:5000", "198.51.100.2:7000")
      try homes.hop(2, check, "198.51.100.1:5000", "198.51.100.2:7000")
      try homes.hop(4, check, "198.51.100.1:5000", "192.168.1.10:5000")
      let answer = Self.success(number, "198.51.100.1:5000")
      try homes.hop(3, answer, "192.168.1.10:5000", "198.51.100.1:5000")
      try homes.hop(5, answer, "198.51.100.2:7000", "198.51.100.1:5000")
      try homes.hop(1, answer, "198.51.100.2:7000", "192.168.1.10:5000")
    }
    #expect(
      try homes.arrows().dropFirst(4) == [
        "a -> b peer-check", "b -> a peer-check-reply", "a -> b peer-check", "b -> a peer-check-reply",
      ])
  }

  @Test("What nobody passes on was for the gateway, and is told no later than 30 ms after")
  func nobodyBehind() throws {
    var homes = Homes()
    try homes.hop(0, Self.request(5, "s:controlling"), "192.168.1.10:5000", "198.51.100.2:7000")
    try homes.hop(2, Self.request(5, "s:controlling"), "198.51.100.1:5000", "198.51.100.2:7000")
    var decoding = CaptureDecoding(parties: Homes.parties)
    let held = try decoding.feed(homes.home.octets[...])
    #expect(held.isEmpty)
    let before = homes.home.octets.count
    homes.home.time += 31_000_000
    try homes.hop(6, [0], "198.51.100.10:9", "198.51.100.77:9")
    let told = try decoding.feed(homes.home.octets[before...])
    guard case .event(let event)? = told.first else {
      Issue.record("\(told)")
      return
    }
    #expect(event.arrow == "a -> hgb peer-check")
  }

  @Test("An address- and port-dependent mapping: the port that a datagram left by is its sender")
  func symmetric() throws {
    var homes = Homes()
    try Self.bindings(&homes)
    let check = Self.request(7, "s:controlling")
    try homes.hop(0, check, "192.168.1.10:5000", "198.51.100.2:6000")
    try homes.hop(2, check, "198.51.100.1:41234", "198.51.100.2:6000")
    try homes.hop(4, check, "198.51.100.1:41234", "192.168.1.10:5000")
    let answer = Self.request(8, "s:controlled")
    try homes.hop(3, answer, "192.168.1.10:5000", "198.51.100.1:41234")
    try homes.hop(5, answer, "198.51.100.2:6000", "198.51.100.1:41234")
    #expect(try homes.arrows().suffix(2) == ["a -> b peer-check", "b -> a peer-check"])
  }

  @Test("Hairpinning: two agents of one home, by their gateway's outer ports")
  func hairpin() throws {
    var homes = Homes()
    try Self.bindings(&homes)
    try homes.hop(7, Self.request(9), "192.168.1.11:5000", "198.51.100.10:3478")
    try homes.hop(2, Self.request(9), "198.51.100.1:5001", "198.51.100.10:3478")
    let check = Self.request(10, "s:controlling")
    try homes.hop(0, check, "192.168.1.10:5000", "198.51.100.1:5001")
    try homes.hop(1, check, "198.51.100.1:5000", "192.168.1.11:5000")
    let answer = Self.success(10, "198.51.100.1:5000")
    try homes.hop(7, answer, "192.168.1.11:5000", "198.51.100.1:5000")
    try homes.hop(1, answer, "198.51.100.1:5001", "192.168.1.10:5000")
    #expect(
      try homes.arrows().suffix(3) == ["c -> server stun-binding", "a -> c peer-check", "c -> a peer-check-reply"])
  }

  @Test("The checks of Sequence 5 are told apart by who asks; fields are the attributes in lowerCamelCase")
  func checks() throws {
    var homes = Homes()
    let request = STUNMessage(
      .request, transaction: STUNTransactionID(high: 1, low: 1),
      attributes: [.username("r-1:agent"), .changeRequest([.address, .port]), .software("x")]
    ).octets(integrity: .sha1(key: [1]))
    try homes.hop(0, request, "192.168.1.10:5000", "198.51.100.10:3478")
    try homes.hop(0, Self.request(2, "r-1:configurator"), "192.168.1.10:5000", "198.51.100.10:3478")
    let refusal = STUNMessage(
      .error, transaction: STUNTransactionID(high: 1, low: 1),
      attributes: [.errorCode(420, "Unknown Attribute"), .unknownAttributes([9])]
    ).octets()
    try homes.hop(6, refusal, "198.51.100.10:3478", "192.168.1.10:5000")
    let events = try homes.events()
    #expect(events.map(\.name) == ["agent-server-check", "server-check", "agent-server-check-reply"])
    #expect(
      events[0].fields == [
        "username": "r-1:agent", "changeRequest": ["address", "port"], "software": "x", "messageIntegrity": true,
        "fingerprint": true,
      ])
    #expect(events[2].fields == ["errorCode": 420, "unknownAttributes": [9], "fingerprint": true])
  }

  @Test("A repeat has another transaction; other octets are no repeat (rule S2)")
  func repeats() throws {
    var homes = Homes()
    for (number, username) in [(UInt64(1), "s:controlling"), (2, "s:controlling"), (3, "t:controlling")] {
      try homes.hop(0, Self.request(number, username), "192.168.1.10:5000", "198.51.100.2:6000")
    }
    let digests = try homes.events().map(\.digest)
    #expect(digests[0] == digests[1])
    #expect(digests[1] != digests[2])
  }

  @Test("Truncated and forged STUN and HBPD disturb nothing")
  func garbage() throws {
    var homes = Homes()
    let whole = Self.request(1, "s:controlling")
    var count = 0
    for length in whole.indices {
      try homes.hop(0, Array(whole[..<length]), "192.168.1.10:5000", "198.51.100.10:3478")
    }
    for place in whole.indices {
      var forged = whole
      forged[place] ^= 0x20
      if (try? STUNMessage(parsing: forged)) != nil { count += 1 }
      try homes.hop(0, forged, "192.168.1.10:5000", "198.51.100.10:3478")
    }
    for length in 0..<7 {
      try homes.hop(0, Array(Self.data[..<length]), "192.168.1.10:5000", "198.51.100.10:9")
    }
    try homes.hop(0, Array("HBPD".utf8) + [0x55, 0, 1], "192.168.1.10:5000", "198.51.100.10:9")
    try homes.hop(0, Self.success(99, "198.51.100.1:1"), "192.168.1.10:5000", "198.51.100.10:9")
    try homes.hop(0, whole, "192.168.1.10:5000", "198.51.100.10:3478")
    let events = try homes.events()
    #expect(events.count == count + 1)
    #expect(events.last?.name == "peer-check")
    #expect(events.allSatisfy { $0.name == "peer-check" || $0.name == "stun-binding" })
  }
}
