/// Who sent a message, or whom it was for, as scenarios and traces name them.
public enum Party: Sendable, Hashable, CustomStringConvertible {
  /// A node of the topology, by its display name (`tv`, or `home-a.tv` where more than one home has a `tv`).
  case node(String)
  /// Whoever acts from outside: the person at the service server's operator interface.
  case `operator`
  /// Everybody on the sender's link: multicast or broadcast.
  case network
  /// An address that belongs to no known node.
  case address(String)

  public var description: String {
    switch self {
    case .node(let name), .address(let name): name
    case .operator: "operator"
    case .network: "network"
    }
  }
}

/// One message of the catalogue as its sender sent it, counted once however many links it crosses (LANGUAGE S1).
public struct Event: Sendable, Hashable {
  /// Position among the events of its trace, from 0.
  public var index: Int
  /// When the message's last octet left its sender: CLOCK_REALTIME in nanoseconds.
  public var time: Int64
  public var from: Party
  public var to: Party
  /// The message's name in the catalogue, such as `register`.
  public var name: String
  /// The message's fields as scenarios name them; always an object.
  public var fields: JSONValue
  /// The capture's frame in which the message ended, counted from 1 as Wireshark does.
  public var frame: Int
  /// The frame in which the message began; `frame` where it is not known.
  public var firstFrame: Int
  /// Equal for equal octets, apart from what S2 sets aside (Date, Homebed-Correlation, the STUN transaction).
  public var digest: UInt64
  /// True where S3 lets the message come at any time.
  public var isBackground: Bool

  public init(
    index: Int, time: Int64, from: Party, to: Party, name: String, fields: JSONValue, frame: Int, digest: UInt64,
    isBackground: Bool, firstFrame: Int? = nil
  ) {
    self.index = index
    self.time = time
    self.from = from
    self.to = to
    self.name = name
    self.fields = fields
    self.frame = frame
    self.digest = digest
    self.isBackground = isBackground
    self.firstFrame = firstFrame ?? frame
  }

  /// `tv -> cfg register`: the notation of scenarios, traces, ladders and failures.
  public var arrow: String { "\(from) -> \(to) \(name)" }
}
