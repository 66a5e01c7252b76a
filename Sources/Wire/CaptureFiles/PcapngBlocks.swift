import Octets

/// The blocks of a pcapng file (draft-ietf-opsawg-pcapng).
struct PcapngBlocks: Sendable {
  static let sectionHeader: UInt32 = 0x0A0D_0D0A
  private static let format = "pcapng"

  private struct Interface: Sendable {
    var index: Int
    var resolution: TimeResolution
    var snapLength: Int
  }

  private var bigEndian = false
  /// Those of the running section, by the number that its blocks use.
  private var interfaces: [Interface] = []
  /// Interfaces of all sections so far.
  private var interfaceCount = 0

  private static func number(_ octets: ArraySlice<UInt8>, _ offset: Int, bigEndian: Bool) -> UInt32 {
    let value = octets.uint32(at: offset)
    return bigEndian ? value : value.byteSwapped
  }

  /// The length of the block that `octets` begin with; `nil` while its head, or the block, is not all here.
  func length(of octets: ArraySlice<UInt8>, base: Int, limits: CaptureReader.Limits) throws -> Int? {
    guard octets.count >= 12 else { return nil }
    var order = bigEndian
    let startsSection = octets.uint32(at: 0) == Self.sectionHeader
    if startsSection {
      switch octets.uint32(at: 8) {
      case 0x1A2B_3C4D: order = true
      case 0x4D3C_2B1A: order = false
      default:
        throw WireError(
          .malformed, in: Self.format, at: base + 8,
          "byte order \(octets.dropFirst(8).prefix(4).hex(separator: "-")), expected 1a-2b-3c-4d in either order")
      }
    }
    let length = Int(Self.number(octets, 4, bigEndian: order))
    let least = startsSection ? 28 : 12
    guard length >= least, length % 4 == 0 else {
      throw WireError(
        .malformed, in: Self.format, at: base + 4, "block length \(length), expected a multiple of 4, at least \(least)"
      )
    }
    guard length <= limits.blockLength else {
      throw WireError(
        .tooLong, in: Self.format, at: base + 4, "a block of \(length) octets, at most \(limits.blockLength) are read")
    }
    guard octets.count >= length else { return nil }
    let trailing = Int(Self.number(octets, length - 4, bigEndian: order))
    guard trailing == length else {
      throw WireError(
        .malformed, in: Self.format, at: base + length - 4, "the block ends with length \(trailing), expected \(length)"
      )
    }
    return length
  }

  /// What a whole block tells.
  mutating func items(of block: ArraySlice<UInt8>, base: Int, limits: CaptureReader.Limits) throws -> [CaptureItem] {
    if block.uint32(at: 0) == Self.sectionHeader { bigEndian = block.uint32(at: 8) == 0x1A2B_3C4D }
    let type = Self.number(block, 0, bigEndian: bigEndian)
    let body = block[block.startIndex + 8..<block.endIndex - 4]
    var reader = BlockReader(body, format: Self.format, base: base + 8, bigEndian: bigEndian)
    switch type {
    case Self.sectionHeader: return try section(&reader)
    case 1: return try interface(&reader, limits: limits)
    case 2: return [.packet(try obsoletePacket(&reader))]
    case 3: return [.packet(try simplePacket(&reader))]
    case 5: return try statistics(&reader)
    default: return [.skipped(blockType: type, offset: base, length: block.count)]
    }
  }

  private mutating func section(_ reader: inout BlockReader) throws -> [CaptureItem] {
    interfaces = []
    _ = try reader.uint32("the byte order")
    let offset = reader.reader.offset
    let major = try reader.uint16("the major version")
    guard major == 1 else {
      throw WireError(.unsupported, in: Self.format, at: offset, "version \(major), expected 1")
    }
    _ = try reader.uint16("the minor version")
    _ = try reader.uint64("the section length")
    var section = CaptureSection()
    var comments: [CaptureItem] = []
    try reader.options { code, value in
      switch code {
      case 1: comments.append(.comment(time: nil, text: value.text()))
      case 2: section.hardware = value.text()
      case 3: section.operatingSystem = value.text()
      case 4: section.application = value.text()
      default: break
      }
    }
    return [.section(section)] + comments
  }

  private mutating func interface(_ reader: inout BlockReader, limits: CaptureReader.Limits) throws -> [CaptureItem] {
    guard interfaceCount < limits.interfaces else {
      throw WireError(
        .tooLong, in: Self.format, at: reader.reader.offset, "more than \(limits.interfaces) interfaces")
    }
    let linkType = LinkType(rawValue: try reader.uint16("the link type"))
    _ = try reader.uint16("the reserved field")
    let snapLength = Int(try reader.uint32("the snap length"))
    // The interface counts even where its options are at fault, so that later blocks name the right one.
    var description = CaptureInterface(index: interfaceCount, linkType: linkType, snapLength: snapLength)
    var resolution = TimeResolution.microseconds
    var comments: [CaptureItem] = []
    defer {
      interfaces.append(Interface(index: description.index, resolution: resolution, snapLength: snapLength))
      interfaceCount += 1
    }
    try reader.options { code, value in
      switch code {
      case 1: comments.append(.comment(time: nil, text: value.text()))
      case 2: description.name = value.text()
      case 3: description.description = value.text()
      case 9: resolution.code = try value.reader.uint8("if_tsresol")
      case 14: resolution.offset = Int64(bitPattern: try value.uint64("if_tsoffset"))
      default: break
      }
    }
    return [.interface(description)] + comments
  }

