import CEAgentRole
import Messages
import RoleKit
import Testing

private let requestId = "c0000000-0000-4000-8000-0000000000c5"
private let own = Endpoint("192.168.10.21:49210")!
private let stun = Endpoint("198.51.100.10:3478")!

extension Living {
  fileprivate static func registered() -> Living {
    var tv = Living()
    tv.registers()
    tv.echoes = []
    tv.sent = []
    return tv
  }

  /// `check`, as the configurator sends it; its reply is held.
  fileprivate mutating func check(_ body: JSONValue, as number: UInt64 = 9000, token: String? = "token-of-a") {
    var request = HTTPRequest.json("POST", "/checks", body)
    request.fields["Host"] = "\(own)"
    request.bearerToken = token
    receives(.requested(Exchange(number), request, from: Endpoint("192.168.10.2:5000")!, to: own))
    passes(0)
  }

  fileprivate func checkReply(_ number: UInt64 = 9000) -> HTTPResponse? { replies[Exchange(number)] }

  /// Answers whatever was asked of gateway and service server since the last look.
  fileprivate mutating func answersRows(gateway: Bool = true, server: Bool = true) {
    let (asked, datagrams) = (echoes, sent)
    echoes = []
    sent = []
    for echo in asked { receives(gateway ? .echoed(echo.call) : .failed(echo.call, .timeout)) }
    for datagram in datagrams where server && datagram.to == stun {
      guard let message = try? STUNMessage(parsing: datagram.octets) else { continue }
      let reply = STUNMessage(.success, transaction: message.transaction, attributes: [])
      receives(.datagram(reply.octets(), from: stun, to: datagram.from))
    }
  }
}

private let reachability: JSONValue = [
  "requestId": .string(requestId), "kind": "reachability",
  "targets": ["gateway": "192.168.10.1", "echoPort": 7, "stun": "198.51.100.10:3478"],
]

private let application: JSONValue = [
  "requestId": .string(requestId), "kind": "application", "application": "media", "targets": [:],
]

private func item(_ name: String, in reply: HTTPResponse?) -> JSONValue? {
  reply?.json?["checks"]?.array?.first { $0["name"]?.string == name }
}

@Suite("the configured agent: checks (4.6.3 and 4.6.4)") struct CheckTests {
  @Test("4.6.3 steps 5 and 6: both ways are open") func whole() {
    var tv = Living.registered()
    tv.check(reachability)
    #expect(tv.sockets.count >= 1)
    for _ in 0..<30 {
      tv.answersRows()
      tv.passes(0.05)
    }
    let reply = tv.checkReply()
    #expect(reply?.status == 200)
    #expect(reply?.json?["result"] == "ok")
    for name in ["gateway-check", "agent-server-check"] {
      #expect(item(name, in: reply)?["result"] == "ok")
      #expect(item(name, in: reply)?["received"] == 20)
    }
  }

  @Test("what is silent is told within 8 s, and what is heard beside it") func silent() {
    var tv = Living.registered()
    tv.check(reachability)
    for _ in 0..<80 {
      tv.answersRows(gateway: true, server: false)
      tv.passes(0.05)
    }
    #expect(tv.checkReply()?.json?["result"] == "failed")
    #expect(item("gateway-check", in: tv.checkReply())?["result"] == "ok")
    #expect(item("agent-server-check", in: tv.checkReply())?["received"] == 0)
  }

  @Test("without the right to send ICMP the gateway is asked by UDP echo") func fallback() {
    var tv = Living.registered()
    tv.check(reachability)
    let first = tv.echoes
    tv.echoes = []
    for echo in first { tv.receives(.failed(echo.call, .notPermitted)) }
    for _ in 0..<30 {
      for datagram in tv.sent where datagram.to == Endpoint("192.168.10.1:7") {
        tv.receives(.datagram(datagram.octets, from: datagram.to, to: datagram.from))
      }
      tv.answersRows()
      tv.passes(0.05)
    }
    tv.passes(3)
    #expect(item("gateway-check", in: tv.checkReply())?["result"] == "ok")
    #expect(tv.echoes.isEmpty)
  }

  @Test("4.6.4 step 2: any answer of the application but 500 and above is good") func ownApplication() {
    for (status, result) in [(200, "ok"), (401, "ok"), (500, "failed"), (503, "failed")] {
      var tv = Living.registered()
      tv.check(application)
      let asked = tv.calls.first
      #expect(asked?.to == Endpoint("192.168.10.21:8200"))
      #expect(asked?.request.path == "/media" && asked?.request.bearerToken == nil)
      tv.answers(HTTPResponse(status))
      #expect(item("application-local", in: tv.checkReply())?["result"]?.string == result)
      let fault = tv.checkReply()?.json?["findings"]?[0]?["fault"]
      #expect(fault == (status < 500 ? nil : "application-refuses"))
    }
  }

  @Test("an application that does not run, and one that there is not") func down() {
    var tv = Living.registered()
    #expect(tv.asks("POST", "/applications/media/stop", from: "192.168.10.21:40000").status == 204)
    #expect(!tv.ports.contains(8200))
    tv.check(application)
    guard let asked = tv.calls.first else {
      Issue.record("nothing was asked")
      return
    }
    tv.calls = []
    tv.receives(.failed(asked.call, .refused))
    #expect(tv.checkReply()?.json?["findings"]?[0]?["fault"] == "application-down")
    #expect(tv.asks("POST", "/applications/media/start", from: "192.168.10.21:40000").status == 204)
    #expect(tv.ports.contains(8200))
    var unknown = application
    unknown["application"] = "games"
    tv.check(unknown, as: 9001)
    #expect(tv.checkReply(9001)?.json?["result"] == "failed")
  }

  @Test("who may ask: the configurator checks, the user at the device stops and starts") func refusals() {
    var tv = Living.registered()
    tv.check(reachability, token: nil)
    #expect(tv.checkReply()?.status == 401)
    tv.check(["requestId": .string(requestId), "kind": "guess"], as: 9001)
    #expect(tv.checkReply(9001)?.status == 422)
    #expect(tv.asks("POST", "/applications/media/stop").status == 401)
    #expect(tv.asks("POST", "/applications/media/stop", token: "token-of-a").status == 403)
    #expect(tv.asks("POST", "/applications/games/stop", from: "192.168.10.21:40000").status == 404)
    for number in 0..<8 as Range<UInt64> { tv.check(reachability, as: 9100 + number) }
    tv.check(reachability, as: 9200)
    #expect(tv.checkReply(9200)?.status == 429)
  }
}
