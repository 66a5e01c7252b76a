import Messages
import RoleKit
import Testing

@testable import ConfiguratorRole

private func mac(_ last: Int) -> MACAddress { MACAddress(bits: 0x0200_0000_0000 | UInt64(last)) }

private func device(
  _ chassis: MACAddress, ttl: UInt16 = 120, name: String = "TV-1", port: PortID = .interface("eth0"),
  addresses: [MACAddress] = []
) throws -> [UInt8] {
  try HTIPFrame(
    chassis: .mac(chassis), port: port, timeToLive: ttl, items: [.text(.modelName, name)], addresses: addresses
  ).octets()
}

private func table(_ chassis: MACAddress, _ ports: [UInt32: [MACAddress]], ttl: UInt16 = 120) throws -> [UInt8] {
  try HTIPFrame(
    chassis: .mac(chassis), port: .interface("br0"), timeToLive: ttl, items: [.text(.modelName, "SW")],
    links: ports.sorted { $0.key < $1.key }.map { LinkInformation(port: $0.key, addresses: $0.value) }
  ).octets()
}

extension ConfiguratorDialogue {
  fileprivate mutating func hears(_ octets: [UInt8], from source: MACAddress) {
    perform(.frame(octets, from: source, interface: "eth0"))
  }

  fileprivate mutating func topology() -> JSONValue {
    let request = HTTPRequest(
      "GET", "/topology", fields: ["Host": "192.168.10.2:49200", "Authorization": "Bearer operator-token"])
    let effects = perform(
      .requested(exchange(), request, from: Endpoint("192.168.10.9:5000")!, to: ConfiguratorDialogue.address))
    for case .reply(_, let response) in effects {
      return (try? JSONValue(parsing: response.body)) ?? .null
    }
    return .null
  }

  /// `a.port-b.port` of each link, in order.
  fileprivate mutating func links() -> [String] {
    (topology()["links"]?.array ?? []).map { link in
      [link["a"], link["b"]].map { end in
        (end?["node"]?.string.map { String($0.suffix(2)) } ?? "?") + (end?["port"]?.int.map { ".\($0)" } ?? "")
      }.sorted().joined(separator: "-")
    }.sorted()
  }
}

@Suite struct CollectorTests {
  static let gateway = mac(1)
  static let own = MACAddress("02:00:00:00:00:02")!
  static let tv = mac(0x21)
  static let sw = mac(0x51)
  static let forger = mac(0x66)

  /// A home with a switch: the gateway at port 1, the configurator at 2, a television at 3, a stranger at 4.
  private func home() throws -> ConfiguratorDialogue {
    var dialogue = ConfiguratorDialogue()
    dialogue.start()
    dialogue.perform(
      .neighbours([Neighbour(IPAddress("192.168.10.1")!, Self.gateway, interface: "eth0")]))
    dialogue.hears(try device(Self.tv), from: Self.tv)
    dialogue.hears(
      try table(Self.sw, [1: [Self.gateway], 2: [Self.own], 3: [Self.tv], 4: [Self.forger]]), from: Self.sw)
    return dialogue
  }

  private let expected = ["01-51.1", "02-51.2", "21-51.3"]

  @Test func framesAndNeighboursBecomeATopology() throws {
    var dialogue = try home()
    #expect(dialogue.links() == expected)
    let answer = dialogue.topology()
    #expect(answer["complete"] == true)
    let kinds = (answer["nodes"]?.array ?? []).map {
      "\($0["id"]?.string?.suffix(2) ?? ""):\($0["kind"]?.string ?? "")"
    }
    #expect(kinds.sorted() == ["01:gateway", "02:device", "21:device", "51:switch"])
  }

  @Test func onlyTheOperatorReadsItAndAnybodyInTheHomeSeesThePage() throws {
    var dialogue = try home()
    func status(_ target: String, from: String) -> Int? {
      let effects = dialogue.perform(
        .requested(
          dialogue.exchange(), HTTPRequest("GET", target, fields: ["Host": "192.168.10.2:49200"]),
          from: Endpoint(from)!, to: ConfiguratorDialogue.address))
      for case .reply(_, let response) in effects {
        if target == "/", response.status == 200 {
          let page = String(decoding: response.body, as: UTF8.self)
          #expect(page.contains("<svg") && page.contains("TV-1") && !page.contains("<script"))
        }
        return response.status
      }
      return nil
    }
    #expect(status("/topology", from: "192.168.10.9:5000") == 401)
    #expect(status("/", from: "192.168.10.9:5000") == 200)
    #expect(status("/", from: "198.51.100.9:5000") == 403)
  }

  @Test func whatIsToldHoldsForItsTimeAndIsTakenBack() throws {
    var dialogue = try home()
    #expect(dialogue.store["htip_frames"]?.count == 2)
    dialogue.hears(try device(Self.tv, ttl: 0), from: Self.tv)
    #expect(dialogue.links() == ["01-51.1", "02-51.2"])
    dialogue.wait(seconds: 121)
    // What is left are two that share a network, as far as anybody tells.
    #expect(dialogue.links() == ["01-02"])
    #expect(dialogue.topology()["complete"] == false)
    #expect(dialogue.store["htip_frames"]?.isEmpty == true)
  }

