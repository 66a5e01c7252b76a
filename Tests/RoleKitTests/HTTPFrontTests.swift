import Messages
import RoleKit
import Testing

private let here = Endpoint("192.168.10.2:49200")!

private func request(
  _ method: String = "GET", _ target: String = "/agents", host: String? = "192.168.10.2:49200",
  _ fields: [(String, String)] = [], body: String = ""
) -> HTTPRequest {
  var list = fields.map { HTTPFields.Field($0.0, $0.1) }
  if let host { list.insert(.init("Host", host), at: 0) }
  return HTTPRequest(method, target, fields: HTTPFields(list), body: Array(body.utf8))
}

private func status(_ work: () throws(Refusal) -> some Any) -> Int {
  do throws(Refusal) {
    _ = try work()
    return 200
  } catch {
    return error.response.status
  }
}

@Suite struct HTTPFrontTests {
  let front = HTTPFront(hostNames: ["cfg.home"])

  @Test(
    "Host names the listening address or a given name, with the port",
    arguments: [
      ("192.168.10.2:49200", 200), ("cfg.home:49200", 200), ("CFG.Home.:49200", 200), ("192.168.10.2", 421),
      ("192.168.10.2:80", 421), ("192.168.10.3:49200", 421), ("evil.example:49200", 421), ("localhost:49200", 421),
      ("192.168.10.2:49200x", 400), ("192.168.10.2:99999", 400), ("", 400), ("[::1", 400), ("[::1]:49200", 421),
      ("a b:49200", 400), ("192.168.010.2:49200", 421),
    ])
  func host(text: String, expected: Int) {
    #expect(status { () throws(Refusal) in try front.path(of: request(host: text), at: here) } == expected)
  }

  @Test func aMissingOrSecondHostIsBad() {
    #expect(status { () throws(Refusal) in try front.path(of: request(host: nil), at: here) } == 400)
    let twice = request("GET", "/agents", [("host", "192.168.10.2:49200")])
    #expect(status { () throws(Refusal) in try front.path(of: twice, at: here) } == 400)
  }

  @Test func theHostOfAnAbsoluteTargetCounts() throws {
    let good = request("GET", "http://192.168.10.2:49200/agents/x?y", host: "elsewhere:1")
    #expect(try front.path(of: good, at: here).segments == ["agents", "x"])
    let bad = request("GET", "http://elsewhere:1/agents")
    #expect(status { () throws(Refusal) in try front.path(of: bad, at: here) } == 421)
  }

  @Test func portEightyMayBeLeftOut() throws {
    let web = Endpoint("[2001:db8::1]:80")!
    #expect(try front.path(of: request(host: "[2001:DB8:0::1]"), at: web).segments == ["agents"])
  }

  @Test(
    "paths are read segment by segment",
    arguments: [
      ("/", []), ("/a/b", ["a", "b"]), ("/a/", ["a", ""]), ("/a//b", ["a", "", "b"]), ("/a%2Fb/c", ["a/b", "c"]),
      ("/%C3%A9?q=%zz", ["é"]), ("/a%2", nil), ("/a%zz", nil), ("/%ff", nil), ("*", nil), ("agents", nil), ("", nil),
      ("http://x", []),
    ] as [(String, [String]?)])
  func path(target: String, segments: [String]?) {
    #expect(RequestPath(target: target)?.segments == segments)
  }

  @Test func routesNameOperations() throws {
    let routes = RouteTable([
      ("GET", "/agents", "list"), ("PUT", "/agents/{agentId}", "put"), ("DELETE", "/agents/{agentId}", "delete"),
    ])
    let path = RequestPath(segments: ["agents", "tv"])
    let (operation, parameters) = try front.operation(of: request("PUT"), path: path, in: routes)
    #expect(operation == "put")
    #expect(parameters == ["agentId": "tv"])
    do throws(Refusal) {
      _ = try front.operation(of: request("POST"), path: path, in: routes)
      Issue.record("POST was taken")
    } catch {
      #expect(error.response.status == 405)
      #expect(error.response.fields["allow"] == "PUT, DELETE")
    }
    for segments in [["nothing"], ["agents", ""], ["agents", "tv", "x"], []] {
      let path = RequestPath(segments: segments)
      #expect(status { () throws(Refusal) in try front.operation(of: request(), path: path, in: routes).0 } == 404)
    }
  }

