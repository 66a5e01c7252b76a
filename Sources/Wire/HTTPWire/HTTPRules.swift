/// The bounds and leniencies with which HTTP is read.
public struct HTTPRules: Sendable, Hashable {
  /// Octets from the start line to the empty line, and of a trailer section.
  public var headerLimit = 16_384
  /// Octets of a body without its framing, and of one server-sent event.
  public var bodyLimit = 1_048_576
  /// Requests of one connection that wait for their response.
  public var pendingLimit = 1024
  /// Lets LF alone end a line, as RFC 9112 clause 2.2 permits a recipient.
  public var bareLineFeedAllowed = false

  public init() {}

  public init(headerLimit: Int, bodyLimit: Int) {
    self.headerLimit = headerLimit
    self.bodyLimit = bodyLimit
  }
}

extension UInt8 {
  /// True for the octets of a token (RFC 9110 clause 5.6.2).
  var isToken: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
    default: false
    }
  }

  /// True for the octets of a field value (RFC 9110 clause 5.5): visible, blank, tab, and what lies above ASCII.
  var isFieldContent: Bool { self >= 0x20 && self != 0x7F || self == 0x09 }
}
