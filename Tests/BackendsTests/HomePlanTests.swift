import Octets
import Testing
import TopologyLanguage

@testable import Backends

@Suite struct HomePlanTests {
  @Test func everyNodeHasAPlaceAndEverySwitchABridge() throws {
    let plan = try HomePlan(Homes.topology(Homes.gateway), operatorOn: "internet")
    #expect(plan.places.map(\.node) == ["server", "hg", "tv", "pc", "operator"])
    #expect(plan.bridgeOfNode.keys.sorted() == ["sw1", "sw2"])
    #expect(plan.bridgeOfNetwork.keys.sorted() == ["internet"])
    #expect(plan.places[1].forwards)
    #expect(plan.places[1].interfaces.map(\.name) == ["eth0", "eth1"])
    #expect(plan.places[2].gateway == IPAddress("192.168.10.1"))
  }

  @Test func linkEndsCarryTheNamesOfResults() throws {
    let plan = try HomePlan(Homes.topology(Homes.gateway), operatorOn: "internet")
    let ends = plan.taps.map { "\($0.link) node=\($0.node)" }
    #expect(
      ends == [
        "hg.lan--sw1.1 node=hg", "tv--sw1.3 node=tv", "sw1.8--sw2.8 node=sw1", "sw1.8--sw2.8 node=sw2",
        "pc--sw2.1 node=pc", "server--internet node=server", "hg--internet node=hg", "operator--internet node=operator",
      ])
    #expect(plan.taps.map(\.isSwitchEnd) == [false, false, true, true, false, false, false, false])
  }

  @Test func aBridgeTakesAsManyLinkEndsAsLinuxDoes() throws {
    func plan(_ hosts: Int) throws -> HomePlan {
      try HomePlan(
        Homes.topology("topology x\nnetwork net 10.0.0.0/16\nhost h[1..\(hosts)] on net\n"), operatorOn: nil)
    }
    #expect(try plan(1023).taps.count == 1023)
    let error = #expect(throws: BackendError.self) { try plan(1024) }
    #expect(error?.description == "1024 link ends meet at net, and a bridge of Linux takes 1023")
  }

  @Test func moreImpairedLinksThanTheWireHasRoomForAreRefused() throws {
    let text = (0..<3).map { "network n\($0) 10.\($0).0.0/16\nhost h\($0)x[1..1000] on n\($0)\n" }.joined()
    let topology = try Homes.topology("topology x\n" + text)
    let wired = try HomePlan(topology, operatorOn: nil, wired: { $0.hasPrefix("h0") || $0.hasPrefix("h1") })
    #expect(wired.wires.count == 2000)
    #expect(wired.wires.flatMap(\.ports).map(\.index).filter { $0 < HomePlan.firstTap }.count == 2000)
    let error = #expect(throws: BackendError.self) { try HomePlan(topology, operatorOn: nil, wired: { _ in true }) }
    #expect(error?.description == "3000 links are impaired, and the wire has room for 2498")
  }

  @Test func bridgesLieBelowTheTaps() throws {
    let plan = try HomePlan(Homes.topology(Homes.gateway), operatorOn: nil)
    #expect(plan.bridges.allSatisfy { $0.index > 1 && $0.index < HomePlan.firstTap })
    #expect(plan.taps.map(\.index) == plan.taps.indices.map { HomePlan.firstTap + Int32($0) })
  }

  @Test func theOperatorGetsAFreeAddress() throws {
    let plan = try HomePlan(Homes.topology(Homes.gateway), operatorOn: "internet")
    #expect(plan.places.last?.interfaces.first?.address == CIDR("198.51.100.254/24"))
    #expect(throws: BackendError("the operator needs a network outside of homes, home.lan is none")) {
      try HomePlan(Homes.topology(Homes.gateway), operatorOn: "home.lan")
    }
  }

  @Test func hubsDoNotLearn() throws {
    let plan = try HomePlan(
      Homes.topology(Homes.four.replacing("switch sw", with: "hub sw").replacing(" ports 8", with: " ports 8")),
      operatorOn: nil)
    #expect(plan.bridges.map(\.learns) == [false])
  }

  @Test func twoNodesOnOneCableMeetInABridgeOfTwoPorts() throws {
    let plan = try HomePlan(
      Homes.topology(
        """
        topology cable
        home home
          network lan 192.168.10.0/24
          home-gateway gw on lan address 192.168.10.1
          host a on lan address 192.168.10.11
          link gw.lan -- a
        end
        """), operatorOn: nil)
    #expect(plan.bridges.map(\.learns) == [false])
    #expect(plan.taps.map(\.node) == ["gw", "a"])
    #expect(plan.taps[0].link == plan.taps[1].link)
    #expect(plan.taps[0].bridge == plan.taps[1].bridge)
  }
}

