import HomeGatewayRole
import Messages
import RoleKit
import Testing

@Suite struct EventTests {
  static func subscription(
    _ callback: String? = "<http://192.168.10.21:5000/events?a=1>", service: GatewayService = .wanIPConnection,
    _ more: HTTPFields = [:]
  ) -> HTTPRequest {
    var fields: HTTPFields = ["NT": "upnp:event", "TIMEOUT": "Second-300"]
    if let callback { fields["CALLBACK"] = callback }
    for field in more.list { fields[field.name] = field.value }
    return HTTPRequest("SUBSCRIBE", "/events/\(service.rawValue)", fields: fields)
  }

  /// Subscribes, and takes the first event.
  static func subscribed(_ gateway: inout GatewayDialogue) throws -> (sid: String, first: [String: String]) {
    let exchange = gateway.send(subscription())
    let response = try #require(gateway.replies[exchange])
    #expect(response.status == 200)
    #expect(response.fields["TIMEOUT"] == "Second-300")
    #expect(gateway.calls.isEmpty, "the first event comes after the response")
    gateway.perform(.replied(exchange))
    return (try #require(response.fields["SID"]), try event(&gateway).properties)
  }

  /// The event under way, which the subscriber then answers.
  static func event(
    _ gateway: inout GatewayDialogue, answer: Int = 200
  ) throws -> (request: HTTPRequest, to: Endpoint, properties: [String: String]) {
    #expect(gateway.calls.count == 1)
    let (call, request, to) = try #require(gateway.calls.first)
    gateway.calls = []
    gateway.perform(.answered(call, HTTPResponse(answer)))
    let root = try XMLElement(parsing: request.body)
    #expect(root.name == "e:propertyset")
    let pairs = root.elements.compactMap(\.elements.first).map { ($0.name, $0.text) }
    return (request, to, Dictionary(uniqueKeysWithValues: pairs))
  }

  @Test func theFirstEventTellsAll() throws {
    var gateway = GatewayDialogue()
    let exchange = gateway.send(Self.subscription())
    gateway.perform(.replied(exchange))
    let sid = try #require(gateway.replies[exchange]?.fields["SID"])
    let (request, to, properties) = try Self.event(&gateway)
    #expect(to == Endpoint("192.168.10.21:5000"))
    #expect(request.method == "NOTIFY" && request.target == "/events?a=1")
    #expect(request.fields["SID"] == sid && request.fields["SEQ"] == "0")
    #expect(request.fields["NT"] == "upnp:event" && request.fields["NTS"] == "upnp:propchange")
    #expect(
      properties == [
        "PossibleConnectionTypes": "IP_Routed", "ConnectionStatus": "Connected", "ExternalIPAddress": "11.22.33.1",
        "PortMappingNumberOfEntries": "0", "SystemUpdateID": "0",
      ])
    let other = gateway.send(Self.subscription(service: .wanCommonInterfaceConfig))
    gateway.perform(.replied(other))
    #expect(try Self.event(&gateway).properties == ["PhysicalLinkStatus": "Up"])
  }

