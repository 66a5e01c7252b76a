import Messages
import RoleKit
import Testing

@testable import ConfiguratorRole

private typealias Home = ConfiguratorDialogue
private let tokenless = "POST /connections"
private let end = "DELETE /connections/\(ConfiguratorDialogue.connectionId)"

extension ConfiguratorDialogue {
  fileprivate static func ready(gateway version: Int? = 2) -> ConfiguratorDialogue {
    var home = ConfiguratorDialogue()
    _ = home.configured()
    if let version { home.findGateway(version: version) } else { home.wait(seconds: 1.5) }
    return home
  }
}

@Suite("the configurator: connections of mobile devices (4.4)") struct ConnectionTests {
  @Test("steps 2 to 5 through a gateway of IGD:2") func whole() {
    var home = Home.ready()
    home.control()
    let control = home.answer(
      tokenless, .json(200, ["address": "192.168.10.21", "port": 8200, "protocol": "tcp"]))
    #expect(control.json?["connectionToken"] == "secret")
    #expect(control.json?["application"] == "media")
    #expect(control.bearerToken != nil)
    #expect(control.idempotencyKey != nil)
    home.gatewayTellsAddress()
    let call = home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "40000")])
    #expect(call?["NewInternalClient"] == "192.168.10.21")
    #expect(call?["NewInternalPort"] == "8200")
    #expect(call?["NewExternalPort"] == "8200")
    #expect(call?["NewProtocol"] == "TCP")
    #expect(call?["NewLeaseDuration"] == "300")
    #expect(call?["NewRemoteHost"] == "")
    let result = home.answer(Home.result(), HTTPResponse(204)).json
    #expect(result?["result"] == "ok")
    #expect(result?["endpoint"] == ["address": "198.51.100.1", "port": 40_000, "protocol": "tcp"])
    #expect(result?["lifetime"] == 300)
    #expect(home.waiting.isEmpty)
  }

  @Test("no gateway: the endpoint is the agent's own, and nobody is asked for a mapping") func withoutGateway() {
    var home = Home.ready(gateway: nil)
    home.control()
    home.agentAgrees()
    let result = home.answer(Home.result(), HTTPResponse(204)).json
    #expect(result?["endpoint"] == ["address": "192.168.10.21", "port": 8200, "protocol": "tcp"])
    #expect(home.store["port_mappings"]?.isEmpty != false)
  }

  @Test("the agent has the gateway's external address: no mapping") func sameAddress() {
    var home = Home.ready()
    home.control()
    home.agentAgrees()
    home.gatewayTellsAddress("192.168.10.21")
    #expect(home.answer(Home.result(), HTTPResponse(204)).json?["endpoint"]?["port"] == 8200)
  }

  @Test("a control that comes while gateways are looked for waits for the outcome") func early() {
    var home = Home()
    _ = home.configured()
    home.control()
    home.agentAgrees()
    #expect(home.waiting.isEmpty)
    home.gatewayAnswers()
    home.answer("GET /desc.xml", Home.gatewayDescription())
    home.gatewayTellsAddress()
    #expect(home.soap?.action == "AddAnyPortMapping")
    var lonely = Home()
    _ = lonely.configured()
    lonely.control()
    lonely.agentAgrees()
    lonely.wait(seconds: 1.5)
    #expect(lonely.waiting == [Home.result()])
  }

  @Test(
    "the agent's refusals are passed on",
    arguments: [
      (404, "no-application", "no-application"), (409, "application-disabled", "application-disabled"),
      (422, "invalid-field", "refused"), (500, "storage-unavailable", "refused"),
    ])
  func refusals(status: Int, name: String, told: String) {
    var home = Home.ready()
    home.control()
    home.answer(tokenless, .json(status, ["type": .string("urn:homebed:problem:\(name)"), "status": .int(status)]))
    let result = home.answer(Home.result(), HTTPResponse(204)).json
    #expect(result == ["result": "failed", "problem": .string(told)])
    home.answer(end, HTTPResponse(404))
    #expect(home.store["connections"]?.isEmpty == true)
  }

  @Test("an agent that is not known or silent: no-agent") func noAgent() {
    var home = Home.ready()
    home.control(agentId: "7f9c0000-0000-4000-8000-00000000000f")
    #expect(home.answer(Home.result(), HTTPResponse(204)).json?["problem"] == "no-agent")
    let other = "e0000000-0000-4000-8000-000000000002"
    home.control(other, connection: "c0000000-0000-4000-8000-000000000002")
    for _ in 0..<4 {
      home.fail(tokenless, .refused)
      home.wait(seconds: 2.5)
    }
    #expect(home.answer(Home.result(other), HTTPResponse(204)).json?["problem"] == "no-agent")
  }

  @Test("an endpoint that is not the agent's own is refused") func foreignEndpoint() {
    var home = Home.ready()
    home.control()
    home.agentAgrees(address: "192.168.10.99")
    #expect(home.answer(Home.result(), HTTPResponse(204)).json?["problem"] == "refused")
    #expect(home.soap == nil)
  }

  @Test("the gateway refuses: gateway-refused, and the agent forgets the token") func gatewayRefuses() {
    var home = Home.ready()
    home.control()
    home.agentAgrees()
    home.gatewayTellsAddress()
    home.gatewayRefuses(606)
    #expect(home.answer(Home.result(), HTTPResponse(204)).json?["problem"] == "gateway-refused")
    home.answer(end, HTTPResponse(204))
    #expect(home.store["connections"]?.isEmpty == true)
    #expect(home.store["port_mappings"]?.isEmpty != false)
  }

  @Test("a gateway without an external address is no way in", arguments: ["", "0.0.0.0", "x"])
  func noExternalAddress(address: String) {
    var home = Home.ready()
    home.control()
    home.agentAgrees()
    home.gatewayTellsAddress(address)
    #expect(home.answer(Home.result(), HTTPResponse(204)).json?["problem"] == "gateway-refused")
  }

  @Test("IGD:1: the configurator finds a port itself, and takes what has no lease") func versionOne() {
    var home = Home.ready(gateway: 1)
    home.control()
    home.agentAgrees()
    home.gatewayTellsAddress()
    #expect(home.gatewayRefuses(718)?.action == "AddPortMapping")
    let second = home.gatewayRefuses(725)
    #expect(second?["NewExternalPort"] != "8200")
    let third = home.gatewayDoes("AddPortMapping")
    #expect(third?["NewLeaseDuration"] == "0")
    #expect(third?["NewExternalPort"] == second?["NewExternalPort"])
    let result = home.answer(Home.result(), HTTPResponse(204)).json
    #expect(result?["endpoint"]?["port"]?.int == third?["NewExternalPort"].flatMap { Int($0) })
    // What knows no lease is deleted at the end.
    home.wait(seconds: 300)
    #expect(home.gatewayDoes("DeletePortMapping")?["NewExternalPort"] == third?["NewExternalPort"])
    #expect(home.store["port_mappings"]?.isEmpty == true)
  }

  @Test("ports in conflict are tried six times") func conflicts() {
    var home = Home.ready(gateway: 1)
    home.control()
    home.agentAgrees()
    home.gatewayTellsAddress()
    for _ in 0..<6 { home.gatewayRefuses(718) }
    #expect(home.answer(Home.result(), HTTPResponse(204)).json?["problem"] == "gateway-refused")
  }

  @Test("disconnect: the agent first, then the gateway, then the answer") func disconnect() {
    var home = Home.ready()
    home.connected()
    let requestId = "e0000000-0000-4000-8000-000000000009"
    home.disconnect(requestId)
    #expect(home.waiting == [end])
    home.answer(end, HTTPResponse(204))
    let call = home.gatewayDoes("DeletePortMapping")
    #expect(call?["NewExternalPort"] == "8200")
    #expect(call?["NewProtocol"] == "TCP")
    #expect(home.answer(Home.result(requestId), HTTPResponse(204)).json == ["result": "ok"])
    #expect(home.store["connections"]?.isEmpty == true)
    #expect(home.store["port_mappings"]?.isEmpty == true)
    let again = "e0000000-0000-4000-8000-00000000000a"
    home.disconnect(again)
    #expect(home.answer(Home.result(again), HTTPResponse(204)).json == ["result": "ok"])
  }

  @Test("two connections share a port; the first to end leaves it to the other") func shared() {
    var home = Home.ready()
    home.connected()
    let (second, request) = ("c0000000-0000-4000-8000-000000000002", "e0000000-0000-4000-8000-000000000002")
    home.connected(request, connection: second)
    let first = "e0000000-0000-4000-8000-000000000009"
    home.disconnect(first)
    home.answer(end, HTTPResponse(204))
    #expect(home.answer(Home.result(first), HTTPResponse(204)).json == ["result": "ok"])
    let last = "e0000000-0000-4000-8000-00000000000a"
    home.disconnect(last, connection: second)
    home.answer("DELETE /connections/\(second)", HTTPResponse(204))
    home.gatewayDoes("DeletePortMapping")
    #expect(home.answer(Home.result(last), HTTPResponse(204)).json == ["result": "ok"])
  }

  @Test("at its end a connection and its mapping go without a word") func expiry() {
    var home = Home.ready()
    home.connected()
    home.wait(seconds: 300)
    #expect(home.waiting.isEmpty)
    #expect(home.store["connections"]?.isEmpty == true)
    #expect(home.store["port_mappings"]?.isEmpty == true)
  }

  @Test("a result that the server no longer takes ends the connection") func lateResult() {
    var home = Home.ready()
    home.control()
    home.agentAgrees()
    home.gatewayTellsAddress()
    home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "8200")])
    home.answer(Home.result(), .json(404, ["type": "urn:homebed:problem:no-request"]))
    home.answer(end, HTTPResponse(204))
    home.gatewayDoes("DeletePortMapping")
    #expect(home.store["connections"]?.isEmpty == true)
  }

  @Test("a result that the server took in its last moment stands") func lastMoment() {
    var home = Home.ready()
    home.control()
    home.agentAgrees()
    home.gatewayTellsAddress()
    home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "8200")])
    home.wait(seconds: 11)
    home.answer(Home.result(), HTTPResponse(204))
    #expect(home.waiting.isEmpty)
    #expect(home.store["connections"]?.values.first?["isOpen"] == true)
  }

  @Test("a result that is never answered ends the connection once its deadline has passed") func unanswered() {
    var home = Home.ready()
    home.control()
    home.agentAgrees()
    home.gatewayTellsAddress()
    home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "8200")])
    home.wait(seconds: 11)
    for _ in 0..<4 {
      home.fail(Home.result(), .timeout)
      home.wait(seconds: 2.5)
    }
    home.answer(end, HTTPResponse(204))
    home.gatewayDoes("DeletePortMapping")
    #expect(home.store["connections"]?.isEmpty == true)
  }

  @Test("the deadline ends what is not there in time", arguments: [0, 1, 2, 3])
  func deadline(stage: Int) {
    var home = Home.ready()
    home.control()
    if stage > 0 { home.agentAgrees() }
    if stage > 1 { home.gatewayTellsAddress() }
    if stage > 2 { home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "8200")]) }
    home.wait(seconds: 10)
    // The server's answer decides about a result that is on its way.
    if stage == 3 { home.answer(Home.result(), .json(404, ["type": "urn:homebed:problem:no-request"])) }
    home.answer(end, HTTPResponse(404))
    switch stage {
    case 1: home.gatewayTellsAddress()
    case 2:
      home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "8200")])
      home.gatewayDoes("DeletePortMapping")
    case 3: home.gatewayDoes("DeletePortMapping")
    default: break
    }
    #expect(home.store["connections"]?.isEmpty == true)
    #expect(home.store["port_mappings"]?.isEmpty != false)
  }
}

