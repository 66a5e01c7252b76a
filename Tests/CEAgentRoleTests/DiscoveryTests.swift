import Messages
import RoleKit
import Testing

@testable import CEAgentRole

@Suite("4.2 steps 1 and 2: the agent discovers the configurator, which replies its ID") struct DiscoveryTests {
  @Test func aSearchForTheConfiguratorTypeGoesOutAtStart() throws {
    var tv = Living()
    tv.starts()
    #expect(tv.isReady)
    let search = try #require(tv.datagrams.first { $0.text.hasPrefix("M-SEARCH * HTTP/1.1\r\n") })
    #expect(search.to == nil)
    #expect(search.text.contains("ST: urn:schemas-homebed:device:Configurator:1\r\n"))
    #expect(search.text.contains("MAN: \"ssdp:discover\"\r\n"))
    #expect(search.text.contains("MX: 1\r\n"))
    #expect(search.text.contains("HOST: 239.255.255.250:1900\r\n"))
  }

  @Test("searches go out at 0, 1.5, 3.5 and 7.5 s, then every 60 s")
  func ladder() {
    var tv = Living()
    tv.starts()
    var seen: [Double] = []
    for step in 0...1300 {
      if step > 0 { tv.passes(0.1) }
      if tv.searches() == 1 { seen.append(Double(step) / 10) }
    }
    #expect(seen == [0, 1.5, 3.5, 7.5, 67.5, 127.5])
  }

  @Test("the fourth failure shows no-configurator, not before and not at its sending")
  func fourthFailure() {
    var tv = Living()
    tv.starts()
    tv.passes(8.9)
    #expect(tv.problems == [])
    #expect(tv.state == "searching")
    tv.passes(0.2)
    #expect(tv.problems == ["no-configurator"])
    #expect(tv.state == "problem")
    // The device recovers by itself when a configurator appears.
    tv.announced()
    #expect(tv.searches() == 5)
    tv.discovered()
    #expect(tv.problems == [])
    tv.answers(Living.registerReply())
    #expect(tv.state == "registered")
  }

  @Test func theFirstAcceptableReplyIsTakenAtOnce() {
    var tv = Living()
    tv.starts()
    tv.discovered(configuratorA)
    #expect(tv.calls.count == 1)
    #expect(tv.calls.first?.to == addressA)
  }

  @Test("a reply after 1.5 s comes too late")
  func lateReply() {
    var tv = Living()
    tv.starts()
    tv.passes(1.5)
    tv.discovered()
    #expect(tv.calls.count == 1, "the second search is under way by now")
    tv = Living()
    tv.starts()
    tv.passes(3.1)
    tv.discovered()
    #expect(tv.calls.isEmpty)
    #expect(tv.reports.contains { $0.code == "reply-ignored" })
  }

  @Test(
    "LOCATION counts only with an address in the subnet of the receiving interface",
    arguments: [
      "http://192.168.11.2:49200/d.xml", "http://10.0.0.1/", "http://configurator.home:49200/d.xml",
      "https://192.168.10.2:49200/d.xml", "ftp://192.168.10.2/", "192.168.10.2:49200", "http://192.168.10.2:0/",
      "http://192.168.10.2:99999/", "http://user@192.168.10.2:49200/", "http://[fe80::1]:49200/", "http://",
    ])
  func foreignLocation(location: String) {
    var tv = Living()
    tv.starts()
    tv.discovered(at: location)
    #expect(tv.calls.isEmpty)
    // The good reply after it is still taken.
    tv.discovered()
    #expect(tv.calls.count == 1)
  }

  @Test func theSubnetIsThatOfTheReceivingInterface() {
    var tv = Living()
    tv.starts([interface(), interface(["10.1.0.5/16"], name: "eth1", gateway: nil)])
    #expect(tv.searches() == 2)
    tv.discovered(at: "http://10.1.9.9:49200/d.xml", on: "eth0")
    #expect(tv.calls.isEmpty)
    tv.discovered(at: "http://10.1.9.9:49200/d.xml", on: "eth1")
    #expect(tv.calls.first?.to == Endpoint("10.1.9.9:49200"))
    #expect(tv.sentRegisters().first?.body["configurationURL"] == "http://10.1.0.5:49210/configuration")
  }

