import Messages
import RoleKit
import ServiceServerRole
import Testing

@Suite("the service server: requests on event streams (profile section 4)") struct RequestStreamTests {
  private func result(
    _ server: inout ServerDialogue, _ requestId: String, home: String = "home-a", token: String = "home-a-token",
    _ body: JSONValue = ["result": "ok"]
  ) -> HTTPResponse {
    server.ask("POST", "/v1/homes/\(home)/requests/\(requestId)/result", token: token, body: body).response
  }

  @Test("a configuration that changes is told to the home, if the agent is registered") func configurationChanged() {
    var server = ServerDialogue()
    let (stream, opened) = server.openStream()
    guard case .openStream(stream, let head) = opened.first else {
      Issue.record("no stream was opened")
      return
    }
    #expect(head.fields["Content-Type"] == "text/event-stream")
    #expect(server.hold(["hostName": "one"]).effects.events(on: stream).isEmpty)
    _ = server.register()
    #expect(server.hold(["hostName": "one"]).effects.events(on: stream).isEmpty)
    let events = server.hold(["hostName": "two"]).effects.events(on: stream)
    #expect(events.count == 1)
    #expect(events.first?["kind"] == "configuration-changed")
    #expect(events.first?["agentId"]?.string == ServerDialogue.tv)
    #expect(events.first?["revision"] == 2)
    let deadline = events.first?["deadline"]?.string.flatMap { ProfileTime.milliseconds(rfc3339: $0) }
    #expect(deadline == server.now.wall + 60_000)
  }

  @Test func anExpiredAgentIsNotTold() {
    var server = ServerDialogue()
    let (stream, _) = server.openStream()
    _ = server.register(lifetime: 60)
    server.wait(seconds: 61)
    #expect(server.hold(["hostName": "one"]).effects.events(on: stream).isEmpty)
  }

  @Test("every new stream begins with all that is open, oldest first; two streams get the same") func atLeastOnce() {
    var server = ServerDialogue()
    _ = server.register()
    _ = server.hold(["hostName": "one"])
    _ = server.hold(["hostName": "two"])
    let (first, opened) = server.openStream()
    let backlog = opened.events(on: first)
    #expect(backlog.compactMap { $0["revision"]?.int } == [1, 2])
    let (second, again) = server.openStream()
    #expect(again.events(on: second) == backlog)
    let live = server.hold(["hostName": "three"]).effects
    #expect(live.events(on: first) == live.events(on: second))
    #expect(live.events(on: first).count == 1)
    #expect(result(&server, backlog[0]["requestId"]?.string ?? "").status == 204)
    let (third, later) = server.openStream()
    #expect(later.events(on: third).compactMap { $0["revision"]?.int } == [2, 3])
    let (other, nothing) = server.openStream("home-b", token: "home-b-token")
    #expect(nothing.events(on: other).isEmpty)
  }

  @Test func eventIdsGrowAlsoAcrossARestart() {
    var server = ServerDialogue()
    _ = server.register()
    _ = server.hold(["hostName": "one"])
    _ = server.restart()
    _ = server.hold(["hostName": "two"])
    let (stream, opened) = server.openStream()
    let ids = opened.compactMap { effect -> String? in
      if case .event(stream, let event) = effect { event.id } else { nil }
    }
    #expect(ids == ["1", "2"])
  }

  @Test("a result: 204, a repeat 204, unknown or overdue 404, another home's token 403") func results() {
    var server = ServerDialogue()
    _ = server.register()
    let (stream, _) = server.openStream()
    let requestId = server.hold(["hostName": "one"]).effects.events(on: stream)[0]["requestId"]?.string ?? ""
    #expect(result(&server, requestId, token: "home-b-token").problem == "forbidden")
    #expect(result(&server, requestId, token: "user-a-token").problem == "forbidden")
    #expect(result(&server, requestId, home: "home-b", token: "home-b-token").problem == "no-request")
    #expect(result(&server, requestId, ["result": "perhaps"]).problem == "invalid-field")
    #expect(result(&server, requestId, ["result": "failed", "problem": "unsupported-setting"]).status == 204)
    #expect(result(&server, requestId).status == 204)
    _ = server.restart()
    #expect(result(&server, requestId).status == 204)
    #expect(result(&server, "00000000-0000-4000-8000-000000000000").problem == "no-request")
    let late = server.hold(["hostName": "two"]).effects
    #expect(late.contains { if case .save = $0 { true } else { false } })
    let (again, opened) = server.openStream()
    let second = opened.events(on: again)[0]["requestId"]?.string ?? ""
    let passed = server.wait(seconds: 60)
    #expect(passed.contains { if case .report(let report) = $0 { report.code == "request-overdue" } else { false } })
    #expect(result(&server, second).problem == "no-request")
    let (third, empty) = server.openStream()
    #expect(empty.events(on: third).isEmpty)
  }

  @Test func whatIsOverdueAtARestartIsForgotten() {
    var server = ServerDialogue()
    _ = server.register()
    _ = server.hold(["hostName": "one"])
    #expect(server.store["requests"]?.count == 1)
    server.timers = [:]
    server.wait(seconds: 61)
    _ = server.restart()
    #expect(server.store["requests"]?.isEmpty == true)
  }

  @Test func aCommentKeepsTheStreamAlive() {
    var server = ServerDialogue()
    let (stream, _) = server.openStream()
    func comments(_ effects: [Effect]) -> Int {
      effects.count { if case .comment(stream, _) = $0 { true } else { false } }
    }
    #expect(comments(server.wait(seconds: 14.9)) == 0)
    #expect(comments(server.wait(seconds: 0.2)) == 1)
    #expect(comments(server.wait(seconds: 45)) == 3)
    server.perform(.callerLeft(stream))
    #expect(comments(server.wait(seconds: 60)) == 0)
  }

  @Test func theEventRepeatsTheCorrelation() {
    var server = ServerDialogue()
    _ = server.register()
    let (stream, _) = server.openStream()
    let correlation = "11111111-2222-4333-8444-555555555555"
    let effects = server.ask(
      "PUT", "/v1/homes/home-a/agents/\(ServerDialogue.tv)/configuration", token: "operator-token",
      body: ["hostName": "x"], ["Homebed-Correlation": correlation]
    ).effects
    #expect(effects.events(on: stream)[0]["correlation"]?.string == correlation)
  }

  @Test func anotherHomeTokenClosesTheStreams() {
    var server = ServerDialogue()
    let (stream, _) = server.openStream()
    let effects = server.ask(
      "PUT", "/v1/homes/home-a", token: "operator-token", body: ["homeToken": "other", "userToken": "user-a-token"]
    ).effects
    #expect(effects.contains(.close(stream)))
  }

  @Test func streamsAreBoundedAndEndAtStop() {
    var server = ServerDialogue()
    var streams: [Exchange] = []
    for _ in 0..<8 { streams.append(server.openStream().0) }
    let (ninth, refused) = server.openStream()
    guard case .reply(ninth, let response) = refused.first else {
      Issue.record("a ninth stream was opened")
      return
    }
    #expect(response.status == 429)
    let stop = server.perform(.stopping)
    #expect(streams.allSatisfy { stop.contains(.close($0)) })
    #expect(stop.last == .exit(0))
  }

  @Test("whatever comes in, it answers and goes on", arguments: [1, 2, 3, 4] as [UInt64]) func malformed(seed: UInt64) {
    var random = seed
    func next(_ limit: Int) -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33) % limit
    }
    var server = ServerDialogue()
    let paths = [
      "/v1/homes/home-a", "/v1/homes/home-a/agents/\(ServerDialogue.tv)",
      "/v1/homes/home-a/agents/\(ServerDialogue.tv)/configuration", "/v1/homes/home-a/requests/x/result", "/v1/%zz",
      "/v1/homes/home-a/connections", "/v1/homes/home-a/connections/x",
    ]
    let whole = ServerDialogue.registration().octets
    for round in 0..<300 {
      var octets = whole
      for _ in 0...next(4) {
        switch next(3) {
        case 0: octets[next(octets.count)] = UInt8(next(256))
        case 1: octets.removeSubrange(0..<min(octets.count - 1, next(40)))
        default: octets.insert(contentsOf: Array("\"[{}],:null".utf8).prefix(next(10)), at: next(octets.count))
        }
      }
      let methods = ["PUT", "POST", "DELETE", "GET", "PATCH", "\u{7F}"]
      var request = server.request(
        methods[next(methods.count)], paths[next(paths.count)],
        token: ["operator-token", "home-a-token", "user-a-token", "", nil][next(5)])
      request.fields["Content-Type"] = "application/json"
      request.body = octets
      let response = server.send(request).response
      #expect((200..<500).contains(response.status), "seed \(seed), round \(round)")
    }
    #expect(server.register().status < 300, "seed \(seed)")
  }
}
