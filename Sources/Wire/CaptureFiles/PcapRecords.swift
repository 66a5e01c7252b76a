import Octets

/// The packet records of a classic pcap file (draft-ietf-opsawg-pcap).
struct PcapRecords: Sendable {
  static let headerLength = 24
  static let recordHeaderLength = 16

  let bigEndian: Bool
  let resolution: TimeResolution
  let interface: CaptureInterface

  /// Reads the file header; `nil` while it is not all here.
  init?(parsing octets: ArraySlice<UInt8>) throws {
    switch octets.uint32(at: 0) {
    case 0xA1B2_C3D4: (bigEndian, resolution) = (true, .microseconds)
    case 0xD4C3_B2A1: (bigEndian, resolution) = (false, .microseconds)
    case 0xA1B2_3C4D: (bigEndian, resolution) = (true, .nanoseconds)
    case 0x4D3C_B2A1: (bigEndian, resolution) = (false, .nanoseconds)
    case let other where other >> 16 == 0x1F8B:
      throw WireError(.unsupported, in: "capture", at: 0, "the file is compressed with gzip, expected pcap or pcapng")
    default:
      throw WireError(
        .malformed, in: "capture", at: 0,
        "begins with \(octets.prefix(4).hex(separator: "-")), expected the magic number of pcap or pcapng")
    }
    guard octets.count >= Self.headerLength else { return nil }
    var reader = BlockReader(octets.prefix(Self.headerLength), format: "pcap", base: 0, bigEndian: bigEndian)
    _ = try reader.uint32("the magic number")
    let major = try reader.uint16("the major version")
    guard major == 2 else { throw WireError(.unsupported, in: "pcap", at: 4, "version \(major), expected 2") }
    _ = try reader.uint16("the minor version")
    // The time zone and the accuracy, which no program writes.
    _ = try reader.uint64("the reserved fields")
    let snapLength = try reader.uint32("the snap length")
    // The upper half may tell the length of frame check sequences.
    let linkType = try reader.uint32("the link type")
    interface = CaptureInterface(
      index: 0, linkType: LinkType(rawValue: UInt16(truncatingIfNeeded: linkType)), snapLength: Int(snapLength))
  }

  private func field(_ octets: ArraySlice<UInt8>, _ offset: Int) -> UInt32 {
    let value = octets.uint32(at: offset)
    return bigEndian ? value : value.byteSwapped
  }

  /// The length of the record that `octets` begin with; `nil` while its head is not all here.
  func length(of octets: ArraySlice<UInt8>, base: Int, limits: CaptureReader.Limits) throws -> Int? {
    guard octets.count >= Self.recordHeaderLength else { return nil }
    let captured = Int(field(octets, 8))
    guard captured <= limits.blockLength else {
      throw WireError(
        .tooLong, in: "pcap", at: base + 8, "a packet of \(captured) octets, at most \(limits.blockLength) are read")
    }
    return Self.recordHeaderLength + captured
  }

  /// `record` is a whole record.
  func item(of record: ArraySlice<UInt8>) -> CaptureItem {
    let fraction = Int64(field(record, 4))
    // 32 bits of seconds and of fraction always fit.
    let time = Int64(field(record, 0)) * 1_000_000_000 + (resolution == .nanoseconds ? fraction : fraction * 1000)
    return .packet(
      CapturedPacket(
        interface: 0, time: time, direction: .unknown, originalLength: Int(field(record, 12)),
        octets: record.dropFirst(Self.recordHeaderLength)))
  }
}
