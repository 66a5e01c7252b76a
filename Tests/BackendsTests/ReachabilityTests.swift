import Octets
import Testing
import TopologyLanguage

@testable import Backends

@Suite struct ReachabilityTests {
  private let topology: Topology
  private let plan: HomePlan
  private var carrier: Carrier

  init() throws {
    topology = try Homes.topology(Homes.gateway)
    plan = try HomePlan(topology, operatorOn: "internet")
    carrier = Carrier(plan)
    for node in ["tv", "pc", "hg", "server", "operator"] { carrier.set(.on, of: node) }
    _ = carrier.changes(plan)
  }

  /// The node that what `from` sends to an address comes to.
  private func reached(_ address: String, from node: String, _ plan: HomePlan? = nil) throws -> String? {
    let plan = plan ?? self.plan
    var outside: Set<Reachability.Seat> = []
    for (place, node) in plan.places.enumerated() where node.forwards {
      for number in plan.outsideInterfaces(of: place, in: topology) {
        outside.insert(.init(place: place, interface: number))
      }
    }
    let reach = Reachability(plan, carrier, outside: outside)
    return reach.destination(of: try #require(IPAddress(address)), from: try #require(plan.placeOf[node])).map {
      plan.places[$0.place].node
    }
  }

  @Test func throughSwitchesAndGateways() throws {
    #expect(try reached("192.168.10.22", from: "tv") == "pc")
    #expect(try reached("198.51.100.10", from: "tv") == "server")
    #expect(try reached("198.51.100.1", from: "tv") == "hg")
    #expect(try reached("192.168.10.99", from: "tv") == nil)
    #expect(try reached("192.168.10.21", from: "tv") == nil, "its own address is on no link")
  }

  @Test func nothingComesInThroughATranslation() throws {
    #expect(try reached("192.168.10.21", from: "server") == nil)
    #expect(try reached("198.51.100.1", from: "server") == "hg")
  }

  @Test mutating func aLinkThatIsDownCarriesNothing() throws {
    let between = plan.taps.indices.filter { plan.taps[$0].link == "sw1.8--sw2.8" }
    for end in between { carrier.setPlug(.out, of: end) }
    _ = carrier.changes(plan)
    #expect(between.count == 2)
    #expect(try reached("192.168.10.22", from: "tv") == nil)
    #expect(try reached("198.51.100.10", from: "tv") == "server")
    carrier.set(.off, of: "sw1")
    _ = carrier.changes(plan)
    #expect(try reached("198.51.100.10", from: "tv") == nil)
  }

  @Test mutating func aCutOutsideLeavesTheHome() throws {
    let place = try #require(plan.placeOf["hg"])
    #expect(plan.outsideInterfaces(of: place, in: topology) == [0])
    for (number, tap) in plan.taps.enumerated() where tap.far == .interface(place: place, interface: 0) {
      carrier.setCut(.out, of: number)
    }
    _ = carrier.changes(plan)
    #expect(try reached("198.51.100.10", from: "tv") == nil)
    #expect(try reached("192.168.10.1", from: "tv") == "hg")
  }

  @Test func anAddressOfAnotherSubnetReachesNobody() throws {
    var plan = plan
    let tv = try #require(plan.placeOf["tv"])
    plan.places[tv].interfaces[0].address = CIDR("192.168.77.21/24")
    #expect(try reached("192.168.10.22", from: "tv", plan) == nil)
    #expect(try reached("192.168.77.21", from: "pc", plan) == nil)
  }
}

@Suite struct LoopbackAddressesTests {
  @Test func eachHomeHasANumberOfItsOwn() throws {
    let topology = try Homes.topology(Homes.gateway)
    let (a, b) = (try LoopbackAddresses(topology), try LoopbackAddresses(topology))
    #expect(a.number != b.number)
    let (tv, server) = (try #require(IPAddress("192.168.10.21")), try #require(IPAddress("198.51.100.10")))
    #expect(a.map.near(server) == .v4(127 << 24 | UInt32(a.number) << 16 | 1 << 8 | 10))
    #expect(a.map.near(tv) == .v4(127 << 24 | UInt32(a.number) << 16 | 2 << 8 | 21))
    #expect(a.map.near(LoopbackAddresses.ssdpGroup) != b.map.near(LoopbackAddresses.ssdpGroup))
  }

  @Test func anAddressOfNoNetworkGetsAPartOfItsOwn() throws {
    var addresses = try LoopbackAddresses(try Homes.topology(Homes.gateway))
    let far = try #require(CIDR("10.9.8.7/24"))
    let near = try addresses.near(far, in: "home.lan")
    #expect(near.address == .v4(127 << 24 | UInt32(addresses.number) << 16 | 3 << 8 | 7))
    #expect(addresses.map.far(near.address) == far.address)
    #expect(try addresses.near(far, in: "home.lan") == near)
  }

  @Test func aWideNetworkIsRefusedWithAHint() throws {
    let topology = try Homes.topology(
      "topology wide\nnetwork internet 10.0.0.0/8\nservice-server s on internet address 10.0.0.1\n")
    let error = #expect(throws: BackendError.self) { try LoopbackAddresses(topology) }
    #expect(error?.description.contains("the network internet has the prefix 10.0.0.0/8") == true)
    #expect(error?.hint?.contains("--backend namespaces") == true)
  }
}

@Suite struct HTTPTextTests {
  private func map() throws -> LoopbackAddresses { try LoopbackAddresses(try Homes.topology(Homes.gateway)) }

  @Test func aTrueLengthStaysTrueAndAFalseOneFalse() throws {
    let map = try map().map
    let body = #"{"address":"198.51.100.10"}"#
    for (told, mends) in [(body.utf8.count, true), (999, false)] {
      let octets = HTTPText.mapped(
        Array("PUT / HTTP/1.1\r\nHost: 198.51.100.10:8080\r\nContent-Length: \(told)\r\n\r\n\(body)".utf8), map,
        preferring: [])
      let text = String(decoding: octets, as: UTF8.self)
      let mapped = map.mapped(body)
      #expect(text.hasSuffix("\r\n\r\n" + mapped))
      #expect(text.contains("Content-Length: \(mends ? mapped.utf8.count : 999)\r\n"))
      #expect(text.contains("Host: \(map.mapped("198.51.100.10")):8080\r\n"))
    }
  }

  @Test func anAnswerIsReadableWithTheTopologysAddresses() throws {
    let map = try map().map
    let body = map.mapped(#"{"address":"192.168.10.21/24"}"#)
    let size = String(body.utf8.count, radix: 16)
    for head in [
      "Content-Length: \(body.utf8.count)\r\n\r\n\(body)",
      "Transfer-Encoding: chunked\r\n\r\n\(size)\r\n\(body)\r\n0\r\n\r\n",
    ] {
      let text = String(decoding: HTTPText.restored(Array("HTTP/1.1 200 OK\r\n\(head)".utf8), map), as: UTF8.self)
      #expect(text.hasSuffix("\r\n\r\n" + #"{"address":"192.168.10.21/24"}"#))
      #expect(text.contains("Content-Length: 30\r\n"))
    }
  }
}
