import Messages
import RoleKit
import Testing

@testable import CEAgentRole

private let connectionId = "c0000000-0000-4000-8000-000000000001"

extension Living {
  /// `control`, as the configurator sends it.
  @discardableResult fileprivate mutating func control(
    _ application: String = "media", id: String = connectionId, token: String = "secret", lasts seconds: Int64 = 300,
    controlToken: String? = "token-of-a", key: String? = nil, other: JSONValue? = nil
  ) -> HTTPResponse {
    let body: JSONValue =
      other ?? [
        "connectionId": .string(id), "application": .string(application), "connectionToken": .string(token),
        "expires": .string(ProfileTime.rfc3339(now.wall + seconds * 1000)),
      ]
    var fields = [("Content-Type", "application/json")]
    if let key { fields.append(("Idempotency-Key", key)) }
    return asks(
      "POST", "/connections", token: controlToken, fields: fields, body: String(decoding: body.octets, as: UTF8.self))
  }

  fileprivate mutating func visits(
    _ target: String = "/media", token: String? = "secret", method: String = "GET", port: UInt16 = 8200,
    _ fields: [(String, String)] = []
  ) -> HTTPResponse {
    asks(method, target, token: token, host: "198.51.100.1:8200", fields: fields, port: port)
  }

  fileprivate static func registered(_ settings: CEAgentSettings = settings()) -> Living {
    var tv = Living(settings)
    tv.registers()
    return tv
  }
}

private func settings(remote: Bool = true, enabled: Bool = true) -> CEAgentSettings {
  CEAgentSettings(
    agentId: agentId, device: device,
    applications: [
      .init(name: "media", transport: .tcp, port: 8200, remoteAccess: remote, isEnabled: enabled),
      .init(name: "share", transport: .tcp, port: 8201, remoteAccess: true),
      .init(name: "call", transport: .udp, port: 5060, remoteAccess: true),
    ])
}

@Suite("The agent: connections from outside (4.4 step 3)") struct ControlTests {
  @Test func itTellsWhereTheApplicationIs() {
    var tv = Living.registered(settings())
    let reply = tv.control()
    #expect(reply.status == 200)
    #expect(reply.json == ["address": "192.168.10.21", "port": 8200, "protocol": "tcp"])
    #expect(tv.control("call").json == ["address": "192.168.10.21", "port": 5060, "protocol": "udp"])
  }

  @Test("unknown, switched off and not remote are refused") func refusals() {
    var tv = Living.registered(settings(remote: false))
    #expect(Problem(tv.control("nothing"))?.name == .noApplication)
    #expect(Problem(tv.control())?.name == .applicationDisabled)
    var off = Living.registered(settings(enabled: false))
    #expect(Problem(off.control())?.name == .applicationDisabled)
    #expect(off.ports == [8201])
    #expect(off.control(controlToken: nil).status == 401)
    #expect(off.asks("DELETE", "/connections/\(connectionId)").status == 401)
  }

  @Test("a bad field is named", arguments: ["connectionId", "application", "connectionToken", "expires"])
  func badFields(field: String) {
    var tv = Living.registered(settings())
    var body: JSONValue = [
      "connectionId": .string(connectionId), "application": "media", "connectionToken": "x",
      "expires": .string(ProfileTime.rfc3339(tv.now.wall + 1000)),
    ]
    #expect(tv.control(other: body).status == 200)
    body[field] = 1
    #expect(Problem(tv.control(other: body))?.pointer == "/\(field)")
    body[field] = nil
    #expect(Problem(tv.control(other: body))?.pointer == "/\(field)")
    #expect(Problem(tv.control(lasts: 0))?.pointer == "/expires")
  }

  @Test("the same key is one control; another body with it is none") func idempotency() {
    var tv = Living.registered(settings())
    let first = tv.control(key: "k1")
    #expect(tv.control(key: "k1") == first)
    #expect(Problem(tv.control(token: "other", key: "k1"))?.name == .invalidField)
    #expect(tv.store.keys.filter { $0.hasPrefix("connection/") }.count == 1)
  }

  @Test("the number of connections is bounded") func bounded() {
    var tv = Living.registered(settings())
    for number in 0..<256 {
      let digits = String(number, radix: 16)
      let id = "c0000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
      #expect(tv.control(id: id).status == 200)
    }
    #expect(tv.control(id: "d0000000-0000-4000-8000-000000000000").status == 429)
    #expect(tv.control(id: "c0000000-0000-4000-8000-000000000000").status == 200)
  }

  @Test("an end, a restart and the time") func lifetimes() {
    var tv = Living.registered(settings())
    tv.control()
    #expect(tv.visits().status == 200)
    #expect(tv.asks("DELETE", "/connections/\(connectionId)", token: "token-of-a").status == 204)
    #expect(tv.asks("DELETE", "/connections/\(connectionId)", token: "token-of-a").status == 404)
    #expect(tv.visits().status == 401)
    tv.control(id: "d0000000-0000-4000-8000-000000000000", token: "second")
    #expect(tv.visits(token: "second").status == 200)
    var again = Living(settings(), rows: tv.rows)
    again.now = tv.now
    again.starts()
    #expect(again.ports == [8200, 8201])
    #expect(again.visits(token: "second").status == 200)
    again.passes(299)
    #expect(again.visits(token: "second").status == 200)
    again.passes(1)
    #expect(again.visits(token: "second").status == 401)
    #expect(again.store.keys.filter { $0.hasPrefix("connection/") }.isEmpty)
    var late = Living(settings(), rows: tv.rows)
    late.now.wall = tv.now.wall + 300_000
    late.starts()
    #expect(late.store.keys.filter { $0.hasPrefix("connection/") }.isEmpty)
  }

  @Test("a store that fails: 503, and nothing is granted") func storeFails() {
    var tv = Living.registered(settings())
    tv.storeFailure = .storage("full")
    #expect(tv.control(key: "k1").status == 503)
    #expect(tv.visits().status == 401)
    tv.storeFailure = nil
    #expect(tv.control(key: "k1").status == 200)
  }
}