@Suite("the configurator: connections across restarts and changes") struct ConnectionLifeTests {
  @Test("a connection is found again after a restart, and its mapping deleted at its end") func restart() {
    var home = Home.ready()
    home.connected()
    home.restart()
    home.openStream()
    home.wait(seconds: 0.1)
    let requestId = "e0000000-0000-4000-8000-000000000009"
    home.disconnect(requestId)
    home.answer(end, HTTPResponse(204))
    // The gateway is not known again yet.
    #expect(home.waiting.isEmpty)
    home.findGateway()
    home.gatewayDoes("DeletePortMapping")
    #expect(home.answer(Home.result(requestId), HTTPResponse(204)).json == ["result": "ok"])
    #expect(home.store["port_mappings"]?.isEmpty == true)
  }

  @Test("a control that was interrupted is done again when the server asks again", arguments: [0, 1, 2, 3])
  func interrupted(stage: Int) {
    var home = Home.ready()
    home.control()
    if stage > 0 { home.agentAgrees() }
    if stage > 1 { home.gatewayTellsAddress() }
    if stage > 2 { home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "40000")]) }
    home.restart()
    home.openStream()
    home.control()
    guard stage < 3 else {
      // The result was stored: it is told again.
      #expect(home.answer(Home.result(), HTTPResponse(204)).json?["endpoint"]?["port"] == 40_000)
      return
    }
    home.agentAgrees()
    home.findGateway()
    home.gatewayTellsAddress()
    home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "40000")])
    #expect(home.answer(Home.result(), HTTPResponse(204)).json?["result"] == "ok")
    #expect(home.store["connections"]?.count == 1)
  }

  @Test("a control that was interrupted and is not asked again is ended at its deadline") func abandoned() {
    var home = Home.ready()
    home.control()
    home.agentAgrees()
    home.gatewayTellsAddress()
    home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "40000")])
    home.restart()
    home.findGateway()
    home.wait(seconds: 10)
    home.answer(end, HTTPResponse(204))
    #expect(home.gatewayDoes("DeletePortMapping")?["NewExternalPort"] == "40000")
    #expect(home.store["connections"]?.isEmpty == true)
  }

  @Test("a result that the server took before a crash is told again, and the connection lives to its end")
  func takenBeforeTheCrash() {
    var home = Home.ready()
    home.control()
    home.agentAgrees()
    home.gatewayTellsAddress()
    home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "40000")])
    home.restart()
    // The server has the result: it does not ask again.
    home.openStream()
    home.findGateway()
    #expect(home.answer(Home.result(), HTTPResponse(204)).json?["endpoint"]?["port"] == 40_000)
    #expect(home.store["connections"]?.values.first?["isOpen"] == true)
    home.wait(seconds: 60)
    #expect(home.waiting.isEmpty)
    #expect(home.store["connections"]?.count == 1)
    home.wait(seconds: 240)
    #expect(home.waiting.isEmpty)
    #expect(home.store["connections"]?.isEmpty == true)
  }

  @Test("a result that the server does not know after a crash ends the connection") func unknownAfterTheCrash() {
    var home = Home.ready()
    home.control()
    home.agentAgrees()
    home.gatewayTellsAddress()
    home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "40000")])
    home.restart()
    home.openStream()
    home.findGateway()
    home.answer(Home.result(), .json(404, ["type": "urn:homebed:problem:no-request"]))
    home.answer(end, HTTPResponse(204))
    home.gatewayDoes("DeletePortMapping")
    #expect(home.store["connections"]?.isEmpty == true)
  }

  @Test("a result that got no answer is told again on the next stream") func confirmedOnTheNextStream() {
    var home = Home.ready()
    home.control()
    home.agentAgrees()
    home.gatewayTellsAddress()
    home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "40000")])
    for pause in [0.7, 1.3, 2.5, 1] {
      home.fail(Home.result(), .reset)
      home.wait(seconds: pause)
    }
    home.openStream()
    home.answer(Home.result(), HTTPResponse(204))
    home.wait(seconds: 20)
    #expect(home.waiting.isEmpty)
    #expect(home.store["connections"]?.values.first?["isOpen"] == true)
  }

  @Test("a failure whose end a crash cut short is ended, however the server stands") func failedBeforeTheCrash() {
    var home = Home.ready()
    home.control()
    home.answer(tokenless, .json(404, ["type": "urn:homebed:problem:no-application", "status": 404]))
    home.restart()
    home.openStream()
    home.answer(end, HTTPResponse(404))
    #expect(home.waiting.isEmpty)
    #expect(home.store["connections"]?.isEmpty == true)
  }

  @Test("an agent that goes or moves takes its mappings along") func agentGoes() {
    var home = Home()
    let token = home.configured()
    home.findGateway()
    home.connected()
    #expect(home.ask("DELETE", "/agents/\(Home.tv)", token: token).status == 204)
    home.gatewayDoes("DeletePortMapping")
    #expect(home.store["port_mappings"]?.isEmpty == true)
    #expect(home.store["connections"]?.isEmpty == true)
  }

  @Test("the gateway forgets the mapping first: that is no failure") func forgottenMapping() {
    var home = Home.ready()
    home.connected()
    let requestId = "e0000000-0000-4000-8000-000000000009"
    home.disconnect(requestId)
    home.answer(end, HTTPResponse(204))
    home.gatewayRefuses(714)
    #expect(home.answer(Home.result(requestId), HTTPResponse(204)).json == ["result": "ok"])
  }

  @Test("a failing store: nothing is half done") func storeFails() {
    var home = Home.ready()
    home.storeFails = true
    home.control()
    #expect(home.waiting.isEmpty)
    home.storeFails = false
    home.wait(seconds: 1)
    home.openStream()
    home.control()
    home.agentAgrees()
    #expect(home.soap?.action == "GetExternalIPAddress")
  }
}

