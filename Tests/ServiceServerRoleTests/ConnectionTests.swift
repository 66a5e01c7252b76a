import Messages
import RoleKit
import ServiceServerRole
import Testing

private let path = "/v1/homes/home-a/connections"
private let endpoint: JSONValue = ["address": "198.51.100.1", "port": 8200, "protocol": "tcp"]

/// A `connect` that is held: its exchange, and the `control` that went out on the stream.
private struct Asked {
  var exchange: Exchange
  var control: JSONValue
  var requestId: String { control["requestId"]?.string ?? "" }
  var connectionId: String { control["connectionId"]?.string ?? "" }
}

extension ServerDialogue {
  fileprivate mutating func connect(
    on stream: Exchange, key: String? = "k1", application: String = "media"
  ) -> (Exchange, [Effect]) {
    let exchange = exchange()
    var request = request(
      "POST", path, token: "user-a-token",
      body: ["agentId": .string(ServerDialogue.tv), "application": .string(application)])
    request.idempotencyKey = key
    return (
      exchange,
      perform(.requested(exchange, request, from: Endpoint("203.0.113.9:40002")!, to: ServerDialogue.address))
    )
  }

  fileprivate mutating func asked(on stream: Exchange, key: String? = "k1") -> Asked {
    let (exchange, effects) = connect(on: stream, key: key)
    return Asked(exchange: exchange, control: effects.events(on: stream).first ?? [:])
  }

  @discardableResult fileprivate mutating func result(_ requestId: String, _ body: JSONValue) -> (
    response: HTTPResponse, effects: [Effect]
  ) {
    ask("POST", "/v1/homes/home-a/requests/\(requestId)/result", token: "home-a-token", body: body)
  }

  fileprivate mutating func ready() -> Exchange {
    _ = register()
    return openStream().0
  }
}

extension [Effect] {
  fileprivate func reply(to exchange: Exchange) -> HTTPResponse? {
    for case .reply(exchange, let response) in self { return response }
    return nil
  }
}

