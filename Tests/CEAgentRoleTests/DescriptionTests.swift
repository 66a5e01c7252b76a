import Messages
import RoleKit
import Testing

@testable import CEAgentRole

@Suite("The agent as a UPnP Basic:1 root device, the HTIP L3 agent") struct DescriptionTests {
  private static let searcher = Endpoint("192.168.10.2:1900")!

  private func search(_ target: String, mx: String? = "1", in tv: inout Living, delivery: Delivery = .multicast) {
    let text =
      "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"
      + (mx.map { "MX: \($0)\r\n" } ?? "") + "ST: \(target)\r\n\r\n"
    tv.receives(.ssdp(Array(text.utf8), from: Self.searcher, delivery, interface: "eth0"))
  }

  private func replies(_ tv: Living) -> [String] { tv.datagrams.filter { $0.to == Self.searcher }.map(\.text) }

  @Test(
    "searches for all, root devices, its UUID and its type are answered",
    arguments: [
      ("ssdp:all", 3), ("upnp:rootdevice", 1), ("uuid:\(agentId)", 1), (ProfileNames.basicDeviceType, 1),
      (ProfileNames.configuratorType, 0), ("uuid:\(configuratorA)", 0), ("urn:schemas-upnp-org:device:Basic:2", 0),
    ])
  func targets(target: String, count: Int) {
    var tv = Living()
    tv.starts()
    search(target, in: &tv)
    #expect(replies(tv).isEmpty, "not before its random delay")
    tv.passes(1)
    let found = replies(tv)
    #expect(found.count == count)
    for reply in found {
      #expect(reply.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(reply.contains("LOCATION: http://192.168.10.21:49210/description.xml\r\n"))
      #expect(reply.contains("USN: uuid:\(agentId)"))
      #expect(reply.contains("EXT:\r\n"))
    }
  }

  @Test("a multicast search without MX, or with none of a second, gets no reply", arguments: [nil, "0", "x", "-1", ""])
  func withoutMX(mx: String?) {
    var tv = Living()
    tv.starts()
    search("ssdp:all", mx: mx, in: &tv)
    tv.passes(6)
    #expect(replies(tv).isEmpty)
  }

  @Test func aUnicastSearchIsAnsweredAtOnce() {
    var tv = Living()
    tv.starts()
    search("upnp:rootdevice", mx: nil, in: &tv, delivery: .unicast)
    tv.passes(0)
    #expect(replies(tv).count == 1)
  }

  @Test("the delay is random below MX, which counts as 5 at most; ssdp-max-delay lowers it")
  func delay() {
    for (mx, longest, bound) in [("1", 1.0, nil), ("120", 5.0, nil), ("3", 0.02, UInt64.milliseconds(20))] {
      var delays: Set<UInt64> = []
      for word in 1...20 as ClosedRange<UInt64> {
        var tv = Living(settings(ssdpMaxDelay: bound), word: word)
        tv.starts()
        search("upnp:rootdevice", mx: mx, in: &tv)
        let due = tv.timers.first { $0.key.name == "ssdp-reply" }?.value ?? .max
        #expect(due - tv.now.monotonic < .seconds(longest))
        delays.insert(due)
      }
      #expect(delays.count > 10)
    }
  }

  @Test func aFloodOfSearchesIsBounded() {
    var tv = Living()
    tv.starts()
    for _ in 0..<1000 { search("upnp:rootdevice", mx: "5", in: &tv) }
    #expect(tv.timers.keys.filter { $0.name == "ssdp-reply" }.count == 64)
    tv.passes(5)
    #expect(replies(tv).count == 64)
    search("upnp:rootdevice", in: &tv)
    tv.passes(1)
    #expect(replies(tv).count == 65)
  }

  @Test("it announces itself at start and every 900 s")
  func announcements() {
    var tv = Living()
    tv.starts()
    func notices() -> [String] { tv.datagrams.filter { $0.text.contains("NTS: ssdp:alive\r\n") }.map(\.text) }
    #expect(notices().count == 3)
    for type in ["upnp:rootdevice", "uuid:\(agentId)", ProfileNames.basicDeviceType] {
      #expect(notices().contains { $0.contains("NT: \(type)\r\n") && $0.contains("CACHE-CONTROL: max-age=1800\r\n") })
    }
    tv.passes(899)
    #expect(notices().count == 3)
    tv.passes(1)
    #expect(notices().count == 6)
  }

  @Test("without an address there is nothing to tell, and no reply when it has gone meanwhile")
  func withoutAddress() {
    var tv = Living()
    tv.starts([interface([], gateway: nil)])
    search("ssdp:all", in: &tv)
    tv.passes(2)
    #expect(tv.datagrams.isEmpty)
    tv.receives(.interface(interface()))
    search("ssdp:all", in: &tv)
    tv.receives(.interface(interface([], gateway: nil)))
    tv.passes(2)
    #expect(replies(tv).isEmpty)
  }

  @Test("the description has HTIP's elements, and nothing in it breaks the XML")
  func description() throws {
    var tv = Living()
    tv.starts()
    let response = tv.asks("GET", "/description.xml")
    #expect(response.status == 200)
    #expect(response.fields["content-type"] == "text/xml; charset=\"utf-8\"")
    let read = try DeviceDescription(parsing: response.body)
    #expect(read.majorVersion == 2)
    #expect(read.device.deviceType == "urn:schemas-upnp-org:device:Basic:1")
    #expect(read.device.uniqueDeviceName == "uuid:\(agentId)")
    #expect(read.device.friendlyName == "Living room <TV>")
    #expect(read.device.modelName == "TV-1")
    #expect(read.device.modelNumber == "2026")
    #expect(read.device.serialNumber == "S1")
    #expect(read.device.presentationURL == "http://192.168.10.21:49210/")
    #expect(read.device.extensionText("X_DeviceCategory") == "AV_TV")
    #expect(read.device.extensionText("X_ManufacturerOUI") == "02CE01")
    // Collectors look the names up with this very prefix.
    #expect(String(decoding: response.body, as: UTF8.self).contains("<htip:X_DeviceCategory>AV_TV<"))
  }
}
