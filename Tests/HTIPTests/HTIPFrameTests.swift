import Octets
import Testing

@testable import HTIP

@Suite struct HTIPFrameTests {
  static let mac = MACAddress(bits: 0x02_00_00_00_00_21)

  static func addresses(_ count: Int, from first: UInt64 = 0x0200_0000_1000) -> [MACAddress] {
    (0..<UInt64(count)).map { MACAddress(bits: first + $0) }
  }

  static let whole = HTIPFrame(
    chassis: .mac(mac), port: .interface("eth0"), timeToLive: 60, portDescription: "IEEE802.3",
    items: [
      .text(.category, "AV_TV,AV_Recorder"), .text(.manufacturerCode, "02CE01"), .text(.modelName, "Fernseher ü"),
      .text(.modelNumber, "TV-1"), .number(.channelUsage, 100), .number(.signalStrength, 0), .number(.errorRate, 7),
      .number(.responseTime, 0x1_0000), .number(.associatedDevices, 3), .number(.activeNodes, 4),
      .number(.linkQuality, 255), .number(.retransmissions, 1), .text(.status, "OK"), .number(.processorUsage, 1),
      .number(.memoryUsage, 2), .number(.diskUsage, 3), .number(.battery, 99), .number(.interval, 30),
      DeviceItem(.vendor, .vendor(organisation: "00A0DE", type: 7, Array("hello".utf8))),
      DeviceItem(DeviceItemID(rawValue: 99), .octets([1, 2, 3])),
    ],
    links: [LinkInformation(port: 1, addresses: addresses(2)), LinkInformation(port: 2, addresses: [])],
    addresses: addresses(3), extendedAddresses: [[1, 2, 3, 4, 5, 6, 7, 8], [9]],
    others: [.init(type: 5, octets: Array("name".utf8)), .init(type: 127, octets: [0, 0x80, 0xC2, 1, 0])])

  @Test func everyItemGoesOutAndComesBack() throws {
    let octets = try Self.whole.octets()
    let (frame, departures) = try HTIPFrame.parse(octets[...], allowing: [])
    #expect(frame == Self.whole)
    #expect(departures.isEmpty)
    #expect(try frame.octets() == octets)
    // Padding of Ethernet is none of it.
    #expect(try HTIPFrame.parse((octets + [0, 0, 0, 7])[...], allowing: []).frame == Self.whole)
  }

