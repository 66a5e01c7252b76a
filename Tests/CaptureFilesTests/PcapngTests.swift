import CaptureFiles
import Octets
import Testing

/// pcapng octets block by block, in either byte order.
struct BlockText {
  var octets: [UInt8] = []
  let bigEndian: Bool

  init(bigEndian: Bool = false) { self.bigEndian = bigEndian }

  static func number(_ value: UInt64, _ count: Int, _ bigEndian: Bool) -> [UInt8] {
    var writer = ByteWriter()
    if bigEndian { writer.bigEndian(value, count) } else { writer.littleEndian(value, count) }
    return writer.octets
  }

  func n(_ value: UInt64, _ count: Int = 4) -> [UInt8] { Self.number(value, count, bigEndian) }

  func option(_ code: UInt64, _ value: [UInt8]) -> [UInt8] {
    n(code, 2) + n(UInt64(value.count), 2) + value + [UInt8](repeating: 0, count: -value.count & 3)
  }

  mutating func block(_ type: UInt64, _ body: [UInt8]) {
    let length = UInt64(12 + body.count)
    octets += n(type) + n(length) + body + n(length)
  }

  mutating func section(_ options: [UInt8] = []) {
    block(0x0A0D_0D0A, n(0x1A2B_3C4D) + n(1, 2) + n(0, 2) + n(.max, 8) + options)
  }

  mutating func interface(_ options: [UInt8] = [], snapLength: UInt64 = 0) {
    block(1, n(1, 2) + n(0, 2) + n(snapLength) + options)
  }

  mutating func packet(
    _ interface: UInt64, ticks: UInt64, _ octets: [UInt8], original: Int? = nil, options: [UInt8] = []
  ) {
    let padding = [UInt8](repeating: 0, count: -octets.count & 3)
    block(
      6,
      n(interface) + n(ticks >> 32) + n(ticks & 0xFFFF_FFFF) + n(UInt64(octets.count))
        + n(UInt64(original ?? octets.count))
        + octets + padding + options)
  }
}

@Suite struct PcapngTests {
  static func sample(bigEndian: Bool) -> [UInt8] {
    var text = BlockText(bigEndian: bigEndian)
    text.section(text.option(1, Array("made by hand".utf8)) + text.option(4, Array("test".utf8)) + text.option(0, []))
    text.interface(
      text.option(2, Array("tv--sw1.3".utf8)) + text.option(3, Array("node=tv".utf8)) + text.option(9, [9]))
    text.interface(text.option(9, [0x80 | 10]) + text.option(14, text.n(100, 8)), snapLength: 4)
    text.packet(
      0, ticks: 1_700_000_000_000_000_001, [1, 2, 3], options: text.option(2, text.n(2)) + text.option(1, [0x41]))
    text.packet(1, ticks: 1024 + 512, [1, 2, 3, 4], original: 60)
    text.block(3, text.n(3) + [9, 8, 7, 0])
    text.block(2, text.n(0, 2) + text.n(7, 2) + text.n(0) + text.n(5) + text.n(2) + text.n(2) + [6, 6, 0, 0])
    text.block(4, text.n(0))
    text.block(0xBAD, text.n(32473) + [1, 2, 3, 4])
    text.block(5, text.n(0) + text.n(0) + text.n(6) + text.option(4, text.n(10, 8)) + text.option(5, text.n(2, 8)))
    text.block(5, text.n(0) + text.n(0) + text.n(7) + text.option(1, Array("note".utf8)))
    text.section()
    text.interface()
    text.packet(0, ticks: 3, [])
    return text.octets
  }

  static let expected: [CaptureItem] = [
    .section(CaptureSection(application: "test")), .comment(time: nil, text: "made by hand"),
    .interface(CaptureInterface(index: 0, name: "tv--sw1.3", description: "node=tv")),
    .interface(CaptureInterface(index: 1, snapLength: 4)),
    .packet(
      CapturedPacket(
        interface: 0, time: 1_700_000_000_000_000_001, direction: .outbound, originalLength: 3, octets: [1, 2, 3],
        comments: ["A"])),
    .packet(
      CapturedPacket(
        interface: 1, time: 101_500_000_000, direction: .unknown, originalLength: 60, octets: [1, 2, 3, 4])),
    .packet(CapturedPacket(interface: 0, time: 0, direction: .unknown, originalLength: 3, octets: [9, 8, 7])),
    .packet(CapturedPacket(interface: 0, time: 5, direction: .unknown, originalLength: 2, octets: [6, 6])),
    .skipped(blockType: 4, offset: 336, length: 16), .skipped(blockType: 0xBAD, offset: 352, length: 20),
    .statistics(CaptureStatistics(interface: 0, time: 6, received: 10, dropped: 2)), .comment(time: 7, text: "note"),
    .section(CaptureSection()), .interface(CaptureInterface(index: 2)),
    .packet(CapturedPacket(interface: 2, time: 3000, direction: .unknown, originalLength: 0, octets: [])),
  ]

