import CaptureFiles
import Octets
import Packets
import Testing

/// Every frame of a capture, as slices.
func frames(of name: String) throws -> [ArraySlice<UInt8>] {
  var reader = CaptureReader()
  reader.feed(try VectorFile.octets(name))
  var frames: [ArraySlice<UInt8>] = []
  while let item = try reader.next() { if case .packet(let packet) = item { frames.append(packet.octets) } }
  return frames
}

@Suite struct PacketVectorTests {
  @Test(arguments: VectorFile.captures) func foreignFramesAreWrittenAsTheyWereRead(name: String) throws {
    let frames = try frames(of: name)
    #expect(!frames.isEmpty)
    for (index, frame) in frames.enumerated() {
      let packet = try Packet(parsing: frame)
      // A wrong checksum comes from an offloading sender; written, it is right.
      if packet.checksumsAreValid {
        #expect(packet.octets == Array(frame), "\(name) frame \(index + 1)")
      } else {
        #expect(try Packet(parsing: packet.octets[...]).checksumsAreValid)
      }
    }
  }

  /// The numbers of frames with a wrong checksum, as tshark counts them; offloading senders left them.
  @Test(arguments: [
    ("igd_lan.pcap", 258, 260), ("igd_wan.pcap", 12, 18), ("dhcp_ra_lan1.pcap", 3, 22), ("lldpd_mgr_eth0.pcap", 0, 4),
  ]) func checksumsAreJudgedAsTsharkJudgesThem(name: String, wrong: Int, all: Int) throws {
    let packets = try frames(of: name).map { try Packet(parsing: $0) }
    #expect(packets.count == all)
    #expect(packets.filter { !$0.checksumsAreValid }.count == wrong)
  }

  @Test(arguments: VectorFile.captures) func mutatedFramesNeverTrap(name: String) throws {
    var random = SeededNumbers(seed: 62608)
    for frame in try frames(of: name).prefix(60) {
      for _ in 0..<20 {
        var octets = Array(frame)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          octets[Int.random(in: 0..<min(octets.count, 80), using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        if Bool.random(using: &random) { octets.removeLast(Int.random(in: 0...octets.count, using: &random)) }
        // Slices with a start index of their own, as captures give them.
        guard let packet = try? Packet(parsing: ([0, 0, 0] + octets).dropFirst(3)) else { continue }
        if case .ipv4(_, .tcp(let segment)) = packet.payload { _ = try? TCPOption.list(parsing: segment.options) }
        _ = packet.checksumsAreValid
        _ = packet.octets
      }
    }
  }

  @Test(arguments: VectorFile.captures) func everyPrefixOfAFrameIsReadOrRefused(name: String) throws {
    var cut = PacketRules()
    cut.cutPayloadAllowed = true
    for frame in try frames(of: name).prefix(12) {
      for count in 0..<frame.count {
        _ = try? Packet(parsing: frame.prefix(count))
        if case .ipv4(let header, .udp(let datagram))? = try? Packet(parsing: frame.prefix(count), rules: cut).payload {
          #expect(datagram.payload.count <= header.totalLength)
        }
      }
    }
  }
}