@Suite struct CarrierTests {
  let plan: HomePlan
  init() throws { plan = try HomePlan(Homes.topology(Homes.gateway), operatorOn: nil) }

  func tap(_ link: String, _ node: String) throws -> Int {
    try #require(plan.taps.firstIndex { $0.link == link && $0.node == node })
  }

  @Test func onlySwitchesHaveCarrierAtFirst() {
    let carrier = Carrier(plan)
    let up = plan.taps.indices.filter { carrier.isUp(tap: $0) }.map { plan.taps[$0].node }
    #expect(up == ["sw1", "sw2"])
  }

  @Test func aNodesLinkNeedsItsPowerItsPlugAndItsSwitch() throws {
    var carrier = Carrier(plan)
    let end = try tap("tv--sw1.3", "tv")
    carrier.set(.on, of: "tv")
    #expect(carrier.changes(plan).map(\.tap) == [end])
    carrier.setPlug(.out, of: end)
    #expect(carrier.changes(plan).map(\.isUp) == [false])
    carrier.set(.off, of: "tv")
    carrier.setPlug(.in, of: end)
    #expect(carrier.changes(plan).isEmpty)
    carrier.set(.on, of: "tv")
    _ = carrier.changes(plan)
    #expect(carrier.isUp(tap: end))
    carrier.set(.off, of: "sw1")
    _ = carrier.changes(plan)
    #expect(!carrier.isUp(tap: end))
  }

  @Test func restoringTheOutsidePlugsNothingIn() throws {
    var carrier = Carrier(plan)
    let end = try tap("hg--internet", "hg")
    carrier.set(.on, of: "hg")
    carrier.setPlug(.out, of: end)
    carrier.setCut(.out, of: end)
    carrier.setCut(.in, of: end)
    _ = carrier.changes(plan)
    #expect(!carrier.isUp(tap: end))
    carrier.setPlug(.in, of: end)
    #expect(carrier.changes(plan).map(\.isUp) == [true])
  }
}

@Suite struct LineSplitterTests {
  @Test func cutsWhateverTheOctetsComeIn() {
    let text = Array("ready\r\nlistening on 80\n\nlast".utf8)
    for size in 1...text.count {
      var splitter = LineSplitter(limit: 100)
      var lines: [String] = []
      for start in stride(from: 0, to: text.count, by: size) {
        lines += splitter.split(Array(text[start..<min(start + size, text.count)]))
      }
      #expect(lines == ["ready", "listening on 80", ""])
      #expect(splitter.rest() == "last")
      #expect(splitter.rest() == nil)
    }
  }

  @Test func keepsTheStartOfALongLine() {
    var splitter = LineSplitter(limit: 4)
    #expect(splitter.split(Array("abcdefgh\nij\n".utf8)) == ["abcd", "ij"])
  }

  @Test func replacesWhatIsNoText() {
    var splitter = LineSplitter(limit: 100)
    #expect(splitter.split([0xFF, 0x0A]) == ["\u{FFFD}"])
  }
}
