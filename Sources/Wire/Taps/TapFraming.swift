import Octets

/// Cuts a stream of octets into messages of 4 octets of length (which do not count themselves) and content.
public struct TapFraming: Sendable {
  /// The longest message: a chunk of a stream, and what stands before it.
  public static let limit = 16 << 20

  private var buffer: [UInt8] = []
  private var start = 0

  public init() {}

  /// Takes the next octets of the stream.
  public mutating func feed(_ octets: [UInt8]) {
    if start > 0 {
      buffer.removeFirst(start)
      start = 0
    }
    buffer += octets
  }

  /// The next whole message; `nil` while there is none.
  ///
  /// - Throws: ``WireError`` `tooLong` for a length beyond ``limit``.
  public mutating func next() throws -> ArraySlice<UInt8>? {
    guard buffer.count - start >= 4 else { return nil }
    let length = buffer[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
    guard length <= TapFraming.limit else {
      throw WireError(.tooLong, in: "tap", at: 0, "a message of \(length) octets, at most \(TapFraming.limit)")
    }
    guard buffer.count - start - 4 >= length else { return nil }
    defer { start += 4 + length }
    return buffer[start + 4..<start + 4 + length]
  }
}

extension ByteWriter {
  mutating func address(_ address: IPAddress) {
    let octets = address.octets
    uint8(UInt8(octets.count))
    append(octets)
  }

  mutating func endpoint(_ endpoint: Endpoint) {
    address(endpoint.address)
    uint16(endpoint.port)
  }

  /// At most 255 octets of text.
  mutating func text(_ text: String) {
    let octets = text.utf8.prefix(255)
    uint8(UInt8(octets.count))
    append(octets)
  }

  /// The octets with the length in the first four, which were left free for it.
  var framed: [UInt8] {
    var result = octets
    let length = UInt32(octets.count - 4)
    for place in 0..<4 { result[place] = UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(place))) }
    return result
  }
}

extension ByteReader {
  mutating func address() throws -> IPAddress {
    let at = offset
    guard let address = IPAddress(try take(Int(try uint8("length of an address")), "address")) else {
      throw WireError(.malformed, in: format, at: at, "an address of neither 4 nor 16 octets")
    }
    return address
  }

  mutating func endpoint() throws -> Endpoint {
    let address = try address()
    return Endpoint(address, try uint16("port"))
  }

  mutating func text() throws -> String {
    String(decoding: try take(Int(try uint8("length of a text")), "text"), as: UTF8.self)
  }

  mutating func choice<Choice: RawRepresentable>(_ what: String) throws -> Choice where Choice.RawValue == UInt8 {
    let at = offset
    let value = try uint8(what)
    guard let choice = Choice(rawValue: value) else {
      throw WireError(.malformed, in: format, at: at, "\(what) \(value)")
    }
    return choice
  }
}
