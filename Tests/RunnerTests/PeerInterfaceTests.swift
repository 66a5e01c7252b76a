import HTTPWire
import JSONText
import Testing

@testable import Runner

struct PeerInterfaceTests {
  @Test func aDeviceThatDoesNotConnectIsToldInWords() {
    let silent = PeerInterface.refusal(of: "home-a.tv", nil)
    #expect(silent == "home-a.tv does not connect: its POST /peer-connections has no answer; hint: is its program up?")
    let foreign = PeerInterface.refusal(of: "home-a.tv", HTTPResponse(404))
    #expect(foreign.hasSuffix("answers 404; hint: a program of somebody else's has its own way to be told"))
    let body: JSONValue = ["detail": "the device is not registered with a configurator yet"]
    let early = PeerInterface.refusal(of: "home-a.tv", HTTPResponse(409, body: body.octets))
    #expect(early.hasSuffix("answers 409: the device is not registered with a configurator yet"))
  }

  @Test func theNewestConnectionIsTheFact() {
    #expect(PeerInterface.newest(in: ["connections": []]) == nil)
    #expect(PeerInterface.newest(in: ["connections": [["number": 1], ["number": 2]]])?["number"] == 2)
    #expect(PeerInterface.newest(in: "no object") == nil)
  }
}
