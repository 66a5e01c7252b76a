/// A 48-bit link-layer address (IEEE 802).
public struct MACAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The six octets in the low 48 bits, first octet highest.
  public let bits: UInt64

  public init(bits: UInt64) { self.bits = bits & 0xFFFF_FFFF_FFFF }

  /// `nil` unless there are exactly six octets.
  public init?(_ octets: some Collection<UInt8>) {
    guard octets.count == 6 else { return nil }
    bits = octets.reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Reads `02:00:00:00:00:21`, in either case; `nil` for anything else.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy(\.isHexDigit) }) else {
      return nil
    }
    bits = parts.reduce(0) { $0 << 8 | UInt64($1, radix: 16)! }
  }

  public static let broadcast = MACAddress(bits: 0xFFFF_FFFF_FFFF)

  public var octets: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: bits >> (40 - 8 * UInt64($0))) } }
  /// True for broadcast too.
  public var isMulticast: Bool { bits >> 40 & 1 == 1 }
  public var description: String { octets.hex(separator: ":") }
  public static func < (a: MACAddress, b: MACAddress) -> Bool { a.bits < b.bits }
}

extension UInt8 {
  /// True for the octets of `0-9 a-f A-F`.
  public var isHexDigit: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }

  /// True for the octets of `0-9`.
  public var isDecimalDigit: Bool { (0x30...0x39).contains(self) }
}

/// An IPv4 or IPv6 address.
public enum IPAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
  case v4(UInt32)
  case v6(high: UInt64, low: UInt64)

  /// Reads dotted decimal (four parts, no leading zeros) or RFC 4291 text; `nil` for anything else.
  public init?(_ text: some StringProtocol) {
    if text.utf8.contains(UInt8(ascii: ":")) {
      guard let address = IPAddress.parseV6(String(text)) else { return nil }
      self = address
    } else {
      guard let bits = IPAddress.parseV4(text) else { return nil }
      self = .v4(bits)
    }
  }

  public init?(_ octets: some Collection<UInt8>) {
    switch octets.count {
    case 4: self = .v4(octets.reduce(0) { $0 << 8 | UInt32($1) })
    case 16:
      self = .v6(
        high: octets.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
        low: octets.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
    default: return nil
    }
  }

  private static func parseV4(_ text: some StringProtocol) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bits: UInt32 = 0
    for part in parts {
      guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy(\.isDecimalDigit),
        part.utf8.count == 1 || part.utf8.first != UInt8(ascii: "0"), let octet = UInt8(part)
      else { return nil }
      bits = bits << 8 | UInt32(octet)
    }
    return bits
  }

  private static func parseV6(_ text: String) -> IPAddress? {
    func groups(_ part: Substring, isLast: Bool) -> [UInt16]? {
      if part.isEmpty { return [] }
      var result: [UInt16] = []
      let pieces = part.split(separator: ":", omittingEmptySubsequences: false)
      for (index, piece) in pieces.enumerated() {
        if piece.utf8.contains(UInt8(ascii: ".")) {
          guard isLast, index == pieces.count - 1, let bits = parseV4(piece) else { return nil }
          result += [UInt16(bits >> 16), UInt16(truncatingIfNeeded: bits)]
        } else {
          guard (1...4).contains(piece.utf8.count), piece.utf8.allSatisfy(\.isHexDigit),
            let group = UInt16(piece, radix: 16)
          else { return nil }
          result.append(group)
        }
      }
      return result
    }
    var all: [UInt16]
    if let gap = text.firstRange(of: "::") {
      let rest = text[gap.upperBound...]
      guard !rest.hasPrefix(":"), rest.firstRange(of: "::") == nil,
        let head = groups(text[..<gap.lowerBound], isLast: false), let tail = groups(rest, isLast: true),
        head.count + tail.count < 8
      else { return nil }
      all = head + [UInt16](repeating: 0, count: 8 - head.count - tail.count) + tail
    } else {
      guard let whole = groups(text[...], isLast: true), whole.count == 8 else { return nil }
      all = whole
    }
    return .v6(
      high: all[..<4].reduce(0) { $0 << 16 | UInt64($1) }, low: all[4...].reduce(0) { $0 << 16 | UInt64($1) })
  }

  public var octets: [UInt8] {
    switch self {
    case .v4(let bits): (0..<4).map { UInt8(truncatingIfNeeded: bits >> (24 - 8 * UInt32($0))) }
    case .v6(let high, let low):
      [high, low].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * UInt64($0))) } }
    }
  }

  /// 32 or 128.
  public var bitWidth: Int {
    switch self {
    case .v4: 32
    case .v6: 128
    }
  }

  public var isMulticast: Bool {
    switch self {
    case .v4(let bits): bits >> 28 == 0xE
    case .v6(let high, _): high >> 56 == 0xFF
    }
  }

  public var isLimitedBroadcast: Bool { self == .v4(0xFFFF_FFFF) }

  public var isUnspecified: Bool { self == .v4(0) || self == .v6(high: 0, low: 0) }

  /// Dotted decimal, or the form of RFC 5952.
  public var description: String {
    guard case .v6 = self else { return octets.map(String.init).joined(separator: ".") }
    let bytes = octets
    let groups = (0..<8).map { UInt16(bytes[2 * $0]) << 8 | UInt16(bytes[2 * $0 + 1]) }
    var best = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > best.count, end - start > 1 { best = start..<end }
      start = max(end, start + 1)
    }
    func text(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
    if best.isEmpty { return text(groups[...]) }
    return text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
  }

  /// By number; every IPv4 address comes before every IPv6 address.
  public static func < (a: IPAddress, b: IPAddress) -> Bool {
    switch (a, b) {
    case (.v4(let a), .v4(let b)): a < b
    case (.v6(let aHigh, let aLow), .v6(let bHigh, let bLow)): (aHigh, aLow) < (bHigh, bLow)
    case (.v4, .v6): true
    case (.v6, .v4): false
    }
  }
}