  @Test(
    "a body is a strict JSON object of the right type",
    arguments: [
      ("application/json", "{}", 200), ("Application/JSON; charset=utf-8", "{}", 200), ("text/plain", "{}", 415),
      ("application/merge-patch+json", "{}", 415), (nil, "{}", 415), ("application/json", "", 400),
      ("application/json", "[]", 400), ("application/json", "{\"a\":1,}", 400), ("application/json", "{}x", 400),
      ("application/json", "{\"a\":1,\"a\":2}", 400),
      ("application/json", String(repeating: "{\"a\":", count: 40) + "1" + String(repeating: "}", count: 40), 400),
    ] as [(String?, String, Int)])
  func body(type: String?, text: String, expected: Int) {
    let request = request("PUT", "/agents/x", type.map { [("Content-Type", $0)] } ?? [], body: text)
    #expect(status { () throws(Refusal) in try front.object(in: request) } == expected)
  }

  @Test func aPatchHasItsOwnType() throws {
    let patch = request("PATCH", "/configuration", [("Content-Type", ProfileNames.mergePatchType)], body: "{}")
    #expect(try front.object(in: patch, type: ProfileNames.mergePatchType).value == [:])
    do throws(Refusal) {
      _ = try front.object(in: request("PATCH"), type: ProfileNames.mergePatchType)
      Issue.record("a PATCH without a type was taken")
    } catch {
      #expect(error.response.fields["Accept-Patch"] == ProfileNames.mergePatchType)
    }
  }

  @Test func unauthorizedCarriesAChallenge() {
    let response = Refusal.unauthorized("no token").response
    #expect(response.status == 401)
    #expect(response.fields["WWW-Authenticate"] == "Bearer")
    #expect(response.json?["type"] == "urn:homebed:problem:unauthorized")
  }
}

@Suite struct BodyFieldTests {
  private func fault(_ work: () throws(FieldFault) -> some Any) -> String? {
    do throws(FieldFault) {
      _ = try work()
      return nil
    } catch {
      return error.pointer
    }
  }

  @Test func faultsNameTheField() {
    let body = BodyField([
      "id": "7F9C0000-0000-4000-8000-000000000000", "n": 61, "half": .double(0.5), "deep": ["a/b": [1, "x"]], "no": nil,
      "word": "other", "port": 0, "flag": "true", "empty": "",
    ])
    enum Word: String, CaseIterable { case one, two }
    #expect(fault { () throws(FieldFault) in try body["id"].uuid() } == "/id")
    #expect(fault { () throws(FieldFault) in try body["n"].int(0...60) } == "/n")
    #expect(fault { () throws(FieldFault) in try body["n"].int(61...61) } == nil)
    #expect(fault { () throws(FieldFault) in try body["half"].int(0...60) } == "/half")
    #expect(fault { () throws(FieldFault) in try body["missing"]["inner"].text() } == "/missing/inner")
    #expect(fault { () throws(FieldFault) in try body["no"].text() } == "/no")
    #expect(fault { () throws(FieldFault) in try body["deep"]["a/b"].items()[0].text() } == "/deep/a~1b/0")
    #expect(fault { () throws(FieldFault) in try body["deep"]["a/b"].items(atMost: 1) } == "/deep/a~1b")
    #expect(fault { () throws(FieldFault) in try body["deep"].items() } == "/deep")
    #expect(fault { () throws(FieldFault) in try body["word"].word(Word.self) } == "/word")
    #expect(fault { () throws(FieldFault) in try body["port"].port() } == "/port")
    #expect(fault { () throws(FieldFault) in try body["flag"].bool() } == "/flag")
    #expect(fault { () throws(FieldFault) in try body["empty"].text() } == "/empty")
    #expect(fault { () throws(FieldFault) in try body["empty"].text(0...1) } == nil)
    #expect(fault { () throws(FieldFault) in try body["word"].address() } == "/word")
    #expect(fault { () throws(FieldFault) in try body["word"].cidr() } == "/word")
    #expect(fault { () throws(FieldFault) in try body["word"].members().count } == "/word")
    #expect(body["missing"].isAbsent && body["no"].isAbsent && !body["n"].isAbsent)
  }
}
