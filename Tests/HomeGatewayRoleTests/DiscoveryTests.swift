import HomeGatewayRole
import Messages
import RoleKit
import Testing

@Suite struct DiscoveryTests {
  private static let control = Endpoint("192.168.10.2:40000")!

  private func search(
    _ gateway: inout GatewayDialogue, _ target: String, mx: Int? = 1, from: Endpoint = control,
    on interface: String = "eth1", _ delivery: Delivery = .multicast
  ) throws -> [DeviceReply] {
    gateway.datagrams = []
    gateway.perform(.ssdp(DeviceSearch(target: target, mx: mx).octets(), from: from, delivery, interface: interface))
    #expect(gateway.datagrams.isEmpty)
    gateway.wait(seconds: 0.02)
    return try gateway.datagrams.map { datagram in
      #expect(datagram.to == from && datagram.interface == interface)
      guard case .reply(let reply) = try DiscoveryMessage(octets: datagram.octets) else {
        throw WireError(.malformed, in: "test", at: 0, "no reply")
      }
      return reply
    }
  }

  /// The rule of UDA 2.0, 1.3.3 that lets control points of IGD:1 find a gateway of IGD:2.
  @Test(arguments: [
    ("urn:schemas-upnp-org:device:InternetGatewayDevice:1", 1),
    ("urn:schemas-upnp-org:device:InternetGatewayDevice:2", 1),
    ("urn:schemas-upnp-org:device:InternetGatewayDevice:3", 0), ("urn:schemas-upnp-org:device:WANDevice:1", 1),
    ("urn:schemas-upnp-org:device:WANConnectionDevice:2", 1), ("urn:schemas-upnp-org:service:WANIPConnection:1", 1),
    ("urn:schemas-upnp-org:service:WANIPConnection:2", 1), ("urn:schemas-upnp-org:service:WANPPPConnection:1", 0),
    ("urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1", 1),
    ("urn:schemas-upnp-org:service:WANCommonInterfaceConfig:2", 0), ("upnp:rootdevice", 1), ("ssdp:all", 9),
    ("uuid:\(GatewayDialogue.uuid)", 1), (ProfileNames.configuratorType, 0),
  ])
  func aSearchIsAnswered(target: String, count: Int) throws {
    var gateway = GatewayDialogue()
    let replies = try search(&gateway, target)
    #expect(replies.count == count)
    for reply in replies {
      #expect(reply.location == "http://192.168.10.1:49300/description.xml")
      if target != "ssdp:all" { #expect(reply.target == target) }
    }
  }

  @Test func nobodyOutsideIsAnswered() throws {
    var gateway = GatewayDialogue()
    let outside = Endpoint(GatewayDialogue.stranger, 40_000)
    #expect(try search(&gateway, "ssdp:all", from: outside, on: "eth0").isEmpty)
    #expect(try search(&gateway, "ssdp:all", from: outside, .unicast).isEmpty)
    #expect(try search(&gateway, "ssdp:all", mx: nil).isEmpty)
    #expect(try search(&gateway, "ssdp:all", mx: nil, .unicast).count == 9)
    gateway.perform(.ssdp([1, 2, 3], from: Self.control, .multicast, interface: "eth1"))
    #expect(gateway.datagrams.allSatisfy { $0.interface == "eth1" })
  }

  @Test func itIsAnnouncedInTheHomeAlone() throws {
    var gateway = GatewayDialogue()
    func notices(_ kind: (DiscoveryMessage) -> Bool) throws -> Int {
      let inside = gateway.datagrams.filter { $0.interface == "eth1" && $0.to == nil }
      return try inside.map { try DiscoveryMessage(octets: $0.octets) }.filter(kind).count
    }
    #expect(try notices { if case .alive = $0 { true } else { false } } == 9)
    #expect(gateway.datagrams.count == 9)
    gateway.wait(seconds: 900)
    #expect(gateway.datagrams.count == 18)
    // A home that gets another address is told at once; the WAN side is nobody's business.
    gateway.perform(.interface(GatewayDialogue.interface("eth1", "192.168.11.1/24")))
    #expect(gateway.datagrams.count == 27)
    gateway.perform(.interface(GatewayDialogue.interface("eth0", "11.22.33.9/24")))
    #expect(gateway.datagrams.count == 27)
    gateway.perform(.stopping)
    #expect(try notices { if case .byebye = $0 { true } else { false } } == 9)
    #expect(gateway.exit == 0)
  }

  /// On loopback nothing is translated: no configurator shall find a gateway there.
  @Test func onLoopbackItIsNotFound() throws {
    var gateway = GatewayDialogue(GatewayDialogue.settings { $0.translates = false })
    #expect(try search(&gateway, "ssdp:all").isEmpty)
    gateway.wait(seconds: 2000)
    gateway.perform(.stopping)
    #expect(gateway.datagrams.isEmpty)
    #expect(gateway.exit == 0)
  }

  @Test func theDescriptionLeadsToAllDocuments() throws {
    var gateway = GatewayDialogue()
    let response = try gateway.ask(HTTPRequest("GET", "/description.xml"))
    let device = try DeviceDescription(parsing: response.body).device
    #expect(device.deviceType == ProfileNames.gatewayType && device.uuid == GatewayDialogue.uuid)
    #expect(Set(device.all.map(\.uniqueDeviceName)).count == 3)
    #expect(
      device.all.map { $0.deviceType.split(separator: ":").suffix(2).joined(separator: ":") } == [
        "InternetGatewayDevice:2", "WANDevice:2", "WANConnectionDevice:2",
      ])
    let services = device.all.flatMap(\.services)
    #expect(
      services.map(\.serviceType) == [
        GatewayService.wanCommonInterfaceConfig.type, GatewayService.wanIPConnection.type,
      ])
    for service in services {
      let document = try XMLElement(parsing: try gateway.ask(HTTPRequest("GET", service.descriptionURL)).body)
      let variables = try #require(document.first("serviceStateTable")).elements
      let names = Set(variables.compactMap { $0.first("name")?.text })
      #expect(names.count == variables.count)
      var used: Set<String> = []
      for action in try #require(document.first("actionList")).elements {
        var isOut = false
        for argument in action.first("argumentList")?.elements ?? [] {
          used.insert(try #require(argument.first("relatedStateVariable")?.text))
          // UDA 2.0, 2.5: all that go in come first.
          let direction = try #require(argument.first("direction")?.text)
          #expect(direction == "out" || direction == "in" && !isOut)
          isOut = direction == "out"
        }
      }
      #expect(used.isSubset(of: names))
      #expect(
        variables.filter { $0.attribute("sendEvents") == "no" }.allSatisfy { used.contains($0.first("name")!.text) })
    }
    #expect(
      try gateway.ask(HTTPRequest("GET", try #require(device.presentationURL.flatMap { HTTPURL($0) }).target)).status
        == 200)
  }

  @Test func thePageShowsMappingsAndNoMarkupOfOthers() throws {
    var gateway = GatewayDialogue()
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping(["NewPortMappingDescription": "<script>"]))
    let page = String(decoding: try gateway.ask(HTTPRequest("GET", "/")).body, as: UTF8.self)
    #expect(page.contains("18080") && page.contains("192.168.10.21:8080") && page.contains("&lt;script&gt;"))
    #expect(!page.contains("<script>"))
  }
}
