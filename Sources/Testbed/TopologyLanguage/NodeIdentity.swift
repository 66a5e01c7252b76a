import Octets

/// Identifiers made from a node's qualified name, so that a topology gives the same ones in every run.
public enum NodeIdentity {
  /// A lower-case UUID, version 8 (RFC 9562 clause 5.8: layout of our own).
  public static func uuid(_ name: String) -> String {
    var octets = [hash(name, seed: 1), hash(name, seed: 2)].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * UInt64($0))) }
    }
    octets[6] = octets[6] & 0x0F | 0x80
    octets[8] = octets[8] & 0x3F | 0x80
    let digits = octets.hex()
    let cuts = [0, 8, 12, 16, 20, 32]
    return zip(cuts, cuts.dropFirst()).map { start, end in
      String(digits.dropFirst(start).prefix(end - start))
    }.joined(separator: "-")
  }

  /// A locally administered unicast address.
  public static func mac(_ name: String) -> MACAddress {
    MACAddress(bits: hash(name, seed: 3) & 0x00FF_FFFF_FFFF | 0x0200_0000_0000)
  }

  /// FNV-1a over the seed and the name, with a finishing mix so that near names differ in every octet.
  private static func hash(_ name: String, seed: UInt8) -> UInt64 {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325
    for octet in [seed] + Array(name.utf8) { value = (value ^ UInt64(octet)) &* 0x100_0000_01B3 }
    value ^= value >> 33
    value = value &* 0xFF51_AFD7_ED55_8CCD
    return value ^ value >> 33
  }
}
