import Messages
import RoleKit
import Testing

@testable import CEAgentRole

@Suite("4.2 step 7, 4.3 step 8: the configurator configures the device") struct ConfigurationTests {
  private func registered(word: UInt64 = 1, rows: [Row] = []) -> Living {
    var tv = Living(word: word, rows: rows)
    tv.registers()
    return tv
  }

  @Test func neverSetItIsEmpty() {
    var tv = registered()
    let read = tv.asks("GET", "/configuration", token: "token-of-a")
    #expect(read.status == 200)
    #expect(read.json == [:])
    #expect(read.fields["ETag"] != nil)
  }

  @Test func aPatchIsAnsweredWithTheWholeDocumentAndItsNewETag() throws {
    var tv = registered()
    let before = try #require(tv.asks("GET", "/configuration", token: "token-of-a").fields["ETag"])
    let first = tv.configures(#"{"ntpServer":"198.51.100.10","vendor":{"a":{"b":1}}}"#, match: before)
    #expect(first.status == 200)
    #expect(first.fields["content-type"] == "application/json")
    let second = tv.configures(#"{"qosClass":46,"vendor":{"a":{"c":2}}}"#, match: first.fields["ETag"])
    #expect(second.json == ["ntpServer": "198.51.100.10", "qosClass": 46, "vendor": ["a": ["b": 1, "c": 2]]])
    #expect(Set([before, first.fields["ETag"], second.fields["ETag"]]).count == 3)
    #expect(tv.asks("GET", "/configuration", token: "token-of-a").json == second.json)
    // Null removes, by RFC 7396.
    let third = tv.configures(#"{"vendor":null,"qosClass":null}"#, match: second.fields["ETag"])
    #expect(third.json == ["ntpServer": "198.51.100.10"])
  }

  @Test("If-Match decides: 428 without, 412 for another revision, * and lists are taken")
  func revisions() {
    var tv = registered()
    let etag = tv.configures(#"{"qosClass":1}"#).fields["ETag"] ?? ""
    let missing = tv.configures(#"{"qosClass":2}"#, match: nil)
    #expect(missing.status == 428)
    #expect(missing.json?["type"] == "urn:homebed:problem:stale-revision")
    #expect(missing.fields["ETag"] == etag)
    for stale in ["\"999\"", "W/\(etag)", "\"\"", "nonsense", etag.replacing("\"", with: ""), "*, \"x\""] {
      let response = tv.configures(#"{"qosClass":2}"#, match: stale)
      #expect(response.status == 412, "\(stale)")
      #expect(response.fields["ETag"] == etag)
      #expect(Problem(response)?.name == .staleRevision)
    }
    #expect(tv.asks("GET", "/configuration", token: "token-of-a").json == ["qosClass": 1])
    #expect(tv.configures(#"{"qosClass":2}"#, match: "\"7\", \(etag)").status == 200)
    #expect(tv.configures(#"{"qosClass":3}"#, match: "*").status == 200)
  }

  @Test func aPatchThatChangesNothingKeepsTheETagAndSavesNothing() {
    var tv = registered()
    let etag = tv.configures(#"{"qosClass":1}"#).fields["ETag"]
    tv.order.removeAll()
    #expect(tv.configures(#"{"qosClass":1,"hostName":null}"#).fields["ETag"] == etag)
    #expect(!tv.order.contains { if case .save = $0 { true } else { false } })
  }

  @Test func theDocumentOutlivesARestart() {
    var before = registered()
    let written = before.configures(#"{"hostName":"tv","dnsServers":["192.168.10.1","2001:db8::1"]}"#)
    var tv = registered(rows: before.rows)
    let read = tv.asks("GET", "/configuration", token: "token-of-a")
    #expect(read.json == written.json)
    #expect(read.fields["ETag"] == written.fields["ETag"])
  }

  @Test func theChangeIsSavedBeforeItIsAnswered() throws {
    var tv = registered()
    tv.order.removeAll()
    tv.configures(#"{"qosClass":1}"#)
    let save = tv.order.firstIndex { if case .save = $0 { true } else { false } }
    let reply = tv.order.firstIndex { if case .reply = $0 { true } else { false } }
    #expect(try #require(save) < #require(reply))
  }

  @Test("a change that can't be kept is refused with 503, and did not happen")
  func storeFails() {
    var tv = registered()
    tv.storeFailure = .storage("disk full")
    let response = tv.configures(#"{"qosClass":1}"#)
    #expect(response.status == 503)
    #expect(Problem(response)?.name == .storageUnavailable)
    tv.storeFailure = nil
    #expect(tv.asks("GET", "/configuration", token: "token-of-a").json == [:])
    #expect(tv.configures(#"{"qosClass":1}"#).status == 200)
  }

  // MARK: Members

  static let taken = [
    #"{"hostName":"tv"}"#, #"{"hostName":"TV-1.home.example"}"#, #"{"ntpServer":"198.51.100.10"}"#,
    #"{"ntpServer":"pool.ntp.example"}"#, #"{"ntpServer":"2001:db8::7"}"#, #"{"dnsServers":[]}"#,
    #"{"defaultGateway":"192.168.10.254"}"#, #"{"ipAddress":"192.168.10.44/24"}"#, #"{"dhcp":false}"#,
    #"{"qosClass":0}"#, #"{"qosClass":63}"#, #"{"applications":{"media":{"port":8201,"enabled":false}}}"#,
    #"{"applications":{"media":{"allowedPeers":[]}}}"#,
    #"{"applications":{"media":{"allowedPeers":[{"homeId":"home-b","agentId":"7f9c0000-0000-4000-8000-000000000021"}]}}}"#,
    #"{"connections":{"7f9c0000-0000-4000-8000-000000000099":{"address":"198.51.100.1","port":5000}}}"#,
    #"{"vendor":{"deep":[1,{"x":null}]}}"#, #"{"vendor":null,"applications":{"gone":null},"connections":{"x":null}}"#,
    "{}",
  ]

  @Test("values that a device takes", arguments: taken)
  func takes(patch: String) {
    var tv = registered()
    #expect(tv.configures(patch).status == 200)
    #expect(tv.problems == [])
  }

  static let refused: [(String, String)] = [
    (#"{"colour":"red"}"#, "/colour"), (#"{"colour":null}"#, "/colour"), (#"{"a/b~c":1}"#, "/a~1b~0c"),
    (#"{"hostName":7}"#, "/hostName"), (#"{"hostName":""}"#, "/hostName"), (#"{"hostName":"-tv"}"#, "/hostName"),
    (#"{"hostName":"tv..home"}"#, "/hostName"), (#"{"hostName":"my tv"}"#, "/hostName"),
    (#"{"hostName":"192.168.10.1"}"#, "/hostName"), (#"{"ntpServer":"239.0.0.1"}"#, "/ntpServer"),
    (#"{"ntpServer":"999.1.1.1"}"#, "/ntpServer"), (#"{"dnsServers":"192.168.10.1"}"#, "/dnsServers"),
    (#"{"dnsServers":["192.168.10.1","x"]}"#, "/dnsServers/1"), (#"{"dnsServers":[null]}"#, "/dnsServers/0"),
    (#"{"defaultGateway":"10.0.0.1"}"#, "/defaultGateway"), (#"{"defaultGateway":"192.168.10.21"}"#, "/defaultGateway"),
    (#"{"defaultGateway":"fe80::1"}"#, "/defaultGateway"), (#"{"defaultGateway":"224.0.0.1"}"#, "/defaultGateway"),
    (#"{"ipAddress":"192.168.10.44"}"#, "/ipAddress"), (#"{"ipAddress":"192.168.10.0/24"}"#, "/ipAddress"),
    (#"{"ipAddress":"192.168.10.255/24"}"#, "/ipAddress"), (#"{"ipAddress":"224.0.0.5/24"}"#, "/ipAddress"),
    (#"{"ipAddress":"1.2.3.4/0"}"#, "/ipAddress"), (#"{"ipAddress":"2001:db8::1/64"}"#, "/ipAddress"),
    (#"{"ipAddress":"192.168.10.44/33"}"#, "/ipAddress"), (#"{"dhcp":"yes"}"#, "/dhcp"),
    (#"{"qosClass":64}"#, "/qosClass"), (#"{"qosClass":-1}"#, "/qosClass"), (#"{"qosClass":1.5}"#, "/qosClass"),
    (#"{"qosClass":1e99}"#, "/qosClass"), (#"{"applications":[]}"#, "/applications"),
    (#"{"applications":{"games":{"port":1}}}"#, "/applications/games"),
    (#"{"applications":{"media":7}}"#, "/applications/media"),
    (#"{"applications":{"media":{"port":0}}}"#, "/applications/media/port"),
    (#"{"applications":{"media":{"port":65536}}}"#, "/applications/media/port"),
    (#"{"applications":{"media":{"enabled":1}}}"#, "/applications/media/enabled"),
    (#"{"applications":{"media":{"volume":1}}}"#, "/applications/media/volume"),
    (#"{"applications":{"media":{"allowedPeers":{}}}}"#, "/applications/media/allowedPeers"),
    (
      #"{"applications":{"media":{"allowedPeers":[{"homeId":"B","agentId":"x"}]}}}"#,
      "/applications/media/allowedPeers/0/homeId"
    ),
    (
      #"{"applications":{"media":{"allowedPeers":[{"homeId":"b","agentId":"x"}]}}}"#,
      "/applications/media/allowedPeers/0/agentId"
    ),
    (#"{"connections":{"x":{}}}"#, "/connections/x"),
    (
      #"{"connections":{"7f9c0000-0000-4000-8000-000000000099":{"address":"0.0.0.0"}}}"#,
      "/connections/7f9c0000-0000-4000-8000-000000000099/address"
    ),
    (
      #"{"connections":{"7f9c0000-0000-4000-8000-000000000099":{"port":"x"}}}"#,
      "/connections/7f9c0000-0000-4000-8000-000000000099/port"
    ),
    (#"{"vendor":"acme"}"#, "/vendor"),
  ]

  @Test("what a device can't take: 422 with the pointer, nothing of the patch is applied", arguments: refused)
  func refuses(patch: String, pointer: String) {
    var tv = registered()
    let before = tv.configures(#"{"qosClass":7}"#)
    // A good member beside the bad one is not applied either.
    let mixed = #"{"ntpServer":"198.51.100.10","# + patch.dropFirst()
    let response = tv.configures(patch.contains("ntpServer") ? patch : mixed)
    #expect(response.status == 422)
    #expect(response.json?["type"] == "urn:homebed:problem:unsupported-setting")
    #expect(response.json?["pointer"]?.string == pointer)
    let read = tv.asks("GET", "/configuration", token: "token-of-a")
    #expect(read.json == ["qosClass": 7])
    #expect(read.fields["ETag"] == before.fields["ETag"])
    #expect(tv.problems == ["configuration-refused"])
    #expect(tv.configures(#"{"qosClass":8}"#).status == 200)
    #expect(tv.problems == [])
  }

  @Test func aDocumentBeyond64KiBIsRefused() {
    var tv = registered()
    let half = String(repeating: "x", count: 40_000)
    #expect(tv.configures(#"{"vendor":{"a":"\#(half)"}}"#).status == 200)
    #expect(tv.configures(#"{"vendor":{"b":"\#(half)"}}"#).status == 422)
  }

  @Test("the body must be a merge patch, in JSON, an object")
  func bodies() {
    var tv = registered()
    for type in ["application/json", "text/plain", ""] {
      let response = tv.configures(#"{"qosClass":1}"#, type: type)
      #expect(response.status == 415)
      #expect(response.fields["Accept-Patch"] == "application/merge-patch+json")
    }
    #expect(tv.configures(#"{"qosClass":1}"#, type: "Application/Merge-Patch+JSON; charset=utf-8").status == 200)
    let deep = #"{"vendor":"# + String(repeating: "[", count: 40) + String(repeating: "]", count: 40) + "}"
    for body in ["", "[]", "7", "null", "{", #"{"a":1,}"#, #"{"qosClass":1,"qosClass":2}"#, "{\"a\":\"\u{1}\"}", deep] {
      let response = tv.configures(body)
      #expect(response.status == 400)
      #expect(Problem(response)?.name == .malformedBody, "\(body)")
    }
  }

  // MARK: Address

  @Test("a new address: it answers first, moves within 1 s, then does Sequence 2")
  func moves() {
    var tv = registered()
    _ = tv.sentRegisters()
    #expect(tv.configures(#"{"ipAddress":"192.168.10.44/24"}"#).status == 200)
    #expect(tv.moves == [])
    tv.receives(.replied(tv.exchange))
    let gateway = IPAddress("192.168.10.1")
    #expect(tv.moves == [.address(interface: "eth0", CIDR("192.168.10.44/24"), gateway: gateway)])
    tv.receives(.interface(interface(["192.168.10.44/24"])))
    tv.passes(0.02)
    tv.discovered()
    let register = tv.sentRegisters().first
    #expect(register?.body["reason"] == "connection-change")
    #expect(register?.body["configurationURL"] == "http://192.168.10.44:49210/configuration")
    tv.passes(1)
    #expect(tv.moves.count == 1)
  }

  @Test("nothing heard of the reply, or its reader gone: it moves within 1 s all the same")
  func movesAnyway() {
    var tv = registered()
    tv.configures(#"{"defaultGateway":"192.168.10.254"}"#)
    tv.receives(.replied(Exchange(9999)))
    #expect(tv.moves == [])
    tv.passes(1)
    #expect(tv.moves == [.address(interface: "eth0", nil, gateway: IPAddress("192.168.10.254"))])
    tv.configures(#"{"ipAddress":"192.168.10.45/24"}"#)
    tv.receives(.callerLeft(tv.exchange))
    #expect(tv.moves.count == 2)
  }

  @Test("both at once, into another subnet")
  func movesToAnotherSubnet() {
    var tv = registered()
    #expect(tv.configures(#"{"ipAddress":"10.0.0.44/8","defaultGateway":"10.0.0.1"}"#).status == 200)
    tv.receives(.replied(tv.exchange))
    #expect(tv.moves == [.address(interface: "eth0", CIDR("10.0.0.44/8"), gateway: IPAddress("10.0.0.1"))])
    // The gateway of the document must stay within reach.
    let away = tv.configures(#"{"ipAddress":"172.16.0.44/16"}"#)
    #expect(away.status == 422)
    #expect(away.json?["pointer"] == "/ipAddress")
  }

  @Test("an address that the device has already, or a patch about other things, moves nothing")
  func staysPut() {
    var tv = registered()
    tv.configures(#"{"ipAddress":"192.168.10.21/24","defaultGateway":"192.168.10.1"}"#)
    tv.configures(#"{"ipAddress":null}"#)
    tv.receives(.interface(interface(["192.168.10.60/24"])))
    tv.configures(#"{"qosClass":5}"#)
    tv.passes(2)
    #expect(tv.moves == [])
  }

  @Test("a configured address that was lost is taken again at the next start")
  func movesAtStart() {
    var before = registered()
    before.configures(#"{"ipAddress":"192.168.10.44/24"}"#)
    var tv = Living(rows: before.rows)
    tv.starts()
    let gateway = IPAddress("192.168.10.1")
    #expect(tv.moves == [.address(interface: "eth0", CIDR("192.168.10.44/24"), gateway: gateway)])
    #expect(tv.searches() == 0)
    // A host that can't make the move leaves the device where it is; it searches from there.
    tv.passes(1)
    #expect(tv.searches() == 1)
    tv.receives(.interface(interface(["192.168.10.44/24"])))
    tv.passes(0.02)
    tv.discovered()
    #expect(tv.sentRegisters().first?.body["configurationURL"] == "http://192.168.10.44:49210/configuration")
    var settled = Living(rows: before.rows)
    settled.starts([interface(["192.168.10.44/24"])])
    #expect(settled.moves == [])
  }

  @Test("a configured port is what the next register tells")
  func applicationPort() {
    var tv = registered()
    tv.configures(#"{"applications":{"media":{"port":9000}}}"#)
    _ = tv.sentRegisters()
    tv.passes(1800)
    #expect(tv.sentRegisters().first?.body["applications"]?[0]?["port"] == 9000)
  }
}