  @Test(
    "replies about something else, or without an ID, are no replies",
    arguments: [
      ("upnp:rootdevice", configuratorA), (ProfileNames.configuratorType, "not-a-uuid"),
      (ProfileNames.basicDeviceType, configuratorA), (ProfileNames.configuratorType, ""),
    ])
  func otherReplies(type: String, id: String) {
    var tv = Living()
    tv.starts()
    tv.discovered(id, type: type)
    #expect(tv.calls.isEmpty)
  }

  @Test(
    "malformed datagrams change nothing",
    arguments: [
      "", "\r\n\r\n", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\n\r\n", "M-SEARCH * HTTP/1.1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nST: x\r\nno colon\r\n\r\n", "NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\n\r\n", "\u{0}\u{1}\u{2}",
      "HTTP/1.1 404 Not Found\r\nST: urn:schemas-homebed:device:Configurator:1\r\n\r\n",
    ])
  func malformed(text: String) {
    var tv = Living()
    tv.starts()
    tv.receives(.ssdp(Array(text.utf8), from: addressA, .unicast, interface: "eth0"))
    #expect(tv.calls.isEmpty)
    #expect(tv.reports.last?.code == "ignored")
  }

  @Test("an announcement of the type ends the pause before the next search")
  func aliveEndsThePause() {
    var tv = Living()
    tv.starts()
    tv.passes(3.2)
    #expect(tv.searches() == 2)
    tv.announced()
    #expect(tv.searches() == 1)
    // The ladder goes on from there: the fourth comes 4 s after the third.
    tv.passes(3.9)
    #expect(tv.searches() == 0)
    tv.passes(0.1)
    #expect(tv.searches() == 1)
  }

  @Test func anAnnouncementWhileRepliesAreAwaitedChangesNothing() {
    var tv = Living()
    tv.starts()
    _ = tv.searches()
    tv.announced()
    #expect(tv.searches() == 0)
  }

  @Test func anAnnouncementToARegisteredAgentChangesNothing() {
    var tv = Living()
    tv.registers()
    _ = tv.searches()
    tv.announced()
    tv.announced(configuratorB)
    #expect(tv.searches() == 0)
    #expect(tv.state == "registered")
  }

  // MARK: The known configurator

  @Test("while a token is held only the known ID is registered with, until the fourth search has failed")
  func knownID() {
    var before = Living()
    before.registers(with: configuratorA)
    var tv = Living(rows: before.rows)
    tv.starts()
    for wait in [1.5, 2.0, 4.0] {
      tv.discovered(configuratorB)
      #expect(tv.calls.isEmpty)
      tv.passes(wait)
    }
    // The fourth search: the other one's answer is kept until 1.5 s have passed, and taken then.
    tv.discovered(configuratorB)
    #expect(tv.calls.isEmpty)
    tv.passes(1.4)
    #expect(tv.calls.isEmpty)
    tv.passes(0.1)
    #expect(tv.calls.first?.to == addressB)
    let register = tv.sentRegisters().first
    #expect(register?.body["reason"] == "new-device")
    #expect(register?.request.bearerToken == nil)
    #expect(tv.problems == [])
  }

  @Test("the known ID is taken at the fourth search too, even when the other answered first")
  func knownIDAnswersLast() {
    var before = Living()
    before.registers(with: configuratorA)
    var tv = Living(rows: before.rows)
    tv.starts()
    tv.passes(7.5)
    tv.discovered(configuratorB)
    tv.discovered(configuratorA)
    #expect(tv.calls.first?.to == addressA)
    #expect(tv.requests.first?.bearerToken == "token-of-a")
  }

