import Messages
import RoleKit
import Testing

@testable import ConfiguratorRole

private typealias Home = ConfiguratorDialogue
private let peerId = "bbbbbbbb-0000-4000-8000-000000000021"
private let sessionId = "5e550000-0000-4000-8000-000000000001"
private let requestId = "1e000000-0000-4000-8000-000000000001"
private let negotiate = "POST /v1/peer-connections"
private let result = "POST /v1/homes/home-a/requests/\(requestId)/result"

extension ConfiguratorDialogue {
  fileprivate static let wish: JSONValue = [
    "peer": ["homeId": "home-b", "agentId": .string(peerId)], "application": "share", "localPort": 50_021,
  ]

  /// Asks and does not wait for the reply.
  fileprivate mutating func connect(
    _ token: String, _ body: JSONValue = wish, key: String? = nil
  ) -> (exchange: Exchange, response: HTTPResponse) {
    let (exchange, response) = send(
      request("POST", "/connections", token: token, body: body, key.map { ["Idempotency-Key": $0] } ?? [:]))
    return (exchange, response)
  }

  /// The STUN server answers every question; a port for each of its ports where the gateway maps by port.
  fileprivate mutating func stun(portsDiffer: Bool = false) {
    for datagram in udp {
      guard let question = try? STUNMessage(parsing: datagram.octets) else { continue }
      let mapped = Endpoint(IPAddress("203.0.113.1")!, 40_000 + (portsDiffer ? datagram.to.port % 2 : 0))
      let answer = STUNMessage(
        .success, transaction: question.transaction, attributes: [.xorMappedAddress(mapped)])
      perform(.datagram(answer.octets(), from: datagram.to, to: datagram.from))
    }
    udp = []
  }

  fileprivate var session: JSONValue {
    [
      "sessionId": .string(sessionId), "sessionToken": "session-token", "checkKey": "key",
      "natMapping": "unknown", "peerNatMapping": "unknown", "role": "controlling", "stun": "198.51.100.10:3478",
      "server": "http://198.51.100.10:8080", "expires": .string(ProfileTime.rfc3339(now.wall + 300_000)),
    ]
  }

  fileprivate mutating func peerConnection(agentId: String = tv, peer: String = peerId) -> [Effect] {
    let data: JSONValue = [
      "requestId": .string(requestId), "kind": "peer-connection", "agentId": .string(agentId),
      "deadline": .string(ProfileTime.rfc3339(now.wall + 30_000)),
      "peer": ["homeId": "home-b", "agentId": .string(peer)], "application": "share", "session": session,
    ]
    return perform(.streamed(stream!, ServerSentEvent(id: "9", event: "peer-connection", data: data.description)))
  }

  /// A session that the agent has, with a gateway that was found.
  fileprivate mutating func withSession() -> String {
    let token = configured()
    findGateway()
    let (_, _) = connect(token)
    stun()
    answer(negotiate, .json(200, session))
    return token
  }

  fileprivate func replies(_ effects: [Effect], to exchange: Exchange) -> HTTPResponse? {
    for case .reply(exchange, let response) in effects { return response }
    return nil
  }
}