  @Test(arguments: [false, true], [1, 3, 17, 64, .max])
  func everyBlockInBothByteOrdersAndInPieces(bigEndian: Bool, pieces: Int) throws {
    let read = try items(of: Self.sample(bigEndian: bigEndian), pieces: pieces)
    #expect(read.count == Self.expected.count)
    for (item, expected) in zip(read, Self.expected) {
      if case .skipped(let type, _, let length) = item {
        guard case .skipped(type, _, length) = expected else {
          Issue.record("\(item), expected \(expected)")
          continue
        }
      } else {
        #expect(item == expected)
      }
    }
  }

  @Test func aSkippedBlockTellsWhereItLies() throws {
    let file = Self.sample(bigEndian: false)
    for case .skipped(let type, let offset, let length) in try items(of: file) {
      #expect(BlockText.number(UInt64(type), 4, false) == Array(file[offset..<offset + 4]))
      #expect(BlockText.number(UInt64(length), 4, false) == Array(file[offset + 4..<offset + 8]))
    }
  }

  /// Seconds of the epoch in every resolution.
  @Test(
    arguments: [
      (0, 2, 2_000_000_000), (3, 2001, 2_001_000_000), (6, 1, 1000), (9, 1, 1), (12, 2999, 2),
      (19, 123_456_789_012, 12),
      (30, .max, 0), (0x80, 3, 3_000_000_000), (0x81, 3, 1_500_000_000), (0xA0, 1 << 31, 500_000_000),
      (0xBF, 1 << 62, 500_000_000),
      (0xC0, .max, 0), (0xFF, .max, 0),
    ] as [(UInt8, UInt64, Int64)]) func resolutions(code: UInt8, ticks: UInt64, time: Int64) throws
  {
    var text = BlockText()
    text.section()
    text.interface(text.option(9, [code]))
    text.packet(0, ticks: ticks, [])
    #expect(try packets(of: text.octets).map(\.time) == [time])
  }

  @Test(
    arguments: [(6, .max, 0), (9, 1 << 63, 0), (0x80, 1 << 40, 0), (9, 1, .max), (9, 1, 0x7FFF_FFFF_FFFF)]
      as [(UInt8, UInt64, UInt64)])
  func timesOutOfRangeAreRefusedAndReadingGoesOn(code: UInt8, ticks: UInt64, offset: UInt64) throws {
    var text = BlockText()
    text.section()
    text.interface(text.option(9, [code]) + text.option(14, text.n(offset, 8)))
    text.interface()
    text.packet(0, ticks: ticks, [1])
    text.packet(1, ticks: 1, [2])
    var reader = CaptureReader()
    reader.feed(text.octets)
    var (faults, packets) = (0, 0)
    while true {
      do {
        guard let item = try reader.next() else { break }
        if case .packet = item { packets += 1 }
      } catch { faults += 1 }
    }
    if offset == .max {
      // -1 s is in range: 1 ns after it lies before the epoch.
      #expect((faults, packets) == (0, 2))
    } else {
      #expect((faults, packets) == (1, 1))
    }
  }