@Suite("the configurator: finding the gateway (profile section 7)") struct GatewayDiscoveryTests {
  private func searches(_ home: Home) -> Int {
    home.searches.count { $0.contains("InternetGatewayDevice:2") }
  }

  @Test("it searches at 0, 1.5, 3.5 and 7.5 s, then every 60 s, until one answers") func ladder() {
    var home = Home()
    home.start()
    #expect(searches(home) == 1)
    for (seconds, count) in [(1.6, 2), (2.0, 3), (4.0, 4), (59.0, 4), (2.0, 5)] as [(Double, Int)] {
      home.wait(seconds: seconds)
      #expect(searches(home) == count)
    }
    home.findGateway()
    home.wait(seconds: 120)
    #expect(searches(home) == 5)
  }

  @Test("a gateway that comes later announces itself, and one that goes is looked for again") func announcements() {
    var home = Home()
    home.start()
    home.wait(seconds: 2)
    home.gatewayAnswers(byNotice: true)
    home.answer("GET /desc.xml", Home.gatewayDescription(control: "ctl/IPConn"))
    let before = searches(home)
    home.gatewaySaysGoodbye(uuid: "00000000-0000-4000-8000-000000000000")
    #expect(searches(home) == before)
    home.gatewaySaysGoodbye()
    #expect(searches(home) == before + 1)
  }

  @Test(
    "what lies outside of the subnet is not called",
    arguments: ["http://203.0.113.9:80/desc.xml", "http://gateway/desc.xml", "ftp://192.168.10.1/", "x"])
  func strangers(location: String) {
    var home = Home()
    home.start()
    home.gatewayAnswers(at: location)
    #expect(home.waiting.isEmpty)
  }

  @Test(
    "a gateway that cannot be used: gateway-refused",
    arguments: [
      Home.gatewayDescription(control: "http://203.0.113.9/ctl"), HTTPResponse(404),
      HTTPResponse(200, body: Array("<root/>".utf8)), HTTPResponse(200, body: Array("nonsense".utf8)),
      Home.gatewayDescription(version: 7),
    ])
  func unusable(description: HTTPResponse) {
    var home = Home()
    _ = home.configured()
    home.gatewayAnswers()
    home.answer("GET /desc.xml", description)
    home.control()
    home.agentAgrees()
    #expect(home.answer(Home.result(), HTTPResponse(204)).json?["problem"] == "gateway-refused")
  }

  @Test("a second gateway changes nothing while the first is there") func second() {
    var home = Home.ready()
    home.gatewayAnswers(at: "http://192.168.10.9:5000/desc.xml", uuid: "00000000-0000-4000-8000-000000000000")
    #expect(home.waiting.isEmpty)
    home.gatewayAnswers()
    #expect(home.waiting.isEmpty)
  }
}
