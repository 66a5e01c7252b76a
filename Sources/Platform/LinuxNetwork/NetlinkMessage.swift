import CLinux

/// A request to the kernel's routing family (rtnetlink): a header, a fixed part and attributes (RFC 3549).
public struct NetlinkMessage: Sendable {
  /// A message type, such as `RTM_NEWLINK`.
  public let type: UInt16
  /// Flags besides `NLM_F_REQUEST`.
  public let flags: UInt16
  /// What is asked, for errors: `create link tv--sw1.3`.
  public let asked: String
  /// Everything after the header.
  public private(set) var body: [UInt8]

  /// - Parameter fixed: the family's fixed part, such as an `ifinfomsg`.
  public init<Fixed: BitwiseCopyable>(_ type: some BinaryInteger, flags: Int32 = 0, fixed: Fixed, _ asked: String) {
    self.type = UInt16(truncatingIfNeeded: type)
    self.flags = UInt16(truncatingIfNeeded: flags)
    self.asked = asked
    body = withUnsafeBytes(of: fixed) { Array($0) }
    pad()
  }

  public mutating func append(_ type: Int, _ octets: some Collection<UInt8>) {
    header(type, length: octets.count)
    body.append(contentsOf: octets)
    pad()
  }

  /// A number in the machine's byte order.
  public mutating func append(_ type: Int, _ number: some FixedWidthInteger & BitwiseCopyable) {
    header(type, length: MemoryLayout.size(ofValue: number))
    withUnsafeBytes(of: number) { body.append(contentsOf: $0) }
    pad()
  }

  /// A text, with the closing zero that the kernel wants.
  public mutating func append(_ type: Int, _ text: String) { append(type, Array(text.utf8) + [0]) }

  /// An attribute whose value is what `fill` appends.
  public mutating func nest(_ type: Int, _ fill: (inout NetlinkMessage) -> Void) {
    let start = body.count
    header(type | Int(NLA_F_NESTED), length: 0)
    fill(&self)
    let length = UInt16(body.count - start)
    withUnsafeBytes(of: length) { body.replaceSubrange(start..<start + 2, with: $0) }
  }

  /// A fixed part inside an attribute, as `VETH_INFO_PEER` has.
  public mutating func embed<Fixed: BitwiseCopyable>(_ fixed: Fixed) {
    withUnsafeBytes(of: fixed) { body.append(contentsOf: $0) }
    pad()
  }

  private mutating func header(_ type: Int, length: Int) {
    withUnsafeBytes(of: UInt16(4 + length)) { body.append(contentsOf: $0) }
    withUnsafeBytes(of: UInt16(truncatingIfNeeded: type)) { body.append(contentsOf: $0) }
  }

  private mutating func pad() {
    while body.count % 4 != 0 { body.append(0) }
  }

  /// Appends the whole message, header included.
  func write(to octets: inout [UInt8], sequence: UInt32, moreFlags: Int32) {
    let header = nlmsghdr(
      nlmsg_len: UInt32(MemoryLayout<nlmsghdr>.size + body.count), nlmsg_type: type,
      nlmsg_flags: flags | UInt16(NLM_F_REQUEST | moreFlags), nlmsg_seq: sequence, nlmsg_pid: 0)
    withUnsafeBytes(of: header) { octets.append(contentsOf: $0) }
    octets.append(contentsOf: body)
  }
}

/// What the kernel sent: one message of a reply, or a notification.
public struct NetlinkReply: Sendable {
  public var type: UInt16
  public var flags: UInt16
  public var sequence: UInt32
  /// Everything after the header.
  public var body: ArraySlice<UInt8>

  /// The fixed part at the start of the body; `nil` if the body is shorter.
  public func fixed<Fixed: BitwiseCopyable>(_: Fixed.Type) -> Fixed? {
    guard body.count >= MemoryLayout<Fixed>.size else { return nil }
    return body.withUnsafeBytes { $0.loadUnaligned(as: Fixed.self) }
  }

  /// The attributes that follow a fixed part of `size` octets, in order; a damaged tail is left out.
  public func attributes(after size: Int) -> [(type: Int, value: ArraySlice<UInt8>)] {
    guard body.count >= size else { return [] }
    return NetlinkReply.attributes(in: body.dropFirst((size + 3) & ~3))
  }

  /// The attributes in the value of a nested attribute.
  public static func attributes(in octets: ArraySlice<UInt8>) -> [(type: Int, value: ArraySlice<UInt8>)] {
    var result: [(type: Int, value: ArraySlice<UInt8>)] = []
    var rest = octets
    while rest.count >= 4 {
      let (length, type) = rest.withUnsafeBytes {
        (Int($0.loadUnaligned(as: UInt16.self)), $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
      }
      guard length >= 4, length <= rest.count else { break }
      result.append((Int(type & 0x3FFF), rest.dropFirst(4).prefix(length - 4)))
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return result
  }

  /// Splits what one read gave into messages; a damaged tail is left out.
  static func messages(in octets: [UInt8]) -> [NetlinkReply] {
    var result: [NetlinkReply] = []
    var rest = octets[...]
    let size = MemoryLayout<nlmsghdr>.size
    while rest.count >= size {
      let header = rest.withUnsafeBytes { $0.loadUnaligned(as: nlmsghdr.self) }
      let length = Int(header.nlmsg_len)
      guard length >= size, length <= rest.count else { break }
      result.append(
        NetlinkReply(
          type: header.nlmsg_type, flags: header.nlmsg_flags, sequence: header.nlmsg_seq,
          body: rest.dropFirst(size).prefix(length - size)))
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return result
  }
}

extension ArraySlice<UInt8> {
  /// A number in the machine's byte order; `nil` if the octets are too few.
  public func number<Number: FixedWidthInteger & BitwiseCopyable>(as _: Number.Type) -> Number? {
    guard count >= MemoryLayout<Number>.size else { return nil }
    return withUnsafeBytes { $0.loadUnaligned(as: Number.self) }
  }

  /// A text up to its closing zero.
  public var text: String { String(decoding: prefix { $0 != 0 }, as: UTF8.self) }
}
