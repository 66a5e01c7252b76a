import Octets

/// Cuts packets that are too long for the link ahead (RFC 791, 3.2).
enum Fragments {
  /// The packet's parts, each of at most `mtu` octets; the packet alone where it fits. Options are copied into each part.
  static func of(_ octets: [UInt8], mtu: Int) -> [[UInt8]] {
    guard octets.count > mtu, let packet = PacketBytes(octets) else { return [octets] }
    let header = packet.headerLength
    let room = (mtu - header) / 8 * 8
    guard room > 0 else { return [] }
    var parts: [[UInt8]] = []
    var start = header
    while start < octets.count {
      let end = min(start + room, octets.count)
      var part = Array(octets[..<header]) + octets[start..<end]
      let isLast = end == octets.count
      let offset = UInt16((start - header) / 8)
      part[2] = UInt8(truncatingIfNeeded: part.count >> 8)
      part[3] = UInt8(truncatingIfNeeded: part.count)
      let flags = UInt16(octets[6]) << 8 & 0xC000 | (isLast ? 0 : 0x2000) | offset
      part[6] = UInt8(truncatingIfNeeded: flags >> 8)
      part[7] = UInt8(truncatingIfNeeded: flags)
      (part[10], part[11]) = (0, 0)
      let sum = ~OnesComplement.folded(UInt64(OnesComplement.sum(part[..<header])))
      part[10] = UInt8(truncatingIfNeeded: sum >> 8)
      part[11] = UInt8(truncatingIfNeeded: sum)
      parts.append(part)
      start = end
    }
    return parts
  }
}
