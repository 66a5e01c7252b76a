import Messages

/// `peer-data`: sixteen datagrams to the peer, each of which it acknowledges, and as many from it (profile section 6
/// step 7).
///
/// On the wire: `HBPD`, 0x44 for data or 0x41 for an acknowledgement, two octets of sequence number 0 to 15, and, of
/// data, 0 to 1200 octets of payload.
struct PeerTransfer: Sendable, Hashable {
  enum Kind: UInt8 { case data = 0x44, acknowledgement = 0x41 }

  enum Received: Sendable, Hashable {
    /// Data: these octets acknowledge it.
    case data(acknowledgement: [UInt8])
    case acknowledged
    case ignored(String)
  }

  static let magic = Array("HBPD".utf8)
  static let count = 16
  static let longestPayload = 1200
  /// Nanoseconds after which a datagram without an acknowledgement goes out again.
  static let pause: UInt64 = 100_000_000
  /// How often it is repeated at most.
  static let repeatLimit = 10
  static let headerLength = 7

  /// Sets the payload apart from the peer's, so that nobody takes one's own data, turned round, for the peer's.
  private let mark: UInt8
  /// How often each datagram went out.
  private var tries = [Int](repeating: 0, count: count)
  private var isAcknowledged = [Bool](repeating: false, count: count)
  private var isReceived = [Bool](repeating: false, count: count)
  /// Data of the peer that came once more.
  private(set) var duplicates = 0

  init(_ role: PeerGrant.Role = .controlling) { mark = role == .controlling ? 0 : 0x80 }

  var sent: Int { tries.count { $0 > 0 } }
  var repeats: Int { tries.reduce(0) { $0 + max(0, $1 - 1) } }
  var acknowledged: Int { isAcknowledged.count { $0 } }
  var received: Int { isReceived.count { $0 } }
  /// Datagrams that were given up.
  var lost: Int { isOver ? Self.count - acknowledged : 0 }
  /// Nothing goes out any more: all is acknowledged, or was repeated as often as it may be.
  private(set) var isOver = false

  /// What goes out now: everything at first, then what nobody acknowledged; nothing at the end.
  mutating func round() -> [[UInt8]] {
    let due = tries.indices.filter { !isAcknowledged[$0] && tries[$0] <= Self.repeatLimit }
    isOver = due.isEmpty
    return due.map { sequence in
      tries[sequence] += 1
      return Self.octets(.data, sequence: sequence) + payload(sequence)
    }
  }

  /// Takes a datagram from an address that was checked.
  mutating func receive(_ octets: [UInt8]) -> Received {
    guard Self.isLikely(octets) else { return .ignored("it does not begin with HBPD") }
    guard octets.count >= Self.headerLength else { return .ignored("it ends at octet \(octets.count)") }
    let sequence = Int(octets[5]) << 8 | Int(octets[6])
    guard sequence < Self.count else { return .ignored("octet 5: sequence number \(sequence), expected 0 to 15") }
    switch Kind(rawValue: octets[4]) {
    case .data:
      guard octets.count <= Self.headerLength + Self.longestPayload else {
        return .ignored("its payload has \(octets.count - Self.headerLength) octets, expected 1200 at most")
      }
      if isReceived[sequence] { duplicates += 1 }
      isReceived[sequence] = true
      return .data(acknowledgement: Self.octets(.acknowledgement, sequence: sequence))
    case .acknowledgement:
      guard octets.count == Self.headerLength else { return .ignored("an acknowledgement with a payload") }
      guard tries[sequence] > 0 else { return .ignored("an acknowledgement of what was not sent") }
      isAcknowledged[sequence] = true
      return .acknowledged
    case nil: return .ignored("octet 4: type \(octets[4]), expected 68 or 65")
    }
  }

  /// Tells peer data from STUN, whose first two bits are zero.
  static func isLikely(_ octets: [UInt8]) -> Bool { octets.starts(with: magic) }

  private static func octets(_ kind: Kind, sequence: Int) -> [UInt8] {
    magic + [kind.rawValue, UInt8(sequence >> 8), UInt8(sequence & 0xFF)]
  }

  /// 75 to 1200 octets, by the sequence number.
  private func payload(_ sequence: Int) -> [UInt8] {
    (0..<(sequence + 1) * Self.longestPayload / Self.count).map {
      UInt8(truncatingIfNeeded: $0 + sequence) & 0x7F | mark
    }
  }
}
