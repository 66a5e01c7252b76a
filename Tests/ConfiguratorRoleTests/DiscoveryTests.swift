import ConfiguratorRole
import Messages
import RoleKit
import Testing

@Suite("4.2 steps 1 and 2: discovery (profile section 2)") struct DiscoveryTests {
  private let searcher = Endpoint("192.168.10.21:45000")!

  private func search(
    _ target: String, mx: String? = "1", man: String = "\"ssdp:discover\"", method: String = "M-SEARCH * HTTP/1.1"
  ) -> [UInt8] {
    var text = "\(method)\r\nHost: 239.255.255.250:1900\r\nMan: \(man)\r\n"
    if let mx { text += "MX: \(mx)\r\n" }
    return Array((text + "ST: \(target)\r\n\r\n").utf8)
  }

  /// The replies to a search, with the time at which each was sent.
  private func replies(
    to octets: [UInt8], _ delivery: Delivery = .multicast, interface: String = "eth0",
    settings: ConfiguratorSettings = ConfiguratorDialogue.settings()
  ) throws -> [(reply: DeviceReply, milliseconds: UInt64)] {
    var configurator = ConfiguratorDialogue(settings: settings)
    configurator.start()
    configurator.datagrams = []
    let start = configurator.now.monotonic
    configurator.perform(.ssdp(octets, from: searcher, delivery, interface: interface))
    #expect(configurator.datagrams.isEmpty)
    var result: [(DeviceReply, UInt64)] = []
    configurator.wait(seconds: 6)
    for datagram in configurator.datagrams {
      #expect(datagram.to == searcher)
      #expect(datagram.interface == "eth0")
      guard case .reply(let reply) = try DiscoveryMessage(octets: datagram.octets) else {
        Issue.record("no reply")
        continue
      }
      result.append((reply, (datagram.at - start) / 1_000_000))
    }
    return result
  }

  @Test func theReplyCarriesTheID() throws {
    let found = try replies(to: search(ProfileNames.configuratorType))
    #expect(found.count == 1)
    #expect(found[0].reply.uuid == ConfiguratorDialogue.configuratorId)
    #expect(found[0].reply.target == ProfileNames.configuratorType)
    #expect(found[0].reply.location == "http://192.168.10.2:49200/description.xml")
    #expect((found[0].reply.maxAge ?? 0) >= 1800)
  }

  @Test(
    "searches that are answered, and how often",
    arguments: [
      ("ssdp:all", 3), ("upnp:rootdevice", 1), ("uuid:\(ConfiguratorDialogue.configuratorId)", 1),
      (ProfileNames.configuratorType, 1), (ProfileNames.basicDeviceType, 0), ("uuid:other", 0),
      ("urn:schemas-homebed:device:Configurator:2", 0),
    ])
  func targets(target: String, count: Int) throws {
    let found = try replies(to: search(target))
    #expect(found.count == count)
    if count == 3 {
      #expect(Set(found.map(\.reply.usn)).count == 3)
      #expect(found.allSatisfy { $0.reply.uuid == ConfiguratorDialogue.configuratorId })
    }
  }

  @Test("a malformed or MX-less multicast search gets no reply") func malformed() throws {
    let type = ProfileNames.configuratorType
    #expect(try replies(to: search(type, mx: nil)).isEmpty)
    #expect(try replies(to: search(type, mx: "0")).isEmpty)
    #expect(try replies(to: search(type, mx: "x")).isEmpty)
    #expect(try replies(to: search(type, mx: "-1")).isEmpty)
    #expect(try replies(to: search(type, man: "ssdp:discover")).isEmpty)
    #expect(try replies(to: search(type, method: "SEARCH * HTTP/1.1")).isEmpty)
    #expect(try replies(to: []).isEmpty)
    #expect(try replies(to: search(type), interface: "eth7").isEmpty)
    #expect(try replies(to: Array(search(type).dropLast(30))).isEmpty)
  }

  @Test func aUnicastSearchIsAnsweredAtOnce() throws {
    let found = try replies(to: search(ProfileNames.configuratorType, mx: nil), .unicast)
    #expect(found.count == 1)
    #expect(found[0].milliseconds == 0)
  }

  @Test func theReplyComesBelowMXAndBelowTheLongestDelay() throws {
    #expect(try replies(to: search("ssdp:all", mx: "3")).allSatisfy { $0.milliseconds < 20 })
    var slow = ConfiguratorDialogue.settings()
    slow.longestReplyDelay = nil
    let found = try replies(to: search("ssdp:all", mx: "1"), settings: slow)
    #expect(found.count == 3)
    #expect(found.allSatisfy { $0.milliseconds < 1000 })
    #expect(found.contains { $0.milliseconds >= 20 })
    let patient = try replies(to: search("ssdp:all", mx: "120"), settings: slow)
    #expect(patient.count == 3)
    #expect(patient.allSatisfy { $0.milliseconds < 5000 })
  }

  private func kinds(_ configurator: inout ConfiguratorDialogue) throws -> [String] {
    defer { configurator.datagrams = [] }
    return try configurator.datagrams.map { datagram in
      #expect(datagram.to == nil)
      switch try DiscoveryMessage(octets: datagram.octets) {
      case .alive(let notice): return "alive \(notice.type.prefix(8))"
      case .byebye(let notice): return "byebye \(notice.type.prefix(8))"
      default: return "other"
      }
    }
  }

  @Test("ssdp:alive at start, every 900 s and on a new address; ssdp:byebye at stop") func announcements() throws {
    var configurator = ConfiguratorDialogue()
    configurator.start()
    let round = ["alive upnp:roo", "alive uuid:cf9", "alive urn:sche"]
    #expect(try kinds(&configurator) == round)
    configurator.wait(seconds: 899)
    #expect(try kinds(&configurator).isEmpty)
    configurator.wait(seconds: 1.1)
    #expect(try kinds(&configurator) == round)
    var state = ConfiguratorDialogue.interface
    configurator.perform(.interface(state))
    #expect(try kinds(&configurator).isEmpty)
    state.isUp = false
    configurator.perform(.interface(state))
    #expect(try kinds(&configurator).isEmpty)
    state.isUp = true
    state.addresses = [CIDR("192.168.10.3/24")!]
    configurator.perform(.interface(state))
    #expect(try kinds(&configurator) == round)
    let effects = configurator.perform(.stopping)
    #expect(try kinds(&configurator) == ["byebye upnp:roo", "byebye uuid:cf9", "byebye urn:sche"])
    #expect(effects.last == .exit(0))
  }

  @Test func theDescriptionIsServed() throws {
    var settings = ConfiguratorDialogue.settings()
    settings.friendlyName = "Dad's <configurator> & more"
    var configurator = ConfiguratorDialogue(settings: settings)
    configurator.start()
    let response = configurator.ask("GET", "/description.xml")
    #expect(response.status == 200)
    let description = try DeviceDescription(parsing: response.body)
    #expect(description.device.uuid == ConfiguratorDialogue.configuratorId)
    #expect(description.device.deviceType == ProfileNames.configuratorType)
    #expect(description.device.friendlyName == settings.friendlyName)
    #expect(configurator.ask("POST", "/description.xml").fields["Allow"] == "GET")
  }
}
