import Messages
import MobileClientRole
import RoleKit
import Testing

private let agentId = "7f9c0000-0000-4000-8000-000000000001"
private let server = Endpoint("198.51.100.10:8080")!

/// A mobile device's host: the calls that wait for an answer, what was printed, how it ended.
private struct Pocket {
  var role: MobileClient
  var now = Moment(monotonic: 1, wall: 1_700_000_000_000)
  var bits: RandomBits
  var calls: [(call: Call, request: HTTPRequest, to: Endpoint, timeout: UInt64)] = []
  var timers: [TimerName: UInt64] = [:]
  var lines: [String] = []
  var exit: Int32?

  init(_ task: MobileClientSettings.Task, _ format: MobileClientSettings.Format = .text) {
    role = MobileClient(
      MobileClientSettings(server: server, homeId: "home-a", userToken: "user", task: task, format: format))
    nonisolated(unsafe) var state: UInt64 = 1
    bits = RandomBits {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 29
    }
    receives(.started(rows: [], interfaces: []))
  }

  static func connecting(
    token: String? = nil, _ ending: MobileClientSettings.Wish.Ending = .leave,
    _ format: MobileClientSettings.Format = .text
  ) -> Pocket {
    Pocket(
      .connect(.init(agentId: agentId, application: "media", connectionToken: token, ending: ending)), format)
  }

  mutating func receives(_ input: Input) {
    for effect in role.handle(input, at: now, bits: &bits) {
      switch effect {
      case .call(let call, let request, let to, let timeout): calls.append((call, request, to, timeout))
      case .arm(let name, let after): timers[name] = after
      case .output(let line): lines.append(line)
      case .exit(let status): exit = status
      case .report, .cancel, .disarm: break
      default: Issue.record("a mobile device has no business with \(effect)")
      }
    }
  }

  /// Answers the only call that waits, `ms` later.
  @discardableResult mutating func answers(
    _ response: HTTPResponse, after ms: UInt64 = 5, at location: SourceLocation = #_sourceLocation
  ) -> HTTPRequest {
    guard let one = calls.popLast(), calls.isEmpty else {
      Issue.record("not one call waits", sourceLocation: location)
      return HTTPRequest("", "")
    }
    now.monotonic += .milliseconds(ms)
    receives(.answered(one.call, response))
    return one.request
  }

  /// Lets all four tries come to nothing.
  mutating func fails(_ failure: Failure = .timeout) {
    for _ in 0..<4 {
      guard let one = calls.popLast() else { return }
      receives(.failed(one.call, failure))
      if let timer = timers.popFirst() { receives(.fired(timer.key)) }
    }
  }

  static func given(_ transport: String = "tcp") -> HTTPResponse {
    .json(
      201,
      [
        "connectionId": "c1", "connectionToken": "secret", "expires": "2026-11-26T15:00:00.000Z",
        "endpoint": ["address": "198.51.100.1", "port": 8200, "protocol": .string(transport)],
      ])
  }
}

