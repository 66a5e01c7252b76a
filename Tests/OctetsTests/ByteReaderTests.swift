import Octets
import Testing

@Suite struct ByteReaderTests {
  @Test func numbersInBothOrders() throws {
    var reader = ByteReader([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xFF], format: "test")
    #expect(try reader.uint8("a") == 1)
    #expect(try reader.uint16("b") == 0x0203)
    #expect(try reader.uint32("c") == 0x0405_0607)
    #expect(try reader.uint64("d") == 0x0809_0A0B_0C0D_0E0F)
    #expect(reader.offset == 15 && reader.remaining == 1)
    #expect(Array(reader.takeRest()) == [0xFF])
    #expect(reader.isAtEnd)
    var little = ByteReader([1, 2, 3], format: "test")
    #expect(try little.littleEndian(3, "e") == 0x030201)
  }

  @Test func theEndIsToldWithItsOffset() {
    var reader = ByteReader(([0, 0] + [1, 2, 3]).dropFirst(2), format: "test", base: 100)
    #expect(throws: WireError(.truncated, in: "test", at: 100, "")) { try reader.take(4, "a") }
    #expect((try? reader.uint16("b")) == 0x0102)
    #expect(throws: WireError(.truncated, in: "test", at: 102, "")) { try reader.uint32("c") }
    #expect(throws: WireError(.truncated, in: "test", at: 102, "")) { try reader.take(-1, "d") }
    #expect(throws: WireError(.truncated, in: "test", at: 102, "")) { try reader.take(.max, "e") }
    #expect((try? reader.uint8("f")) == 3)
    #expect(throws: WireError(.truncated, in: "test", at: 103, "")) { try reader.uint8("g") }
  }

  @Test func aWriterIsReadBack() throws {
    var writer = ByteWriter()
    writer.uint8(1)
    writer.uint16(0x0203)
    writer.uint32(0x0405_0607)
    writer.uint64(.max - 1)
    writer.littleEndian(0x0102_0304, 4)
    writer.append([9, 9])
    writer.replaceUInt16(at: 1, with: 0xAABB)
    #expect(writer.octets.hex() == "01aabb04050607fffffffffffffffe040302010909")
    #expect(writer.count == writer.octets.count)
    #expect([UInt8]().hex() == "" && [0, 0xAB].hex(separator: "-") == "00-ab")
  }

  @Test func errorsCompareByCodeAndPlaceNotByWording() {
    let error = WireError(.malformed, in: "TCP", at: 12, "one wording")
    #expect(error == WireError(.malformed, in: "TCP", at: 12, "another"))
    #expect(error != WireError(.malformed, in: "TCP", at: 13, "one wording"))
    #expect(error != WireError(.truncated, in: "TCP", at: 12, "one wording"))
    #expect(error.description == "TCP octet 12: one wording")
  }

  @Test func slicesAreReadFromTheirOwnStart() {
    let slice = [9, 9, 0x12, 0x34, 0x56, 0x78].dropFirst(2) as ArraySlice<UInt8>
    #expect(slice.uint8(at: 1) == 0x34)
    #expect(slice.uint16(at: 1) == 0x3456)
    #expect(slice.uint32(at: 0) == 0x1234_5678)
  }
}