  /// Faults of the framing, each with its octet; every later call tells the same.
  @Test func framingFaultsAreFinal() throws {
    func fault(_ octets: [UInt8]) -> WireError? {
      var reader = CaptureReader()
      reader.feed(octets)
      var first: WireError?
      do { while try reader.next() != nil {} } catch { first = error as? WireError }
      #expect(throws: first ?? WireError(.malformed, in: "none", at: -1, "")) { try reader.next() }
      return first
    }
    var head = BlockText()
    head.section()
    let h = head.octets
    #expect(fault(Array("hello".utf8)) == WireError(.malformed, in: "capture", at: 0, ""))
    #expect(fault([0x1F, 0x8B, 8, 0]) == WireError(.unsupported, in: "capture", at: 0, ""))
    #expect(
      fault(Array(h.prefix(8)) + [1, 2, 3, 4] + h.dropFirst(12)) == WireError(.malformed, in: "pcapng", at: 8, ""))
    #expect(fault(h + [6, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0]) == WireError(.malformed, in: "pcapng", at: 32, ""))
    #expect(fault(h + [6, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]) == WireError(.malformed, in: "pcapng", at: 32, ""))
    #expect(fault(h + [6, 0, 0, 0, 0, 0, 0, 0xF0, 0, 0, 0, 0]) == WireError(.tooLong, in: "pcapng", at: 32, ""))
    #expect(fault(h + [6, 0, 0, 0, 12, 0, 0, 0, 16, 0, 0, 0]) == WireError(.malformed, in: "pcapng", at: 36, ""))
  }

  /// Faults inside a block; what follows is read.
  @Test(arguments: [
    [5, 0, 0, 0] + [UInt8](repeating: 0, count: 16), [0, 0, 0, 0],
    [0, 0, 0, 0] + [UInt8](repeating: 0, count: 8) + [9, 0, 0, 0, 9, 0, 0, 0],
    [UInt8](repeating: 0, count: 20) + [1, 0, 9, 0], [UInt8](repeating: 0, count: 20) + [2, 0, 1, 0, 0, 0, 0, 0],
  ]) func faultsInsideABlockAreSkipped(body: [UInt8]) throws {
    var text = BlockText()
    text.section()
    text.interface()
    let offset = text.octets.count
    text.block(6, body)
    text.packet(0, ticks: 1, [1])
    var reader = CaptureReader()
    reader.feed(text.octets)
    _ = try reader.next()
    _ = try reader.next()
    do {
      _ = try reader.next()
      Issue.record("the block was taken")
    } catch let error as WireError {
      #expect((offset + 8...offset + 12 + body.count).contains(error.offset), "\(error)")
    }
    guard case .packet = try reader.next() else {
      Issue.record("no packet behind the fault")
      return
    }
    try reader.finish()
  }

  @Test func aGrowingFileGivesWhatIsThere() throws {
    let file = Self.sample(bigEndian: false)
    var reader = CaptureReader()
    #expect(throws: WireError(.truncated, in: "capture", at: 0, "")) { try reader.finish() }
    var items: [CaptureItem] = []
    for (index, octet) in file.enumerated() {
      reader.feed([octet])
      while let item = try reader.next() { items.append(item) }
      #expect(reader.offset + reader.pendingCount == index + 1)
      if reader.pendingCount > 0 { #expect(throws: WireError.self) { try reader.finish() } }
    }
    try reader.finish()
    #expect(items.count == Self.expected.count)
  }

  @Test func theWriterIsReadBack() throws {
    var writer = PcapngWriter()
    var file = writer.header(application: "homebed")
    file += writer.interface(name: "tv--sw1.3", description: "node=tv")
    file += writer.interface(name: "cfg--sw1.1", description: nil, linkType: .rawIP)
    file += writer.packet(
      interface: 1, time: .max, direction: .inbound, octets: [1, 2, 3, 4, 5], originalLength: 9, comment: "a\u{E9}")
    file += writer.packet(interface: 0, time: 1, direction: .unknown, octets: [])
    file += try writer.comment(time: 2, text: String(repeating: "n", count: 65535))
    file += writer.statistics(CaptureStatistics(interface: 1, time: 3, received: 4, dropped: nil))
    #expect(
      try items(of: file) == [
        .section(CaptureSection(application: "homebed")),
        .interface(CaptureInterface(index: 0, name: "tv--sw1.3", description: "node=tv", snapLength: 262_144)),
        .interface(CaptureInterface(index: 1, name: "cfg--sw1.1", linkType: .rawIP, snapLength: 262_144)),
        .packet(
          CapturedPacket(
            interface: 1, time: .max, direction: .inbound, originalLength: 9, octets: [1, 2, 3, 4, 5],
            comments: ["a\u{E9}"])),
        .packet(CapturedPacket(interface: 0, time: 1, direction: .unknown, originalLength: 0, octets: [])),
        .comment(time: 2, text: String(repeating: "n", count: 65535)),
        .statistics(CaptureStatistics(interface: 1, time: 3, received: 4, dropped: nil)),
      ])
  }

  @Test func commentsThatCannotBeWrittenAreRefused() throws {
    var writer = PcapngWriter()
    #expect(throws: WireError.self) { try writer.comment(time: 0, text: "early") }
    _ = writer.interface(name: "a", description: nil)
    #expect(throws: WireError.self) { try writer.comment(time: 0, text: String(repeating: "n", count: 65536)) }
  }

  @Test func mutatedFilesNeverTrap() {
    var random = SeededNumbers(seed: 1234)
    for round in 0..<600 {
      var file = Self.sample(bigEndian: round % 2 == 0)
      for _ in 0..<Int.random(in: 1...5, using: &random) {
        file[Int.random(in: 0..<file.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      var reader = CaptureReader()
      var last: WireError?
      for start in stride(from: 0, to: file.count, by: 50) {
        reader.feed(file[start..<min(start + 50, file.count)])
        while true {
          do {
            guard try reader.next() != nil else { break }
            last = nil
          } catch let error as WireError {
            if error == last { break }
            last = error
          } catch { break }
        }
      }
      _ = try? reader.finish()
    }
  }
}
