import Octets

/// A cursor over one block or header, in the byte order of its section.
struct BlockReader {
  var reader: ByteReader
  let bigEndian: Bool

  init(_ octets: ArraySlice<UInt8>, format: String, base: Int, bigEndian: Bool) {
    reader = ByteReader(octets, format: format, base: base)
    self.bigEndian = bigEndian
  }

  private mutating func number(_ count: Int, _ what: String) throws -> UInt64 {
    bigEndian ? try reader.bigEndian(count, what) : try reader.littleEndian(count, what)
  }

  mutating func uint16(_ what: String) throws -> UInt16 { UInt16(truncatingIfNeeded: try number(2, what)) }
  mutating func uint32(_ what: String) throws -> UInt32 { UInt32(truncatingIfNeeded: try number(4, what)) }
  mutating func uint64(_ what: String) throws -> UInt64 { try number(8, what) }

  /// Two 32-bit words, the higher first, as time stamps are written in both byte orders.
  mutating func timestamp() throws -> UInt64 {
    let high = try uint32("the time stamp")
    return UInt64(high) << 32 | UInt64(try uint32("the time stamp"))
  }

  /// Takes octets and the padding that fills them to a multiple of 4.
  mutating func padded(_ count: Int, _ what: String) throws -> ArraySlice<UInt8> {
    let octets = try reader.take(count, what)
    let padding = -count & 3
    try reader.skip(min(padding, reader.remaining), "padding")
    return octets
  }

  /// Hands each option to `body` until the end-of-options option or the block's end (draft-ietf-opsawg-pcapng, 3.5).
  mutating func options(_ body: (_ code: UInt16, _ value: inout BlockReader) throws -> Void) throws {
    while reader.remaining > 0 {
      let code = try uint16("an option's code")
      let length = Int(try uint16("an option's length"))
      if code == 0 { return }
      let offset = reader.offset
      let value = try padded(length, "option \(code)")
      var part = BlockReader(value, format: reader.format, base: offset, bigEndian: bigEndian)
      try body(code, &part)
    }
  }

  /// All that is left, as text; octets that are no UTF-8 are replaced.
  mutating func text() -> String { String(decoding: reader.takeRest(), as: UTF8.self) }
}
