import Messages
import RoleKit
import Testing

@testable import CEAgentRole

@Suite("4.2 step 3: the agent registers its information") struct RegistrationTests {
  @Test func theRegisterTellsWhatTheDeviceIsAndHowItIsConnected() throws {
    var tv = Living()
    tv.starts()
    tv.discovered()
    let (body, request) = try #require(tv.sentRegisters().first)
    #expect(request.method == "PUT")
    #expect(request.target == "/agents/\(agentId)")
    #expect(request.fields["content-type"] == "application/json")
    #expect(request.bearerToken == nil)
    #expect(request.idempotencyKey.map { Identifier.isUUID($0) } == true)
    #expect(request.correlation != nil)
    #expect(
      body == [
        "agentId": .string(agentId), "reason": "new-device", "device": device,
        "interfaces": [
          [
            "name": "eth0", "ifType": 6, "macAddress": "02:00:00:00:00:21", "ipAddresses": ["192.168.10.21/24"],
            "defaultGateway": "192.168.10.1", "dnsServers": ["192.168.10.1"],
          ]
        ],
        "applications": [["name": "media", "protocol": "tcp", "port": 8200, "remoteAccess": true]],
        "configurationURL": "http://192.168.10.21:49210/configuration", "lifetime": 3600,
      ])
  }

  @Test func withoutAGatewayItIsNull() throws {
    var tv = Living()
    tv.starts([interface(gateway: nil)])
    tv.discovered()
    let body = try #require(tv.sentRegisters().first?.body)
    #expect(body["interfaces"]?[0]?["defaultGateway"] == .null)
  }

  @Test func theReplyMakesItRegistered() {
    var tv = Living()
    tv.starts()
    tv.discovered()
    #expect(tv.state == "searching")
    tv.answers(Living.registerReply())
    #expect(tv.state == "registered")
    #expect(tv.problems == [])
    // The token is committed before anything else of the turn is done.
    #expect(tv.rows.contains { $0.table == "token" && $0.value?["token"] == "token-of-a" })
  }

  @Test("at half the lifetime that the reply told, it refreshes without a search")
  func refresh() throws {
    var tv = Living()
    tv.registers(lifetime: 600)
    let first = try #require(tv.sentRegisters().first)
    _ = tv.searches()
    tv.passes(298.4)
    #expect(tv.calls.isEmpty)
    tv.passes(0.2)
    let again = try #require(tv.sentRegisters().first)
    #expect(again.body["reason"] == "refresh")
    #expect(again.request.bearerToken == "token-of-a")
    #expect(again.request.idempotencyKey != first.request.idempotencyKey)
    #expect(tv.searches() == 0)
    tv.answers(Living.registerReply(status: 200, lifetime: 100))
    #expect(tv.state == "registered")
    tv.passes(50.1)
    #expect(tv.sentRegisters().first?.body["reason"] == "refresh")
  }

  @Test("a refresh that fails is followed by a search and a register for a connection change")
  func failedRefresh() throws {
    var tv = Living()
    tv.registers(lifetime: 600)
    _ = tv.searches()
    tv.passes(299)
    _ = tv.sentRegisters()
    tv.answers(.json(422, [:]))
    #expect(tv.problems == ["registration-refused"])
    tv.passes(59.9)
    #expect(tv.searches() == 0)
    tv.passes(0.2)
    #expect(tv.searches() == 1)
    tv.discovered()
    let register = try #require(tv.sentRegisters().first)
    #expect(register.body["reason"] == "connection-change")
    tv.answers(Living.registerReply(status: 200))
    #expect(tv.problems == [])
  }

  @Test(
    "refused: the problem is shown, and the next search goes out after 60 s", arguments: [400, 401, 403, 409, 422, 500])
  func refused(status: Int) {
    var tv = Living()
    tv.starts()
    tv.discovered()
    let problem = Problem(.agentConflict, "the serial number differs")
    tv.answers(status == 409 ? problem.response : HTTPResponse(status))
    #expect(tv.problems == ["registration-refused"])
    _ = tv.searches()
    // What is listened for until 1.5 s has nothing to do with it.
    tv.passes(59.9)
    #expect(tv.searches() == 0)
    tv.passes(0.1)
    #expect(tv.searches() == 1)
    #expect(tv.problems == ["registration-refused"])
    tv.discovered()
    tv.answers(Living.registerReply())
    #expect(tv.problems == [])
  }

  @Test("the detail says what the configurator said")
  func detail() {
    var tv = Living()
    tv.starts()
    tv.discovered()
    tv.answers(Problem(.invalidField, "is missing", pointer: "/device/modelName").response)
    let detail = tv.asks("GET", "/status").json?["problems"]?[0]?["detail"]?.string
    #expect(detail == "The configurator said 422 invalid-field at /device/modelName: is missing.")
  }

  @Test("no answer: four tries, the problem, a search after 5 s, and the same key and body")
  func noAnswer() throws {
    var tv = Living()
    tv.starts()
    tv.discovered()
    tv.passes(23.2)
    #expect(tv.problems == [])
    tv.passes(1.1)
    #expect(tv.problems == ["registration-refused"])
    let tries = tv.sentRegisters()
    #expect(tries.count == 4)
    #expect(Set(tries.map(\.request)).count == 1)
    _ = tv.searches()
    tv.passes(5)
    #expect(tv.searches() == 1)
    tv.discovered()
    let repeated = try #require(tv.sentRegisters().first)
    #expect(repeated.request.idempotencyKey == tries[0].request.idempotencyKey)
    #expect(repeated.body == tries[0].body)
  }

  @Test("another body needs a new key")
  func otherBody() throws {
    var tv = Living()
    tv.starts()
    tv.discovered()
    tv.passes(1)
    tv.receives(.interface(interface(["192.168.10.99/24"])))
    tv.passes(0.1)
    tv.discovered()
    let registers = tv.sentRegisters()
    #expect(registers.count == 2)
    #expect(registers[0].request.idempotencyKey != registers[1].request.idempotencyKey)
    #expect(registers[1].body["reason"] == "new-device", "it never was registered")
  }

  @Test("a register without an answer is repeated with its key across a restart")
  func restartWhileRegistering() {
    var before = Living()
    before.starts()
    before.discovered()
    let first = before.sentRegisters()
    var tv = Living(word: 99, rows: before.rows)
    tv.starts()
    tv.discovered()
    let second = tv.sentRegisters()
    #expect(first.map(\.request.idempotencyKey) == second.map(\.request.idempotencyKey))
    #expect(first.map(\.body) == second.map(\.body))
    tv.answers(Living.registerReply())
    #expect(!tv.rows.contains { $0.key == "unanswered" })
  }

  @Test("after an answer the next register has a key of its own", arguments: [409, 422, 201])
  func newKeyAfterAnAnswer(status: Int) {
    var tv = Living()
    tv.starts()
    tv.discovered()
    tv.answers(status == 201 ? Living.registerReply(configuratorB) : HTTPResponse(status))
    tv.passes(60)
    tv.discovered()
    let keys = tv.sentRegisters().map(\.request.idempotencyKey)
    #expect(keys.count == 2)
    #expect(keys[0] != keys[1])
  }

  static let badReplies: [(String, JSONValue)] = [
    ("another configurator's ID", ["configuratorId": .string(configuratorB)]), ("no ID", ["configuratorId": nil]),
    ("an ID that is none", ["configuratorId": "x"]), ("another agent's ID", ["agentId": .string(configuratorB)]),
    ("no lifetime", ["lifetime": nil]), ("lifetime 0", ["lifetime": 0]), ("a lifetime of text", ["lifetime": "600"]),
    ("a lifetime beyond a day", ["lifetime": 86401]), ("no token", ["controlToken": nil]),
    ("an empty token", ["controlToken": ""]), ("a token that is none", ["controlToken": 7]),
    ("revision 0", ["revision": 0]),
  ]

  @Test("a reply that can't be true is a failure, and its token is not kept", arguments: badReplies)
  func badReply(what: String, change: JSONValue) {
    var tv = Living()
    tv.starts()
    tv.discovered()
    let good = Living.registerReply()
    tv.answers(.json(201, (good.json ?? [:]).merging(change)))
    #expect(tv.problems == ["registration-refused"], "\(what)")
    #expect(tv.asks("GET", "/configuration", token: "token-of-a").status == 401)
    #expect(!tv.rows.contains { $0.table == "token" })
    tv.passes(60)
    tv.discovered()
    tv.answers(good)
    #expect(tv.state == "registered")
  }

  @Test("a reply that is no JSON object is a failure", arguments: ["", "[]", "null", "{", "<html>", "\u{FEFF}{}"])
  func malformedReply(body: String) {
    var tv = Living()
    tv.starts()
    tv.discovered()
    tv.answers(HTTPResponse(200, body: Array(body.utf8)))
    #expect(tv.problems == ["registration-refused"])
  }

  @Test("members that the profile does not know are passed over")
  func unknownMembers() {
    var tv = Living()
    tv.starts()
    tv.discovered()
    tv.answers(.json(201, (Living.registerReply().json ?? [:]).merging(["colour": ["of": "the door"], "revision": 7])))
    #expect(tv.state == "registered")
  }

  // MARK: Restart

  @Test("the token outlives a restart; the device is new again, and known to its configurator")
  func restart() throws {
    var before = Living()
    before.registers()
    var tv = Living(rows: before.rows)
    tv.starts()
    // The configurator may still configure the device by the token that it holds.
    #expect(tv.asks("GET", "/configuration", token: "token-of-a").status == 200)
    tv.discovered()
    let register = try #require(tv.sentRegisters().first)
    #expect(register.body["reason"] == "new-device")
    #expect(register.request.bearerToken == "token-of-a")
  }

  @Test("a configurator that lost its records gives a new token, which replaces the old one")
  func newToken() {
    var tv = Living()
    tv.registers(lifetime: 60)
    tv.passes(29)
    tv.answers(Living.registerReply(status: 201, token: "another"))
    #expect(tv.asks("GET", "/configuration", token: "another").status == 200)
    #expect(tv.asks("GET", "/configuration", token: "token-of-a").status == 401)
  }

  @Test func rowsOfAnotherShapeAreLeftOut() {
    let rows = [
      Row("token", configuratorA, 7), Row("token", configuratorB, ["token": []]), Row("agent", "configurator", []),
      Row("agent", "unanswered", ["key": 1]), Row("agent", "configuration", ["document": 3, "version": "x"]),
      Row("other", "x", nil),
    ]
    var tv = Living(rows: rows)
    tv.registers()
    #expect(tv.state == "registered")
  }

  // MARK: A store that says no

  @Test("a reply whose commit fails is as good as none: the register is repeated with its key")
  func commitFails() {
    var tv = Living()
    tv.starts()
    tv.discovered()
    tv.storeFailure = .storage("disk full")
    tv.answers(Living.registerReply())
    #expect(tv.problems == ["registration-refused"])
    #expect(tv.asks("GET", "/configuration", token: "token-of-a").status == 401)
    tv.storeFailure = nil
    tv.passes(5)
    tv.discovered()
    let keys = tv.sentRegisters().map(\.request.idempotencyKey)
    #expect(keys.count == 2 && keys[0] == keys[1])
    tv.answers(Living.registerReply())
    #expect(tv.state == "registered")
  }

  @Test("a register that could not be noted is not sent, and the ladder of searches goes on")
  func commitFailsBeforeRegister() {
    var tv = Living()
    tv.starts()
    tv.storeFailure = .storage("locked")
    tv.discovered()
    #expect(tv.calls.isEmpty)
    tv.storeFailure = nil
    tv.passes(1.5)
    #expect(tv.searches() == 2)
    tv.discovered()
    #expect(tv.calls.count == 1)
  }

  @Test("a timer whose turn could not be committed fires again")
  func commitFailsAtTimer() {
    var before = Living()
    before.registers(with: configuratorA)
    var tv = Living(rows: before.rows)
    tv.starts()
    tv.passes(7.5)
    tv.discovered(configuratorB)
    tv.storeFailure = .storage("locked")
    tv.passes(1.5)
    #expect(tv.calls.isEmpty)
    tv.storeFailure = nil
    tv.passes(1)
    #expect(tv.calls.first?.to == addressB)
  }

  // MARK: Goodbye

  @Test func aPlainStopSendsNoDeregister() {
    var tv = Living()
    tv.registers()
    tv.datagrams.removeAll()
    tv.receives(.stopping)
    #expect(tv.exit == 0)
    #expect(tv.calls.isEmpty)
    #expect(tv.datagrams.count == 3)
    #expect(tv.datagrams.allSatisfy { $0.text.contains("NTS: ssdp:byebye") && $0.to == nil })
    #expect(tv.order.last == .exit(0))
  }

  @Test("with deregister on stop it says so, and both forget the token", arguments: [204, 401, 404])
  func deregister(status: Int) throws {
    var tv = Living(settings(deregisters: true))
    tv.registers()
    tv.requests.removeAll()
    tv.receives(.stopping)
    let request = try #require(tv.requests.first)
    #expect(request.method == "DELETE")
    #expect(request.target == "/agents/\(agentId)")
    #expect(request.bearerToken == "token-of-a")
    #expect(tv.exit == nil)
    tv.answers(HTTPResponse(status))
    #expect(tv.exit == 0)
    #expect(!tv.rows.contains { $0.table == "token" || $0.key == "configurator" })
  }

  @Test("a stop does not wait for a configurator that keeps silent, and keeps the token then")
  func deregisterWithoutAnswer() {
    var tv = Living(settings(deregisters: true))
    tv.registers()
    tv.receives(.stopping)
    tv.passes(0.31)
    #expect(tv.exit == 0)
    #expect(tv.rows.contains { $0.table == "token" })
  }

  @Test func aStopWithoutARegistrationSendsNoDeregister() {
    var tv = Living(settings(deregisters: true))
    tv.starts()
    tv.discovered()
    tv.receives(.stopping)
    #expect(tv.exit == 0)
    #expect(tv.calls.isEmpty)
  }

  @Test func deregisteringThatCannotBeKeptStillStops() {
    var tv = Living(settings(deregisters: true))
    tv.registers()
    tv.receives(.stopping)
    tv.storeFailure = .storage("disk full")
    tv.answers(HTTPResponse(204))
    #expect(tv.exit == 0)
  }
}
