import CEAgentRole
import Messages
import RoleKit
import Testing

/// 4.6.2: what the agent finds wrong with its settings, and takes back.
@Suite struct HealthTests {
  private static let gatewayType = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"

  private static func living(gateway: String? = "192.168.10.1") -> Living {
    var living = Living()
    living.starts([interface(gateway: gateway)])
    living.discovered()
    living.answers(Living.registerReply())
    return living
  }

  /// The gateway answers the agent's search.
  private static func answers(_ living: inout Living, at address: String, to type: String = gatewayType) {
    living.discovered(configuratorB, at: "http://\(address):49300/description.xml", type: type)
  }

  @Test func theSearchForGatewaysComesAfterTheOneForTheConfigurator() throws {
    var living = Living()
    living.starts()
    living.passes(1)
    let searches = living.datagrams.map(\.text).filter { $0.hasPrefix("M-SEARCH") }
    #expect(searches.count == 2)
    #expect(searches.first?.contains(ProfileNames.configuratorType) == true)
    #expect(searches.last?.contains("InternetGatewayDevice:1") == true)
  }

  @Test func aGatewayThatTheHomeHasNotIsToldAndTakenBack() {
    var living = Self.living(gateway: "192.168.10.99")
    living.passes(0.5)
    Self.answers(&living, at: "192.168.10.1")
    #expect(living.problems.isEmpty)
    living.passes(3)
    #expect(living.problems == ["wrong-gateway"])
    #expect(living.state == "problem")
    let page = String(decoding: living.asks("GET", "/").body, as: UTF8.self)
    #expect(page.contains("The gateway of eth0 is set to 192.168.10.99; the home&#39;s gateway is 192.168.10.1."))
    // Mended: the interface changes, and the next look finds nothing wrong.
    living.receives(.interface(interface()))
    living.passes(0.5)
    Self.answers(&living, at: "192.168.10.1")
    living.passes(10)
    #expect(!living.problems.contains("wrong-gateway"))
  }

  @Test func noGatewayAtAllIsToldWhereTheHomeHasOne() {
    var living = Self.living(gateway: nil)
    living.passes(0.5)
    Self.answers(&living, at: "192.168.10.1")
    living.passes(3)
    #expect(living.problems == ["wrong-gateway"])
  }

  @Test(arguments: ["192.168.10.1", "10.9.9.9"]) func aRightGatewayAndAForeignOneAreNoProblem(_ address: String) {
    var living = Self.living()
    living.passes(0.5)
    Self.answers(&living, at: address)
    living.passes(5)
    #expect(living.problems.isEmpty)
  }

  @Test func ofTwoGatewaysOneIsEnough() {
    var living = Self.living(gateway: "192.168.10.7")
    living.passes(0.5)
    Self.answers(&living, at: "192.168.10.1")
    Self.answers(&living, at: "192.168.10.7")
    living.passes(5)
    #expect(living.problems.isEmpty)
  }

  @Test func nameServersThatKeepSilentAreToldAndTakenBack() {
    var living = Living()
    living.nameServersAnswer = false
    living.starts()
    living.discovered()
    living.answers(Living.registerReply())
    living.passes(2)
    #expect(living.problems.isEmpty)
    living.passes(2)
    #expect(living.problems == ["dns-failure"])
    living.nameServersAnswer = true
    living.passes(10)
    #expect(living.problems.isEmpty)
    #expect(living.sockets.isEmpty)
  }

  @Test func anAnswerToAnotherQuestionIsNone() throws {
    var living = Living()
    living.nameServersAnswer = false
    living.starts()
    living.passes(0.5)
    let asked = try #require(
      living.order.compactMap { effect -> ([UInt8], Endpoint, Endpoint)? in
        if case .datagram(let octets, let from, let to) = effect { (octets, from, to) } else { nil }
      }.last)
    #expect(asked.2 == Endpoint("192.168.10.1:53"))
    let forged: [[UInt8]] = [[], [1, 2, 3], [asked.0[0] ^ 1] + Array(asked.0.dropFirst()), asked.0]
    for forged in forged {
      living.receives(.datagram(forged, from: asked.2, to: asked.1))
    }
    living.receives(
      .datagram(asked.0.prefix(2) + [0x81, 0] + asked.0.dropFirst(4), from: Endpoint("192.168.10.9:99")!, to: asked.1))
    living.passes(4)
    #expect(living.problems.contains("dns-failure"))
  }

  @Test func withoutAPortNothingIsConcluded() throws {
    var living = Living()
    living.nameServersAnswer = false
    living.starts()
    living.passes(0.5)
    living.receives(.portRefused(try #require(living.sockets.first), .refused))
    living.passes(4)
    #expect(!living.problems.contains("dns-failure"))
  }

  @Test func withoutALinkNobodyIsAsked() {
    var living = Self.living()
    living.passes(1)
    living.receives(.interface(interface(up: false)))
    living.passes(1)
    let before = living.datagrams.count
    living.passes(120)
    #expect(living.datagrams.count == before)
    #expect(living.problems == ["no-link"])
    #expect(living.sockets.isEmpty)
  }
}