  @Test func changesAreToldInOrder() throws {
    var gateway = GatewayDialogue()
    _ = try Self.subscribed(&gateway)
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping())
    let first = try Self.event(&gateway)
    #expect(first.request.fields["SEQ"] == "1")
    #expect(first.properties == ["PortMappingNumberOfEntries": "1", "SystemUpdateID": "1"])
    // A change that changes no number tells the update alone; what comes at once is told together, a little later.
    for lease in ["60", "70", "80"] {
      _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping(["NewLeaseDuration": lease]))
    }
    #expect(gateway.calls.isEmpty)
    gateway.wait(seconds: 0.2)
    let second = try Self.event(&gateway)
    #expect(second.request.fields["SEQ"] == "2")
    #expect(second.properties == ["SystemUpdateID": "4"])
    gateway.perform(.interface(GatewayDialogue.interface("eth0", "11.22.33.9/24")))
    #expect(try Self.event(&gateway).properties == ["ExternalIPAddress": "11.22.33.9"])
    gateway.perform(.interface(GatewayDialogue.interface("eth0", nil, isUp: false)))
    #expect(try Self.event(&gateway).properties == ["ExternalIPAddress": "", "ConnectionStatus": "Disconnected"])
    // The end of a lease is a change too.
    gateway.wait(seconds: 81)
    #expect(try Self.event(&gateway).properties == ["PortMappingNumberOfEntries": "0", "SystemUpdateID": "5"])
  }

  /// A subscriber that is slow gets the last values in one event, not a queue.
  @Test func oneEventIsUnderWayAtATime() throws {
    var gateway = GatewayDialogue()
    _ = try Self.subscribed(&gateway)
    gateway.perform(.interface(GatewayDialogue.interface("eth0", "11.22.33.9/24")))
    for number in 10...200 {
      gateway.perform(.interface(GatewayDialogue.interface("eth0", "11.22.33.\(number)/24")))
    }
    #expect(gateway.calls.count == 1)
    #expect(try Self.event(&gateway).properties == ["ExternalIPAddress": "11.22.33.9"])
    let last = try Self.event(&gateway)
    #expect(last.properties == ["ExternalIPAddress": "11.22.33.200"] && last.request.fields["SEQ"] == "2")
    #expect(gateway.calls.isEmpty)
  }

  @Test func theNextCallbackIsTriedThenTheEventIsGivenUp() throws {
    var gateway = GatewayDialogue()
    let exchange = gateway.send(
      Self.subscription("<http://192.168.10.21:5000/a><http://192.168.10.50:6000/b>"))
    gateway.perform(.replied(exchange))
    for expected in ["192.168.10.21:5000", "192.168.10.50:6000"] {
      let (call, request, to) = try #require(gateway.calls.first)
      #expect("\(to)" == expected && request.fields["SEQ"] == "0")
      gateway.calls = []
      gateway.perform(.failed(call, .refused))
    }
    #expect(gateway.calls.isEmpty)
    gateway.perform(.interface(GatewayDialogue.interface("eth0", "11.22.33.9/24")))
    let next = try Self.event(&gateway, answer: 412)
    #expect(next.request.fields["SEQ"] == "1" && "\(next.to)" == "192.168.10.21:5000")
    // 412: nobody there knows the subscription.
    gateway.perform(.interface(GatewayDialogue.interface("eth0", "11.22.33.8/24")))
    #expect(gateway.calls.isEmpty && gateway.timers.keys.allSatisfy { $0.name != "subscription" })
  }

  @Test func aSubscriptionIsRenewedOrEnds() throws {
    var gateway = GatewayDialogue()
    let (sid, _) = try Self.subscribed(&gateway)
    gateway.wait(seconds: 299)
    let renewal = HTTPRequest("SUBSCRIBE", "/events/WANIPConnection", fields: ["SID": sid, "TIMEOUT": "Second-999999"])
    let response = try gateway.ask(renewal)
    #expect(response.status == 200 && response.fields["SID"] == sid)
    #expect(response.fields["TIMEOUT"] == "Second-86400")
    #expect(gateway.calls.isEmpty)
    gateway.wait(seconds: 86_401)
    gateway.perform(.interface(GatewayDialogue.interface("eth0", "11.22.33.9/24")))
    #expect(gateway.calls.isEmpty)
    #expect(try gateway.ask(renewal).status == 412)
  }

  @Test func aSubscriptionIsCancelled() throws {
    var gateway = GatewayDialogue()
    let (sid, _) = try Self.subscribed(&gateway)
    gateway.perform(.interface(GatewayDialogue.interface("eth0", "11.22.33.9/24")))
    #expect(gateway.calls.count == 1)
    let end = HTTPRequest("UNSUBSCRIBE", "/events/WANIPConnection", fields: ["SID": sid])
    #expect(
      try gateway.ask(HTTPRequest("UNSUBSCRIBE", "/events/WANCommonInterfaceConfig", fields: end.fields)).status == 412)
    #expect(try gateway.ask(end).status == 200)
    #expect(gateway.calls.isEmpty)
    #expect(try gateway.ask(end).status == 412)
  }

  @Test func whoNeverGotTheSIDIsForgotten() throws {
    var gateway = GatewayDialogue()
    let exchange = gateway.send(Self.subscription())
    gateway.perform(.callerLeft(exchange))
    gateway.perform(.interface(GatewayDialogue.interface("eth0", "11.22.33.9/24")))
    #expect(gateway.calls.isEmpty && gateway.timers.keys.allSatisfy { $0.name != "subscription" })
  }

  /// CallStranger: nobody outside of the home is ever called, and not the gateway itself.
  @Test(arguments: [
    "<http://11.22.33.77:80/>", "<http://8.8.8.8/>", "<http://192.168.10.1:49300/>", "<http://192.168.10.255/>",
    "<http://127.0.0.1/>", "<http://tv.local/>", "<https://192.168.10.21/>", "<http://[fe80::1]/>", "<>",
    "http://192.168.10.21/",
    "<http://user@192.168.10.21/>", "", "<http://11.22.33.1/>", "<http://0.0.0.0/>", "<http://192.168.10.0/>",
  ])
  func nobodyOutsideIsCalled(callback: String) throws {
    var gateway = GatewayDialogue()
    let exchange = gateway.send(Self.subscription(callback))
    #expect(gateway.replies[exchange]?.status == 412)
    gateway.perform(.replied(exchange))
    gateway.perform(.interface(GatewayDialogue.interface("eth0", "11.22.33.9/24")))
    #expect(gateway.calls.isEmpty)
  }

  @Test func whatIsWrongWithASubscriptionIsTold() throws {
    var gateway = GatewayDialogue()
    #expect(try gateway.ask(Self.subscription(nil)).status == 412)
    #expect(try gateway.ask(Self.subscription("<http://192.168.10.21/>", ["NT": "upnp:other"])).status == 412)
    #expect(try gateway.ask(Self.subscription("<http://192.168.10.21/>", ["SID": "uuid:x"])).status == 400)
    #expect(
      try gateway.ask(HTTPRequest("SUBSCRIBE", "/events/WANIPConnection", fields: ["SID": "uuid:x"])).status == 412)
    #expect(try gateway.ask(HTTPRequest("UNSUBSCRIBE", "/events/WANIPConnection")).status == 412)
    #expect(try gateway.ask(HTTPRequest("GET", "/events/WANIPConnection")).status == 405)
    let response = try gateway.ask(Self.subscription(), from: GatewayDialogue.stranger, to: GatewayDialogue.outside)
    #expect(response.status == 403)
  }

  /// One callback off the home beside one in it: the one in it is called.
  @Test func whatIsInTheHomeIsTaken() throws {
    var gateway = GatewayDialogue()
    let exchange = gateway.send(Self.subscription("<http://8.8.8.8/a> <http://192.168.10.21:1/b>"))
    gateway.perform(.replied(exchange))
    #expect(try Self.event(&gateway).to == Endpoint("192.168.10.21:1"))
  }

  @Test func subscriptionsAreBounded() throws {
    var gateway = GatewayDialogue()
    for number in 0..<9 {
      #expect(try gateway.ask(Self.subscription()).status == (number < 8 ? 200 : 503))
    }
    for host in 30..<60 {
      let from = try #require(IPAddress("192.168.10.\(host)"))
      #expect(try gateway.ask(Self.subscription(), from: from).status == (host < 54 ? 200 : 503))
    }
  }
}
