import Messages
import RoleKit
import Testing

@testable import CEAgentRole

@Suite("The agent's own API: who may ask for what") struct RequestTests {
  @Test("before a registration nobody is authorised")
  func beforeRegistration() {
    var tv = Living()
    tv.starts()
    for token in [nil, "", "token-of-a", "x"] {
      #expect(tv.asks("GET", "/configuration", token: token).status == 401)
      #expect(tv.configures(#"{"qosClass":1}"#, token: token).status == 401)
    }
  }

  @Test("only the control token opens the configuration")
  func tokens() {
    var tv = Living()
    tv.registers()
    let refused = tv.asks("GET", "/configuration")
    #expect(refused.status == 401)
    #expect(refused.fields["WWW-Authenticate"] == "Bearer")
    #expect(Problem(refused)?.name == .unauthorized)
    for token in ["token-of-", "token-of-aa", "TOKEN-OF-A", "token-of-b"] {
      #expect(tv.asks("GET", "/configuration", token: token).status == 401)
    }
    #expect(tv.asks("GET", "/configuration", fields: [("Authorization", "Basic token-of-a")]).status == 401)
    let twice = [("Authorization", "Bearer token-of-a"), ("Authorization", "Bearer token-of-a")]
    #expect(tv.asks("GET", "/configuration", fields: twice).status == 401)
    #expect(tv.asks("GET", "/configuration", token: "token-of-a").status == 200)
  }

  @Test("the token of an earlier configurator is valid elsewhere: 403, also where nothing is there")
  func formerConfigurator() {
    var before = Living()
    before.registers(with: configuratorA)
    var tv = Living(rows: before.rows)
    tv.starts()
    tv.passes(7.5)
    tv.discovered(configuratorB)
    tv.passes(1.5)
    tv.answers(Living.registerReply(configuratorB, token: "token-of-b"))
    #expect(tv.asks("GET", "/configuration", token: "token-of-a").status == 403)
    #expect(tv.asks("GET", "/nothing", token: "token-of-a").status == 403)
    #expect(tv.asks("GET", "/configuration", token: "token-of-b").status == 200)
  }

  @Test("401 before 404")
  func unknownPaths() {
    var tv = Living()
    tv.registers()
    for (method, path) in [
      ("GET", "/nothing"), ("POST", "/checks/1"), ("GET", "/configuration/"), ("GET", "//"),
      ("DELETE", "/connections/1"),
    ] {
      #expect(tv.asks(method, path).status == 401, "\(path)")
      #expect(tv.asks(method, path, token: "token-of-a").status == 404, "\(path)")
    }
    let wrong = tv.asks("PUT", "/configuration", token: "token-of-a")
    #expect(wrong.status == 405)
    #expect(wrong.fields["Allow"] == "GET, PATCH")
    #expect(tv.asks("POST", "/status").status == 405)
  }

  @Test("Host must name the listening address, or a given name")
  func host() {
    var tv = Living()
    tv.starts()
    #expect(tv.asks("GET", "/status", host: "tv.home:49210").status == 200)
    for other in ["evil.example", "evil.example:49210", "192.168.10.21", "192.168.10.22:49210", "tv.home:80"] {
      #expect(tv.asks("GET", "/status", host: other).status == 421, "\(other)")
    }
    #expect(tv.asks("GET", "/status", host: nil).status == 400)
    #expect(tv.asks("GET", "/status", fields: [("Host", "192.168.10.21:49210")]).status == 400)
  }

  @Test("a reply repeats the correlation of its request")
  func correlation() {
    var tv = Living()
    tv.registers()
    let id = "00000000-0000-4000-8000-0000000000ff"
    for path in ["/", "/status", "/configuration", "/nothing"] {
      let response = tv.asks("GET", path, fields: [("homebed-correlation", id)])
      #expect(response.fields["Homebed-Correlation"] == id)
    }
    #expect(tv.asks("GET", "/status", fields: [("Homebed-Correlation", "x")]).fields["Homebed-Correlation"] == nil)
  }

  @Test("4.6.2: the page and the status are for anybody in the home, and tell since when and what to do")
  func trouble() throws {
    var tv = Living()
    tv.starts([interface(up: false)])
    let started = tv.now.wallText
    tv.passes(60)
    let status = try #require(tv.asks("GET", "/status").json)
    #expect(status["state"] == "problem")
    let problem = try #require(status["problems"]?[0])
    #expect(problem["name"] == "no-link")
    #expect(problem["since"]?.string == started)
    #expect(problem["detail"] == "No link on eth0.")
    #expect(problem["advice"]?.string?.contains("cable") == true)
    let page = tv.asks("GET", "/")
    #expect(page.fields["content-type"] == "text/html; charset=utf-8")
    let text = String(decoding: page.body, as: UTF8.self)
    #expect(text.contains("<strong>no-link</strong>"))
    #expect(text.contains("cable"))
    #expect(text.contains("Living room &lt;TV&gt;"))
    #expect(!text.contains("<TV>"))
    #expect(!text.contains("token-of"))
  }

  @Test("each change of the problems is a log line, once")
  func logLines() {
    var tv = Living()
    tv.starts([interface(up: false)])
    tv.receives(.interface(interface(up: false)))
    tv.receives(.interface(interface()))
    #expect(tv.reports.filter { $0.code == "problem-shown" }.map(\.text) == ["no-link: No link on eth0."])
    #expect(tv.reports.filter { $0.code == "problem-gone" }.map(\.text) == ["no-link"])
  }

  @Test("a registered device without problems says so")
  func allIsWell() {
    var tv = Living()
    tv.registers()
    let status = tv.asks("GET", "/status").json
    #expect(status?["state"] == "registered")
    #expect(status?["problems"] == [])
    #expect(status?["configuratorId"]?.string == configuratorA)
    let page = String(decoding: tv.asks("GET", "/").body, as: UTF8.self)
    #expect(page.contains("Registered with the configurator at 192.168.10.2:49200."))
    #expect(!page.contains("<h2>Problems"))
  }

  @Test("inputs that mean nothing now are reported, not swallowed")
  func ignoredAloud() {
    var tv = Living()
    tv.receives(.fired(TimerName("refresh")))
    tv.starts()
    let strangers: [Input] = [
      .started(rows: [], interfaces: []), .answered(Call(777), HTTPResponse(200)), .failed(Call(777), .reset),
      .fired(TimerName("refresh")), .fired(TimerName("unheard-of")), .fired(TimerName("retry", "3")),
      .streamed(Call(1), ServerSentEvent(data: "")), .ended(Call(1), nil), .fired(TimerName("move")),
      .fired(TimerName("ssdp-reply", "9")),
    ]
    for input in strangers {
      let before = tv.reports.count
      tv.receives(input)
      #expect(tv.reports.dropFirst(before).map(\.code) == ["ignored"], "\(input)")
    }
    #expect(tv.state == "searching")
    tv.receives(.stopping)
    tv.receives(.interface(interface()))
    #expect(tv.reports.last?.code == "ignored")
  }
}
