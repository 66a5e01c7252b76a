import Messages
import Packets
import Testing
import Trace

@Suite struct SOAPTests {
  private static let type = GatewayService.wanIPConnection.type

  private static func call(_ action: String, _ arguments: [(String, String)]) throws -> [UInt8] {
    var request = HTTPRequest.soap(
      SOAPCall(serviceType: type, action: action, arguments: arguments.map { SOAPArgument($0.0, $0.1) }),
      target: "/control")
    request.fields["Host"] = "192.168.10.1:49300"
    return try request.octets()
  }

  private static let mapping = [
    ("NewRemoteHost", ""), ("NewExternalPort", "8200"), ("NewProtocol", "TCP"), ("NewInternalPort", "8200"),
    ("NewInternalClient", "192.168.10.21"), ("NewEnabled", "1"), ("NewPortMappingDescription", "tv 8200"),
    ("NewLeaseDuration", "300"),
  ]

  @Test func aMappingIsAMessageAndOtherActionsAreNone() throws {
    var home = TestHome()
    var link = try home.connection(home.cfg, 40_000, to: home.gatewayInside, 49_300)
    let taken = SOAPReply(
      serviceType: Self.type, action: "AddAnyPortMapping", arguments: [SOAPArgument("NewReservedPort", "8200")])
    let external = SOAPReply(
      serviceType: Self.type, action: "GetExternalIPAddress",
      arguments: [SOAPArgument("NewExternalIPAddress", "198.51.100.1")])
    for (side, octets) in [
      (TCPSide.client, try Self.call("GetExternalIPAddress", [])), (.server, try HTTPResponse.soap(external).octets()),
      (.client, try Self.call("AddAnyPortMapping", Self.mapping)), (.server, try HTTPResponse.soap(taken).octets()),
      (.client, try Self.call("AddPortMapping", Self.mapping)),
      (.server, try HTTPResponse.soap(SOAPFault(errorCode: 718, "ConflictInMappingEntry")).octets()),
      (.client, try Octetted.request("GET", "/WANIPConnection.xml")), (.server, try Octetted.response(200)),
    ] {
      home.pass(link.send(octets, from: side), client: home.cfg, server: home.gatewayInside)
    }
    let events = try home.decoded().events
    #expect(
      events.filter { !$0.isBackground }.map(\.arrow) == [
        "cfg -> hg map-port", "hg -> cfg map-port-reply", "cfg -> hg map-port", "hg -> cfg map-port-reply",
      ])
    #expect(events.filter(\.isBackground).map(\.name) == ["description-read", "description-read-reply"])
    #expect(events[0].fields["NewExternalPort"]?.int == 8200)
    #expect(events[0].fields["NewRemoteHost"]?.string == "")
    #expect(events[0].fields["NewProtocol"]?.string == "TCP")
    #expect(events[0].fields["NewEnabled"]?.int == 1)
    #expect(events[1].fields["status"]?.int == 200)
    #expect(events[1].fields["NewReservedPort"]?.int == 8200)
    #expect(events[3].fields["status"]?.int == 500)
    #expect(events[3].fields["errorCode"]?.int == 718)
    for event in events {
      let definition = try #require(MessageCatalogue[event.name])
      for name in event.fields.object?.names ?? [] {
        #expect(definition.fields.contains { $0.name == name }, "\(event.name) \(name)")
      }
    }
  }

  /// Whoever looks for a gateway, and the gateway that answers, fail no scenario (rule S3).
  @Test(arguments: [
    ProfileNames.gatewayType, ProfileNames.gatewayTypePrefix + "1", GatewayService.wanIPConnection.type(1),
  ])
  func searchesForAGatewayAreBackground(target: String) throws {
    var home = TestHome()
    try home.multicast(DeviceSearch(target: target).octets(), from: home.cfg)
    let reply = SSDPSearchReply(
      searchTarget: target, uniqueServiceName: "uuid:7f9c0000-0000-8000-8000-000000000001::\(target)",
      location: "http://192.168.10.1:49300/description.xml", server: ProfileNames.upnpProduct, maximumAge: 1800)
    try home.datagram(reply.octets, from: home.gatewayInside, 1900, to: home.cfg, 50_000)
    let events = try home.decoded().events
    #expect(events.map(\.name) == ["discover", "discover-reply"])
    #expect(events.map(\.isBackground) == [true, true])
  }
}
