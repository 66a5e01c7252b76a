/// Keyed hashes (RFC 2104).
public enum HMAC {
  /// HMAC-SHA1, 20 octets.
  public static func sha1(key: [UInt8], _ octets: ArraySlice<UInt8>) -> [UInt8] { keyed(key, octets, SHA1.hash) }

  /// HMAC-SHA256, 32 octets.
  public static func sha256(key: [UInt8], _ octets: ArraySlice<UInt8>) -> [UInt8] { keyed(key, octets, SHA256.hash) }

  private static func keyed(
    _ key: [UInt8], _ octets: ArraySlice<UInt8>, _ hash: (ArraySlice<UInt8>) -> [UInt8]
  ) -> [UInt8] {
    var block = key.count > 64 ? hash(key[...]) : key
    block += [UInt8](repeating: 0, count: 64 - block.count)
    let inner = hash((block.map { $0 ^ 0x36 } + octets)[...])
    return hash((block.map { $0 ^ 0x5C } + inner)[...])
  }
}

/// What SHA-1 and SHA-256 share: 64-octet blocks, a one bit, zeros and the length in bits (FIPS 180-4, 5.1.1).
private func padded(_ octets: ArraySlice<UInt8>) -> [UInt8] {
  var message = Array(octets)
  message.append(0x80)
  message += [UInt8](repeating: 0, count: (64 + 56 - message.count % 64) % 64)
  let bits = UInt64(octets.count) * 8
  message += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) }
  return message
}

private func word(_ message: [UInt8], at index: Int) -> UInt32 {
  UInt32(message[index]) << 24 | UInt32(message[index + 1]) << 16 | UInt32(message[index + 2]) << 8
    | UInt32(message[index + 3])
}

extension UInt32 {
  fileprivate func rotated(left count: UInt32) -> UInt32 { self << count | self >> (32 - count) }
  fileprivate func rotated(right count: UInt32) -> UInt32 { self >> count | self << (32 - count) }
  fileprivate var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> (24 - 8 * $0)) } }
}

/// FIPS 180-4. Broken for signatures; as the hash of an HMAC it is what STUN has.
public enum SHA1 {
  /// The hash, 20 octets.
  public static func hash(_ octets: ArraySlice<UInt8>) -> [UInt8] {
    let message = padded(octets)
    var state: (UInt32, UInt32, UInt32, UInt32, UInt32) = (
      0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0
    )
    var schedule = [UInt32](repeating: 0, count: 80)
    for start in stride(from: 0, to: message.count, by: 64) {
      for index in 0..<16 { schedule[index] = word(message, at: start + 4 * index) }
      for index in 16..<80 {
        schedule[index] =
          (schedule[index - 3] ^ schedule[index - 8] ^ schedule[index - 14] ^ schedule[index - 16]).rotated(left: 1)
      }
      var (a, b, c, d, e) = state
      for index in 0..<80 {
        let (mix, constant): (UInt32, UInt32) =
          switch index {
          case ..<20: (b & c | ~b & d, 0x5A82_7999)
          case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
          case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
          default: (b ^ c ^ d, 0xCA62_C1D6)
          }
        let next = a.rotated(left: 5) &+ mix &+ e &+ constant &+ schedule[index]
        (a, b, c, d, e) = (next, a, b.rotated(left: 30), c, d)
      }
      state = (state.0 &+ a, state.1 &+ b, state.2 &+ c, state.3 &+ d, state.4 &+ e)
    }
    return state.0.bytes + state.1.bytes + state.2.bytes + state.3.bytes + state.4.bytes
  }
}

/// FIPS 180-4.
public enum SHA256 {
  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]

  /// The hash, 32 octets.
  public static func hash(_ octets: ArraySlice<UInt8>) -> [UInt8] {
    let message = padded(octets)
    var state: [UInt32] = [
      0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
    ]
    var schedule = [UInt32](repeating: 0, count: 64)
    for start in stride(from: 0, to: message.count, by: 64) {
      for index in 0..<16 { schedule[index] = word(message, at: start + 4 * index) }
      for index in 16..<64 {
        let (early, late) = (schedule[index - 15], schedule[index - 2])
        let low = early.rotated(right: 7) ^ early.rotated(right: 18) ^ early >> 3
        let high = late.rotated(right: 17) ^ late.rotated(right: 19) ^ late >> 10
        schedule[index] = schedule[index - 16] &+ low &+ schedule[index - 7] &+ high
      }
      var now = state
      for index in 0..<64 {
        let high = now[4].rotated(right: 6) ^ now[4].rotated(right: 11) ^ now[4].rotated(right: 25)
        let choice = now[4] & now[5] ^ ~now[4] & now[6]
        let first = now[7] &+ high &+ choice &+ constants[index] &+ schedule[index]
        let low = now[0].rotated(right: 2) ^ now[0].rotated(right: 13) ^ now[0].rotated(right: 22)
        let majority = now[0] & now[1] ^ now[0] & now[2] ^ now[1] & now[2]
        now = [first &+ low &+ majority, now[0], now[1], now[2], now[3] &+ first, now[4], now[5], now[6]]
      }
      for index in 0..<8 { state[index] &+= now[index] }
    }
    return state.flatMap(\.bytes)
  }
}

/// The CRC of FINGERPRINT: ITU-T V.42's, as in Ethernet (RFC 8489, 14.7).
public enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { number in
    (0..<8).reduce(UInt32(number)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
  }

  public static func of(_ octets: ArraySlice<UInt8>) -> UInt32 {
    ~octets.reduce(UInt32.max) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
  }
}
