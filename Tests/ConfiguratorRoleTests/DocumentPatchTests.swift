import Messages
import Testing

@testable import ConfiguratorRole

@Suite struct DocumentPatchTests {
  @Test(
    "only what differs is sent, and what the server no longer has goes",
    arguments: [
      ([:], [:], nil, nil),
      ([:], ["ntpServer": "a"], nil, ["ntpServer": "a"]),
      (["ntpServer": "a"], ["ntpServer": "a"], nil, nil),
      (["ntpServer": "a"], ["ntpServer": "b"], nil, ["ntpServer": "b"]),
      (["ntpServer": "a", "hostName": "h"], ["ntpServer": "a"], nil, nil),
      (
        ["ntpServer": "a", "hostName": "h"], ["ntpServer": "a"], ["ntpServer": "a", "hostName": "h"],
        ["hostName": nil]
      ),
      (["ntpServer": "a"], ["ntpServer": "a"], ["hostName": "h"], nil),
      (["dnsServers": ["a", "b"]], ["dnsServers": ["b", "a"]], nil, ["dnsServers": ["b", "a"]]),
      (["qosClass": 46], ["qosClass": .double(46.0)], nil, nil),
      (
        ["applications": ["media": ["port": 1, "enabled": true]]], ["applications": ["media": ["port": 2]]], nil,
        ["applications": ["media": ["port": 2]]]
      ),
      (
        ["applications": ["media": ["port": 1, "enabled": true]]], ["applications": ["media": ["port": 1]]],
        ["applications": ["media": ["port": 1, "enabled": true]]], ["applications": ["media": ["enabled": nil]]]
      ),
      (
        ["applications": ["media": ["port": 1]]], [:], ["applications": ["media": ["port": 1]]],
        ["applications": nil]
      ),
      (
        ["applications": ["media": ["port": 1], "photo": ["port": 2]]], [:], ["applications": ["media": ["port": 1]]],
        ["applications": ["media": nil]]
      ),
      (["vendor": "x"], ["vendor": ["a": 1]], nil, ["vendor": ["a": 1]]),
      (["vendor": ["a": 1]], ["vendor": "x"], ["vendor": ["a": 1]], ["vendor": "x"]),
    ] as [(JSONValue, JSONValue, JSONValue?, JSONValue?)])
  func patch(current: JSONValue, wanted: JSONValue, previous: JSONValue?, expected: JSONValue?) {
    let patch = DocumentPatch.patch(from: current, to: wanted, previous: previous)
    #expect(patch == expected)
    if let patch {
      let result = current.merging(patch)
      #expect(DocumentPatch.patch(from: result, to: wanted, previous: previous) == nil)
    }
  }
}
