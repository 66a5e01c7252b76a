import Messages
import RoleKit
import Testing

@Suite("Errors on the wire, RFC 9457") struct ProblemTests {
  @Test("every name of profile section 9 comes back as it went out", arguments: ProblemName.allCases)
  func roundTrip(name: ProblemName) throws {
    let problem = Problem(name, "because", pointer: "/device/modelName")
    let response = problem.response
    #expect(response.status == name.status)
    #expect(response.fields["content-type"] == "application/problem+json")
    let body = try #require(response.json)
    #expect(body["type"] == .string("urn:homebed:problem:\(name.rawValue)"))
    #expect(body["status"]?.int == name.status)
    #expect(Problem(response) == problem)
  }

  @Test func withoutANameItIsAboutBlank() {
    let problem = Problem(status: 415, title: "Unsupported Media Type", "text/plain")
    #expect(problem.response.json?["type"] == "about:blank")
    #expect(problem.response.json?["pointer"] == nil)
    #expect(Problem(problem.response) == problem)
  }

  @Test func staleRevisionAlsoComesWith428() {
    #expect(Problem(.staleRevision, "x").status == 412)
    #expect(Problem(.staleRevision, status: 428, "x").response.status == 428)
  }

  @Test func otherPeoplesErrorsAreReadToo() {
    #expect(Problem(HTTPResponse(200)) == nil)
    #expect(Problem(HTTPResponse(500, body: Array("<html>".utf8)))?.description == "500 status 500")
    let odd = HTTPResponse.json(404, ["type": "urn:homebed:problem:unheard-of", "title": "T", "detail": "D"])
    #expect(Problem(odd)?.name == nil)
    #expect(Problem(odd)?.description == "404 T: D")
    #expect(Problem(HTTPResponse.json(409, ["type": 7, "title": []]))?.title == "status 409")
  }
}

@Suite("Identifiers and tokens") struct IdentifierTests {
  @Test func uuidsAreLowerCaseVersionFour() {
    var bits = RandomBits { .max }
    #expect(bits.uuid() == "ffffffff-ffff-4fff-bfff-ffffffffffff")
    bits = RandomBits { 0 }
    #expect(bits.uuid() == "00000000-0000-4000-8000-000000000000")
    #expect(Identifier.isUUID(bits.uuid()))
  }

  @Test(
    "what is no UUID",
    arguments: [
      "", "0", "00000000-0000-4000-8000-00000000000", "00000000-0000-4000-8000-0000000000000",
      "0000000A-0000-4000-8000-000000000000", "00000000x0000-4000-8000-000000000000",
      "00000000-0000-4000-8000-00000000000g",
    ])
  func notUUID(text: String) { #expect(!Identifier.isUUID(text)) }

  @Test func homeIds() {
    for good in ["a", "home-1", String(repeating: "z", count: 64)] { #expect(Identifier.isHomeId(good)) }
    for bad in ["", "Home", "a_b", "ä", String(repeating: "z", count: 65)] { #expect(!Identifier.isHomeId(bad)) }
  }

  @Test func tokensAre128BitsInBase64URLWithoutPadding() {
    var bits = RandomBits { .max }
    #expect(bits.token() == "_____________________w")
    // RFC 4648 clause 10, without its padding.
    let vectors = [
      ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
      ("foobar", "Zm9vYmFy"),
    ]
    for (plain, coded) in vectors { #expect(Base64URL.write(Array(plain.utf8)) == coded) }
    #expect(Base64URL.write([0xFB, 0xFF]) == "-_8")
  }

  @Test func bearerTokens() {
    func token(_ values: [String]) -> String? {
      HTTPRequest("GET", "/", fields: HTTPFields(values.map { .init("authorization", $0) })).bearerToken
    }
    #expect(token(["Bearer abc"]) == "abc")
    #expect(token(["bearer  abc"]) == "abc")
    for bad in [[], ["abc"], ["Bearer"], ["Bearer "], ["Basic abc"], ["Bearer abc", "Bearer abc"]] {
      #expect(token(bad) == nil)
    }
    #expect("abc".equalsSecret("abc"))
    #expect(!"abc".equalsSecret("abd"))
    #expect(!"abc".equalsSecret("ab"))
  }

  @Test func onlyAUUIDIsACorrelation() {
    var request = HTTPRequest("GET", "/")
    request.correlation = "00000000-0000-4000-8000-000000000000"
    #expect(request.correlation != nil)
    request.correlation = "evil\r\nheader"
    #expect(request.correlation == nil)
    #expect(HTTPResponse(200).repeating(correlation: nil).fields.list.isEmpty)
  }
}