  @Test func aRestartLosesNothingThatStillHolds() throws {
    var dialogue = try home()
    dialogue.wait(seconds: 60)
    dialogue.restart()
    dialogue.perform(.neighbours([Neighbour(IPAddress("192.168.10.1")!, Self.gateway, interface: "eth0")]))
    #expect(dialogue.links() == expected)
    dialogue.wait(seconds: 61)
    #expect(dialogue.links() == ["01-02"])
  }

  @Test func tenThousandForgedDevicesHurtNobody() throws {
    var dialogue = try home()
    for number in 0..<10_000 {
      dialogue.hears(try device(mac(0x1_0000 + number), name: "FAKE"), from: Self.forger)
    }
    #expect(dialogue.links().filter { expected.contains($0) } == expected)
    #expect((dialogue.topology()["nodes"]?.array?.count ?? 0) < 16)
    #expect(dialogue.store["htip_frames"]?.count ?? 0 < 16)
    #expect(dialogue.reports.contains { $0.code == "htip-forged" && $0.text.contains("\(Self.forger)") })
    #expect(dialogue.reports.count { $0.code == "htip-forged" } < 10)
  }

  @Test func tenThousandForgedSendersStayWithinBounds() throws {
    var dialogue = try home()
    for number in 0..<10_000 {
      let fake = mac(0x1_0000 + number)
      dialogue.hears(try device(fake, name: "FAKE"), from: fake)
    }
    #expect(dialogue.links().filter { expected.contains($0) } == expected)
    #expect((dialogue.topology()["nodes"]?.array?.count ?? 0) < 300)
    #expect((dialogue.store["htip_frames"]?.count ?? 0) < 300)
    // What tells of itself again after the flood is heard.
    dialogue.hears(try device(Self.tv), from: Self.tv)
    #expect(dialogue.links().filter { expected.contains($0) } == expected)
  }

  @Test func whoClaimsAnotherDevicesAddressIsToldAndChangesNothing() throws {
    var dialogue = try home()
    dialogue.hears(try device(Self.gateway, name: "FAKE"), from: Self.forger)
    dialogue.hears(try device(Self.forger, name: "FAKE", addresses: [Self.tv]), from: Self.forger)
    dialogue.wait(seconds: 11)
    #expect(dialogue.links().filter { expected.contains($0) } == expected)
    #expect(dialogue.reports.contains { $0.code == "htip-forged" && $0.text.contains("\(Self.gateway)") })
  }

  @Test func nobodyTakesBackWhatAnotherTold() throws {
    var dialogue = try home()
    dialogue.hears(try device(Self.tv, ttl: 0), from: Self.forger)
    dialogue.hears(try table(Self.sw, [3: [Self.forger]]), from: Self.forger)
    #expect(dialogue.links() == expected)
    #expect(dialogue.reports.contains { $0.code == "htip-forged" })
  }

  @Test func octetsThatAreNoFrameAreToldOnce() throws {
    var dialogue = try home()
    for length in 0..<64 { dialogue.hears([UInt8](repeating: 0xFF, count: length), from: Self.forger) }
    #expect(dialogue.reports.count { $0.code == "htip-malformed" } == 1)
    #expect(dialogue.links() == expected)
  }

  @Test func aDescriptionElsewhereIsNotRead() throws {
    var dialogue = try home()
    func alive(_ location: String) {
      let text =
        "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=1800\r\nLOCATION: \(location)\r\n"
        + "NT: urn:schemas-upnp-org:device:Basic:1\r\nNTS: ssdp:alive\r\nSERVER: x/1 UPnP/2.0 y/1\r\n"
        + "USN: uuid:7f9c0000-0000-4000-8000-0000000000aa::urn:schemas-upnp-org:device:Basic:1\r\n\r\n"
      dialogue.perform(
        .ssdp(Array(text.utf8), from: Endpoint("192.168.10.30:1900")!, .multicast, interface: "eth0"))
    }
    alive("http://198.51.100.66/description.xml")
    alive("http://192.168.10.31/description.xml")
    dialogue.wait(seconds: 12)
    #expect(!dialogue.asked.contains { $0.request.target == "/description.xml" })
    #expect(dialogue.reports.contains { $0.code == "description-refused" })
    alive("http://192.168.10.30:8080/description.xml")
    dialogue.wait(seconds: 12)
    #expect(dialogue.asked.count { $0.request.target == "/description.xml" } == 1)
    dialogue.perform(
      .answered(
        dialogue.asked.first { $0.request.target == "/description.xml" }!.call,
        HTTPResponse(302, fields: ["Location": "http://198.51.100.66/"])))
    dialogue.wait(seconds: 12)
    #expect(dialogue.asked.count { $0.request.target == "/description.xml" } <= 1)
    #expect(dialogue.reports.contains { $0.text.contains("302") })
  }
}
