import HTIP
import Octets
import Testing

@Suite struct HTIPVectorTests {
  /// What a frame says, in the words of the dumps that another decoder wrote.
  static func told(_ frame: HTIPFrame, links: [String]) -> [String] {
    var lines: [String] = []
    if case .mac(let address) = frame.chassis { lines.append("ChassisID st 4 \(address)") }
    let port =
      frame.port.subtype == 3
      ? frame.port.description : "b'\(String(decoding: frame.port.octets, as: UTF8.self))'"
    lines.append("PortID st \(frame.port.subtype) \(port)")
    lines.append("TTL \(frame.timeToLive)")
    if let description = frame.portDescription { lines.append("PortDesc b'\(description)'") }
    for item in frame.items {
      switch item.value {
      case .text(let text): lines.append("id\(item.id.rawValue) \(text)")
      case .number(let number): lines.append("id\(item.id.rawValue) \(number)")
      case .vendor(let organisation, let type, let octets):
        lines.append("id\(item.id.rawValue) \(organisation) \(type) \(String(decoding: octets, as: UTF8.self))")
      case .octets(let octets): lines.append("id\(item.id.rawValue) \(octets.hex())")
      }
    }
    return lines + links
  }

  /// The same of a block of the dump.
  static func told(dump: ArraySlice<String>) -> [String] {
    dump.compactMap { line in
      let line = line.drop { $0 == " " }
      guard line.hasPrefix("TTC1 ") else { return line.hasPrefix("TTC") || line.hasPrefix("End") ? nil : String(line) }
      let words = line.split(separator: " ")
      let id = String(words[1])
      if let open = line.firstIndex(of: "'"), let close = line.lastIndex(of: "'"), open < close {
        let text = String(line[line.index(after: open)..<close])
        return "\(id) \(text.components(upTo: "\\x00"))"
      }
      if let value = line.split(separator: "=").last, line.contains("=") { return "\(id) \(value)" }
      return words[2] == "303041304445070568656c6c6f" ? "\(id) 00A0DE 7 hello" : "\(id) \(words[2])"
    }
  }

  @Test(arguments: ["lwhtip_mgr_eth0", "freehtip_mgr_eth0", "lwhtip_fdb_82"])
  func everyItemIsReadAsAnotherDecoderReadsIt(_ name: String) throws {
    let frames = try VectorFile.lldp("\(name).pcap").filter(\.isBroadcast)
    let blocks = try VectorFile.lines("\(name).dump.txt").split { $0.hasPrefix("#") }
    #expect(frames.count == blocks.count)
    for (octets, block) in zip(frames.map(\.octets), blocks) {
      let (frame, _) = try HTIPFrame.parse(octets)
      #expect(Self.told(frame, links: []) == Self.told(dump: block))
      // The ports of the link TLVs and how many addresses each holds, repetitions taken together.
      var counts: [UInt32: Int] = [:]
      for line in block where line.contains("TTC2 ") {
        let numbers = line.split { !$0.isNumber && $0 != "=" }.compactMap {
          $0.hasPrefix("=") ? Int($0.dropFirst()) : nil
        }
        counts[UInt32(numbers[1]), default: 0] += numbers[2]
        #expect(numbers[0] == 6)
      }
      #expect(Dictionary(uniqueKeysWithValues: frame.links.map { ($0.port, $0.addresses.count) }) == counts)
    }
  }

  @Test func theSwitchesOfTheTestHomeTellTheirTables() throws {
    let frames = try VectorFile.lldp("lwhtip_mgr_eth0.pcap").filter(\.isBroadcast).map {
      try HTIPFrame.parse($0.octets)
    }
    let sw1 = try #require(frames.map(\.frame).first { "\($0.chassis)" == "02:00:00:00:0a:00" })
    #expect(sw1.links.map(\.port) == [1, 2, 3])
    #expect(sw1.links[0].addresses.map(\.description) == ["02:00:00:00:01:01"])
    #expect(
      sw1.links[2].addresses.map(\.description) == [
        "02:00:00:00:0b:01", "02:00:00:00:01:04", "02:00:00:00:01:03", "02:00:00:00:0b:00",
      ])
    #expect(sw1[.category]?.text == "COM_Swit")
  }

  @Test func departuresAreNamedWithTheirPlace() throws {
    let lwhtip = try VectorFile.lldp("lwhtip_mgr_eth0.pcap").filter(\.isBroadcast).map {
      try HTIPFrame.parse($0.octets)
    }
    #expect(
      lwhtip[0].departures.map(\.description) == [
        "octet 41: category has a NUL octet (nul-padded-text)",
        "octet 73: manufacturerCode has a NUL octet (nul-padded-text)",
        "octet 68: manufacturerCode is \"JAIST\", expected six digits of 0-9 A-F (foreign-manufacturer-code)",
        "octet 87: modelNumber has a NUL octet (nul-padded-text)",
      ])
    let fdb = try HTIPFrame.parse(try #require(try VectorFile.lldp("lwhtip_fdb_82.pcap").first).octets)
    #expect(fdb.departures.contains { $0.leniency == .emptyRepetition })
    let freehtip = try VectorFile.lldp("freehtip_mgr_eth0.pcap").filter(\.isBroadcast)
      .map { try HTIPFrame.parse($0.octets) }
    #expect(freehtip[0].departures.map(\.leniency) == [.foreignCharacters, .foreignCharacters, .shortTimeToLive])
    #expect(freehtip[3].departures.map(\.leniency) == [.vendorLength])
    #expect(freehtip[3].frame.addresses.count == 2)
  }

  @Test func whatIsNotAllowedIsAnErrorAtItsPlace() throws {
    let octets = try #require(try VectorFile.lldp("lwhtip_mgr_eth0.pcap").first { $0.isBroadcast }).octets
    let error = try #require(throws: WireError.self) { try HTIPFrame.parse(octets, allowing: []) }
    #expect("\(error)" == "HTIP octet 41: category has a NUL octet")
  }

  @Test func plainLLDPIsReadAndIsNoHTIP() throws {
    let frames = try VectorFile.lldp("lldpd_mgr_eth0.pcap").map { try HTIPFrame.parse($0.octets).frame }
    #expect(frames.contains { !$0.isHTIP })
    #expect(frames.allSatisfy { !$0.others.isEmpty || $0.isHTIP || $0.timeToLive == 0 })
  }

  @Test func truncatedAndMutatedFramesNeverTrap() throws {
    var random = SeededNumbers(seed: 88)
    let names = ["lwhtip_mgr_eth0.pcap", "freehtip_mgr_eth0.pcap", "lwhtip_fdb_82.pcap", "lldpd_mgr_eth0.pcap"]
    for (octets, _) in try names.flatMap(VectorFile.lldp) {
      for length in 0..<octets.count {
        do { _ = try HTIPFrame.parse(octets.prefix(length)) } catch let fault as WireError {
          #expect(fault.offset <= length)
        }
      }
      for _ in 0..<200 {
        var mutated = Array(octets)
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          mutated[Int.random(in: 0..<mutated.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        if let (frame, departures) = try? HTIPFrame.parse(mutated[...]) {
          #expect(departures.count <= 32 && frame.links.allSatisfy { $0.port > 0 })
        }
      }
    }
  }
}

extension String {
  fileprivate func components(upTo end: String) -> Substring {
    firstRange(of: end).map { self[..<$0.lowerBound] } ?? self[...]
  }
}
