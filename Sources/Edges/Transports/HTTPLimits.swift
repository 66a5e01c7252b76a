import RoleKit

/// The bounds that the server side holds every connection to (profile section 1).
public struct HTTPLimits: Sendable, Hashable {
  /// Octets of a body; one more is answered with 413.
  public var body = 65_536
  /// Octets from the request line to the empty line; one more is answered with 431.
  public var headerBlock = 16_384
  /// Role time from the first octet of a request to its last; later is answered with 408.
  public var wholeRequest: UInt64 = .seconds(10)
  /// Role time that a connection may stay open between requests.
  public var idle: UInt64 = .seconds(60)
  /// Connections at one time, and of one peer address; beyond them the answer is 503.
  public var connections = 512
  public var connectionsOfOnePeer = 256
  /// Octets that a reader may leave unread before it counts as gone.
  public var unread = 1_048_576
  /// Octets of requests that may wait on a connection while one is being answered.
  public var pipelined = 131_072

  public init() {}
}
