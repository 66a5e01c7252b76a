import Messages
import RoleKit
import ServiceServerRole
import Testing

private let agentA = "aaaaaaaa-0000-4000-8000-000000000021"
private let agentB = "bbbbbbbb-0000-4000-8000-000000000021"

/// Two homes whose configurators have their streams open.
private struct TwoHomes {
  var server = ServerDialogue()
  var streamA: Exchange
  var streamB: Exchange

  init() {
    streamA = server.openStream("home-a", token: "home-a-token").0
    streamB = server.openStream("home-b", token: "home-b-token").0
  }

  static func half(
    _ home: String, _ agent: String, wants peerHome: String, _ peer: String, application: String = "share",
    mapping: String = "endpoint-independent"
  ) -> JSONValue {
    [
      "homeId": .string(home), "agentId": .string(agent),
      "peer": ["homeId": .string(peerHome), "agentId": .string(peer)], "application": .string(application),
      "natMapping": .string(mapping), "natFiltering": "unknown",
    ]
  }

  mutating func negotiateA(key: String? = nil, application: String = "share") -> (HTTPResponse, [Effect]) {
    negotiate(
      TwoHomes.half("home-a", agentA, wants: "home-b", agentB, application: application), token: "home-a-token",
      key: key)
  }

  mutating func negotiateB(key: String? = nil) -> (HTTPResponse, [Effect]) {
    negotiate(
      TwoHomes.half("home-b", agentB, wants: "home-a", agentA, mapping: "address-and-port-dependent"),
      token: "home-b-token", key: key)
  }

  mutating func negotiate(_ body: JSONValue, token: String?, key: String? = nil) -> (HTTPResponse, [Effect]) {
    let answer = server.ask(
      "POST", "/v1/peer-connections", token: token, body: body, key.map { ["Idempotency-Key": $0] } ?? [:])
    return (answer.response, answer.effects)
  }

  /// Both ask, A first; returns each one's session.
  mutating func session() -> (a: JSONValue, b: JSONValue) {
    #expect(negotiateA().0.status == 202)
    let (answer, effects) = negotiateB()
    return (effects.events(on: streamA).first?["session"] ?? [:], answer.json ?? [:])
  }

  mutating func join(
    _ session: JSONValue, _ candidates: JSONValue, token: String? = nil, key: String? = nil
  ) -> (HTTPResponse, [Effect]) {
    let answer = server.ask(
      "POST", "/v1/sessions/\(session["sessionId"]?.string ?? "")/candidates",
      token: token ?? session["sessionToken"]?.string, body: ["candidates": candidates],
      key.map { ["Idempotency-Key": $0] } ?? [:])
    return (answer.response, answer.effects)
  }
}

private func candidate(_ text: String, _ type: String = "srflx") -> JSONValue {
  let endpoint = Endpoint(text)!
  return ["type": .string(type), "address": .text(endpoint.address), "port": .int(Int(endpoint.port))]
}

extension [Effect] {
  /// The replies of a turn, in order.
  fileprivate var replies: [HTTPResponse] {
    compactMap { if case .reply(_, let response) = $0 { response } else { nil } }
  }
}