  @Test("an announcement of another ID ends the pause only after the fourth failure")
  func aliveOfAnother() {
    var before = Living()
    before.registers(with: configuratorA)
    var tv = Living(rows: before.rows)
    tv.starts()
    tv.passes(3.2)
    _ = tv.searches()
    tv.announced(configuratorB)
    #expect(tv.searches() == 0)
    tv.announced(configuratorA)
    #expect(tv.searches() == 1)
    tv.passes(20)
    _ = tv.searches()
    #expect(tv.problems == ["no-configurator"])
    tv.announced(configuratorB)
    #expect(tv.searches() == 1)
    tv.discovered(configuratorB)
    tv.passes(1.5)
    #expect(tv.calls.first?.to == addressB)
    #expect(tv.problems == [])
  }

  @Test("the token held for another configurator is presented there")
  func returning() {
    var first = Living()
    first.registers(with: configuratorA)
    var second = Living(rows: first.rows)
    second.starts()
    second.passes(7.5)
    second.discovered(configuratorB)
    second.passes(1.5)
    second.answers(Living.registerReply(configuratorB, token: "token-of-b"))
    var third = Living(rows: second.rows)
    third.starts()
    third.discovered(configuratorA)
    #expect(third.calls.isEmpty, "the last one is the known one")
    third.passes(7.5)
    third.discovered(configuratorA)
    third.passes(1.5)
    #expect(third.requests.last?.bearerToken == "token-of-a")
  }

  // MARK: Several configurators

  @Test("two IDs in one search show several-configurators, until a search that one answers")
  func several() {
    var tv = Living()
    tv.starts()
    tv.discovered(configuratorA)
    #expect(tv.problems == [])
    tv.answers(Living.registerReply())
    // It goes on listening until 1.5 s, registered or not.
    tv.passes(1.4)
    tv.discovered(configuratorB)
    #expect(tv.problems == ["several-configurators"])
    #expect(tv.calls.isEmpty)
    tv.passes(10)
    #expect(tv.problems == ["several-configurators"])
    // The next search, after an address change, is answered by one only.
    tv.receives(.interface(interface(["192.168.10.22/24"])))
    tv.passes(0.1)
    tv.discovered(configuratorA)
    #expect(tv.problems == ["several-configurators"])
    tv.passes(1.5)
    #expect(tv.problems == [])
  }

  @Test func theSameConfiguratorTwiceIsOne() {
    var tv = Living()
    tv.starts()
    tv.discovered(configuratorA)
    tv.discovered(configuratorA)
    #expect(tv.problems == [])
    #expect(tv.calls.count == 1)
  }

  @Test("a search that nobody answers leaves several-configurators standing")
  func unansweredSearch() {
    var tv = Living()
    tv.registers()
    tv.receives(.interface(interface(["192.168.10.22/24"])))
    tv.passes(0.1)
    tv.discovered(configuratorB)
    tv.discovered(configuratorA)
    tv.answers(Living.registerReply(status: 200))
    tv.passes(2)
    #expect(tv.problems == ["several-configurators"])
    tv.receives(.interface(interface(["192.168.10.23/24"])))
    tv.passes(1.8)
    #expect(tv.problems == ["several-configurators"])
  }

  // MARK: Wrong subnet

  @Test("a configurator that announces itself outside of our subnet tells of a wrong subnet")
  func wrongSubnet() {
    var tv = Living()
    tv.starts([interface(["192.168.99.21/24"], gateway: nil)])
    tv.announced()
    #expect(tv.problems == [])
    tv.passes(9)
    #expect(tv.problems == ["no-configurator", "wrong-subnet"])
    let detail = tv.asks("GET", "/status").json?["problems"]?[1]?["detail"]?.string
    #expect(detail == "A configurator announces http://192.168.10.2:49200/d.xml, which is outside of 192.168.99.21/24.")
    tv.receives(.interface(interface(["192.168.10.21/24"])))
    tv.passes(0.1)
    tv.discovered()
    #expect(tv.problems == [])
  }
}
