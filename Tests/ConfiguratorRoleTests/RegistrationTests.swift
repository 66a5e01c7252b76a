import ConfiguratorRole
import Messages
import RoleKit
import Testing

private let tv = ConfiguratorDialogue.tv
private let other = "7f9c0000-0000-4000-8000-000000000002"

@Suite("4.2 step 3, 4.3 step 4: registration (profile section 3)") struct RegistrationTests {
  private func alone() -> ConfiguratorDialogue {
    var configurator = ConfiguratorDialogue(settings: ConfiguratorDialogue.settings(withServer: false))
    configurator.start()
    return configurator
  }

  @Test("201 for a new agent, 200 for a known one; the control token stays") func newAndKnown() {
    var configurator = alone()
    let first = configurator.register()
    #expect(first.status == 201)
    #expect(first.json?["configuratorId"]?.string == ConfiguratorDialogue.configuratorId)
    #expect(first.json?["agentId"]?.string == tv)
    #expect(first.json?["lifetime"] == 3600)
    #expect(first.json?["revision"] == JSONValue.null)
    let token = first.json?["controlToken"]?.string ?? ""
    #expect(token.utf8.count == 22)
    for reason in ["new-device", "connection-change", "refresh"] {
      let again = configurator.register(ConfiguratorDialogue.registration(reason: reason), token: token)
      #expect(again.status == 200)
      #expect(again.json?["controlToken"]?.string == token)
    }
    let second = configurator.register(ConfiguratorDialogue.registration(other))
    #expect(second.json?["controlToken"]?.string != token)
  }

  @Test(
    "a bad field is 422 with a pointer",
    arguments: [
      ("/agentId", "agentId", nil), ("/agentId", "agentId", "7F9C0000-0000-4000-8000-000000000001"),
      ("/reason", "reason", nil), ("/reason", "reason", "boredom"), ("/device", "device", nil),
      ("/device/manufacturerOUI", "device", ["modelName": "x", "serialNumber": "y"]),
      ("/device/manufacturerOUI", "device", ["manufacturerOUI": "zz", "modelName": "x", "serialNumber": "y"]),
      ("/device/modelName", "device", ["manufacturerOUI": "02CE01", "serialNumber": "y"]),
      ("/device/serialNumber", "device", ["manufacturerOUI": "02CE01", "modelName": "x", "serialNumber": 7]),
      ("/interfaces", "interfaces", nil), ("/interfaces", "interfaces", [:]),
      ("/interfaces/0/macAddress", "interfaces", [["macAddress": "02:00"]]),
      ("/interfaces/0/ipAddresses/0", "interfaces", [["ipAddresses": ["192.168.10.21"]]]),
      ("/interfaces/0/defaultGateway", "interfaces", [["defaultGateway": "here"]]),
      ("/applications", "applications", nil),
      ("/applications/0/protocol", "applications", [["name": "x", "protocol": "sctp", "port": 1]]),
      ("/applications/0/port", "applications", [["name": "x", "protocol": "tcp", "port": 0]]),
      (
        "/applications/1/name", "applications",
        [["name": "x", "protocol": "tcp", "port": 1], ["name": "x", "protocol": "udp", "port": 1]]
      ),
      ("/lifetime", "lifetime", nil), ("/lifetime", "lifetime", 59), ("/lifetime", "lifetime", 86_401),
      ("/lifetime", "lifetime", "3600"), ("/configurationURL", "configurationURL", nil),
      ("/configurationURL", "configurationURL", "http://192.168.10.22:49210/configuration"),
      ("/configurationURL", "configurationURL", "http://tv.local:49210/configuration"),
      ("/configurationURL", "configurationURL", "https://192.168.10.21:49210/configuration"),
    ] as [(String, String, JSONValue?)])
  func badField(pointer: String, field: String, value: JSONValue?) {
    var configurator = alone()
    var body = ConfiguratorDialogue.registration()
    body[field] = value
    let response = configurator.ask("PUT", "/agents/\(tv)", body: body)
    #expect(response.status == 422)
    #expect(response.problem == "invalid-field")
    #expect(response.json?["pointer"]?.string == pointer)
    #expect(configurator.read() == nil)
  }

  @Test func whatMayBeMissingMayBeMissing() {
    var configurator = alone()
    var body = ConfiguratorDialogue.registration()
    body["device"] = ["manufacturerOUI": "02ce01", "modelName": "x", "serialNumber": "y", "colour": "grey"]
    body["interfaces"] = []
    body["applications"] = []
    body["unheard"] = ["of": [1, 2]]
    #expect(configurator.register(body).status == 201)
    body["interfaces"] = [["name": "eth0", "defaultGateway": nil]]
    body["agentId"] = .string(other)
    #expect(configurator.register(body).status == 201)
  }

  @Test("the ends of the lifetime's range are good", arguments: [60, 86_400]) func lifetimes(seconds: Int) {
    var configurator = alone()
    let response = configurator.register(ConfiguratorDialogue.registration(lifetime: seconds))
    #expect(response.json?["lifetime"] == .int(seconds))
  }

  @Test func theReplysLifetimeRules() {
    var settings = ConfiguratorDialogue.settings(withServer: false)
    settings.lifetimes = 60...120
    var configurator = ConfiguratorDialogue(settings: settings)
    configurator.start()
    #expect(configurator.register().json?["lifetime"] == 120)
    configurator.wait(seconds: 119.9)
    #expect(configurator.read()?["state"] == "registered")
    configurator.wait(seconds: 0.2)
    #expect(configurator.read()?["state"] == "expired")
  }

  @Test("another serial number, or no token, is a conflict until an operator removes the record") func conflict() {
    var configurator = alone()
    let token = configurator.register().json?["controlToken"]?.string ?? ""
    #expect(configurator.register().problem == "agent-conflict")
    #expect(configurator.register(token: "wrong").problem == "agent-conflict")
    let stranger = ConfiguratorDialogue.registration(serial: "S2")
    #expect(configurator.register(stranger, token: token).problem == "agent-conflict")
    #expect(configurator.ask("DELETE", "/agents/\(tv)", token: "operator-token").status == 204)
    #expect(configurator.register(stranger, token: token).status == 201)
    #expect(configurator.register(stranger, token: token).problem == "agent-conflict")
  }

  @Test("the first registration's key gets its answer again, however late, and after a restart") func firstKey() {
    var configurator = alone()
    let key = "11111111-2222-4333-8444-555555555555"
    let first = configurator.register(key: key)
    #expect(configurator.register(key: key).body == first.body)
    configurator.wait(seconds: 1200)
    #expect(configurator.register(key: key).body == first.body)
    #expect(configurator.register(key: key).status == 201)
    configurator.restart()
    #expect(configurator.register(key: key).body == first.body)
    let changed = ConfiguratorDialogue.registration(lifetime: 61)
    #expect(configurator.register(changed, key: key).problem == "invalid-field")
    #expect(
      configurator.register(changed, key: "11111111-2222-4333-8444-555555555556").problem == "agent-conflict")
    #expect(configurator.ask("DELETE", "/agents/\(tv)", token: "operator-token").status == 204)
    #expect(configurator.register(key: key).body != first.body)
  }

  @Test func theRecordOutlivesItsLifetimeAndARestart() {
    var configurator = alone()
    let token = configurator.register(ConfiguratorDialogue.registration(lifetime: 60)).json?["controlToken"]?.string
    configurator.wait(seconds: 61)
    configurator.restart()
    #expect(configurator.read()?["state"] == "expired")
    #expect(configurator.register().problem == "agent-conflict")
    #expect(configurator.register(token: token).status == 200)
    #expect(configurator.read()?["state"] == "registered")
  }

  @Test func aboveTwoHundredAndFiftySixRecordsItIs429() {
    var configurator = alone()
    let last = "aaaa0000-0000-4000-8000-0000000000ff"
    #expect(configurator.register(ConfiguratorDialogue.registration(last)).status == 201)
    // The others come from the store, as after a restart.
    for number in 0..<255 {
      let digits = String(number, radix: 16)
      let id = "aaaa0000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
      var row = configurator.store["agents"]?[last]
      row?["body"]?["agentId"] = .string(id)
      configurator.store["agents"]?[id] = row
    }
    configurator.restart()
    #expect(configurator.register(ConfiguratorDialogue.registration(last)).problem == "agent-conflict")
    #expect(configurator.register().problem == "too-many-requests")
    #expect(
      configurator.ask("DELETE", "/agents/aaaa0000-0000-4000-8000-000000000000", token: "operator-token").status == 204)
    #expect(configurator.register().status == 201)
  }

  @Test("deregister: the agent's own token; 401, 403 and 404 in that order") func deregister() {
    var configurator = alone()
    let mine = configurator.register().json?["controlToken"]?.string
    let theirs = configurator.register(ConfiguratorDialogue.registration(other)).json?["controlToken"]?.string
    #expect(configurator.ask("DELETE", "/agents/\(tv)").status == 401)
    #expect(configurator.ask("DELETE", "/agents/\(tv)", token: "wrong").status == 401)
    #expect(configurator.ask("DELETE", "/agents/\(tv)", token: theirs).status == 403)
    #expect(configurator.ask("DELETE", "/agents/\(tv)", token: mine).status == 204)
    #expect(configurator.ask("DELETE", "/agents/\(tv)", token: mine).status == 401)
    #expect(configurator.ask("DELETE", "/agents/\(tv)", token: theirs).status == 403)
    #expect(configurator.ask("DELETE", "/agents/\(tv)", token: "operator-token").problem == "no-agent")
    #expect(configurator.read() == nil)
    configurator.restart()
    #expect(configurator.read() == nil)
  }

  @Test func recordsAreReadByTheOperator() {
    var configurator = alone()
    let token = configurator.register().json?["controlToken"]?.string
    #expect(configurator.ask("GET", "/agents/\(tv)").status == 401)
    #expect(configurator.ask("GET", "/agents/\(tv)", token: token).status == 403)
    #expect(configurator.ask("GET", "/agents/\(other)", token: "operator-token").problem == "no-agent")
    let record = configurator.read()
    #expect(record?["state"] == "registered")
    #expect(record?["revision"] == JSONValue.null)
    #expect(record?["device"]?["serialNumber"] == "S1")
    #expect(record?["applications"]?[0]?["name"] == "media")
    #expect(configurator.ask("GET", "/agents", token: "operator-token").json?["agents"]?.array?.count == 1)
    #expect(configurator.ask("GET", "/nothing").status == 401)
    #expect(configurator.ask("GET", "/nothing", token: token).status == 403)
    #expect(configurator.ask("GET", "/nothing", token: "operator-token").status == 404)
    #expect(configurator.ask("POST", "/agents").status == 405)
  }

  @Test func aFailedCommitChangesNothing() {
    var configurator = ConfiguratorDialogue()
    configurator.start()
    configurator.storeFails = true
    let key = "11111111-2222-4333-8444-555555555555"
    let refused = configurator.register(key: key)
    #expect(refused.status == 503)
    #expect(refused.problem == "storage-unavailable")
    #expect(configurator.waiting.isEmpty)
    configurator.storeFails = false
    #expect(configurator.read() == nil)
    #expect(configurator.register(key: key).status == 201)
  }

  @Test("whatever comes in, it answers and goes on", arguments: [1, 2, 3, 4] as [UInt64]) func malformed(seed: UInt64) {
    var random = seed
    func next(_ limit: Int) -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33) % limit
    }
    var configurator = alone()
    let whole = ConfiguratorDialogue.registration().octets
    for round in 0..<300 {
      var octets = whole
      for _ in 0...next(4) {
        switch next(3) {
        case 0: octets[next(octets.count)] = UInt8(next(256))
        case 1: octets.removeSubrange(0..<min(octets.count - 1, next(40)))
        default: octets.insert(contentsOf: Array("\"[{}],:null".utf8).prefix(next(10)), at: next(octets.count))
        }
      }
      var request = configurator.request(
        ["PUT", "DELETE", "GET", "POST"][next(4)], ["/agents/\(tv)", "/agents/%zz", "/agents", "/"][next(4)],
        token: ["operator-token", nil, "x"][next(3)])
      request.fields["Content-Type"] = "application/json"
      request.body = octets
      let (_, response) = configurator.send(request)
      #expect((200..<500).contains(response.status), "seed \(seed), round \(round)")
      configurator.perform(
        .ssdp(octets, from: Endpoint("192.168.10.9:1900")!, .multicast, interface: "eth0"))
    }
    #expect(configurator.register(ConfiguratorDialogue.registration(other)).status == 201, "seed \(seed)")
  }
}
