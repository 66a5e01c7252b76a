import Messages
import Testing

@Suite struct DiscoveryTests {
  static let device = DiscoverableDevice(
    uuid: "7f9c0000-0000-8000-8000-000000000001", deviceType: ProfileNames.configuratorType,
    location: "http://192.168.10.2:49200/description.xml")

  @Test func aSearchReadsBack() throws {
    let search = DeviceSearch()
    #expect(try DiscoveryMessage(octets: search.octets()) == .search(search))
    let text = String(decoding: search.octets(), as: UTF8.self)
    #expect(text.hasPrefix("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n"))
    #expect(search.longestDelay == 1000)
    #expect(DeviceSearch(mx: 120).longestDelay == 5000)
  }

  @Test func aReplyCarriesTheConfiguratorsID() throws {
    let replies = DiscoveryTests.device.replies(to: DeviceSearch(), now: 1_772_366_400_250)
    let octets = try #require(replies.first)
    #expect(replies.count == 1)
    guard case .reply(let reply) = try DiscoveryMessage(octets: octets) else {
      Issue.record("no reply")
      return
    }
    #expect(reply.uuid == DiscoveryTests.device.root.uuid)
    #expect(reply.location == DiscoveryTests.device.location)
    #expect(reply.target == ProfileNames.configuratorType)
    #expect(reply.maxAge == 1800)
    #expect(String(decoding: octets, as: UTF8.self).contains("DATE: Sun, 01 Mar 2026 12:00:00 GMT\r\n"))
  }

  @Test(arguments: [
    ("ssdp:all", 3), ("upnp:rootdevice", 1), ("uuid:7F9C0000-0000-8000-8000-000000000001", 1),
    (ProfileNames.basicDeviceType, 0), ("uuid:other", 0),
  ])
  func onlyWhatIsSearchedForAnswers(_ target: String, _ count: Int) {
    #expect(DiscoveryTests.device.replies(to: DeviceSearch(target: target), now: 0).count == count)
  }

  @Test func announcementsReadBack() throws {
    let alive = try DiscoveryTests.device.aliveNotices().map { try DiscoveryMessage(octets: $0) }
    #expect(alive.count == 3)
    for message in alive {
      guard case .alive(let notice) = message else {
        Issue.record("\(message)")
        return
      }
      #expect(notice.uuid == DiscoveryTests.device.root.uuid && notice.location == DiscoveryTests.device.location)
    }
    let byebye = try DiscoveryTests.device.byebyeNotices().map { try DiscoveryMessage(octets: $0) }
    for message in byebye {
      guard case .byebye(let notice) = message else {
        Issue.record("\(message)")
        return
      }
      #expect(notice.location == nil)
    }
  }

  @Test(arguments: [
    "", "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMX: 1\r\nST: ssdp:all\r\n\r\n",
    "M-SEARCH * HTTP/1.1\r\nHOST: a\r\nMAN: ssdp:discover\r\nMX: 1\r\nST: ssdp:all\r\n\r\n",
    "M-SEARCH * HTTP/1.1\r\nHOST: a\r\nMAN: \"ssdp:discover\"\r\nMX: soon\r\nST: ssdp:all\r\n\r\n",
    "M-SEARCH * HTTP/1.1\r\nHOST: a\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nST: ssdp:all\r\n\r\n", "NOTIFY * HTTP/1.1\r\nNT: x\r\nNTS: ssdp:alive\r\n\r\n", "hello",
  ])
  func whatLacksAFieldIsRefused(_ text: String) {
    #expect(throws: WireError.self) { try DiscoveryMessage(octets: Array(text.utf8)) }
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
    (1_772_366_400_250, "2026-03-01T12:00:00.250Z", "Sun, 01 Mar 2026 12:00:00 GMT"),
    (951_782_399_999, "2000-02-28T23:59:59.999Z", "Mon, 28 Feb 2000 23:59:59 GMT"),
    (951_868_799_000, "2000-02-29T23:59:59.000Z", "Tue, 29 Feb 2000 23:59:59 GMT"),
    (-1, "1969-12-31T23:59:59.999Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
  ])
  func timesAreWrittenAndReadBack(_ milliseconds: Int64, _ text: String, _ date: String) {
    #expect(ProfileTime.rfc3339(milliseconds) == text)
    #expect(ProfileTime.milliseconds(rfc3339: text) == milliseconds)
    #expect(ProfileTime.httpDate(milliseconds) == date)
  }

  @Test func timesMayHaveOffsetsAndOtherPrecision() {
    #expect(ProfileTime.milliseconds(rfc3339: "2026-03-01T13:00:00.25+01:00") == 1_772_366_400_250)
    #expect(ProfileTime.milliseconds(rfc3339: "2026-03-01T12:00:00Z") == 1_772_366_400_000)
    for bad in ["2026-02-29T12:00:00Z", "2026-03-01 12:00", "2026-03-01T12:00:00", "2026-03-01T25:00:00Z", ""] {
      #expect(ProfileTime.milliseconds(rfc3339: bad) == nil, "\(bad)")
    }
  }

  @Test(arguments: [
    ("http://192.168.10.21:49210/configuration", "192.168.10.21", 49210, "/configuration"),
    ("HTTP://Host/", "host", 80, "/"), ("http://[2001:db8::1]:8080?x", "2001:db8::1", 8080, "/?x"),
    ("http://a:/b#c", "a", 80, "/b"),
  ])
  func urlsAreRead(_ text: String, _ host: String, _ port: UInt16, _ target: String) {
    #expect(HTTPURL(text) == HTTPURL(host: host, port: port, target: target))
  }

  @Test(arguments: [
    "https://a/", "http://", "http://u@a/", "http://a:0/", "http://a:70000/", "http://a b/", "http://[1::/", "ftp://a",
    "http://[192.168.0.1]/", "http://a:1:2/",
  ])
  func otherURLsAreRefused(_ text: String) {
    #expect(HTTPURL(text) == nil)
  }

  @Test func problemNamesHaveTheirStatus() {
    #expect(ProblemName.allCases.count == 21)
    #expect(ProblemName.staleRevision.status == 412)
    #expect(ProblemName(type: "urn:homebed:problem:no-agent") == .noAgent)
    #expect(ProblemName(type: "about:blank") == nil)
    for name in ProblemName.allCases {
      #expect(ProblemName(type: name.type) == name && (400...504).contains(name.status))
    }
  }

  @Test func anEventIsOneLine() {
    let event = Event(
      index: 0, time: 1_000_021_345_678, from: .node("tv"), to: .node("cfg"), name: "register",
      fields: ["agentId": "7f9c", "reason": "new-device", "lifetime": 60], frame: 4, digest: 1, isBackground: false)
    #expect(
      event.line(since: 1_000_000_000_000) == "0.021345 tv -> cfg register agentId=\"7f9c\" reason=\"new-device\"")
    #expect(Event.seconds(-250_000) == "-0.000250")
    #expect(event.firstFrame == 4)
    #expect(event.json["name"]?.string == "register")
  }
}