@Suite("the mobile device (4.4)") struct MobileClientTests {
  @Test("steps 1, 6 and 7, with their timing") func whole() {
    var phone = Pocket.connecting()
    #expect(phone.calls.first?.to == server)
    #expect(phone.calls.first?.timeout == .seconds(15), "the reply is held")
    let connect = phone.answers(Pocket.given(), after: 23)
    #expect("\(connect.method) \(connect.path)" == "POST /v1/homes/home-a/connections")
    #expect(connect.bearerToken == "user")
    #expect(connect.idempotencyKey != nil)
    #expect(try! JSONValue(parsing: connect.body) == ["agentId": .string(agentId), "application": "media"])
    #expect(phone.calls.first?.to == Endpoint("198.51.100.1:8200"))
    let visit = phone.answers(
      HTTPResponse(200, fields: ["Content-Type": "text/html"], body: Array("page".utf8)), after: 4)
    #expect("\(visit.method) \(visit.path)" == "GET /media")
    #expect(visit.bearerToken == "secret")
    #expect(phone.exit == 0)
    #expect(phone.role.page == Array("page".utf8))
    #expect(
      phone.lines == [
        "connected: 198.51.100.1:8200 (tcp) until 2026-11-26T15:00:00.000Z, 23.0 ms", "200 text/html, 4 octets, 4.0 ms",
      ])
  }

  @Test("a given token is shown in place of the server's") func otherToken() {
    var phone = Pocket.connecting(token: "stolen")
    phone.answers(Pocket.given())
    let visit = phone.answers(Problem(.unauthorized, "no").response)
    #expect(visit.bearerToken == "stolen")
    #expect(phone.exit == 6)
    #expect(phone.role.page == nil)
  }

  @Test("disconnect follows the application's answer, whatever it was", arguments: [200, 401])
  func disconnect(status: Int) {
    var phone = Pocket.connecting(.disconnect)
    phone.answers(Pocket.given())
    phone.answers(HTTPResponse(status))
    #expect(phone.exit == nil)
    let last = phone.answers(HTTPResponse(204))
    #expect("\(last.method) \(last.path)" == "DELETE /v1/homes/home-a/connections/c1")
    #expect(phone.exit == (status == 200 ? 0 : 6))
  }

  @Test(
    "what the server says decides the exit status",
    arguments: [(401, 3), (403, 3), (404, 3), (409, 3), (422, 3), (504, 4), (500, 5), (302, 5), (200, 5)])
  func refusals(status: Int, exit: Int32) {
    var phone = Pocket.connecting()
    phone.answers(HTTPResponse(status))
    #expect(phone.exit == exit)
    #expect(phone.lines.count == 1)
  }

  @Test("503 is tried again, four times in all, with the same key") func retries() {
    var phone = Pocket.connecting()
    var keys: Set<String?> = []
    for _ in 0..<4 {
      #expect(phone.exit == nil)
      keys.insert(phone.answers(Problem(.configuratorOffline, "away").response).idempotencyKey)
      if let timer = phone.timers.popFirst() { phone.receives(.fired(timer.key)) }
    }
    #expect(keys.count == 1)
    #expect(phone.exit == 4)
  }

  @Test("no answer: 5 from the server, 7 from the application") func silence() {
    var phone = Pocket.connecting()
    phone.fails()
    #expect(phone.exit == 5)
    var other = Pocket.connecting()
    other.answers(Pocket.given())
    other.fails(.refused)
    #expect(other.exit == 7)
  }

  @Test("a connect-reply that lacks something is no connection") func unusable() {
    for body in [[:], ["connectionId": "c1"], ["connectionId": "c1", "endpoint": ["address": "x"]]] as [JSONValue] {
      var phone = Pocket.connecting()
      phone.answers(.json(201, body))
      #expect(phone.exit == 5)
    }
  }

  @Test("nothing is fetched by udp") func datagrams() {
    var phone = Pocket.connecting()
    phone.answers(Pocket.given("udp"))
    #expect(phone.calls.isEmpty)
    #expect(phone.exit == 0)
  }

  @Test("JSON: one object at the end") func json() throws {
    var phone = Pocket.connecting(.leave, .json)
    phone.answers(Pocket.given(), after: 20)
    phone.answers(HTTPResponse(200, fields: ["Content-Type": "text/html"], body: [1, 2]), after: 3)
    #expect(phone.lines.count == 1)
    let story = try JSONValue(parsing: phone.lines[0])
    #expect(story["connectMs"]?.double == 20)
    #expect(story["visitMs"]?.double == 3)
    #expect(story["status"] == 200)
    #expect(story["octets"] == 2)
    #expect(story["exitStatus"] == 0)
    #expect(story["connectionToken"] == nil, "secrets are not printed")
  }

  @Test("the list tells what may be reached") func list() {
    var phone = Pocket(.list)
    let request = phone.answers(
      .json(
        200,
        [
          "agents": [
            [
              "agentId": .string(agentId), "state": "live", "device": ["modelName": "TV-1"],
              "applications": [["name": "media"], ["name": "share", "remoteAccess": false]],
            ]
          ]
        ]))
    #expect("\(request.method) \(request.path)" == "GET /v1/homes/home-a/agents")
    #expect(phone.lines == ["\(agentId)  live  TV-1  media, share (not from outside)"])
    #expect(phone.exit == 0)
    var refused = Pocket(.list)
    refused.answers(HTTPResponse(403))
    #expect(refused.exit == 3)
  }

  @Test func itStopsAtOnce() {
    var phone = Pocket.connecting()
    phone.receives(.stopping)
    #expect(phone.exit == 0)
  }
}
