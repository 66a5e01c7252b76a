import Octets

/// Writes a pcapng file piece by piece: every call returns the octets to append.
///
/// Little-endian, one section, times in nanoseconds. The first octets are those of ``header()``; interfaces count
/// from 0 in the order of their `interface` calls.
public struct PcapngWriter: Sendable {
  /// Interfaces declared so far.
  public private(set) var interfaceCount = 0

  /// The longest comment, in octets of UTF-8: an option's length is 16 bits.
  public static let maximumCommentLength = 65535

  public init() {}

  /// The Section Header Block, which comes first.
  public func header(application: String = "homebed") -> [UInt8] {
    var block = Block(type: PcapngBlocks.sectionHeader)
    block.writer.littleEndian(0x1A2B_3C4D, 4)
    block.writer.littleEndian(1, 2)
    block.writer.littleEndian(0, 2)
    // -1: the section's length is not told.
    block.writer.littleEndian(.max, 8)
    block.option(4, Array(application.utf8.prefix(Self.maximumCommentLength)))
    return block.finished(hasOptions: true)
  }

  /// An Interface Description Block; text is cut at 65535 octets.
  public mutating func interface(name: String, description: String?, linkType: LinkType = .ethernet) -> [UInt8] {
    interfaceCount += 1
    var block = Block(type: 1)
    block.writer.littleEndian(UInt64(linkType.rawValue), 2)
    block.writer.littleEndian(0, 2)
    block.writer.littleEndian(262_144, 4)
    block.option(2, Array(name.utf8.prefix(Self.maximumCommentLength)))
    if let description { block.option(3, Array(description.utf8.prefix(Self.maximumCommentLength))) }
    block.option(9, [9])
    return block.finished(hasOptions: true)
  }

  /// An Enhanced Packet Block.
  ///
  /// - Parameters:
  ///   - interface: one that was declared.
  ///   - time: nanoseconds since the epoch; below 0 is written as 0.
  ///   - originalLength: the length on the wire, where `octets` are only its start.
  public func packet(
    interface: Int, time: Int64, direction: CaptureDirection, octets: some Collection<UInt8>,
    originalLength: Int? = nil, comment: String? = nil
  ) -> [UInt8] {
    let count = octets.count
    var block = Block(type: 6, reserving: count + 64)
    block.writer.littleEndian(UInt64(truncatingIfNeeded: interface), 4)
    block.timestamp(time)
    block.writer.littleEndian(UInt64(count), 4)
    block.writer.littleEndian(UInt64(originalLength ?? count), 4)
    block.padded(octets)
    if let comment { block.option(1, Array(comment.utf8.prefix(Self.maximumCommentLength))) }
    if direction != .unknown { block.option(2, [direction.rawValue, 0, 0, 0]) }
    return block.finished(hasOptions: comment != nil || direction != .unknown)
  }

  /// A comment with a time, carried by an Interface Statistics Block of interface 0.
  ///
  /// - Throws: ``WireError`` `tooLong` beyond ``maximumCommentLength``; `malformed` before the first interface.
  public func comment(time: Int64, text: String) throws -> [UInt8] {
    let octets = Array(text.utf8)
    guard octets.count <= Self.maximumCommentLength else {
      throw WireError(
        .tooLong, in: "pcapng", at: Self.maximumCommentLength,
        "a comment of \(octets.count) octets, at most \(Self.maximumCommentLength) can be written")
    }
    guard interfaceCount > 0 else {
      throw WireError(.malformed, in: "pcapng", at: 0, "a comment before the first interface")
    }
    var block = Block(type: 5, reserving: octets.count + 40)
    block.writer.littleEndian(0, 4)
    block.timestamp(time)
    block.option(1, octets)
    return block.finished(hasOptions: true)
  }

  /// An Interface Statistics Block with the frames received and dropped so far.
  public func statistics(_ statistics: CaptureStatistics) -> [UInt8] {
    var block = Block(type: 5)
    block.writer.littleEndian(UInt64(truncatingIfNeeded: statistics.interface), 4)
    block.timestamp(statistics.time)
    for (code, value) in [(4, statistics.received), (5, statistics.dropped)] {
      guard let value else { continue }
      block.option(UInt16(code), (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) })
    }
    return block.finished(hasOptions: true)
  }

  /// One block under way.
  private struct Block {
    var writer: ByteWriter

    init(type: UInt32, reserving capacity: Int = 128) {
      writer = ByteWriter(reserving: capacity)
      writer.littleEndian(UInt64(type), 4)
      writer.littleEndian(0, 4)
    }

    mutating func timestamp(_ time: Int64) {
      let ticks = UInt64(max(0, time))
      writer.littleEndian(ticks >> 32, 4)
      writer.littleEndian(ticks & 0xFFFF_FFFF, 4)
    }

    mutating func padded(_ octets: some Collection<UInt8>) {
      writer.append(octets)
      while writer.count % 4 != 0 { writer.uint8(0) }
    }

    mutating func option(_ code: UInt16, _ value: [UInt8]) {
      writer.littleEndian(UInt64(code), 2)
      writer.littleEndian(UInt64(value.count), 2)
      padded(value)
    }

    /// Ends the options, appends the length and writes it at the block's start too.
    mutating func finished(hasOptions: Bool) -> [UInt8] {
      if hasOptions { writer.littleEndian(0, 4) }
      let length = UInt32(truncatingIfNeeded: writer.count + 4)
      writer.littleEndian(UInt64(length), 4)
      writer.replaceLittleEndianUInt32(at: 4, with: length)
      return writer.octets
    }
  }
}
