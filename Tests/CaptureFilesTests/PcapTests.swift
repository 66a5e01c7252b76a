import CaptureFiles
import Octets
import Testing

@Suite struct PcapTests {
  static func file(bigEndian: Bool, nanoseconds: Bool) -> [UInt8] {
    func n(_ value: UInt64, _ count: Int = 4) -> [UInt8] { BlockText.number(value, count, bigEndian) }
    var octets = n(nanoseconds ? 0xA1B2_3C4D : 0xA1B2_C3D4) + n(2, 2) + n(4, 2) + n(0) + n(0) + n(96) + n(1)
    octets += n(1_700_000_000) + n(999_999) + n(3) + n(60) + [1, 2, 3]
    octets += n(4_294_967_295) + n(1) + n(0) + n(0)
    return octets
  }

  @Test(arguments: [false, true], [false, true]) func allFourKinds(bigEndian: Bool, nanoseconds: Bool) throws {
    let unit: Int64 = nanoseconds ? 1 : 1000
    for pieces in [1, 7, 24, .max] {
      #expect(
        try items(of: Self.file(bigEndian: bigEndian, nanoseconds: nanoseconds), pieces: pieces) == [
          .interface(CaptureInterface(index: 0, snapLength: 96)),
          .packet(
            CapturedPacket(
              interface: 0, time: 1_700_000_000_000_000_000 + 999_999 * unit, direction: .unknown, originalLength: 60,
              octets: [1, 2, 3])),
          .packet(
            CapturedPacket(
              interface: 0, time: 4_294_967_295_000_000_000 + unit, direction: .unknown, originalLength: 0, octets: [])),
        ])
    }
  }

  @Test func faultsTellTheirOctet() {
    func fault(_ octets: [UInt8]) -> WireError? {
      do { _ = try items(of: octets) } catch { return error as? WireError }
      return nil
    }
    var file = Self.file(bigEndian: false, nanoseconds: false)
    #expect(fault(Array(file.prefix(30))) == WireError(.truncated, in: "pcap", at: 24, ""))
    #expect(fault(Array(file.prefix(20))) == WireError(.truncated, in: "capture", at: 20, ""))
    file[35] = 0xFF
    #expect(fault(file) == WireError(.tooLong, in: "pcap", at: 32, ""))
    file[4] = 3
    #expect(fault(file) == WireError(.unsupported, in: "pcap", at: 4, ""))
  }

  @Test(arguments: VectorFile.captures) func foreignCapturesReadAlikeInAnyPieces(name: String) throws {
    let file = try VectorFile.octets(name)
    let whole = try items(of: file)
    #expect(whole.count > 1)
    for pieces in [1, 13, 1000] { #expect(try items(of: file, pieces: pieces) == whole) }
  }

  @Test(arguments: VectorFile.captures) func whatIsCopiedToPcapngReadsBackAlike(name: String) throws {
    let source = try packets(of: try VectorFile.octets(name))
    var writer = PcapngWriter()
    var file = writer.header()
    file += writer.interface(name: name, description: nil)
    for packet in source {
      file += writer.packet(
        interface: 0, time: packet.time, direction: .unknown, octets: packet.octets,
        originalLength: packet.originalLength)
    }
    #expect(try packets(of: file) == source)
  }
}