/// An address together with a prefix length, as `192.168.10.21/24` is written: a network, or an interface in one.
public struct CIDR: Sendable, Hashable, CustomStringConvertible {
  public var address: IPAddress
  /// 0 to the address's bit width.
  public var prefixLength: Int

  public init(_ address: IPAddress, prefixLength: Int) {
    self.address = address
    self.prefixLength = prefixLength
  }

  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let address = IPAddress(parts[0]), (1...3).contains(parts[1].utf8.count),
      parts[1].utf8.allSatisfy(\.isDecimalDigit), let length = Int(parts[1]), length <= address.bitWidth
    else { return nil }
    self.init(address, prefixLength: length)
  }

  /// The address with its host bits cleared.
  public var network: CIDR { CIDR(masked(address) ?? address, prefixLength: prefixLength) }

  public var hasHostBits: Bool { network.address != address }

  /// IPv4's directed broadcast address; `nil` for IPv6 and for prefixes longer than 30.
  public var broadcast: IPAddress? {
    guard case .v4(let bits) = address, prefixLength <= 30 else { return nil }
    return .v4(bits | (prefixLength == 0 ? .max : .max >> UInt32(prefixLength)))
  }

  public func contains(_ other: IPAddress) -> Bool { masked(other) == masked(address) && masked(other) != nil }

  private func masked(_ other: IPAddress) -> IPAddress? {
    switch (address, other) {
    case (.v4, .v4(let bits)):
      return .v4(prefixLength == 0 ? 0 : bits & (.max << UInt32(32 - prefixLength)))
    case (.v6, .v6(let high, let low)):
      let highMask: UInt64 = prefixLength == 0 ? 0 : .max << UInt64(max(0, 64 - prefixLength))
      let lowMask: UInt64 = prefixLength <= 64 ? 0 : .max << UInt64(128 - prefixLength)
      return .v6(high: high & highMask, low: low & lowMask)
    default: return nil
    }
  }

  public var description: String { "\(address)/\(prefixLength)" }
}

/// An IP address and a port.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
  public var address: IPAddress
  public var port: UInt16

  public init(_ address: IPAddress, _ port: UInt16) {
    self.address = address
    self.port = port
  }

  /// Reads `192.168.10.2:49200` or `[2001:db8::1]:80`.
  public init?(_ text: some StringProtocol) {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy(\.isDecimalDigit), let port = UInt16(digits)
    else {
      return nil
    }
    let host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.utf8.count > 1
    guard let address = IPAddress(isBracketed ? host.dropFirst().dropLast() : host),
      (address.bitWidth == 128) == isBracketed
    else { return nil }
    self.init(address, port)
  }

  public var description: String {
    if case .v6 = address { return "[\(address)]:\(port)" }
    return "\(address):\(port)"
  }
}
