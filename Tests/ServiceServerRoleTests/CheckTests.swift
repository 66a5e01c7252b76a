import Messages
import RoleKit
import ServiceServerRole
import Testing

private let checksPath = "/v1/homes/home-a/agents/\(ServerDialogue.tv)/"
private let gateway = Endpoint("203.0.113.1:40001")!

extension ServerDialogue {
  fileprivate mutating func check(
    _ resource: String, _ body: JSONValue = [:], token: String = ServerDialogue.operatorToken
  ) -> (Exchange, [Effect]) {
    let exchange = exchange()
    let request = request("POST", checksPath + resource, token: token, body: body)
    return (exchange, perform(.requested(exchange, request, from: gateway, to: ServerDialogue.address)))
  }

  fileprivate mutating func probe(_ requestId: String, _ address: String) -> (Exchange, [Effect]) {
    let exchange = exchange()
    let request = request(
      "POST", "/v1/homes/home-a/requests/\(requestId)/probe", token: "home-a-token",
      body: ["address": .string(address), "port": 8200, "protocol": "tcp"])
    return (exchange, perform(.requested(exchange, request, from: gateway, to: ServerDialogue.address)))
  }

  fileprivate mutating func result(_ requestId: String, _ body: JSONValue) -> [Effect] {
    ask("POST", "/v1/homes/home-a/requests/\(requestId)/result", token: "home-a-token", body: body).1
  }
}

extension [Effect] {
  fileprivate func reply(to exchange: Exchange) -> HTTPResponse? {
    for case .reply(exchange, let response) in self { return response }
    return nil
  }
}

@Suite("the service server: an operator's checks (profile section 8)") struct CheckTests {
  private func open(_ kind: String, _ body: JSONValue) -> (ServerDialogue, Exchange, String) {
    var server = ServerDialogue()
    _ = server.register()
    let stream = server.openStream().0
    let (exchange, effects) = server.check(kind, body)
    let request = effects.events(on: stream).first ?? [:]
    return (server, exchange, request["requestId"]?.string ?? "")
  }

  @Test("4.6.3: the reply is held until the result is there, and tells the Bindings that were seen") func whole() {
    var (server, exchange, id) = open("reachability-checks", [:])
    for side in ["configurator", "configurator", "agent", "stranger"] {
      let message = STUNMessage(
        .request, transaction: STUNTransactionID(high: 1, low: 2), attributes: [.username("\(id):\(side)")])
      _ = server.perform(
        .datagram(message.octets(), from: gateway, to: Endpoint(ServerDialogue.address.address, DefaultPort.stun[0])))
    }
    let finding: JSONValue = [
      "layer": "network", "fault": "none", "element": "tv", "evidence": "all is well", "advice": "",
    ]
    let reply = server.result(id, ["result": "ok", "findings": [finding], "checks": []]).reply(to: exchange)
    #expect(reply?.status == 200)
    #expect(reply?.json?["serverCounts"] == ["configurator": 2, "agent": 1])
    #expect(reply?.json?["findings"]?[0] == finding)
    #expect(reply?.json?["requestId"]?.string == id)
  }

  @Test("a result whose findings are none of the profile's is refused, and the check goes on") func unreadable() {
    var (server, exchange, id) = open("reachability-checks", [:])
    let (response, effects) = server.ask(
      "POST", "/v1/homes/home-a/requests/\(id)/result", token: "home-a-token",
      body: ["result": "ok", "findings": [["fault": "gremlins"]], "checks": []])
    #expect(response.status == 422)
    #expect(effects.reply(to: exchange) == nil)
  }

  @Test("no result within 30 s: 504") func overdue() {
    var (server, exchange, _) = open("reachability-checks", [:])
    #expect(server.wait(seconds: 29).reply(to: exchange) == nil)
    #expect(server.wait(seconds: 2).reply(to: exchange)?.status == 504)
  }

  @Test("who may ask, and for what") func refusals() {
    var server = ServerDialogue()
    _ = server.register()
    #expect(server.check("reachability-checks").1.lastStatus == 503)
    _ = server.openStream()
    #expect(server.check("reachability-checks", token: "user-a-token").1.lastStatus == 403)
    #expect(server.check("application-checks", ["application": "none"]).1.lastStatus == 404)
    #expect(server.check("application-checks").1.lastStatus == 422)
  }

  @Test("4.6.4 step 3: the server connects to the home's own address alone, and any status is an answer") func probes()
  {
    var (server, _, id) = open("application-checks", ["application": "media"])
    #expect(server.probe(id, "198.51.100.66").1.lastStatus == 403)
    let (exchange, effects) = server.probe(id, "203.0.113.1")
    var asked: Call?
    for case .call(let call, let request, let to, let timeout) in effects {
      asked = call
      #expect(request.path == "/media" && request.bearerToken == nil)
      #expect(to == Endpoint("203.0.113.1:8200") && timeout <= .seconds(5))
    }
    guard let asked else {
      Issue.record("nothing was asked")
      return
    }
    let reply = server.perform(.answered(asked, HTTPResponse(401))).reply(to: exchange)
    #expect(reply?.json?["reachable"] == true)
    let (second, more) = server.probe(id, "203.0.113.1")
    for case .call(let call, _, _, _) in more {
      let refused = server.perform(.failed(call, .refused)).reply(to: second)
      #expect(refused?.json?["reachable"] == false)
    }
    _ = server.result(id, ["result": "ok", "findings": [], "checks": []])
    #expect(server.probe(id, "203.0.113.1").1.lastStatus == 404)
  }
}

extension [Effect] {
  fileprivate var lastStatus: Int? {
    for case .reply(_, let response) in self { return response.status }
    return nil
  }
}
