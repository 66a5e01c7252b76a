import ConfiguratorRole
import Messages
import RoleKit
import Testing

private let tv = ConfiguratorDialogue.tv
private let registerLine = ConfiguratorDialogue.registerLine
private let pullLine = ConfiguratorDialogue.pullLine

private func document(_ document: JSONValue, _ revision: Int) -> HTTPResponse {
  ConfiguratorDialogue.document(document, revision: revision)
}

@Suite("4.2 steps 4 to 7: server registration and configuration (profile sections 3 and 4)") struct SequenceOneTests {
  private func started(
    serverRegistration: Bool = true, configurationPull: Bool = true
  ) -> ConfiguratorDialogue {
    var configurator = ConfiguratorDialogue(
      settings: ConfiguratorDialogue.settings(
        serverRegistration: serverRegistration, configurationPull: configurationPull))
    configurator.start()
    configurator.openStream()
    return configurator
  }

  @Test func allSteps() {
    var configurator = started()
    let correlation = "11111111-2222-4333-8444-555555555555"
    let request = configurator.request(
      "PUT", "/agents/\(tv)", body: ConfiguratorDialogue.registration(), ["Homebed-Correlation": correlation])
    let (exchange, reply) = configurator.send(request)
    #expect(reply.status == 201)
    #expect(reply.fields["Homebed-Correlation"] == correlation)
    // 4.2 step 4 comes after the register-reply was written, not before.
    #expect(configurator.waiting.isEmpty)
    configurator.perform(.replied(exchange))
    #expect(configurator.waiting == [registerLine])
    let step4 = configurator.answer(registerLine, .json(201, ["revision": 3]))
    #expect(step4.bearerToken == "home-a-token")
    #expect(step4.correlation == correlation)
    #expect(step4.json?["configuratorId"]?.string == ConfiguratorDialogue.configuratorId)
    #expect(step4.json?["revision"] == JSONValue.null)
    #expect(step4.json?["device"]?["serialNumber"] == "S1")
    let step5 = configurator.answer(pullLine, document(["ntpServer": "198.51.100.10"], 3))
    #expect(step5.fields["If-None-Match"] == nil)
    #expect(configurator.waiting == ["GET /configuration"])
    let control = reply.json?["controlToken"]?.string
    let read = configurator.answer("GET /configuration", document(["hostName": "tv"], 7))
    #expect(read.bearerToken == control)
    #expect(configurator.read()?["state"] == "registered")
    let step7 = configurator.answer(
      "PATCH /configuration", document(["hostName": "tv", "ntpServer": "198.51.100.10"], 8))
    #expect(step7.bearerToken == control)
    #expect(step7.correlation == correlation)
    #expect(step7.fields["If-Match"] == "\"7\"")
    #expect(step7.fields["Content-Type"] == "application/merge-patch+json")
    #expect(step7.json == ["ntpServer": "198.51.100.10"])
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.read()?["state"] == "configured")
    #expect(configurator.read()?["revision"] == 3)
  }

  @Test("step 4 off: neither registration nor pull") func withoutServerRegistration() {
    var configurator = started(serverRegistration: false)
    #expect(configurator.register().status == 201)
    #expect(configurator.waiting.isEmpty)
  }

  @Test("step 5 off: the server is told, and that is all") func withoutPull() {
    var configurator = started(configurationPull: false)
    _ = configurator.register()
    configurator.answer(registerLine, .json(201, ["revision": 1]))
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.read()?["state"] == "registered")
  }

  @Test("step 6 with 404: no step 7") func noConfiguration() {
    var configurator = started()
    _ = configurator.register()
    configurator.answer(registerLine, .json(201, ["revision": nil]))
    configurator.answer(pullLine, Problem(.noConfiguration, "none").response)
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.read()?["state"] == "registered")
  }

  @Test("no patch is sent when the document already has the wanted values") func nothingToPatch() {
    var configurator = started()
    _ = configurator.register()
    configurator.answer(registerLine, .json(201, ["revision": 1]))
    configurator.answer(pullLine, document(["hostName": "tv"], 1))
    configurator.answer("GET /configuration", document(["hostName": "tv", "qosClass": 46], 5))
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.read()?["state"] == "configured")
  }

  @Test("4.3: re-registration asks with the revision applied last; 304 ends it, a new one is patched")
  func sequenceTwo() {
    var configurator = ConfiguratorDialogue()
    let token = configurator.configured(["ntpServer": "198.51.100.10", "hostName": "tv"])
    let again = ConfiguratorDialogue.registration(reason: "connection-change")
    #expect(configurator.register(again, token: token).json?["revision"] == 1)
    let told = configurator.answer(registerLine, .json(200, ["revision": 1]))
    #expect(told.json?["revision"] == 1)
    #expect(told.json?["reason"] == "connection-change")
    let asked = configurator.answer(pullLine, HTTPResponse(304))
    #expect(asked.fields["If-None-Match"] == "\"1\"")
    #expect(configurator.waiting.isEmpty)
    _ = configurator.register(again, token: token)
    configurator.answer(registerLine, .json(200, ["revision": 2]))
    configurator.answer(pullLine, document(["ntpServer": "198.51.100.11"], 2))
    // The document is known from the last configure-reply; what revision 1 had and 2 lacks goes.
    let patch = configurator.answer("PATCH /configuration", document(["ntpServer": "198.51.100.11"], 3))
    #expect(patch.json == ["ntpServer": "198.51.100.11", "hostName": nil])
    #expect(patch.fields["If-Match"] == "\"2\"")
    #expect(configurator.read()?["revision"] == 2)
  }

  @Test("a refresh tells the server, and asks for a configuration only where an update was missed") func refresh() {
    var configurator = ConfiguratorDialogue()
    let token = configurator.configured()
    let body = ConfiguratorDialogue.registration(reason: "refresh")
    _ = configurator.register(body, token: token)
    configurator.answer(registerLine, .json(200, ["revision": 1]))
    #expect(configurator.waiting.isEmpty)
    _ = configurator.register(body, token: token)
    configurator.answer(registerLine, .json(200, ["revision": 2]))
    #expect(configurator.waiting == [pullLine])
  }

  @Test("412: the document is read and the patch made anew; not for ever") func staleRevision() {
    var configurator = started()
    _ = configurator.register()
    configurator.answer(registerLine, .json(201, ["revision": 1]))
    configurator.answer(pullLine, document(["hostName": "tv", "ntpServer": "a"], 1))
    configurator.answer("GET /configuration", document([:], 1))
    let stale = Problem(.staleRevision, "changed").response
    configurator.answer("PATCH /configuration", stale)
    configurator.answer("GET /configuration", document(["hostName": "tv"], 4))
    let patch = configurator.answer("PATCH /configuration", stale)
    #expect(patch.json == ["ntpServer": "a"])
    #expect(patch.fields["If-Match"] == "\"4\"")
    configurator.answer("GET /configuration", document([:], 5))
    configurator.answer("PATCH /configuration", stale)
    configurator.answer("GET /configuration", document([:], 6))
    configurator.answer("PATCH /configuration", stale)
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.reported("configuration-refused"))
    #expect(configurator.read()?["state"] == "registered")
  }

  @Test("a rejected configuration is told and changes no state; a refresh does not try it again") func rejected() {
    var configurator = started()
    let token = configurator.register().json?["controlToken"]?.string
    configurator.answer(registerLine, .json(201, ["revision": 1]))
    configurator.answer(pullLine, document(["qosClass": 99], 1))
    configurator.answer("GET /configuration", document([:], 1))
    configurator.answer(
      "PATCH /configuration", Problem(.unsupportedSetting, "no such class", pointer: "/qosClass").response)
    #expect(configurator.reports.contains { $0.code == "configuration-refused" && $0.text.contains("/qosClass") })
    #expect(configurator.read()?["state"] == "registered")
    #expect(configurator.read()?["revision"] == JSONValue.null)
    _ = configurator.register(ConfiguratorDialogue.registration(reason: "refresh"), token: token)
    configurator.answer(registerLine, .json(200, ["revision": 1]))
    #expect(configurator.waiting.isEmpty)
    // Sequence 2 does try again.
    _ = configurator.register(ConfiguratorDialogue.registration(reason: "connection-change"), token: token)
    configurator.answer(registerLine, .json(200, ["revision": 1]))
    #expect(configurator.waiting == [pullLine])
  }

  @Test("a 401 within 2 s of the register-reply is tried again, a later one is not") func unauthorizedTooSoon() {
    var configurator = started()
    let token = configurator.register().json?["controlToken"]?.string
    configurator.answer(registerLine, .json(201, ["revision": 1]))
    configurator.answer(pullLine, document(["hostName": "tv"], 1))
    let refusal = Refusal.unauthorized("not yet").response
    configurator.answer("GET /configuration", refusal)
    #expect(configurator.waiting.isEmpty)
    configurator.wait(seconds: 0.3)
    configurator.answer("GET /configuration", document([:], 1))
    configurator.answer("PATCH /configuration", refusal)
    configurator.wait(seconds: 1.8)
    configurator.answer("GET /configuration", refusal)
    configurator.wait(seconds: 5)
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.reported("configuration-refused"))
    // It stays owed: the reply may have been lost, and the agent registers again.
    _ = configurator.register(ConfiguratorDialogue.registration(reason: "connection-change"), token: token)
    configurator.answer(registerLine, .json(200, ["revision": 1]))
    configurator.answer(pullLine, document(["hostName": "tv"], 1))
    configurator.answer("GET /configuration", document([:], 1))
    configurator.answer("PATCH /configuration", document(["hostName": "tv"], 2))
    #expect(configurator.read()?["state"] == "configured")
  }

  @Test("a register that is repeated while its agent is being asked begins the work anew") func repeatedInBetween() {
    var configurator = started()
    let key = "5b0c2a3e-0000-4000-8000-000000000001"
    _ = configurator.register(key: key)
    configurator.answer(registerLine, .json(201, ["revision": 1]))
    configurator.answer(pullLine, document(["hostName": "tv"], 1))
    #expect(configurator.waiting == ["GET /configuration"])
    // The reply never came: the agent asks again with the same key, and has its token only after that.
    #expect(configurator.register(key: key).status == 201)
    #expect(configurator.waiting == [pullLine])
    configurator.answer(pullLine, document(["hostName": "tv"], 1))
    configurator.answer("GET /configuration", document([:], 1))
    configurator.answer("PATCH /configuration", document(["hostName": "tv"], 2))
    #expect(configurator.read()?["state"] == "configured")
  }

  @Test("an unreachable server: four tries, then what is owed waits for the stream") func unreachableServer() {
    var configurator = ConfiguratorDialogue()
    configurator.start()
    if let stream = configurator.stream { configurator.perform(.failed(stream, .refused)) }
    configurator.asked = []
    #expect(configurator.reported("stream-settled"))
    _ = configurator.register()
    for _ in 1...4 {
      configurator.fail(registerLine, .refused)
      // Only the pauses of this errand pass: the stream tries again by itself.
      configurator.wait(seconds: 2.5)
      if let stream = configurator.stream {
        configurator.perform(.failed(stream, .refused))
        configurator.asked.removeAll { $0.isStream }
      }
    }
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.reported("server-unreachable"))
    #expect(configurator.read()?["state"] == "registered")
    configurator.restart()
    #expect(configurator.waiting.isEmpty)
    configurator.openStream()
    configurator.answer(registerLine, .json(201, ["revision": nil]))
    configurator.answer(pullLine, Problem(.noConfiguration, "none").response)
    #expect(configurator.waiting.isEmpty)
    configurator.restart()
    configurator.openStream()
    #expect(configurator.waiting.isEmpty)
  }

  @Test("a home that the server does not know yet is owed, a body that it refuses is not", arguments: [404, 403, 422])
  func refusedRegistration(status: Int) {
    var configurator = started()
    _ = configurator.register()
    configurator.answer(registerLine, HTTPResponse(status))
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.reported("server-register-refused"))
    configurator.restart()
    configurator.openStream()
    #expect(configurator.waiting == (status == 422 ? [] : [registerLine]))
  }

  @Test("rows that cannot be read are told, left and not used") func damagedRows() {
    var configurator = ConfiguratorDialogue()
    _ = configurator.configured()
    configurator.store["agents"]?["7f9c0000-0000-4000-8000-000000000002"] = ["body": [:]]
    configurator.store["handled_requests"] = ["x": [:]]
    configurator.store["from_the_future"] = ["x": 1]
    let before = configurator.store
    configurator.restart()
    #expect(configurator.reports.count { $0.code == "row-unreadable" } == 3)
    #expect(configurator.store == before)
    #expect(configurator.read()?["state"] == "configured")
  }

  @Test("a server that vanished without closing the stream is found again") func vanishedServer() {
    var configurator = started()
    let before = configurator.stream
    _ = configurator.register()
    for _ in 1...4 {
      configurator.fail(registerLine, .timeout)
      #expect(configurator.stream == before || configurator.waiting.isEmpty)
      configurator.wait(seconds: 2.5)
    }
    #expect(configurator.stream != nil && configurator.stream != before)
    configurator.openStream()
    #expect(configurator.waiting == [registerLine])
  }

  @Test("one agent that does not answer holds up no other; its own new register goes first") func ownQueues() {
    var configurator = ConfiguratorDialogue()
    let token = configurator.configured()
    let other = "7f9c0000-0000-4000-8000-000000000002"
    configurator.event("11111111-0000-4000-8000-000000000001")
    configurator.answer(pullLine, document(["ntpServer": "b"], 2))
    #expect(configurator.waiting == ["PATCH /configuration"])
    // tv is silent; the other one goes its way.
    _ = configurator.register(ConfiguratorDialogue.registration(other))
    configurator.answer("PUT /v1/homes/home-a/agents/\(other)", .json(201, ["revision": nil]))
    configurator.answer("GET /v1/homes/home-a/agents/\(other)/configuration", HTTPResponse(404))
    #expect(configurator.waiting == ["PATCH /configuration"])
    // tv comes back: the old attempt is given up and Sequence 2 begins at once.
    _ = configurator.register(ConfiguratorDialogue.registration(reason: "connection-change"), token: token)
    #expect(configurator.waiting == [registerLine])
    configurator.answer(registerLine, .json(200, ["revision": 2]))
    configurator.answer(pullLine, document(["ntpServer": "b"], 2))
    configurator.answer("PATCH /configuration", document(["ntpServer": "b"], 9))
    let result = configurator.answer(
      "POST /v1/homes/home-a/requests/11111111-0000-4000-8000-000000000001/result", HTTPResponse(204))
    #expect(result.json == ["result": "ok"])
  }

  @Test("a reply that was never written starts nothing; the repeat does") func lostReply() {
    var configurator = started()
    let key = "11111111-2222-4333-8444-555555555555"
    let request = configurator.request(
      "PUT", "/agents/\(tv)", body: ConfiguratorDialogue.registration(), ["Idempotency-Key": key])
    let (exchange, first) = configurator.send(request)
    configurator.perform(.callerLeft(exchange))
    #expect(configurator.waiting.isEmpty)
    let (again, second) = configurator.send(request)
    #expect(second.body == first.body)
    configurator.perform(.replied(again))
    #expect(configurator.waiting == [registerLine])
    // A third one changes nothing of the work under way.
    let (third, _) = configurator.send(request)
    configurator.perform(.replied(third))
    #expect(configurator.waiting == [registerLine])
  }

  @Test("deregister is passed on, also after the server was away") func deregister() {
    var configurator = ConfiguratorDialogue()
    let token = configurator.configured()
    #expect(configurator.ask("DELETE", "/agents/\(tv)", token: token).status == 204)
    for _ in 1...4 {
      configurator.fail("DELETE /v1/homes/home-a/agents/\(tv)", .unreachable)
      configurator.wait(seconds: 2.5)
    }
    configurator.restart()
    configurator.openStream()
    configurator.answer("DELETE /v1/homes/home-a/agents/\(tv)", HTTPResponse(204))
    configurator.restart()
    configurator.openStream()
    #expect(configurator.waiting.isEmpty)
    // A new register in between makes the removal void.
    _ = configurator.register()
    configurator.answer(registerLine, .json(201, ["revision": nil]))
    configurator.answer(pullLine, HTTPResponse(404))
    #expect(configurator.ask("DELETE", "/agents/\(tv)", token: "operator-token").status == 204)
    _ = configurator.register()
    #expect(configurator.waiting == [registerLine])
  }

  @Test(
    "wrong answers of the server end the work and are told",
    arguments: [
      HTTPResponse(200), .json(200, ["a": 1]), .json(200, [1]), HTTPResponse(403), HTTPResponse(500), HTTPResponse(418),
    ])
  func wrongAnswers(response: HTTPResponse) {
    var configurator = started()
    let token = configurator.register().json?["controlToken"]?.string
    configurator.answer(registerLine, .json(201, [:]))
    configurator.answer(pullLine, response)
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.reports.contains { $0.level == .warning || $0.level == .error })
    #expect(configurator.register(token: token).status == 200)
    #expect(configurator.waiting == [registerLine])
  }

  @Test("wrong answers of the device end the work and are told", arguments: [200, 404, 500, 302]) func wrongDevice(
    status: Int
  ) {
    var configurator = started()
    _ = configurator.register()
    configurator.answer(registerLine, .json(201, [:]))
    configurator.answer(pullLine, document(["hostName": "tv"], 1))
    configurator.answer("GET /configuration", HTTPResponse(status, body: Array("not JSON".utf8)))
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.read()?["state"] == "registered")
    #expect(configurator.reports.contains { $0.level == .warning })
  }

  @Test("a configure whose answer was lost is not sent twice") func lostConfigureReply() {
    var configurator = started()
    _ = configurator.register()
    configurator.answer(registerLine, .json(201, ["revision": 1]))
    configurator.answer(pullLine, document(["hostName": "tv"], 1))
    configurator.answer("GET /configuration", document([:], 1))
    configurator.fail("PATCH /configuration", .timeout)
    configurator.wait(seconds: 1)
    configurator.answer("PATCH /configuration", Problem(.staleRevision, "changed").response)
    configurator.answer("GET /configuration", document(["hostName": "tv"], 2))
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.read()?["state"] == "configured")
  }

  @Test("what was applied outlives a restart: the next configure needs no read") func restart() {
    var configurator = ConfiguratorDialogue()
    let token = configurator.configured()
    configurator.restart()
    configurator.openStream()
    #expect(configurator.read()?["state"] == "configured")
    _ = configurator.register(ConfiguratorDialogue.registration(reason: "connection-change"), token: token)
    configurator.answer(registerLine, .json(200, ["revision": 2]))
    let asked = configurator.answer(pullLine, document(["ntpServer": "b"], 2))
    #expect(asked.fields["If-None-Match"] == "\"1\"")
    let patch = configurator.answer("PATCH /configuration", document(["ntpServer": "b"], 3))
    #expect(patch.fields["If-Match"] == "\"2\"")
  }
}
