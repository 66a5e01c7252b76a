import Messages

extension RandomBits {
  /// A random UUID in lower case (RFC 9562 version 4).
  public mutating func uuid() -> String {
    var octets = octets(16)
    octets[6] = octets[6] & 0x0F | 0x40
    octets[8] = octets[8] & 0x3F | 0x80
    let digits = Array(octets.hex())
    return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
  }

  /// 128 random bits as base64url without padding (RFC 4648 clause 5): 22 characters.
  public mutating func token() -> String { Base64URL.write(octets(16)) }
}

/// The syntax of the profile's identifiers (profile section 1).
public enum Identifier {
  /// True for a UUID in lower case, of any version.
  public static func isUUID(_ text: some StringProtocol) -> Bool {
    let octets = Array(text.utf8)
    return octets.count == 36
      && octets.enumerated().allSatisfy { index, octet in
        switch index {
        case 8, 13, 18, 23: octet == UInt8(ascii: "-")
        default: octet.isDecimalDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(octet)
        }
      }
  }

  /// True for 1 to 64 characters of `a-z 0-9 -`.
  public static func isHomeId(_ text: some StringProtocol) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        $0.isDecimalDigit || $0 == UInt8(ascii: "-") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
      }
  }
}

/// The alphabet of RFC 4648 clause 5, without padding.
public enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  /// The octets as text.
  public static func write(_ octets: [UInt8]) -> String {
    var text: [UInt8] = []
    for start in stride(from: 0, to: octets.count, by: 3) {
      let group = octets[start..<min(start + 3, octets.count)]
      let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
      for place in 0...group.count { text.append(alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)]) }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension String {
  /// Compares in a time that depends on the lengths alone, so that a secret cannot be guessed piece by piece.
  public func equalsSecret(_ other: String) -> Bool {
    let mine = Array(utf8)
    let theirs = Array(other.utf8)
    guard mine.count == theirs.count else { return false }
    return zip(mine, theirs).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
