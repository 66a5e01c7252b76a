import Messages
import RoleKit
import ServiceServerRole
import Testing

private let tv = ServerDialogue.tv
private let agentPath = "/v1/homes/home-a/agents/\(tv)"

@Suite("the service server: homes, agents and tokens (profile section 4)") struct ServiceServerHomesTests {
  @Test func itIsReadyAtOnce() {
    var role = ServiceServer(settings: ServerDialogue.settings)
    var bits = RandomBits { 1 }
    let effects = role.handle(.started(rows: [], interfaces: []), at: Moment(monotonic: 0, wall: 0), bits: &bits)
    #expect(effects == [.openDatagrams(port: 3478), .openDatagrams(port: 3479), .ready])
  }

  @Test func anOperatorProvisionsAHome() {
    var server = ServerDialogue()
    let tokens: JSONValue = ["homeToken": "new-home", "userToken": "new-user"]
    #expect(
      server.ask("PUT", "/v1/homes/home-c", token: "operator-token", body: tokens).response.status == 201)
    #expect(server.ask("GET", "/v1/homes/home-c/agents", token: "new-user").response.status == 200)
    #expect(
      server.ask("PUT", "/v1/homes/home-c", token: "operator-token", body: tokens).response.status == 200)
    _ = server.restart()
    #expect(server.ask("GET", "/v1/homes/home-c/agents", token: "new-user").response.status == 200)
  }

  @Test(
    "a bad provision-home says where",
    arguments: [
      ("home-c", ["homeToken": "x"], "/userToken"), ("home-c", ["homeToken": "x", "userToken": 1], "/userToken"),
      ("home-c", ["homeToken": "", "userToken": "y"], "/homeToken"),
      ("home-c", ["homeToken": "x", "userToken": "x"], "/userToken"),
      ("home-c", ["homeToken": "x y", "userToken": "z"], "/homeToken"),
      ("home-c", ["homeToken": "home-a-token", "userToken": "z"], "/homeToken"),
      ("home-c", ["homeToken": "operator-token", "userToken": "z"], "/homeToken"),
      ("Home-C", ["homeToken": "x", "userToken": "y"], "/homeId"),
      (String(repeating: "h", count: 65), ["homeToken": "x", "userToken": "y"], "/homeId"),
    ] as [(String, JSONValue, String)])
  func badProvision(homeId: String, body: JSONValue, pointer: String) {
    var server = ServerDialogue()
    let response = server.ask("PUT", "/v1/homes/\(homeId)", token: "operator-token", body: body).response
    #expect(response.status == 422)
    #expect(response.problem == "invalid-field")
    #expect(response.json?["pointer"]?.string == pointer)
  }

  @Test(
    "401 without a token, 403 with one that is good elsewhere, 404 for the operator",
    arguments: [
      ("GET", "/v1/homes/home-a/agents", nil, 401), ("GET", "/v1/homes/home-a/agents", "nonsense", 401),
      ("GET", "/v1/homes/home-a/agents", "user-a-token", 200),
      ("GET", "/v1/homes/home-a/agents", "operator-token", 200),
      ("GET", "/v1/homes/home-a/agents", "home-a-token", 403), ("GET", "/v1/homes/home-a/agents", "user-b-token", 403),
      ("GET", "/v1/homes/nowhere/agents", nil, 401), ("GET", "/v1/homes/nowhere/agents", "user-a-token", 403),
      ("GET", "/v1/homes/nowhere/agents", "operator-token", 404),
      ("GET", agentPath + "/configuration", "home-a-token", 404),
      ("GET", agentPath + "/configuration", "home-b-token", 403),
      ("GET", agentPath + "/configuration", "user-a-token", 403),
      ("GET", agentPath + "/configuration", "operator-token", 404),
      ("DELETE", agentPath, "home-a-token", 404), ("DELETE", agentPath, "operator-token", 404),
      ("DELETE", agentPath, nil, 401), ("PUT", "/v1/homes/home-c", "home-a-token", 403),
      ("PUT", "/v1/homes/home-c", nil, 401), ("PUT", "/v1/homes/home-c", "operator-token", 415),
      ("GET", "/v1/homes/home-a/requests", "user-a-token", 403), ("GET", "/v1/homes/home-a/requests", nil, 401),
      ("GET", "/v1/homes/home-a/requests", "operator-token", 403),
      ("PATCH", "/v1/homes/home-a/agents", "user-a-token", 405), ("POST", "/v1/nonsense", nil, 401),
      ("POST", "/v1/nonsense", "user-a-token", 404), ("POST", "/v1/homes/home-b/connections", "user-a-token", 403),
      ("POST", "/v1/homes/home-a/nothing", "user-a-token", 404), ("GET", "/", nil, 404),
    ] as [(String, String, String?, Int)])
  func tokens(method: String, target: String, token: String?, expected: Int) {
    var server = ServerDialogue()
    let response = server.ask(method, target, token: token).response
    #expect(response.status == expected)
    if expected >= 400 { #expect(response.fields["Content-Type"] == "application/problem+json") }
  }

  @Test func hostAndCorrelation() {
    var server = ServerDialogue()
    let correlation = "11111111-2222-4333-8444-555555555555"
    let good = server.ask(
      "GET", "/v1/homes/home-a/agents", token: "user-a-token", ["Homebed-Correlation": correlation])
    #expect(good.response.fields["homebed-correlation"] == correlation)
    var bad = server.request("GET", "/v1/homes/home-a/agents", token: "user-a-token")
    bad.fields["Host"] = "rebound.example:8080"
    #expect(server.send(bad).response.status == 421)
  }

  @Test("4.2 step 4: server-register answers 201, then 200, with the revision that is held") func register() {
    var server = ServerDialogue()
    let first = server.register()
    #expect(first.status == 201)
    #expect(first.json == ["revision": nil])
    #expect(server.hold(["ntpServer": "198.51.100.10"]).response.json == ["revision": 1])
    let second = server.register()
    #expect(second.status == 200)
    #expect(second.json == ["revision": 1])
  }

  @Test(
    "a bad server-register names the field",
    arguments: [
      ("agentId", "7f9c0000-0000-4000-8000-000000000002"), ("agentId", nil), ("reason", "because"),
      ("configuratorId", "x"), ("configuratorId", nil), ("revision", 0), ("revision", "1"), ("lifetime", 59),
      ("lifetime", 86_401), ("interfaces", nil), ("applications", [["name": "x"]]), ("configurationURL", "ftp://x"),
      ("device", 3),
    ] as [(String, JSONValue?)])
  func badRegister(field: String, value: JSONValue?) {
    var server = ServerDialogue()
    var body = ServerDialogue.registration()
    body[field] = value
    let response = server.ask("PUT", agentPath, token: "home-a-token", body: body).response
    #expect(response.status == 422)
    #expect(response.json?["pointer"]?.string?.hasPrefix("/\(field)") == true)
  }

  @Test func agentsAreListedLiveAndExpired() {
    var server = ServerDialogue()
    _ = server.register(lifetime: 60)
    func state(_ token: String) -> JSONValue? {
      server.ask("GET", "/v1/homes/home-a/agents", token: token).response.json?["agents"]?[0]
    }
    #expect(state("user-a-token")?["state"] == "live")
    #expect(state("user-a-token")?["agentId"]?.string == tv)
    #expect(state("operator-token")?["device"]?["modelName"] == "TV-1")
    #expect(state("user-a-token")?["applications"]?[0]?["port"] == 8200)
    server.wait(seconds: 59.9)
    #expect(state("user-a-token")?["state"] == "live")
    server.wait(seconds: 0.2)
    #expect(state("user-a-token")?["state"] == "expired")
    #expect(server.register(lifetime: 60).status == 200)
    #expect(state("user-a-token")?["state"] == "live")
  }

  @Test func deregistrationLeavesTheConfiguration() {
    var server = ServerDialogue()
    _ = server.register()
    _ = server.hold(["hostName": "tv"])
    #expect(server.ask("DELETE", agentPath, token: "home-a-token").response.status == 204)
    #expect(server.ask("DELETE", agentPath, token: "home-a-token").response.problem == "no-agent")
    #expect(server.ask("GET", agentPath + "/configuration", token: "home-a-token").response.status == 200)
    #expect(server.register().status == 201)
  }

  @Test func theNumberOfAgentsIsBounded() {
    var server = ServerDialogue()
    for number in 0..<256 {
      let digits = String(number, radix: 16)
      let id = "7f9c0000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
      #expect(server.register(id).status == 201)
    }
    #expect(server.register("aaaaaaaa-0000-4000-8000-000000000000").status == 429)
    #expect(server.register("7f9c0000-0000-4000-8000-000000000000").status == 200)
  }

  @Test func aFailedCommitChangesNothing() {
    var server = ServerDialogue()
    server.storeFails = true
    let response = server.register()
    #expect(response.status == 503)
    #expect(response.problem == "storage-unavailable")
    server.storeFails = false
    #expect(server.ask("GET", "/v1/homes/home-a/agents", token: "user-a-token").response.json?["agents"] == [])
    #expect(server.register().status == 201)
  }

  @Test func theSameKeyIsAnsweredOnce() {
    var server = ServerDialogue()
    let key: HTTPFields = ["Idempotency-Key": "11111111-2222-4333-8444-555555555555"]
    let body = ServerDialogue.registration()
    #expect(server.ask("PUT", agentPath, token: "home-a-token", body: body, key).response.status == 201)
    #expect(server.ask("PUT", agentPath, token: "home-a-token", body: body, key).response.status == 201)
    #expect(
      server.ask("PUT", agentPath, token: "home-a-token", body: ServerDialogue.registration(lifetime: 61), key).response
        .problem == "invalid-field")
    #expect(server.ask("PUT", agentPath, token: "home-a-token", body: body).response.status == 200)
  }
}