@Suite("the configurator: connections to other homes (4.5 steps 1 to 4)") struct PeerTests {
  @Test("the half that comes second gets its session at once") func second() {
    var home = Home()
    let token = home.configured()
    let (exchange, none) = home.connect(token, key: "k")
    #expect(none.status == 0)
    #expect(home.udp.map(\.to.port).sorted() == [3478, 3479])
    #expect(home.waiting.isEmpty)
    home.stun()
    #expect(home.waiting == [negotiate])
    guard let asked = home.asked.last(where: { !$0.isStream }) else { return }
    let body = asked.request.json
    #expect(body?["homeId"] == "home-a")
    #expect(body?["agentId"]?.string == Home.tv)
    #expect(body?["peer"]?["homeId"] == "home-b")
    #expect(body?["natMapping"] == "unknown")
    #expect(asked.request.bearerToken == "home-a-token")
    #expect(asked.request.idempotencyKey != nil)
    let session = home.session
    let effects = home.perform(.answered(asked.call, .json(200, session)))
    #expect(home.replies(effects, to: exchange)?.json == session)
    #expect(home.store["sessions"]?.count == 1)
    // The repeat of a lost reply.
    #expect(home.connect(token, key: "k").response.json == session)
  }

  @Test("the half that comes first waits for the request, which is answered") func first() {
    var home = Home()
    let token = home.configured()
    let (exchange, _) = home.connect(token)
    home.stun(portsDiffer: true)
    let asked = home.answer(negotiate, .json(202, ["state": "waiting"]))
    #expect(asked.json?["natMapping"] == "address-and-port-dependent")
    let effects = home.peerConnection()
    #expect(home.replies(effects, to: exchange)?.status == 200)
    #expect(home.answer(result, HTTPResponse(204)).json == ["result": "ok"])
    // It comes again and is answered the same, without a second session.
    _ = home.peerConnection()
    #expect(home.answer(result, HTTPResponse(204)).json == ["result": "ok"])
    #expect(home.replies(home.wait(seconds: 31), to: exchange) == nil)
  }

  @Test("the request may come before the 202 that it belongs to") func early() {
    var home = Home()
    let token = home.configured()
    let (exchange, _) = home.connect(token)
    home.stun()
    #expect(home.replies(home.peerConnection(), to: exchange)?.status == 200)
    #expect(home.waiting == [result])
  }

  @Test("a request for an agent that does not wait fails: no-session") func nobodyWaits() {
    for (agentId, peer) in [(Home.tv, Home.tv), (peerId, peerId)] {
      var home = Home()
      let token = home.configured()
      _ = home.connect(token)
      home.stun()
      _ = home.peerConnection(agentId: agentId, peer: peer)
      #expect(home.answer(result, HTTPResponse(204)).json == ["result": "failed", "problem": "no-session"])
    }
  }

  @Test("the agent that has gone, and the peer that never asks") func gone() {
    var home = Home()
    let token = home.configured()
    let (exchange, _) = home.connect(token)
    home.stun()
    home.answer(negotiate, .json(202, ["state": "waiting"]))
    home.perform(.callerLeft(exchange))
    _ = home.peerConnection()
    #expect(home.answer(result, HTTPResponse(204)).json?["problem"] == "no-session")

    let (other, _) = home.connect(token)
    home.answer(negotiate, .json(202, ["state": "waiting"]))
    #expect(home.replies(home.wait(seconds: 29), to: other) == nil)
    let late = home.replies(home.wait(seconds: 2), to: other)
    #expect(late?.status == 504)
    #expect(late?.problem == "configurator-timeout")
  }

  @Test("what the server refuses, and a server that is silent") func refused() {
    for (response, status) in [
      (Problem(.forbidden, "not yours").response, 409), (HTTPResponse.json(200, ["sessionId": "x"]), 409),
    ] {
      var home = Home()
      let token = home.configured()
      let (exchange, _) = home.connect(token)
      home.stun()
      guard let asked = home.asked.last(where: { !$0.isStream }) else { return }
      #expect(home.replies(home.perform(.answered(asked.call, response)), to: exchange)?.status == status)
    }
    var home = Home()
    let token = home.configured()
    let (exchange, _) = home.connect(token)
    home.stun()
    var effects: [Effect] = []
    for _ in 1...4 {
      guard let asked = home.asked.last(where: { !$0.isStream }) else { break }
      home.asked.removeAll { $0.call == asked.call }
      effects += home.perform(.failed(asked.call, .timeout)) + home.wait(seconds: 2.5)
    }
    #expect(home.replies(effects, to: exchange)?.status == 504)
  }

  @Test("allowedPeers: absent anyone, [] nobody, else those named") func allowedPeers() {
    let named: JSONValue = [["homeId": "home-b", "agentId": .string(peerId)]]
    let other: JSONValue = [["homeId": "home-c", "agentId": .string(peerId)]]
    for (list, status) in [(named, 0), (other, 403), ([], 403)] as [(JSONValue, Int)] {
      var home = Home()
      let token = home.configured(["applications": ["share": ["allowedPeers": list]]])
      #expect(home.connect(token).response.status == status)
      #expect(home.udp.isEmpty == (status == 403))
    }
  }

  @Test("whose token, which fields") func access() {
    var home = Home()
    let token = home.configured()
    #expect(home.connect("stranger").response.status == 401)
    #expect(home.connect("operator-token").response.status == 403)
    for (name, value) in [
      ("peer", "x"), ("peer", ["homeId": "B", "agentId": .string(peerId)]), ("application", ""), ("localPort", 0),
      ("localPort", nil), ("peer", ["homeId": "home-a", "agentId": .string(Home.tv)]),
    ] as [(String, JSONValue)] {
      var body = Home.wish
      body[name] = value
      let response = home.connect(token, body).response
      #expect(response.problem == "invalid-field")
      #expect(response.json?["pointer"]?.string?.hasPrefix("/\(name)") == true)
    }
    home.wait(seconds: 3601)
    #expect(home.connect(token).response.status == 401)
  }

  @Test("what was found out about the gateway holds for the next connection, until the address changes") func cached() {
    var home = Home()
    let token = home.configured()
    _ = home.connect(token)
    home.stun()
    home.answer(negotiate, .json(202, ["state": "waiting"]))
    _ = home.connect(token)
    #expect(home.udp.isEmpty)
    var moved = Home.interface
    moved.defaultGateway = IPAddress("192.168.10.254")
    home.perform(.interface(moved))
    _ = home.connect(token)
    #expect(home.udp.count == 2)
  }

  @Test("a STUN server that is silent delays the negotiation by 2 s, and no more") func silentSTUN() {
    var home = Home()
    let token = home.configured()
    _ = home.connect(token)
    home.wait(seconds: 1.9)
    #expect(home.waiting.isEmpty)
    home.wait(seconds: 0.2)
    #expect(home.waiting == [negotiate])
  }
}

