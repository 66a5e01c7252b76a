import Messages

/// A question to a name server that shows whether it answers at all (RFC 1035): who serves the root.
enum NameServerProbe {
  static let port: UInt16 = 53

  static func query(id: UInt16) -> [UInt8] {
    let recursionDesired: [UInt8] = [0x01, 0x00]
    let oneQuestion: [UInt8] = [0, 1, 0, 0, 0, 0, 0, 0]
    let rootServers: [UInt8] = [0, 0, 2, 0, 1]
    return [UInt8(id >> 8), UInt8(id & 0xFF)] + recursionDesired + oneQuestion + rootServers
  }

  /// True for any response to that question, a refusal too: a server that refuses is there.
  static func isAnswer(_ octets: [UInt8], to id: UInt16) -> Bool {
    octets.count >= 12 && UInt16(octets[0]) << 8 | UInt16(octets[1]) == id && octets[2] & 0x80 != 0
  }
}
