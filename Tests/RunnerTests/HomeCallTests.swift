import JSONText
import Testing

@testable import Runner

/// What goes over the socket of a running home.
struct HomeCallTests {
  @Test(arguments: [
    HomeCall.Request.describe, .enter(node: "home-a.tv"), .perform("unplug tv\nset tv ip.address = \"é\"", within: 0.5),
  ])
  func requestsComeBackAsTheyWere(request: HomeCall.Request) throws {
    let line = request.json.description
    #expect(!line.contains("\n"))
    #expect(HomeCall.Request(try JSONValue(parsing: Array(line.utf8))) == request)
  }

  @Test(arguments: [
    "{}", "[]", #"{"call":"explode"}"#, #"{"call":"enter"}"#, #"{"call":"perform","text":"x"}"#,
    #"{"call":"perform","text":"x","within":0}"#, #"{"call":"perform","text":1,"within":3}"#,
  ])
  func whatIsNoRequestIsRefused(text: String) throws {
    #expect(HomeCall.Request(try JSONValue(parsing: Array(text.utf8))) == nil)
  }

  @Test func answersComeBackAsTheyWere() throws {
    let answer = HomeAnswer(2, "two\nlines", details: ["descriptor": 7])
    #expect(HomeAnswer(try JSONValue(parsing: Array(answer.json.description.utf8))) == answer)
    #expect(HomeAnswer(["text": "no status"]) == nil)
  }
}