@Suite("The CE application (4.4 step 7)") struct ApplicationTests {
  @Test("a token opens its application alone, at its port") func tokens() {
    var tv = Living.registered(settings())
    tv.control()
    let page = tv.visits()
    #expect(page.status == 200)
    #expect(page.fields["Content-Type"] == "text/html; charset=utf-8")
    #expect(String(decoding: page.body, as: UTF8.self).contains("Living room &lt;TV&gt;"))
    let refused = tv.visits(token: nil)
    #expect(refused.status == 401)
    #expect(refused.fields["WWW-Authenticate"] == "Bearer")
    for token in ["secre", "secret2", "token-of-a"] { #expect(tv.visits(token: token).status == 401) }
    #expect(tv.visits("/share", port: 8201).status == 403)
    #expect(tv.visits("/share").status == 404)
    #expect(tv.visits("/nothing").status == 404)
    #expect(tv.visits("/media/nothing").status == 404)
    #expect(tv.visits("/nothing", token: nil).status == 401)
    #expect(tv.visits("/status").status == 404)
  }

  @Test("methods: GET and HEAD, and what else there is gets 405") func methods() {
    var tv = Living.registered(settings())
    tv.control()
    #expect(tv.visits(method: "HEAD").status == 200)
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
      let response = tv.visits(method: method)
      #expect(response.status == 405)
      #expect(response.fields["Allow"] == "GET, HEAD")
    }
    #expect(tv.visits("/media", [("Host", "two")]).status == 400)
  }

  @Test("ranges of the picture (RFC 9110 clause 14)") func ranges() {
    var tv = Living.registered(settings())
    tv.control()
    let whole = tv.visits("/media/picture.png").body
    #expect(whole.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    func part(_ range: String, _ more: [(String, String)] = []) -> (HTTPResponse, [UInt8]) {
      let response = tv.visits("/media/picture.png", [("Range", range)] + more)
      return (response, response.body)
    }
    let length = whole.count
    for (range, expected) in [
      ("bytes=0-0", 0..<1), ("bytes=5-9", 5..<10), ("Bytes= 5-9 ", 5..<10),
      ("bytes=\(length - 3)-", length - 3..<length),
      ("bytes=-4", length - 4..<length), ("bytes=-99999999", 0..<length), ("bytes=7-99999999999999999999", 7..<length),
    ] {
      let (response, body) = part(range)
      #expect(response.status == 206, "\(range)")
      #expect(body == Array(whole[expected]), "\(range)")
      #expect(
        response.fields["Content-Range"] == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/\(length)")
    }
    for range in ["bytes=\(length)-", "bytes=-0", "bytes=99999999999999999999-"] {
      let (response, _) = part(range)
      #expect(response.status == 416, "\(range)")
      #expect(response.fields["Content-Range"] == "bytes */\(length)")
    }
    for range in [
      "bytes=9-5", "bytes=a-b", "bytes=", "bytes=-", "octets=0-1", "bytes=0-1,3-4", "bytes 0-1", "bytes=+1-2",
    ] {
      let (response, body) = part(range)
      #expect(response.status == 200, "\(range)")
      #expect(body == whole)
    }
    let etag = tv.visits("/media/picture.png").fields["ETag"] ?? ""
    #expect(part("bytes=0-1", [("If-Range", etag)]).0.status == 206)
    #expect(part("bytes=0-1", [("If-Range", "\"other\"")]).0.status == 200)
    #expect(tv.visits("/media/picture.png", method: "HEAD", [("Range", "bytes=0-1")]).status == 200)
  }

  @Test("the configuration moves an application and switches it off and on") func configured() {
    var tv = Living.registered(settings())
    #expect(tv.ports == [8200, 8201])
    tv.control()
    #expect(tv.configures(#"{"applications":{"media":{"port":9000}}}"#).status == 200)
    #expect(tv.ports == [9000, 8201])
    #expect(tv.visits(port: 9000).status == 200)
    #expect(tv.visits(port: 8200).status == 404)
    #expect(tv.control(token: "more").json?["port"] == 9000)
    #expect(tv.configures(#"{"applications":{"media":{"enabled":false}}}"#).status == 200)
    #expect(tv.ports == [8201])
    #expect(Problem(tv.control())?.name == .applicationDisabled)
    #expect(tv.configures(#"{"applications":{"media":null}}"#).status == 200)
    #expect(tv.ports == [8200, 8201])
    #expect(tv.configures(#"{"applications":{"media":{"port":49210}}}"#).status == 200)
    #expect(tv.ports == [8201], "the agent's own port stays the agent's")
  }

  @Test("a port that the system refuses is shown to the user") func refusedPort() {
    var tv = Living.registered(settings())
    tv.receives(.portRefused(8200, .refused))
    #expect(tv.problems == ["application-down"])
  }
}