  @Test func theLayoutIsTheOneOfTheFormat() throws {
    let frame = HTIPFrame(
      chassis: .mac(Self.mac), port: .interface("e"), timeToLive: 60, items: [.number(.interval, 30)],
      links: [LinkInformation(port: 3, addresses: [Self.mac])], addresses: [Self.mac])
    #expect(
      try frame.octets().hex()
        == "0207" + "04020000000021" + "0402" + "0565" + "0602" + "003c" + "fe08" + "e0271a01" + "5002001e"
        + "fe0f" + "e0271a02" + "01060103" + "01" + "020000000021" + "fe0b" + "e0271a03" + "01" + "020000000021"
        + "0000")
  }

  @Test(
    arguments: [
      .text(.category, String(repeating: "a", count: 256)), .text(.category, "AV TV"),
      .text(.manufacturerCode, "02ce01"),
      .text(.manufacturerCode, "02CE0"), .text(.modelName, String(repeating: "n", count: 32)), .text(.modelName, "a\0"),
      .text(.modelNumber, "tv"), .number(.channelUsage, 101), .number(.responseTime, 1 << 48),
      .number(.linkQuality, 256),
      .text(.status, "ok"), .text(.status, String(repeating: "K", count: 64)), .number(.interval, 65_536),
      .number(.modelName, 1), .text(.battery, "9"), .init(.vendor, .vendor(organisation: "xyz", type: 1, [])),
      .init(.vendor, .vendor(organisation: "00A0DE", type: 1, [UInt8](repeating: 9, count: 249))),
    ] as [DeviceItem])
  func whatMayNotBeSentIsNot(_ item: DeviceItem) {
    let frame = HTIPFrame(chassis: .mac(Self.mac), port: .interface("e"), timeToLive: 60, items: [item])
    #expect(throws: WireError.self) { try frame.octets() }
  }

  @Test func aTimeToLiveBelowTwiceTheIntervalIsNotSent() throws {
    let frame = HTIPFrame(
      chassis: .mac(Self.mac), port: .interface("e"), timeToLive: 59, items: [.number(.interval, 30)])
    #expect(throws: WireError.self) { try frame.octets() }
    // A withdrawal has none.
    #expect(try !HTIPFrame(chassis: .mac(Self.mac), port: .interface("e"), timeToLive: 0).octets().isEmpty)
  }

  @Test(arguments: [0, 1, 82, 83, 84, 166, 167, 200])
  func aTableIsSplitOverTLVsWithoutAnEmptyOne(_ count: Int) throws {
    let link = LinkInformation(port: 9, addresses: Self.addresses(count))
    let bodies = link.bodies()
    #expect(bodies.count == max(1, (count + 82) / 83))
    let frame = HTIPFrame(chassis: .mac(Self.mac), port: .interface("e"), timeToLive: 60, links: [link])
    #expect(try HTIPFrame.parse(try frame.octets()[...], allowing: []).frame == frame)
  }

  @Test func aTableThatIsTooLargeGoesOutInSeveralFrames() throws {
    var frame = Self.whole
    frame.links = (1...8).map { port in
      LinkInformation(port: port, addresses: Self.addresses(200, from: 0x0200_0000_0000 + UInt64(port) << 16))
    }
    #expect(throws: WireError.self) { try frame.octets() }
    let frames = try frame.frames()
    #expect(frames.count == 8)
    #expect(Set(frames.map(\.port)).count == frames.count)
    #expect(frames[0].port == .interface("eth0") && frames[1].port == .interface("eth0+1"))
    var union: [UInt32: [MACAddress]] = [:]
    for part in frames {
      #expect(try part.octets().count <= HTIPFrame.limit)
      #expect(part.chassis == frame.chassis && part.timeToLive == frame.timeToLive)
      for link in part.links { union[link.port, default: []] += link.addresses }
    }
    #expect(union == Dictionary(uniqueKeysWithValues: frame.links.map { ($0.port, $0.addresses) }))
    #expect(frames[0].items == frame.items && frames.dropFirst().allSatisfy { $0.items.isEmpty })
  }

  @Test func bothDialectsOfTheAddressListAreRead() throws {
    let (a, b) = (Self.addresses(1)[0], Self.mac)
    func frame(_ body: [UInt8]) -> [UInt8] {
      [2, 7, 4] + Self.mac.octets + [4, 2, 5, 0x65, 6, 2, 0, 60, 0xFE, UInt8(4 + body.count), 0xE0, 0x27, 0x1A, 3]
        + body
        + [0, 0]
    }
    let bare = frame([2] + a.octets + b.octets)
    #expect(try HTIPFrame.parse(bare[...], allowing: []).frame.addresses == [a, b])
    let (long, departures) = try HTIPFrame.parse(frame([2, 6] + a.octets + [6] + b.octets)[...])
    #expect(long.addresses == [a, b])
    #expect(departures.map(\.leniency) == [.addressLengths])
    #expect(departures.map(\.offset) == [23])
  }

  @Test(arguments: [
    ("", 0), ("0207", 2), ("0207040200000000", 2), ("0402 0565", 0), ("0207 04020000000021 0602 003c", 9),
    ("0207 04020000000021 0402 0565 0802 003c", 13), ("0207 04020000000021 0402 0565 0601 3c", 13),
    ("0207 04020000000021 0402 0565 0602 003c 0207 04020000000021 0000", 17),
    ("0207 04020000000021 0402 0565 0602 003c fe06 e0271a 01 03 05 0000", 25),
    ("0207 04020000000021 0402 0565 0602 003c fe07 e0271a 02 05 06 0103", 23),
    ("0207 04020000000021 0402 0565 0602 003c fe09 e0271a 02 0106 0100 00", 25),
    ("0207 04020000000021 0402 0565 0602 003c fe09 e0271a 02 0106 0103 ff 0000", 28),
    ("0207 04020000000021 0402 0565 0602 003c fe05 e0271a 03 ff 0000", 24),
  ])
  func aFaultIsToldWithItsOctet(_ text: String, _ offset: Int) throws {
    let digits = Array(text.filter { $0 != " " })
    let octets = stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
    let error = try #require(throws: WireError.self) { try HTIPFrame.parse(octets[...]) }
    #expect(error.offset == offset, "\(error)")
    #expect(error.format == "HTIP")
  }
}

@Suite struct FittingTests {
  @Test(arguments: [
    (DeviceItemID.modelName, "Living room <TV>", "Living room <TV>"),
    (.modelName, String(repeating: "é", count: 20), String(repeating: "é", count: 15)),
    (.modelNumber, "tv 2026/b", "TV2026/B"), (.manufacturerCode, "02ce01", "02CE01"),
    (.status, "no-configurator,wrong_subnet", "NO-CONFIGURATOR,WRONGSUBNET"),
  ])
  func aTextIsCutToWhatTheItemMayCarry(_ id: DeviceItemID, _ text: String, _ fitted: String) {
    #expect(DeviceItem.fitting(id, text)?.text == fitted)
  }

  @Test func whatFitsNoWayIsLeftOut() {
    #expect(DeviceItem.fitting(.manufacturerCode, "02CE0") == nil)
    #expect(DeviceItem.fitting(.modelNumber, "日本") == nil)
    #expect(DeviceItem.fitting(.battery, "5") == nil)
    #expect(DeviceItem.categories([]) == nil)
  }

  @Test func categoriesKeepTheirLimits() {
    let long = String(repeating: "A", count: 40)
    #expect(DeviceItem.categories(["AV_TV", long])?.text == "AV_TV," + String(repeating: "A", count: 31))
    #expect(DeviceItem.categories(Array(repeating: long, count: 9))?.text?.utf8.count == 127)
  }
}
