/// A picture of colour bars over a grey wedge, the same octets every time: a PNG (ISO/IEC 15948) of 160 times 90
/// points with a palette, its lines stored without compression (RFC 1951 clause 3.2.4).
enum TestPicture {
  static let width = 160
  static let height = 90

  static let octets: [UInt8] = {
    let header = UInt32(width).bigEndianOctets + UInt32(height).bigEndianOctets + [8, 3, 0, 0, 0]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header) + chunk("PLTE", palette)
      + chunk("IDAT", zlib(lines)) + chunk("IEND", [])
  }()

  /// White, yellow, cyan, green, magenta, red, blue, black, then 32 greys.
  private static let palette: [UInt8] =
    [0xFFFFFF, 0xFFFF00, 0x00FFFF, 0x00FF00, 0xFF00FF, 0xFF0000, 0x0000FF, 0x000000].flatMap { (colour: UInt32) in
      colour.bigEndianOctets.dropFirst()
    } + (0..<32).flatMap { [UInt8](repeating: UInt8($0 * 255 / 31), count: 3) }

  /// Each line begins with its filter, none.
  private static let lines: [UInt8] = (0..<height).flatMap { row -> [UInt8] in
    let isWedge = row >= height * 3 / 4
    return [0] + (0..<width).map { UInt8(isWedge ? 8 + $0 * 32 / width : $0 * 8 / width) }
  }

  private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + content
    return UInt32(content.count).bigEndianOctets + body + checksum(body).bigEndianOctets
  }

  /// RFC 1950 with one stored block, which holds up to 65,535 octets.
  private static func zlib(_ content: [UInt8]) -> [UInt8] {
    precondition(content.count <= 0xFFFF)
    let length = [UInt8(content.count & 0xFF), UInt8(content.count >> 8)]
    return [0x78, 0x01, 0x01] + length + length.map { ~$0 } + content + adler(content).bigEndianOctets
  }

  /// CRC-32 of ISO/IEC 15948 annex D.
  private static func checksum(_ octets: [UInt8]) -> UInt32 {
    ~octets.reduce(UInt32.max) { register, octet in
      (0..<8).reduce(register ^ UInt32(octet)) { value, _ in
        value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1
      }
    }
  }

  /// Adler-32 of RFC 1950.
  private static func adler(_ octets: [UInt8]) -> UInt32 {
    var (a, b): (UInt32, UInt32) = (1, 0)
    for octet in octets {
      a = (a + UInt32(octet)) % 65_521
      b = (b + a) % 65_521
    }
    return b << 16 | a
  }
}

extension UInt32 {
  fileprivate var bigEndianOctets: [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: self >> $0) } }
}