@Suite("the configurator: a mapped port for a session (4.5 step 6)") struct PeerMappingTests {
  private static let path = "/connections/\(sessionId)/mapping"

  private func map(_ home: inout ConfiguratorDialogue, _ token: String, port: Int = 50_021) -> (Exchange, HTTPResponse)
  {
    home.send(home.request("POST", Self.path, token: token, body: ["localPort": .int(port)]))
  }

  @Test("map-port, then configure, then the answer") func whole() {
    var home = Home()
    let token = home.withSession()
    let (exchange, none) = map(&home, token)
    #expect(none.status == 0)
    home.gatewayTellsAddress()
    let call = home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "50021")])
    #expect(call?["NewProtocol"] == "UDP")
    #expect(call?["NewInternalPort"] == "50021")
    #expect(call?["NewInternalClient"] == "192.168.10.21")
    #expect(call?["NewLeaseDuration"] == "300")
    guard let patch = home.asked.last(where: { $0.request.method == "PATCH" }) else {
      Issue.record("the device is not configured")
      return
    }
    let mapped: JSONValue = ["address": "198.51.100.1", "port": 50_021]
    #expect(patch.request.json == ["connections": [sessionId: mapped]])
    #expect(patch.request.fields["If-Match"] == "\"2\"")
    var effects = home.perform(
      .answered(patch.call, Home.document(["connections": [sessionId: mapped]], revision: 3)))
    home.asked.removeAll { $0.call == patch.call }
    #expect(home.replies(effects, to: exchange)?.json == mapped)
    // Asked again, it is told again.
    #expect(map(&home, token).1.json == mapped)

    // The session expires, also after a restart: the document loses it.
    home.restart()
    home.openStream()
    effects = home.wait(seconds: 301)
    let end = home.answer("PATCH /configuration", Home.document([:], revision: 4))
    #expect(end.json == ["connections": [sessionId: nil]])
    #expect(home.store["sessions"]?.isEmpty == true)
  }

  @Test("a document that has changed meanwhile is read first") func stale() {
    var home = Home()
    let token = home.withSession()
    let (exchange, _) = map(&home, token)
    home.gatewayTellsAddress()
    home.gatewayDoes("AddAnyPortMapping", [SOAPArgument("NewReservedPort", "50021")])
    home.answer("PATCH /configuration", HTTPResponse(412))
    home.answer("GET /configuration", Home.document(["hostName": "tv"], revision: 7))
    guard let patch = home.asked.last(where: { $0.request.method == "PATCH" }) else { return }
    #expect(patch.request.fields["If-Match"] == "\"7\"")
    let effects = home.perform(.answered(patch.call, Home.document([:], revision: 8)))
    #expect(home.replies(effects, to: exchange)?.status == 200)
  }

  @Test("a gateway that refuses, and none") func refused() {
    var home = Home()
    let token = home.withSession()
    let (exchange, _) = map(&home, token)
    home.gatewayTellsAddress()
    guard let call = home.asked.last(where: { !$0.isStream }) else { return }
    let fault = SOAPFault(errorCode: 606, "Action not authorized")
    let effects = home.perform(.answered(call.call, HTTPResponse(500, body: fault.octets)))
    #expect(home.replies(effects, to: exchange)?.problem == "gateway-refused")

    var bare = Home()
    let other = bare.configured()
    bare.wait(seconds: 1.5)
    _ = bare.connect(other)
    bare.stun()
    bare.answer(negotiate, .json(200, bare.session))
    #expect(map(&bare, other).1.problem == "gateway-refused")
  }

  @Test("whose session, which port") func access() {
    var home = Home()
    let token = home.withSession()
    #expect(map(&home, "stranger").1.status == 401)
    #expect(map(&home, token, port: 0).1.problem == "invalid-field")
    let other = home.register(Home.registration(peerId, serial: "S2")).json?["controlToken"]?.string ?? ""
    #expect(map(&home, other).1.status == 403)
    home.wait(seconds: 301)
    #expect(map(&home, token).1.problem == "no-session")
  }
}
