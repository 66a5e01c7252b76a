import CaptureFiles
import Octets
import Packets
import SSDP
import Testing

@Suite struct SSDPVectorTests {
  /// The SSDP datagrams of miniupnpd, upnpc and gssdp-discover.
  static func datagrams() throws -> [ArraySlice<UInt8>] {
    var reader = CaptureReader()
    reader.feed(try VectorFile.octets("igd_lan.pcap"))
    var datagrams: [ArraySlice<UInt8>] = []
    while let item = try reader.next() {
      guard case .packet(let packet) = item,
        case .ipv4(_, .udp(let datagram)) = try Packet(parsing: packet.octets).payload,
        datagram.sourcePort == 1900 || datagram.destinationPort == 1900
      else { continue }
      datagrams.append(datagram.payload)
    }
    return datagrams
  }

  @Test func everyForeignDatagramIsReadWithAllItsHeaders() throws {
    let datagrams = try Self.datagrams()
    #expect(datagrams.count > 20)
    for datagram in datagrams {
      let message = try SSDPMessage(parsing: datagram)
      let text = String(decoding: datagram, as: UTF8.self)
      var lines = Set(text.split(separator: "\r\n").dropFirst().map { $0.replacing(": ", with: ":") })
      for line in message.headers.lines { lines.remove("\(line.name):\(line.value)") }
      #expect(lines.isEmpty, "\(lines) of \(text)")
      // Written and read again it is the same value, under the strictest rules.
      #expect(try SSDPMessage(parsing: message.octets, rules: .strict) == message)
    }
  }

  @Test func miniupnpdAnswersUpnpc() throws {
    let messages = try Self.datagrams().map { try SSDPMessage(parsing: $0) }
    let search = messages.firstNonNil { if case .search(let search) = $0 { search } else { nil } }
    #expect(search?.searchTarget == "urn:schemas-upnp-org:device:InternetGatewayDevice:1")
    #expect(search?.maximumWait == 2)
    #expect(search?.friendlyName == nil)
    let reply = messages.firstNonNil { if case .searchReply(let reply) = $0 { reply } else { nil } }
    #expect(reply?.uuid == "11111111-2222-3333-4444-555555555555")
    #expect(reply?.location == "http://192.168.11.1:5000/rootDesc.xml")
    #expect(reply?.maximumAge == 120)
    #expect(reply?.otherHeaders["opt"] == #""http://schemas.upnp.org/upnp/1/0/"; ns=01"#)
    let alive = messages.firstNonNil { if case .notify(let notify) = $0, notify.kind == .alive { notify } else { nil } }
    #expect(alive?.maximumAge == 60)
    #expect(alive?.configurationID == 1337)
  }

  @Test func mutatedDatagramsNeverTrap() throws {
    var random = SeededNumbers(seed: 1900)
    for datagram in try Self.datagrams() {
      for _ in 0..<200 {
        var octets = Array(datagram)
        for _ in 0..<Int.random(in: 1...6, using: &random) {
          octets[Int.random(in: 0..<octets.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        if Bool.random(using: &random) { octets.removeLast(Int.random(in: 0...octets.count, using: &random)) }
        guard let message = try? SSDPMessage(parsing: octets) else { continue }
        // What was read can be written, and the written form is read as the same value.
        #expect(try SSDPMessage(parsing: message.octets) == message, "\(String(decoding: octets, as: UTF8.self))")
      }
    }
  }
}

extension Array {
  func firstNonNil<Result>(_ body: (Element) -> Result?) -> Result? {
    for element in self { if let result = body(element) { return result } }
    return nil
  }
}
