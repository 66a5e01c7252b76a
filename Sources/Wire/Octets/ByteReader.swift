/// What went wrong while octets were read: where, and why.
///
/// Errors compare by `code`; `reason` is for people and may change.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A stable name for the kind of fault.
  public enum Code: String, Sendable, Hashable {
    /// The octets end before the value does.
    case truncated
    /// A value is outside what its format allows.
    case malformed
    /// A bound of the reader was exceeded.
    case tooLong = "too-long"
    /// Well-formed, but a version or variant that is not read here.
    case unsupported
  }

  public var code: Code
  /// The format that was being read, such as `TCP` or `pcapng`.
  public var format: String
  /// Where in the input the fault lies, in octets from 0.
  public var offset: Int
  public var reason: String

  public init(_ code: Code, in format: String, at offset: Int, _ reason: String) {
    self.code = code
    self.format = format
    self.offset = offset
    self.reason = reason
  }

  public var description: String { "\(format) octet \(offset): \(reason)" }

  public static func == (a: WireError, b: WireError) -> Bool {
    a.code == b.code && a.format == b.format && a.offset == b.offset
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(code)
    hasher.combine(format)
    hasher.combine(offset)
  }
}

/// A cursor over octets that reads big-endian (or, where asked, little-endian) integers and never runs past the end.
///
/// Offsets in errors count from the start of the octets that the reader was made with, plus `base`.
public struct ByteReader: Sendable {
  public let octets: ArraySlice<UInt8>
  public let format: String
  public let base: Int
  public private(set) var position: Int

  /// - Parameters:
  ///   - format: the name that errors carry.
  ///   - base: what to add to offsets in errors, for a reader over a part of a larger input.
  public init(_ octets: ArraySlice<UInt8>, format: String, base: Int = 0) {
    self.octets = octets
    self.format = format
    self.base = base
    position = octets.startIndex
  }

  public init(_ octets: [UInt8], format: String, base: Int = 0) {
    self.init(octets[...], format: format, base: base)
  }

  public var remaining: Int { octets.endIndex - position }
  public var isAtEnd: Bool { remaining == 0 }
  /// Octets read so far, plus `base`.
  public var offset: Int { base + position - octets.startIndex }

  /// Takes `count` octets, or throws ``WireError`` `truncated`.
  public mutating func take(_ count: Int, _ what: String) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else {
      throw WireError(.truncated, in: format, at: offset, "\(what) needs \(count) octets, \(remaining) left")
    }
    defer { position += count }
    return octets[position..<position + count]
  }

  public mutating func takeRest() -> ArraySlice<UInt8> {
    defer { position = octets.endIndex }
    return octets[position...]
  }

  public mutating func skip(_ count: Int, _ what: String) throws { _ = try take(count, what) }

  public mutating func uint8(_ what: String) throws -> UInt8 {
    guard remaining > 0 else { throw WireError(.truncated, in: format, at: offset, "\(what) needs 1 octet, 0 left") }
    defer { position += 1 }
    return octets[position]
  }

  public mutating func uint16(_ what: String) throws -> UInt16 { UInt16(truncatingIfNeeded: try bigEndian(2, what)) }
  public mutating func uint32(_ what: String) throws -> UInt32 { UInt32(truncatingIfNeeded: try bigEndian(4, what)) }
  public mutating func uint64(_ what: String) throws -> UInt64 { try bigEndian(8, what) }

  public mutating func bigEndian(_ count: Int, _ what: String) throws -> UInt64 {
    var value: UInt64 = 0
    for octet in try take(count, what) { value = value << 8 | UInt64(octet) }
    return value
  }

  public mutating func littleEndian(_ count: Int, _ what: String) throws -> UInt64 {
    var value: UInt64 = 0
    for octet in try take(count, what).reversed() { value = value << 8 | UInt64(octet) }
    return value
  }
}

/// Appends integers and octets to a buffer, big-endian unless asked otherwise.
public struct ByteWriter: Sendable {
  public private(set) var octets: [UInt8] = []

  public init(reserving capacity: Int = 0) { octets.reserveCapacity(capacity) }

  public var count: Int { octets.count }

  public mutating func append(_ more: some Sequence<UInt8>) { octets.append(contentsOf: more) }
  public mutating func uint8(_ value: UInt8) { octets.append(value) }
  public mutating func uint16(_ value: UInt16) { bigEndian(UInt64(value), 2) }
  public mutating func uint32(_ value: UInt32) { bigEndian(UInt64(value), 4) }
  public mutating func uint64(_ value: UInt64) { bigEndian(value, 8) }

  /// Appends the low `count` octets of a number, 0 to 8, highest first.
  public mutating func bigEndian(_ value: UInt64, _ count: Int) {
    withUnsafeBytes(of: value.bigEndian) { octets.append(contentsOf: $0.suffix(count)) }
  }

  /// Appends the low `count` octets of a number, 0 to 8, lowest first.
  public mutating func littleEndian(_ value: UInt64, _ count: Int) {
    withUnsafeBytes(of: value.littleEndian) { octets.append(contentsOf: $0.prefix(count)) }
  }

  /// Overwrites two octets that were written earlier, as checksums and lengths need.
  public mutating func replaceUInt16(at index: Int, with value: UInt16) {
    octets[index] = UInt8(truncatingIfNeeded: value >> 8)
    octets[index + 1] = UInt8(truncatingIfNeeded: value)
  }

  /// Overwrites four octets that were written earlier, lowest first.
  public mutating func replaceLittleEndianUInt32(at index: Int, with value: UInt32) {
    for place in 0..<4 { octets[index + place] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(place))) }
  }
}

extension Sequence<UInt8> {
  /// Lower-case hexadecimal digits, two an octet, with `separator` between octets.
  public func hex(separator: String = "") -> String {
    map { octet in
      let digits = String(octet, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }.joined(separator: separator)
  }
}
