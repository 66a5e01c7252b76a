import Messages

/// What a home gateway is told at its start.
public struct HomeGatewaySettings: Sendable, Hashable {
  /// The root device's UUID; the embedded devices have UUIDs made from it.
  public var uuid: String
  public var friendlyName = "home gateway"
  /// The interfaces that lead out of the home; all others lead into it.
  public var outside: Set<String>
  public var httpPort = DefaultPort.gateway
  /// Where UDP echo is answered (RFC 862); `nil`: nowhere.
  public var echoPort: UInt16? = DefaultPort.echo
  public var hostNames: [String] = []
  /// Who may map ports to other addresses of the home than its own (profile section 7).
  public var controlPoints: Set<IPAddress> = []
  public var ssdpGroup = SSDPMessage.group
  /// Nanoseconds; shortens the wait before a search is answered.
  public var ssdpMaxDelay: UInt64?
  /// False on loopback, where nothing can be translated: the gateway is then not found, and maps nothing.
  public var translates = true
  /// Bits per second of the link to the Internet, each way.
  public var linkRate: UInt32 = 1_000_000_000
  /// Mappings at one time; one more is refused with 728.
  public var mappingLimit = 4096

  public init(uuid: String, outside: Set<String>) {
    self.uuid = uuid
    self.outside = outside
  }
}
