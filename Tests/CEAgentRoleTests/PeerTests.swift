import Messages
import RoleKit
import Testing

@testable import CEAgentRole

@Suite("the agent: connections to another home (4.5)") struct PeerTests {
  // MARK: The wish

  @Test("only who is at the device may ask for a connection") func whoMayAsk() {
    var tv = Living()
    tv.registers()
    #expect(tv.wishes(from: "192.168.10.2:5000").status == 401)
    #expect(tv.wishes(from: "192.168.10.2:5000", token: "token-of-a").status == 403)
    #expect(tv.asks("GET", "/peer-connections").status == 401)
    #expect(tv.calls.isEmpty)
    let reply = tv.wishes()
    #expect(reply.status == 202)
    #expect(reply.json?["state"] == "asking")
    #expect(tv.sockets == [50_021])
    let request = tv.calls.first?.request
    #expect(request?.path == "/connections")
    #expect(request?.bearerToken == "token-of-a")
    #expect(request?.idempotencyKey != nil)
    let body = request.flatMap { try? JSONValue(parsing: $0.body) }
    #expect(body?["peer"]?["agentId"]?.string == peerAgentId)
    #expect(body?["localPort"] == 50_021)
  }

  @Test("a wish that cannot be granted is refused") func refusals() {
    var tv = Living()
    tv.starts()
    #expect(tv.wishes().status == 409)
    tv.discovered()
    tv.answers(Living.registerReply())
    tv.passes(1.5)
    let bad: [(JSONValue, String)] = [
      ([:], "/peer"), (["peer": "x", "application": "share"], "/peer"),
      (["peer": ["homeId": "B", "agentId": .string(peerAgentId)], "application": "share"], "/peer/homeId"),
      (["peer": ["homeId": "home-b", "agentId": "tv"], "application": "share"], "/peer/agentId"),
      (["peer": ["homeId": "home-b", "agentId": .string(peerAgentId)]], "/application"),
      (["peer": ["homeId": "home-b", "agentId": .string(agentId)], "application": "share"], "/peer"),
      (
        ["peer": ["homeId": "home-b", "agentId": .string(peerAgentId)], "application": "share", "localPort": 0],
        "/localPort"
      ),
    ]
    for (body, pointer) in bad {
      let reply = tv.wishes(body)
      #expect(reply.status == 422)
      #expect(reply.json?["pointer"]?.string == pointer)
    }
    #expect(tv.wishes().status == 202)
    #expect(tv.wishes().status == 409)
  }

  @Test("what the configurator answers is shown") func answers() {
    for (response, words) in [
      (Problem(.forbidden, "not among the allowed peers").response, "403 forbidden"),
      (Problem(.configuratorTimeout, "the peer has not asked").response, "504 configurator-timeout"),
      (HTTPResponse.json(200, ["sessionId": "x"]), "can't be used"),
    ] {
      var tv = Living()
      tv.registers()
      tv.wishes()
      tv.answersCall("/connections", response)
      #expect(tv.connection["state"] == "ended")
      #expect(tv.connection["reason"]?.string?.contains(words) == true)
      #expect(tv.sockets.isEmpty)
      #expect(tv.wishes().status == 202)
    }
  }

  // MARK: Step 5

  @Test("stun-binding is repeated by RFC 8489, and the session is joined with both addresses") func joining() {
    var tv = Living()
    tv.opensSession()
    #expect(tv.sends().map(\.to) == [stunServer])
    tv.passes(0.6)
    let again = tv.sends()
    #expect(again.count == 1)
    let request = (try? STUNMessage(parsing: again[0].octets))!
    tv.hears(
      STUNMessage(.success, transaction: request.transaction, attributes: [.xorMappedAddress(reflexive)]).octets(),
      from: stunServer)
    let join = tv.calls.last?.request
    #expect(join?.path == Living.joinPath)
    #expect(join?.bearerToken == "session-token")
    #expect(
      join.flatMap { try? JSONValue(parsing: $0.body) } == [
        "candidates": [
          ["type": "host", "address": "192.168.10.21", "port": 50_021],
          ["type": "srflx", "address": "203.0.113.1", "port": 40_000],
        ]
      ])
    tv.passes(2)
    #expect(tv.sends().isEmpty)
  }

  @Test("an answer of STUN from elsewhere, or of another transaction, is none") func forgedBinding() {
    var tv = Living()
    tv.opensSession()
    let request = (try? STUNMessage(parsing: tv.sends()[0].octets))!
    let answer = STUNMessage(.success, transaction: request.transaction, attributes: [.xorMappedAddress(peerEndpoint)])
    tv.hears(answer.octets(), from: Endpoint("198.51.100.66:3478")!)
    var other = answer
    other.transaction = STUNTransactionID(high: 1, low: 1)
    tv.hears(other.octets(), from: stunServer)
    #expect(tv.calls.isEmpty)
  }

  @Test("without an answer of STUN the session is joined with the host's address alone") func silentSTUN() {
    var tv = Living()
    tv.opensSession()
    tv.passes(1.1)
    let join = tv.calls.last?.request
    #expect((join.flatMap { try? JSONValue(parsing: $0.body) })?["candidates"]?.array?.count == 1)
    tv.answersBinding()
    #expect(tv.calls.count == 2)
    let more = tv.calls.last.flatMap { try? JSONValue(parsing: $0.request.body) }
    #expect(more == ["candidates": [["type": "srflx", "address": "203.0.113.1", "port": 40_000]]])
  }

  @Test("polls follow each other until a pair is checked; a session that ended ends the connection") func polling() {
    var tv = Living()
    tv.joins()
    #expect(tv.calls.map(\.request.path) == [Living.joinPath])
    tv.answersCall(Living.joinPath, .json(200, ["candidates": []]))
    #expect(tv.calls.isEmpty)
    tv.passes(0.3)
    #expect(tv.calls.map(\.request.path) == [Living.joinPath])
    tv.answersCall(Living.joinPath, Problem(.noSession, "it has ended").response)
    #expect(tv.connection["state"] == "ended")
    #expect(tv.sockets.isEmpty)
  }

  // MARK: Step 6

  @Test("after 3 s without a pair the gateway is asked for, once") func mapping() {
    var tv = Living()
    tv.joins()
    tv.passes(2.9)
    #expect(!tv.requests.contains { $0.path.hasSuffix("/mapping") })
    tv.passes(0.2)
    #expect(tv.requests.filter { $0.path == "/connections/\(sessionId)/mapping" }.count == 1)
    tv.answersCall(
      "/connections/\(sessionId)/mapping", .json(200, ["address": "203.0.113.1", "port": 50_021]))
    let offer = tv.requests.last.flatMap { try? JSONValue(parsing: $0.body) }
    #expect(offer == ["candidates": [["type": "mapped", "address": "203.0.113.1", "port": 50_021]]])
    #expect(tv.connection["mapping"] == "mapped")
    tv.passes(20)
    #expect(tv.requests.filter { $0.path.hasSuffix("/mapping") }.count == 1)
  }

  @Test("where both gateways map by address and port it is asked for at once") func hopeless() {
    var tv = Living()
    let symmetric = "address-and-port-dependent"
    tv.joins(Living.session(mapping: symmetric, peerMapping: symmetric))
    tv.passes(0)
    #expect(tv.requests.contains { $0.path.hasSuffix("/mapping") })
    var other = Living()
    other.joins(Living.session(mapping: symmetric, peerMapping: "unknown"))
    other.passes(0.1)
    #expect(!other.requests.contains { $0.path.hasSuffix("/mapping") })
  }

  @Test("a gateway that refuses is shown, and checks go on") func mappingRefused() {
    var tv = Living()
    tv.joins()
    tv.passes(3.1)
    tv.answersCall("/connections/\(sessionId)/mapping", Problem(.gatewayRefused, "718 ConflictInMappingEntry").response)
    #expect(tv.connection["mapping"] == "refused")
    _ = tv.sends()
    tv.passes(0.2)
    #expect(!tv.sends().isEmpty)
    tv.passes(2)
    #expect(tv.connection["state"] == "unreached")
  }

  // MARK: The end

  @Test("a session lasts until it expires; then its socket goes") func expiry() {
    var tv = Living()
    tv.joins(Living.session(expires: ProfileTime.rfc3339(tv.now.wall + 12_000)))
    tv.passes(5)
    #expect(tv.sockets == [50_021])
    tv.passes(10)
    #expect(tv.sockets.isEmpty)
    #expect(tv.connection["reason"] == "the session has expired")
    tv.passes(60)
    #expect(tv.sends().allSatisfy { $0.to != Endpoint("203.0.113.2:1")! })
  }

  @Test("a port that cannot be had, and an address that is lost, end the connection") func lostGround() {
    var tv = Living()
    tv.registers()
    tv.wishes()
    tv.receives(.portRefused(50_021, .refused))
    #expect(tv.connection["reason"]?.string?.contains("50021") == true)
    tv.wishes()
    tv.answersCall("/connections", .json(200, Living.session()))
    tv.receives(.interface(interface(["192.168.10.22/24"])))
    #expect(tv.connection["reason"]?.string?.contains("192.168.10.21") == true)
    #expect(tv.sockets.isEmpty)
  }
}