  private func interface(_ number: Int, at offset: Int) throws -> Interface {
    guard interfaces.indices.contains(number) else {
      throw WireError(
        .malformed, in: Self.format, at: offset, "interface \(number), the section has \(interfaces.count)")
    }
    return interfaces[number]
  }

  private func time(_ ticks: UInt64, _ interface: Interface, at offset: Int) throws -> Int64 {
    guard let time = interface.resolution.nanoseconds(ticks: ticks) else {
      throw WireError(.malformed, in: Self.format, at: offset, "a time stamp of \(ticks) ticks, which is after 2262")
    }
    return time
  }

  /// The packet of an Enhanced Packet Block; `nil` for other blocks. Most blocks are such, so that this reads in place.
  func packet(of block: ArraySlice<UInt8>, base: Int) throws -> CapturedPacket? {
    func field(_ offset: Int) -> UInt32 { Self.number(block, offset, bigEndian: bigEndian) }
    guard field(0) == 6 else { return nil }
    guard block.count >= 32 else {
      throw WireError(
        .truncated, in: Self.format, at: base + block.count - 4, "a packet block of \(block.count) octets, expected 32")
    }
    let interface = try interface(Int(field(8)), at: base + 8)
    let time = try time(UInt64(field(12)) << 32 | UInt64(field(16)), interface, at: base + 12)
    let captured = Int(field(20))
    guard captured <= block.count - 32 else {
      throw WireError(
        .truncated, in: Self.format, at: base + 28, "the packet needs \(captured) octets, \(block.count - 32) left")
    }
    let start = block.startIndex + 28
    var packet = CapturedPacket(
      interface: interface.index, time: time, direction: .unknown, originalLength: Int(field(24)),
      octets: block[start..<start + captured])
    let options = min(28 + (captured + 3) & ~3, block.count - 4)
    if options < block.count - 4 {
      var reader = BlockReader(
        block[block.startIndex + options..<block.endIndex - 4], format: Self.format, base: base + options,
        bigEndian: bigEndian)
      try read(&reader, into: &packet)
    }
    return packet
  }

  private func read(_ reader: inout BlockReader, into packet: inout CapturedPacket) throws {
    try reader.options { code, value in
      switch code {
      case 1: packet.comments.append(value.text())
      case 2: packet.direction = CaptureDirection(rawValue: UInt8(try value.uint32("the flags") & 3)) ?? .unknown
      default: break
      }
    }
  }

  private func obsoletePacket(_ reader: inout BlockReader) throws -> CapturedPacket {
    let start = reader.reader.offset
    let interface = try interface(Int(try reader.uint16("the interface")), at: start)
    _ = try reader.uint16("the drop count")
    let time = try time(try reader.timestamp(), interface, at: start + 4)
    let captured = Int(try reader.uint32("the captured length"))
    let original = Int(try reader.uint32("the original length"))
    var packet = CapturedPacket(
      interface: interface.index, time: time, direction: .unknown, originalLength: original,
      octets: try reader.padded(captured, "the packet"))
    try read(&reader, into: &packet)
    return packet
  }

  private func simplePacket(_ reader: inout BlockReader) throws -> CapturedPacket {
    let interface = try interface(0, at: reader.reader.offset)
    let original = Int(try reader.uint32("the original length"))
    let kept = interface.snapLength == 0 ? original : min(original, interface.snapLength)
    let octets = try reader.padded(min(kept, reader.reader.remaining), "the packet")
    return CapturedPacket(
      interface: interface.index, time: 0, direction: .unknown, originalLength: original, octets: octets)
  }

  private func statistics(_ reader: inout BlockReader) throws -> [CaptureItem] {
    let start = reader.reader.offset
    let interface = try interface(Int(try reader.uint32("the interface")), at: start)
    let time = try time(try reader.timestamp(), interface, at: start + 4)
    var statistics = CaptureStatistics(interface: interface.index, time: time, received: nil, dropped: nil)
    var items: [CaptureItem] = []
    try reader.options { code, value in
      switch code {
      case 1: items.append(.comment(time: time, text: value.text()))
      case 4: statistics.received = try value.uint64("isb_ifrecv")
      case 5, 7:
        let more = try value.uint64("the drop count")
        let (sum, overflow) = (statistics.dropped ?? 0).addingReportingOverflow(more)
        statistics.dropped = overflow ? .max : sum
      default: break
      }
    }
    if items.isEmpty || statistics.received != nil || statistics.dropped != nil {
      items.append(.statistics(statistics))
    }
    return items
  }
}