@Suite("the service server: connections between homes (4.5)") struct PeerTests {
  @Test("the first half waits; the second gets its session at once, the first by a request") func twoHalvesMeet() {
    var homes = TwoHomes()
    let (first, none) = homes.negotiateA()
    #expect(first.status == 202)
    #expect(first.json == ["state": "waiting"])
    #expect(none.events(on: homes.streamB).isEmpty)

    let (second, effects) = homes.negotiateB()
    #expect(second.status == 200)
    let events = effects.events(on: homes.streamA)
    #expect(events.count == 1)
    #expect(effects.events(on: homes.streamB).isEmpty)
    #expect(events.first?["kind"] == "peer-connection")
    #expect(events.first?["agentId"]?.string == agentA)
    #expect(events.first?["peer"]?["homeId"] == "home-b")
    #expect(events.first?["application"] == "share")

    let (a, b) = (events.first?["session"] ?? [:], second.json ?? [:])
    for name in ["sessionId", "checkKey", "stun", "server", "expires"] { #expect(a[name] == b[name]) }
    #expect(a["sessionToken"] != b["sessionToken"])
    #expect(a["role"] == "controlling")
    #expect(b["role"] == "controlled")
    #expect(a["natMapping"] == "endpoint-independent")
    #expect(a["peerNatMapping"] == "address-and-port-dependent")
    #expect(b["natMapping"] == "address-and-port-dependent")
    #expect(b["peerNatMapping"] == "endpoint-independent")
    #expect(a["stun"] == "198.51.100.10:3478")
    #expect(a["server"] == "http://198.51.100.10:8080")
    #expect(a["expires"]?.string == ProfileTime.rfc3339(homes.server.now.wall + 300_000))
  }

  @Test("a match uses both halves up") func aMatchIsUsedUp() {
    var homes = TwoHomes()
    _ = homes.session()
    #expect(homes.negotiateB().0.status == 202)
  }

  @Test("a half that wants another application or peer does not match") func otherHalves() {
    var homes = TwoHomes()
    #expect(homes.negotiateA(application: "media").0.status == 202)
    #expect(homes.negotiateB().0.status == 202)
    let other = TwoHomes.half("home-b", agentB, wants: "home-a", ServerDialogue.tv)
    #expect(homes.negotiate(other, token: "home-b-token").0.status == 202)
  }

  @Test("a half lapses after 30 s, also across a restart") func lapse() {
    for restarts in [false, true] {
      var homes = TwoHomes()
      _ = homes.negotiateA()
      homes.server.wait(seconds: 29)
      if restarts {
        _ = homes.server.restart()
        homes.streamB = homes.server.openStream("home-b", token: "home-b-token").0
      }
      homes.server.wait(seconds: 2)
      #expect(homes.negotiateB().0.status == 202)
    }
  }

  @Test("a half that waits, and a session, outlive a restart") func restart() {
    var homes = TwoHomes()
    _ = homes.negotiateA()
    _ = homes.server.restart()
    homes.streamA = homes.server.openStream("home-a", token: "home-a-token").0
    let (second, effects) = homes.negotiateB(key: "b-1")
    #expect(second.status == 200)
    let a = effects.events(on: homes.streamA).first?["session"] ?? [:]
    _ = homes.join(a, [candidate("203.0.113.1:4000")])
    _ = homes.server.restart()
    #expect(homes.join(second.json ?? [:], []).0.json == ["candidates": [candidate("203.0.113.1:4000")]])
    // The request that had no answer before the crash is no new half.
    #expect(homes.negotiateB(key: "b-1").0.json == second.json)
  }

  @Test("the same key gets the same answer") func repeated() {
    var homes = TwoHomes()
    #expect(homes.negotiateA(key: "a").0.status == 202)
    let (first, _) = homes.negotiateB(key: "b")
    #expect(homes.negotiateB(key: "b").0.json == first.json)
    #expect(homes.negotiateA(key: "a").0.status == 202)
    #expect(homes.negotiateA(key: "a", application: "media").0.problem == "invalid-field")
  }

  @Test("where the half that waits has lost its stream, the other one is told so") func offline() {
    var homes = TwoHomes()
    _ = homes.negotiateA()
    homes.server.perform(.callerLeft(homes.streamA))
    #expect(homes.negotiateB().0.problem == "configurator-offline")
    #expect(homes.negotiateA().0.problem == "configurator-offline")
    homes.streamA = homes.server.openStream("home-a", token: "home-a-token").0
    #expect(homes.negotiateB().0.status == 200)
  }

  @Test(
    "who may negotiate",
    arguments: [
      (nil, 401), ("stranger", 401), ("user-a-token", 403), ("home-b-token", 403), ("operator-token", 403),
    ] as [(String?, Int)]) func tokens(token: String?, status: Int)
  {
    var homes = TwoHomes()
    let half = TwoHomes.half("home-a", agentA, wants: "home-b", agentB)
    #expect(homes.negotiate(half, token: token).0.status == status)
  }

  @Test(
    "a bad field is named",
    arguments: [
      ("homeId", "HOME"), ("agentId", "x"), ("peer", "x"), ("peer", ["homeId": "home-b"]), ("application", ""),
      ("natMapping", "symmetric"), ("natFiltering", nil),
      ("peer", ["homeId": "home-a", "agentId": .string(agentA)]),
    ] as [(String, JSONValue)]) func badFields(name: String, value: JSONValue)
  {
    var homes = TwoHomes()
    var half = TwoHomes.half("home-a", agentA, wants: "home-b", agentB)
    half[name] = value
    let response = homes.negotiate(half, token: "home-a-token").0
    #expect(response.problem == "invalid-field")
    #expect(response.json?["pointer"]?.string?.hasPrefix("/\(name)") == true)
  }

  @Test("a result that failed ends the session; ok leaves it") func results() {
    for (result, status) in [("ok", 200), ("failed", 404)] {
      var homes = TwoHomes()
      _ = homes.negotiateA()
      let (second, effects) = homes.negotiateB()
      let requestId = effects.events(on: homes.streamA).first?["requestId"]?.string ?? ""
      let (_, held) = homes.join(second.json ?? [:], [candidate("203.0.113.2:4000")])
      #expect(held.replies.isEmpty)
      let answer = homes.server.ask(
        "POST", "/v1/homes/home-a/requests/\(requestId)/result", token: "home-a-token",
        body: ["result": .string(result), "problem": "no-session"])
      #expect(answer.response.status == 204)
      if result == "failed" { #expect(answer.effects.replies.map(\.status) == [404, 204].reversed()) }
      let a = effects.events(on: homes.streamA).first?["session"] ?? [:]
      #expect(homes.join(a, [candidate("203.0.113.1:4000")]).0.status == status)
    }
  }
}

@Suite("the service server: a session's candidates (4.5 step 5)") struct SessionTests {
  @Test("an agent is answered as soon as the peer has what it was not told") func exchange() {
    var homes = TwoHomes()
    let (a, b) = homes.session()
    let (_, held) = homes.join(a, [candidate("203.0.113.1:4000"), candidate("192.168.10.21:4000", "host")])
    #expect(held.replies.isEmpty)

    let (answer, effects) = homes.join(b, [candidate("203.0.113.2:5000")])
    #expect(answer.json == ["candidates": [candidate("203.0.113.1:4000"), candidate("192.168.10.21:4000", "host")]])
    // A's poll comes back with it.
    #expect(effects.replies.count == 2)
    #expect(effects.replies.contains { $0.json == ["candidates": [candidate("203.0.113.2:5000")]] })

    // Nothing new: held. A later candidate comes with all earlier ones.
    #expect(homes.join(b, []).1.replies.isEmpty)
    let (_, later) = homes.join(a, [candidate("203.0.113.1:6000", "mapped")])
    #expect(later.replies.first?.json?["candidates"]?.array?.count == 3)
  }

  @Test("a poll is answered as it stands after 10 s") func longPoll() {
    var homes = TwoHomes()
    let (a, _) = homes.session()
    _ = homes.join(a, [candidate("203.0.113.1:4000")])
    #expect(homes.server.wait(seconds: 9.9).replies.isEmpty)
    #expect(homes.server.wait(seconds: 0.2).replies.map(\.json) == [["candidates": []]])
  }

  @Test("a caller that has gone loses nothing: its repeat is answered too") func callerLeaves() {
    var homes = TwoHomes()
    let (a, b) = homes.session()
    let (_, _) = homes.join(a, [candidate("203.0.113.1:4000")], key: "poll-1")
    homes.server.perform(.callerLeft(Exchange(homes.server.lastExchangeNumber)))
    _ = homes.join(b, [candidate("203.0.113.2:5000")])
    _ = homes.join(a, [candidate("203.0.113.1:4000")], key: "poll-1")
    #expect(homes.join(a, [], key: "poll-2").0.json == ["candidates": [candidate("203.0.113.2:5000")]])
  }

  @Test("the session ends after 300 s: its tokens open nothing, and are told so") func expiry() {
    var homes = TwoHomes()
    let (a, b) = homes.session()
    homes.server.wait(seconds: 295)
    _ = homes.join(a, [candidate("203.0.113.1:4000")])
    let ended = homes.server.wait(seconds: 6)
    #expect(ended.replies.map(\.problem) == ["no-session"])
    #expect(homes.join(b, []).0.problem == "no-session")
    _ = homes.server.restart()
    #expect(homes.join(b, []).0.problem == "no-session")
    homes.server.wait(seconds: 600)
    #expect(homes.join(b, []).0.problem == "unauthorized")
    #expect(homes.server.store["sessions"]?.isEmpty != false)
  }

  @Test("ten candidates in all, each once") func tenCandidates() {
    var homes = TwoHomes()
    let (a, b) = homes.session()
    _ = homes.join(a, .array((1...9).map { candidate("203.0.113.1:\(4000 + $0)") }))
    _ = homes.join(a, [candidate("203.0.113.1:4001"), candidate("203.0.113.1:5000")])
    let more = homes.join(a, [candidate("203.0.113.1:5001")]).0
    #expect(more.problem == "invalid-field")
    #expect(homes.join(b, []).0.json?["candidates"]?.array?.count == 10)
  }

  @Test(
    "what no host has is refused, and nothing of it is kept",
    arguments: [
      ["type": "srflx", "address": "239.255.255.250", "port": 1900],
      ["type": "srflx", "address": "255.255.255.255", "port": 4000],
      ["type": "srflx", "address": "0.0.0.0", "port": 4000], ["type": "srflx", "address": "ff02::1", "port": 4000],
      ["type": "srflx", "address": "203.0.113.1", "port": 0],
      ["type": "srflx", "address": "203.0.113.1", "port": 65_536],
      ["type": "relayed", "address": "203.0.113.1", "port": 4000], ["type": "srflx", "address": "x", "port": 4000],
      "203.0.113.1:4000", [:],
    ] as [JSONValue]) func badCandidates(_ bad: JSONValue)
  {
    var homes = TwoHomes()
    let (a, b) = homes.session()
    let refused = homes.join(a, [candidate("203.0.113.1:4000"), bad]).0
    #expect(refused.problem == "invalid-field")
    #expect(refused.json?["pointer"]?.string?.hasPrefix("/candidates/1") == true)
    #expect(homes.join(b, []).1.replies.isEmpty)
  }

  @Test("whose token opens a session") func tokens() {
    var homes = TwoHomes()
    let (a, _) = homes.session()
    #expect(homes.join(a, [], token: "stranger").0.status == 401)
    #expect(homes.join(a, [], token: "home-a-token").0.status == 403)
    #expect(homes.join(a, [], token: "operator-token").0.status == 403)
    let elsewhere: JSONValue = ["sessionId": .string(ServerDialogue.tv)]
    #expect(homes.join(elsewhere, [], token: a["sessionToken"]?.string).0.status == 403)
    #expect(homes.join(elsewhere, [], token: "operator-token").0.problem == "no-session")
    // It opens nothing else.
    let agents = homes.server.ask("GET", "/v1/homes/home-a/agents", token: a["sessionToken"]?.string)
    #expect(agents.response.status == 403)
    #expect(homes.server.ask("GET", "/v1/nothing", token: a["sessionToken"]?.string).response.status == 403)
  }

  @Test("a store that fails changes nothing") func storage() {
    var homes = TwoHomes()
    let (a, b) = homes.session()
    homes.server.storeFails = true
    #expect(homes.join(a, [candidate("203.0.113.1:4000")]).0.problem == "storage-unavailable")
    homes.server.storeFails = false
    #expect(homes.join(b, []).1.replies.isEmpty)
  }
}