@Suite("the service server: configurations (4.2 steps 5 and 6, 4.3 step 1)") struct ServiceServerConfigurationTests {
  @Test func revisionsCountDocumentsThatDiffer() {
    var server = ServerDialogue()
    let first = server.hold(["ntpServer": "198.51.100.10"]).response
    #expect(first.status == 201)
    #expect(first.json == ["revision": 1])
    let same = server.hold(["ntpServer": "198.51.100.10"]).response
    #expect(same.status == 200)
    #expect(same.json == ["revision": 1])
    let other = server.hold(["ntpServer": "198.51.100.11", "hostName": nil]).response
    #expect(other.status == 200)
    #expect(other.json == ["revision": 2])
    let read = server.ask("GET", agentPath + "/configuration", token: "home-a-token").response
    #expect(read.json == ["ntpServer": "198.51.100.11"])
    #expect(read.fields["ETag"] == "\"2\"")
  }

  @Test(
    "If-None-Match gets 304 for the revision that is held",
    arguments: [
      ("\"1\"", 304), ("\"2\"", 200), ("*", 304), ("W/\"1\"", 304), ("\"7\", \"1\"", 304), ("1", 200), ("", 200),
    ])
  func conditional(text: String, expected: Int) {
    var server = ServerDialogue()
    _ = server.hold(["ntpServer": "198.51.100.10"])
    let response = server.ask(
      "GET", agentPath + "/configuration", token: "home-a-token", ["If-None-Match": text]
    ).response
    #expect(response.status == expected)
    #expect(response.fields["ETag"] == "\"1\"")
    if expected == 304 { #expect(response.body.isEmpty) }
  }

  @Test func withoutAConfigurationItIs404() {
    var server = ServerDialogue()
    _ = server.register()
    let response = server.ask("GET", agentPath + "/configuration", token: "home-a-token").response
    #expect(response.status == 404)
    #expect(response.problem == "no-configuration")
  }

  @Test func onlyObjectsAreHeld() {
    var server = ServerDialogue()
    #expect(server.hold([1]).response.problem == "malformed-body")
    let target = "/v1/homes/home-a/agents/TV/configuration"
    #expect(server.ask("PUT", target, token: "operator-token", body: [:]).response.problem == "no-agent")
    #expect(server.hold([:], home: "nowhere").response.problem == "no-home")
  }

  @Test func theyOutliveARestart() {
    var server = ServerDialogue()
    _ = server.register()
    _ = server.hold(["ntpServer": "198.51.100.10"])
    _ = server.restart()
    #expect(server.register().json == ["revision": 1])
    #expect(server.hold(["hostName": "tv"]).response.json == ["revision": 2])
  }

  @Test func rowsThatCannotBeReadAreToldAndLeft() {
    var server = ServerDialogue()
    _ = server.hold(["hostName": "tv"])
    server.store["homes"] = ["home-x": [:]]
    server.store["agents"] = ["nowhere/x": ["homeId": "nowhere", "agentId": "x"]]
    let before = server.store
    let effects = server.restart()
    let codes = effects.compactMap { if case .report(let report) = $0 { report.code } else { nil } }
    #expect(codes == ["row-unreadable", "row-unreadable"])
    #expect(server.store == before)
    #expect(server.register().json == ["revision": 1])
  }
}
