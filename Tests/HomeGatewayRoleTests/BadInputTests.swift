import HomeGatewayRole
import Messages
import RoleKit
import Testing

@Suite struct BadInputTests {
  private func send(_ body: String, _ change: (inout HTTPRequest) -> Void = { _ in }) throws -> SOAPFault {
    var gateway = GatewayDialogue()
    var request = GatewayDialogue.request("GetStatusInfo")
    request.body = Array(body.utf8)
    change(&request)
    let response = try gateway.ask(request)
    #expect(response.status == 500)
    guard case .fault(let fault) = try response.soapAnswer() else { throw WireError(.malformed, in: "test", at: 0, "") }
    return fault
  }

  private static func envelope(_ inner: String, namespace: String = "http://schemas.xmlsoap.org/soap/envelope/")
    -> String
  {
    "<s:Envelope xmlns:s=\"\(namespace)\">\(inner)</s:Envelope>"
  }

  private static let type = GatewayService.wanIPConnection.type
  private static let good = "<s:Body><u:GetStatusInfo xmlns:u=\"\(type)\"/></s:Body>"

  @Test func theOneThatTheOthersAreMadeFromIsRight() throws {
    var gateway = GatewayDialogue()
    var request = GatewayDialogue.request("GetStatusInfo")
    request.body = Array(Self.envelope(Self.good).utf8)
    #expect(try GatewayDialogue.outputs(try gateway.ask(request))["NewConnectionStatus"] == "Connected")
  }

  @Test func aWrongNamespaceIsNoAction() throws {
    let other = Self.good.replacing("WANIPConnection", with: "WANPPPConnection")
    #expect(try send(Self.envelope(other)).errorCode == 401)
    #expect(try send(Self.envelope("<s:Body><GetStatusInfo/></s:Body>")).errorCode == 401)
    #expect(
      try send(Self.envelope(Self.good, namespace: "http://www.w3.org/2003/05/soap-envelope")).faultCode
        == "VersionMismatch")
    // SOAPACTION and the body have to say the same.
    #expect(
      try send(Self.envelope(Self.good)) { $0.fields["SOAPACTION"] = "\"\(Self.type)#GetNATRSIPStatus\"" }.errorCode
        == 401)
    #expect(try send(Self.envelope(Self.good)) { $0.fields["SOAPACTION"] = nil }.errorCode == 401)
    #expect(try send(Self.envelope(Self.good)) { $0.fields["SOAPACTION"] = "GetStatusInfo" }.errorCode == 401)
    #expect(try send(Self.envelope(Self.good)) { $0.target = "/control/WANCommonInterfaceConfig" }.errorCode == 401)
    let header = "<s:Header><t:x xmlns:t=\"urn:t\" s:mustUnderstand=\"1\"/></s:Header>"
    #expect(try send(Self.envelope(header + Self.good)).faultCode == "MustUnderstand")
  }

  @Test(arguments: [
    String(repeating: "<a>", count: 10_000),
    "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><s:Envelope>&b;</s:Envelope>",
    "<!DOCTYPE l SYSTEM \"file:///etc/passwd\"><a/>", "", "{}", "<s:Envelope", "<s:Envelope></s:Body>", "\u{0}",
  ])
  func whatIsNoSOAPIsToldWithItsPlace(body: String) throws {
    let fault = try send(body)
    #expect(fault.faultCode == "Client" && fault.errorCode == nil)
    #expect(fault.faultString.contains("octet"))
  }

  @Test func anotherMediaTypeIsRefused() throws {
    var gateway = GatewayDialogue()
    var request = GatewayDialogue.request("GetStatusInfo")
    request.fields["Content-Type"] = "application/json"
    #expect(try gateway.ask(request).status == 415)
    request.fields["Content-Type"] = nil
    #expect(try gateway.ask(request).status == 200)
  }

  @Test func httpRulesHold() throws {
    var gateway = GatewayDialogue()
    #expect(try gateway.ask(HTTPRequest("GET", "/nothing.xml")).status == 404)
    #expect(try gateway.ask(HTTPRequest("PUT", "/control/WANIPConnection")).status == 405)
    #expect(
      try gateway.ask(HTTPRequest("GET", "/description.xml", fields: ["Host": "evil.example:49300"])).status == 421)
  }

  /// Changed requests, from a fixed seed: each gets one answer, and the role keeps its wits.
  @Test func changedRequestsAreAnswered() throws {
    var gateway = GatewayDialogue()
    var state: UInt64 = 0xD1B5_4A32_D192_ED03
    func number(_ bound: Int) -> Int {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return Int(state % UInt64(bound))
    }
    let actions = GatewayService.wanIPConnection.description.actions.map(\.name)
    let words = [
      "", "0", "1", "65535", "65536", "TCP", "UDP", "*", "192.168.10.21", "604800", "-1", "\u{7F}", "a b", "]]>",
    ]
    let names = GatewayDialogue.mapping().map(\.0) + ["NewPortMappingIndex", "NewStartPort", "NewEndPort", "NewManage"]
    for _ in 0..<3000 {
      let arguments = names.filter { _ in number(8) > 0 }.map { ($0, words[number(words.count)]) }
      var request = GatewayDialogue.request(
        actions[number(actions.count)], number(3) == 0 ? GatewayDialogue.mapping() + arguments : arguments,
        version: 1 + number(2))
      if number(3) == 0 { for _ in 0...number(3) { request.body[number(request.body.count)] = UInt8(number(256)) } }
      let response = try gateway.ask(request)
      #expect(response.status == 200 || response.status == 500)
      _ = try response.soapAnswer()
      if number(50) == 0 { gateway.wait(seconds: Double(number(400_000))) }
    }
    #expect(gateway.passing.count == gateway.store["mappings"]?.values.filter { $0["enabled"] == true }.count)
    #expect(try gateway.error("GetStatusInfo") == nil)
  }

  @Test func inputsOutOfPlaceDoNothing() throws {
    var gateway = GatewayDialogue()
    _ = try gateway.call("AddPortMapping", GatewayDialogue.mapping())
    let other = PortMapping(.udp, externalPort: 1, client: Endpoint(GatewayDialogue.tv, 1))
    for input in [
      Input.mapped(other, nil), .mapped(other, .refused), .answered(Call(9), HTTPResponse(200)),
      .failed(Call(9), .reset), .fired(TimerName("nobody")), .fired(TimerName("search-reply", "4")),
      .fired(TimerName("lease")), .fired(TimerName("events")), .fired(TimerName("subscription", "uuid:x")),
      .counted(interface: "eth0", nil), .replied(Exchange(77)), .callerLeft(Exchange(77)), .portRefused(7, .refused),
      .started(rows: [], interfaces: []), .commitFailed(.storage("x"), of: .mapped(other, nil)),
    ] {
      gateway.perform(input)
    }
    #expect(gateway.passing == [GatewayDialogue.passing])
    gateway.perform(.stopping)
    gateway.perform(.fired(TimerName("alive")))
    #expect(gateway.exit == 0)
  }
}
