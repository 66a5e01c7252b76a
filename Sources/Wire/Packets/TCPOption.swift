import Octets

/// One option of a TCP header.
public enum TCPOption: Sendable, Hashable {
  case noOperation
  /// In octets (RFC 9293 section 3.2).
  case maximumSegmentSize(UInt16)
  /// The shift count (RFC 7323).
  case windowScale(UInt8)
  case selectiveAcknowledgementPermitted
  /// The blocks of RFC 2018, each from its first sequence number to the one after its last.
  case selectiveAcknowledgement([Block])
  /// RFC 7323.
  case timestamps(value: UInt32, echo: UInt32)
  case unknown(kind: UInt8, octets: ArraySlice<UInt8>)

  /// A range of sequence numbers that arrived out of order.
  public struct Block: Sendable, Hashable {
    public var start: UInt32
    public var end: UInt32
    public init(start: UInt32, end: UInt32) {
      self.start = start
      self.end = end
    }
  }

  /// Reads a header's options up to their end-of-list octet; a known kind with an odd length is kept as `unknown`.
  ///
  /// - Throws: ``WireError`` for an option that runs past the header.
  public static func list(parsing octets: ArraySlice<UInt8>) throws -> [TCPOption] {
    var reader = ByteReader(octets, format: "TCP options")
    var list: [TCPOption] = []
    while !reader.isAtEnd {
      let start = reader.offset
      let kind = try reader.uint8("kind")
      if kind == 0 { break }
      if kind == 1 {
        list.append(.noOperation)
        continue
      }
      let length = Int(try reader.uint8("length"))
      guard length >= 2 else {
        throw WireError(.malformed, in: "TCP options", at: start + 1, "length \(length), expected at least 2")
      }
      list.append(TCPOption(kind: kind, value: try reader.take(length - 2, "option \(kind)")))
    }
    return list
  }

  private init(kind: UInt8, value: ArraySlice<UInt8>) {
    switch (kind, value.count) {
    case (2, 2): self = .maximumSegmentSize(value.uint16(at: 0))
    case (3, 1): self = .windowScale(value.uint8(at: 0))
    case (4, 0): self = .selectiveAcknowledgementPermitted
    case (5, 8), (5, 16), (5, 24), (5, 32):
      self = .selectiveAcknowledgement(
        stride(from: 0, to: value.count, by: 8).map {
          Block(start: value.uint32(at: $0), end: value.uint32(at: $0 + 4))
        })
    case (8, 8): self = .timestamps(value: value.uint32(at: 0), echo: value.uint32(at: 4))
    default: self = .unknown(kind: kind, octets: value)
    }
  }

  /// The options as a header holds them, padded with end-of-list octets to a multiple of 4.
  public static func octets(_ list: [TCPOption]) -> ArraySlice<UInt8> {
    var writer = ByteWriter(reserving: 40)
    for option in list { option.serialize(into: &writer) }
    while writer.count % 4 != 0 { writer.uint8(0) }
    return writer.octets[...]
  }

  private func serialize(into writer: inout ByteWriter) {
    switch self {
    case .noOperation: writer.uint8(1)
    case .maximumSegmentSize(let size):
      writer.append([2, 4])
      writer.uint16(size)
    case .windowScale(let shift): writer.append([3, 3, shift])
    case .selectiveAcknowledgementPermitted: writer.append([4, 2])
    case .selectiveAcknowledgement(let blocks):
      writer.append([5, UInt8(truncatingIfNeeded: 2 + 8 * blocks.count)])
      for block in blocks {
        writer.uint32(block.start)
        writer.uint32(block.end)
      }
    case .timestamps(let value, let echo):
      writer.append([8, 10])
      writer.uint32(value)
      writer.uint32(echo)
    case .unknown(let kind, let octets):
      writer.append([kind, UInt8(truncatingIfNeeded: 2 + octets.count)])
      writer.append(octets)
    }
  }
}
