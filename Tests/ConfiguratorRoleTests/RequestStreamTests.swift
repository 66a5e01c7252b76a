import ConfiguratorRole
import Messages
import RoleKit
import Testing

private let pullLine = ConfiguratorDialogue.pullLine
private let one = "11111111-0000-4000-8000-000000000001"
private let two = "11111111-0000-4000-8000-000000000002"

private func resultLine(_ requestId: String) -> String { "POST /v1/homes/home-a/requests/\(requestId)/result" }

private func document(_ document: JSONValue, _ revision: Int) -> HTTPResponse {
  ConfiguratorDialogue.document(document, revision: revision)
}

@Suite("the configurator's event stream (profile section 4)") struct ConfiguratorStreamTests {
  @Test func theStreamIsAskedForAtStart() {
    var configurator = ConfiguratorDialogue()
    let effects = configurator.start()
    #expect(effects.last == .ready)
    let stream = configurator.asked.first { $0.isStream }
    #expect(stream?.request.method == "GET")
    #expect(stream?.request.target == "/v1/homes/home-a/requests")
    #expect(stream?.request.bearerToken == "home-a-token")
    #expect(stream?.to == ConfiguratorDialogue.server)
    #expect(!configurator.reported("stream-settled"))
    configurator.openStream()
    #expect(configurator.reports.count { $0.code == "stream-settled" } == 1)
  }

  @Test func withoutAServerThereIsNothingToSettle() {
    var configurator = ConfiguratorDialogue(settings: ConfiguratorDialogue.settings(withServer: false))
    let effects = configurator.start()
    #expect(configurator.asked.isEmpty)
    #expect(configurator.reported("stream-settled"))
    #expect(effects.last == .ready)
  }

  @Test("it comes back after 0.5, 1, 2, 4 and then every 5 s, each +-20 %") func backoff() {
    var configurator = ConfiguratorDialogue()
    configurator.start()
    for seconds in [0.5, 1, 2, 4, 5, 5, 5] {
      let stream = configurator.asked.removeLast()
      configurator.perform(.failed(stream.call, .refused))
      configurator.wait(seconds: seconds * 0.79)
      #expect(configurator.asked.isEmpty, "\(seconds) s")
      configurator.wait(seconds: seconds * 0.42)
      #expect(configurator.asked.count == 1, "\(seconds) s")
    }
    configurator.openStream()
    configurator.perform(.ended(configurator.asked.removeLast().call, nil))
    configurator.wait(seconds: 0.61)
    #expect(configurator.asked.count == 1)
    #expect(configurator.reports.count { $0.code == "stream-settled" } == 1)
  }

  @Test("what is no stream counts as none", arguments: [200, 401, 404, 503]) func wrongHead(status: Int) {
    var configurator = ConfiguratorDialogue()
    configurator.start()
    if let stream = configurator.stream {
      configurator.perform(.answered(stream, .json(status, [:])))
      configurator.asked.removeAll { $0.call == stream }
    }
    #expect(configurator.reported("stream-settled"))
    configurator.wait(seconds: 0.7)
    #expect(configurator.stream != nil)
  }

  @Test("configuration-changed: steps 5 to 7, then the result") func configurationChanged() {
    var configurator = ConfiguratorDialogue()
    _ = configurator.configured()
    configurator.event(one)
    #expect(configurator.waiting == [pullLine])
    let asked = configurator.answer(pullLine, document(["ntpServer": "b"], 2))
    #expect(asked.fields["If-None-Match"] == "\"1\"")
    #expect(configurator.waiting == ["PATCH /configuration"])
    configurator.answer("PATCH /configuration", document(["ntpServer": "b"], 3))
    let result = configurator.answer(resultLine(one), HTTPResponse(204))
    #expect(result.json == ["result": "ok"])
    #expect(result.bearerToken == "home-a-token")
    #expect(configurator.read()?["revision"] == 2)
    #expect(configurator.waiting.isEmpty)
  }

  @Test("the same request is done once, and its result is sent again; also across a restart") func once() {
    var configurator = ConfiguratorDialogue()
    _ = configurator.configured()
    configurator.event(one)
    configurator.event(one)
    #expect(configurator.waiting == [pullLine])
    configurator.answer(pullLine, HTTPResponse(304))
    for _ in 1...4 {
      configurator.fail(resultLine(one), .reset)
      configurator.wait(seconds: 2.5)
    }
    #expect(configurator.waiting.isEmpty)
    // A server that does not answer has perhaps lost the stream too: there is a new one.
    configurator.openStream()
    configurator.event(one)
    #expect(configurator.waiting == [resultLine(one)])
    configurator.restart()
    configurator.openStream()
    configurator.event(one)
    #expect(configurator.waiting == [resultLine(one)])
    let result = configurator.answer(resultLine(one), Problem(.noRequest, "late").response)
    #expect(result.json == ["result": "ok"])
    #expect(configurator.reported("result-refused"))
  }

  @Test("a request that a restart interrupted is taken up again") func interrupted() {
    var configurator = ConfiguratorDialogue()
    _ = configurator.configured()
    configurator.event(one)
    configurator.restart()
    configurator.openStream()
    configurator.event(one)
    #expect(configurator.waiting.filter { $0 == pullLine }.count == 1)
    configurator.answer(pullLine, document(["ntpServer": "b"], 2))
    configurator.answer("PATCH /configuration", document(["ntpServer": "b"], 3))
    // The work owed since before the restart had begun already: the request needs the document once more.
    if configurator.waiting == [pullLine] { configurator.answer(pullLine, HTTPResponse(304)) }
    configurator.answer(resultLine(one), HTTPResponse(204))
  }

  @Test("a change during the work is looked at after it") func changeMeanwhile() {
    var configurator = ConfiguratorDialogue()
    _ = configurator.configured()
    configurator.event(one)
    configurator.event(two, revision: 3)
    configurator.answer(pullLine, document(["ntpServer": "b"], 2))
    configurator.answer("PATCH /configuration", document(["ntpServer": "b"], 3))
    configurator.answer(resultLine(one), HTTPResponse(204))
    let asked = configurator.answer(pullLine, document(["ntpServer": "c"], 3))
    #expect(asked.fields["If-None-Match"] == "\"2\"")
    configurator.answer("PATCH /configuration", document(["ntpServer": "c"], 4))
    configurator.answer(resultLine(two), HTTPResponse(204))
    #expect(configurator.read()?["revision"] == 3)
  }

  @Test("a device that refuses: failed, with its problem") func refusal() {
    var configurator = ConfiguratorDialogue()
    _ = configurator.configured()
    configurator.event(one)
    configurator.answer(pullLine, document(["qosClass": 99], 2))
    configurator.answer("PATCH /configuration", Problem(.unsupportedSetting, "no", pointer: "/qosClass").response)
    let result = configurator.answer(resultLine(one), HTTPResponse(204))
    #expect(result.json == ["result": "failed", "problem": "unsupported-setting"])
    #expect(configurator.read()?["revision"] == 1)
    #expect(configurator.read()?["state"] == "configured")
  }

  @Test("unknown kinds and agents: failed") func unknown() {
    var configurator = ConfiguratorDialogue()
    _ = configurator.configured()
    configurator.event(one, kind: "self-destruction")
    #expect(configurator.answer(resultLine(one), HTTPResponse(204)).json == ["result": "failed", "problem": "refused"])
    configurator.event(two, agentId: "7f9c0000-0000-4000-8000-00000000000f")
    #expect(
      configurator.answer(resultLine(two), HTTPResponse(204)).json == ["result": "failed", "problem": "no-agent"])
  }

  @Test("an agent whose lifetime is over is no agent") func expired() {
    var configurator = ConfiguratorDialogue()
    _ = configurator.configured()
    configurator.wait(seconds: 3601)
    configurator.event(one)
    #expect(
      configurator.answer(resultLine(one), HTTPResponse(204)).json == ["result": "failed", "problem": "no-agent"])
  }

  @Test("a result that comes after the deadline is kept to ourselves") func overdue() {
    var configurator = ConfiguratorDialogue()
    _ = configurator.configured()
    configurator.event(one)
    configurator.wait(seconds: 61)
    configurator.answer(pullLine, HTTPResponse(304))
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.reported("request-overdue"))
  }

  @Test("events that make no sense are told and left", arguments: ["", "x", "{}", "{\"requestId\":\"../x\"}", "[1]"])
  func nonsense(data: String) {
    var configurator = ConfiguratorDialogue()
    _ = configurator.configured()
    if let stream = configurator.stream {
      configurator.perform(.streamed(stream, ServerSentEvent(id: nil, event: "control", data: data)))
    }
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.reported("ignored"))
    configurator.event(one)
    #expect(configurator.waiting == [pullLine])
  }

  @Test("a request that could not be stored comes again on the next stream") func storeFails() {
    var configurator = ConfiguratorDialogue()
    _ = configurator.configured()
    let before = configurator.stream
    configurator.storeFails = true
    configurator.event(one)
    #expect(configurator.waiting.isEmpty)
    #expect(configurator.stream == nil)
    configurator.storeFails = false
    configurator.wait(seconds: 0.7)
    #expect(configurator.stream != nil && configurator.stream != before)
    configurator.openStream()
    configurator.event(one)
    #expect(configurator.waiting == [pullLine])
  }

  @Test("a configure-reply that could not be stored is asked for again") func storeFailsAtTheEnd() {
    var configurator = ConfiguratorDialogue()
    let token = configurator.configured()
    configurator.event(one)
    configurator.answer(pullLine, document(["ntpServer": "b"], 2))
    configurator.storeFails = true
    configurator.answer("PATCH /configuration", document(["ntpServer": "b"], 3))
    configurator.storeFails = false
    #expect(configurator.read()?["revision"] == 1)
    _ = configurator.register(ConfiguratorDialogue.registration(reason: "connection-change"), token: token)
    configurator.answer(ConfiguratorDialogue.registerLine, .json(200, ["revision": 2]))
    configurator.answer(pullLine, document(["ntpServer": "b"], 2))
    configurator.answer("GET /configuration", document(["ntpServer": "b"], 3))
    #expect(configurator.read()?["revision"] == 2)
  }

  @Test func aStopEndsTheStream() {
    var configurator = ConfiguratorDialogue()
    configurator.start()
    configurator.openStream()
    let stream = configurator.stream
    let effects = configurator.perform(.stopping)
    #expect(stream.map { effects.contains(.cancel($0)) } == true)
    #expect(effects.last == .exit(0))
  }
}
