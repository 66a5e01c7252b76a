extension ArraySlice<UInt8> {
  /// The octet `offset` octets after the first one; the caller has checked the length.
  @inlinable public func uint8(at offset: Int) -> UInt8 { self[startIndex + offset] }

  /// The big-endian number `offset` octets after the first octet; the caller has checked the length.
  @inlinable public func uint16(at offset: Int) -> UInt16 {
    let start = startIndex + offset
    return UInt16(self[start]) << 8 | UInt16(self[start + 1])
  }

  /// The big-endian number `offset` octets after the first octet; the caller has checked the length.
  @inlinable public func uint32(at offset: Int) -> UInt32 {
    UInt32(uint16(at: offset)) << 16 | UInt32(uint16(at: offset + 2))
  }
}