@Suite("the service server: mobile devices and their connections (profile section 5)") struct ConnectionTests {
  @Test("4.4 steps 1, 2, 5 and 6: the reply is held until the result is there") func whole() throws {
    var server = ServerDialogue()
    let stream = server.ready()
    let asked = server.asked(on: stream)
    #expect(asked.control["kind"] == "control")
    #expect(asked.control["application"] == "media")
    #expect(asked.control["agentId"]?.string == ServerDialogue.tv)
    let expires = asked.control["expires"]?.string.flatMap { ProfileTime.milliseconds(rfc3339: $0) }
    let deadline = asked.control["deadline"]?.string.flatMap { ProfileTime.milliseconds(rfc3339: $0) }
    #expect(expires == server.now.wall + 300_000)
    #expect(deadline == server.now.wall + 10_000)
    let (response, effects) = server.result(
      asked.requestId, ["result": "ok", "endpoint": endpoint, "lifetime": 120])
    #expect(response.status == 204)
    let reply = try #require(effects.reply(to: asked.exchange))
    #expect(reply.status == 201)
    #expect(reply.json?["endpoint"] == endpoint)
    #expect(reply.json?["connectionId"] == asked.control["connectionId"])
    #expect(reply.json?["connectionToken"] == asked.control["connectionToken"])
    // The mapping's lease lowers `expires`.
    #expect(reply.json?["expires"]?.string == ProfileTime.rfc3339(server.now.wall + 120_000))
    #expect(server.store["connections"]?.count == 1)
    _ = server.wait(seconds: 120)
    #expect(server.store["connections"]?.isEmpty == true)
  }

  @Test("a lifetime longer than what is left does not lengthen the connection") func longLease() throws {
    var server = ServerDialogue()
    let stream = server.ready()
    let asked = server.asked(on: stream)
    let (_, effects) = server.result(asked.requestId, ["result": "ok", "endpoint": endpoint, "lifetime": 604_800])
    let reply = try #require(effects.reply(to: asked.exchange))
    #expect(reply.json?["expires"] == asked.control["expires"])
  }

  @Test(
    "each refusal of the configurator has its status",
    arguments: [
      ("no-agent", 404, "no-agent"), ("no-application", 404, "no-application"),
      ("application-disabled", 409, "application-disabled"), ("gateway-refused", 409, "gateway-refused"),
      ("refused", 409, "refused"), ("storage-unavailable", 409, "refused"), ("nonsense", 409, "refused"),
    ])
  func refusals(problem: String, status: Int, name: String) {
    var server = ServerDialogue()
    let stream = server.ready()
    let asked = server.asked(on: stream)
    let (_, effects) = server.result(asked.requestId, ["result": "failed", "problem": .string(problem)])
    #expect(effects.reply(to: asked.exchange)?.status == status)
    #expect(effects.reply(to: asked.exchange)?.problem == name)
    #expect(server.store["connections"] == nil)
  }

  @Test("what cannot be asked is refused at once") func refusedAtOnce() {
    var server = ServerDialogue()
    #expect(server.connect(on: Exchange(0)).1.lastReply?.problem == "no-agent")
    _ = server.register(lifetime: 60)
    #expect(server.connect(on: Exchange(0), key: "k2").1.lastReply?.problem == "configurator-offline")
    _ = server.openStream()
    _ = server.wait(seconds: 61)
    #expect(server.connect(on: Exchange(0), key: "k3").1.lastReply?.problem == "no-agent")
    for (token, status) in [("home-a-token", 403), ("user-b-token", 403), ("operator-token", 403), ("x", 401)] {
      let body: JSONValue = ["agentId": .string(ServerDialogue.tv), "application": "media"]
      #expect(server.ask("POST", path, token: token, body: body).response.status == status)
    }
    for body in [[:], ["agentId": "tv", "application": "media"], ["agentId": .string(ServerDialogue.tv)]] as [JSONValue]
    {
      #expect(server.ask("POST", path, token: "user-a-token", body: body).response.problem == "invalid-field")
    }
  }

  @Test("10 s without a result: 504, and the result that comes then is 404") func overdue() {
    var server = ServerDialogue()
    let stream = server.ready()
    let asked = server.asked(on: stream)
    #expect(server.wait(seconds: 9.9).reply(to: asked.exchange) == nil)
    let effects = server.wait(seconds: 0.2)
    #expect(effects.reply(to: asked.exchange)?.problem == "configurator-timeout")
    #expect(server.result(asked.requestId, ["result": "ok", "endpoint": endpoint]).response.problem == "no-request")
    #expect(server.store["connections"] == nil)
  }

  @Test("a result without a usable endpoint is refused, and a better one is taken") func badResults() {
    var server = ServerDialogue()
    let stream = server.ready()
    let asked = server.asked(on: stream)
    let bad: [JSONValue] = [
      ["result": "ok"], ["result": "ok", "endpoint": ["address": "x", "port": 1, "protocol": "tcp"]],
      ["result": "ok", "endpoint": ["address": "198.51.100.1", "port": 0, "protocol": "tcp"]],
      ["result": "ok", "endpoint": ["address": "198.51.100.1", "port": 1, "protocol": "sctp"]],
      ["result": "ok", "endpoint": endpoint, "lifetime": -1],
    ]
    for body in bad { #expect(server.result(asked.requestId, body).response.problem == "invalid-field") }
    #expect(server.result(asked.requestId, ["result": "ok", "endpoint": endpoint]).response.status == 204)
  }

  @Test("the same key is one connection, whether its caller waits or comes back") func sameKey() {
    var server = ServerDialogue()
    let stream = server.ready()
    let asked = server.asked(on: stream)
    server.perform(.callerLeft(asked.exchange))
    let (second, nothing) = server.connect(on: stream)
    #expect(nothing.events(on: stream).isEmpty)
    let effects = server.result(asked.requestId, ["result": "ok", "endpoint": endpoint]).effects
    #expect(effects.reply(to: second)?.status == 201)
    let (third, again) = server.connect(on: stream)
    #expect(again.reply(to: third)?.body == effects.reply(to: second)?.body)
    #expect(effects.events(on: stream).isEmpty)
    #expect(server.store["connections"]?.count == 1)
  }

  @Test("a caller without a key that hangs up leaves no connection behind") func hangUp() {
    var server = ServerDialogue()
    let stream = server.ready()
    let asked = server.asked(on: stream, key: nil)
    server.perform(.callerLeft(asked.exchange))
    let effects = server.result(asked.requestId, ["result": "ok", "endpoint": endpoint]).effects
    let end = effects.events(on: stream)
    #expect(end.first?["kind"] == "disconnect")
    #expect(end.first?["connectionId"]?.string == asked.connectionId)
    #expect(server.store["connections"] == nil)
  }

  @Test("two mobiles at once get a connection each") func twoAtOnce() {
    var server = ServerDialogue()
    let stream = server.ready()
    let first = server.asked(on: stream)
    let second = server.asked(on: stream, key: "k2")
    #expect(first.connectionId != second.connectionId)
    #expect(first.control["connectionToken"] != second.control["connectionToken"])
    let late = server.result(second.requestId, ["result": "ok", "endpoint": endpoint]).effects
    #expect(late.reply(to: second.exchange)?.status == 201)
    #expect(late.reply(to: first.exchange) == nil)
    let early = server.result(first.requestId, ["result": "failed", "problem": "gateway-refused"]).effects
    #expect(early.reply(to: first.exchange)?.status == 409)
  }

  @Test("disconnect: 204 at once, then the configurator's answer removes it; a failure leaves it") func disconnect() {
    var server = ServerDialogue()
    let stream = server.ready()
    let asked = server.asked(on: stream)
    server.result(asked.requestId, ["result": "ok", "endpoint": endpoint])
    let one = "\(path)/\(asked.connectionId)"
    #expect(server.ask("DELETE", one, token: "user-b-token").response.status == 403)
    #expect(server.ask("DELETE", one, token: "operator-token").response.status == 403)
    #expect(server.ask("DELETE", "\(path)/x", token: "operator-token").response.status == 404)
    let (response, effects) = server.ask("DELETE", one, token: "user-a-token")
    #expect(response.status == 204)
    let request = effects.events(on: stream).first
    #expect(request?["kind"] == "disconnect")
    #expect(request?["connectionId"]?.string == asked.connectionId)
    let again = server.ask("DELETE", one, token: "user-a-token")
    #expect(again.response.status == 204)
    #expect(again.effects.events(on: stream).isEmpty)
    server.result(request?["requestId"]?.string ?? "", ["result": "failed", "problem": "refused"])
    #expect(server.store["connections"]?.count == 1)
    let retried = server.ask("DELETE", one, token: "user-a-token").effects.events(on: stream).first
    server.result(retried?["requestId"]?.string ?? "", ["result": "ok"])
    #expect(server.store["connections"]?.isEmpty == true)
    #expect(server.ask("DELETE", one, token: "user-a-token").response.status == 404)
  }

  @Test("a connection outlives a restart; nobody can disconnect it while the configurator is away") func restart() {
    var server = ServerDialogue()
    let stream = server.ready()
    let asked = server.asked(on: stream)
    server.result(asked.requestId, ["result": "ok", "endpoint": endpoint])
    _ = server.restart()
    let one = "\(path)/\(asked.connectionId)"
    #expect(server.ask("DELETE", one, token: "user-a-token").response.problem == "configurator-offline")
    _ = server.openStream()
    #expect(server.ask("DELETE", one, token: "user-a-token").response.status == 204)
    _ = server.restart()
    _ = server.wait(seconds: 301)
    #expect(server.store["connections"]?.isEmpty == true)
  }

  @Test("a control that was asked before a restart is ended when its result comes: its caller has gone") func orphan() {
    var server = ServerDialogue()
    let asked = server.asked(on: server.ready())
    _ = server.restart()
    let (stream, opened) = server.openStream()
    #expect(opened.events(on: stream).first?["requestId"]?.string == asked.requestId)
    let effects = server.result(asked.requestId, ["result": "ok", "endpoint": endpoint]).effects
    #expect(effects.events(on: stream).first?["kind"] == "disconnect")
  }

  @Test("when the store fails nothing has happened") func storeFails() {
    var server = ServerDialogue()
    let stream = server.ready()
    server.storeFails = true
    let (exchange, effects) = server.connect(on: stream)
    #expect(effects.reply(to: exchange)?.problem == "storage-unavailable")
    server.storeFails = false
    let asked = server.asked(on: stream)
    server.storeFails = true
    let result: JSONValue = ["result": "ok", "endpoint": endpoint]
    #expect(server.result(asked.requestId, result).response.problem == "storage-unavailable")
    server.storeFails = false
    #expect(server.result(asked.requestId, result).effects.reply(to: asked.exchange)?.status == 201)
  }
}

extension [Effect] {
  fileprivate var lastReply: HTTPResponse? {
    var last: HTTPResponse?
    for case .reply(_, let response) in self { last = response }
    return last
  }
}
