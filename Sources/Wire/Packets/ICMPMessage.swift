import Octets

/// An ICMP message for IPv4 (RFC 792).
public struct ICMPMessage: Sendable, Hashable {
  /// What the message says, by its type.
  public enum Body: Sendable, Hashable {
    case echoRequest(identifier: UInt16, sequence: UInt16, payload: ArraySlice<UInt8>)
    case echoReply(identifier: UInt16, sequence: UInt16, payload: ArraySlice<UInt8>)
    /// `nextHopMTU` counts for code 4 (RFC 1191); `quoted` is the head of the datagram that could not be delivered.
    case destinationUnreachable(nextHopMTU: UInt16, quoted: ArraySlice<UInt8>)
    case timeExceeded(quoted: ArraySlice<UInt8>)
    /// `rest` is all that follows the checksum.
    case other(type: UInt8, rest: ArraySlice<UInt8>)
  }

  public var code: UInt8
  public var body: Body
  /// As read; writing computes it.
  public var checksum: UInt16
  /// The four octets after the checksum of a `destinationUnreachable` or `timeExceeded`, as read.
  public private(set) var unused: UInt32

  public init(code: UInt8 = 0, _ body: Body) {
    self.code = code
    self.body = body
    checksum = 0
    if case .destinationUnreachable(let nextHopMTU, _) = body { unused = UInt32(nextHopMTU) } else { unused = 0 }
  }

  /// - Throws: ``WireError`` `truncated` below 8 octets.
  public init(parsing octets: ArraySlice<UInt8>, base: Int = 0) throws {
    guard octets.count >= 8 else {
      throw WireError(.truncated, in: "ICMP", at: base + octets.count, "\(octets.count) octets, expected at least 8")
    }
    code = octets.uint8(at: 1)
    checksum = octets.uint16(at: 2)
    unused = octets.uint32(at: 4)
    let rest = octets.dropFirst(8)
    switch octets.uint8(at: 0) {
    case 0: body = .echoReply(identifier: octets.uint16(at: 4), sequence: octets.uint16(at: 6), payload: rest)
    case 8: body = .echoRequest(identifier: octets.uint16(at: 4), sequence: octets.uint16(at: 6), payload: rest)
    case 3: body = .destinationUnreachable(nextHopMTU: octets.uint16(at: 6), quoted: rest)
    case 11: body = .timeExceeded(quoted: rest)
    case let type: body = .other(type: type, rest: octets.dropFirst(4))
    }
  }

  public var type: UInt8 {
    switch body {
    case .echoReply: 0
    case .echoRequest: 8
    case .destinationUnreachable: 3
    case .timeExceeded: 11
    case .other(let type, _): type
    }
  }

  /// The header of the datagram that an error message quotes, where it is whole.
  public var quotedHeader: IPv4Header? {
    switch body {
    case .destinationUnreachable(_, let quoted), .timeExceeded(let quoted): try? IPv4Header(parsing: quoted)
    default: nil
    }
  }

  private func content(checksum: UInt16) -> [UInt8] {
    var writer = ByteWriter(reserving: 64)
    writer.uint8(type)
    writer.uint8(code)
    writer.uint16(checksum)
    switch body {
    case .echoRequest(let identifier, let sequence, let payload), .echoReply(let identifier, let sequence, let payload):
      writer.uint16(identifier)
      writer.uint16(sequence)
      writer.append(payload)
    case .destinationUnreachable(let nextHopMTU, let quoted):
      writer.uint16(UInt16(unused >> 16))
      writer.uint16(nextHopMTU)
      writer.append(quoted)
    case .timeExceeded(let quoted):
      writer.uint32(unused)
      writer.append(quoted)
    case .other(_, let rest): writer.append(rest)
    }
    return writer.octets
  }

  private var computedChecksum: UInt16 {
    var sum = InternetChecksum()
    sum.add(content(checksum: 0)[...])
    return sum.value
  }

  public var checksumIsValid: Bool { checksum == computedChecksum }

  /// Writes the message with its checksum.
  public func serialize(into writer: inout ByteWriter) { writer.append(content(checksum: computedChecksum)) }
}
