import Messages

/// A party of the operational model as a value: a state machine without clock, randomness or I/O.
///
/// A turn is a transaction. The host calls ``handle(_:at:bits:)`` on a copy, commits every ``Effect/save(_:)`` of the
/// result, then adopts the copy and performs the other effects in order. Where the commit fails the old value gets
/// ``Input/commitFailed(_:of:)`` instead, which names the input that came to nothing.
public protocol Role: Sendable {
  mutating func handle(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect]
}

/// Role time: both clocks run `pace` times as fast as the host's.
public struct Moment: Sendable, Hashable {
  /// Nanoseconds since some moment in the past; never goes back.
  public var monotonic: UInt64
  /// Milliseconds since 1970-01-01T00:00:00Z.
  public var wall: Int64

  public init(monotonic: UInt64, wall: Int64) {
    self.monotonic = monotonic
    self.wall = wall
  }
}

/// Random octets that the host hands to a turn.
public struct RandomBits: Sendable {
  private var source: @Sendable () -> UInt64

  public init(source: @escaping @Sendable () -> UInt64) { self.source = source }

  public mutating func octets(_ count: Int) -> [UInt8] {
    var result: [UInt8] = []
    while result.count < count {
      let word = source()
      result += (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
    }
    return Array(result.prefix(count))
  }

  /// A number in `range`, near enough to uniform for delays and jitter.
  public mutating func number(in range: ClosedRange<UInt64>) -> UInt64 {
    let width = range.upperBound - range.lowerBound
    return width == .max ? source() : range.lowerBound + source() % (width + 1)
  }
}

/// A request that somebody sent us; the reply may be held.
public struct Exchange: Sendable, Hashable {
  public var number: UInt64
  public init(_ number: UInt64) { self.number = number }
}

/// Something that we asked for. A call made with ``Effect/call(_:_:to:timeout:)`` ends with exactly one
/// ``Input/answered(_:_:)`` or ``Input/failed(_:_:)``.
public struct Call: Sendable, Hashable {
  public var number: UInt64
  public init(_ number: UInt64) { self.number = number }
}

public struct TimerName: Sendable, Hashable {
  public var name: String
  /// Tells timers of one name apart, such as by agent.
  public var key: String
  public init(_ name: String, _ key: String = "") {
    self.name = name
    self.key = key
  }
}

/// What a call or a commit can come to instead of an answer.
public enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
  case timeout, reset, refused, unreachable
  /// The program may not do this on its machine.
  case notPermitted
  /// The peer answered with octets that are no HTTP response.
  case malformed(String)
  /// The store said no: a full disk, a locked or damaged database.
  case storage(String)

  public var description: String {
    switch self {
    case .timeout: "no answer in time"
    case .reset: "the connection was reset"
    case .refused: "the connection was refused"
    case .unreachable: "the address is unreachable"
    case .notPermitted: "this program may not do that here"
    case .malformed(let reason): "the answer is not HTTP: \(reason)"
    case .storage(let reason): reason
    }
  }
}

/// One durable fact: a JSON document under a key in a table of the role's store.
public struct Row: Sendable, Hashable {
  public var table: String
  public var key: String
  /// `nil` deletes the row.
  public var value: JSONValue?
  public init(_ table: String, _ key: String, _ value: JSONValue?) {
    self.table = table
    self.key = key
    self.value = value
  }
}

/// A network interface as its node sees it now.
public struct InterfaceState: Sendable, Hashable {
  public var name: String
  /// True when it is up and has carrier.
  public var isUp: Bool
  public var macAddress: MACAddress?
  public var addresses: [CIDR]
  public var defaultGateway: IPAddress?
  public var dnsServers: [IPAddress]
  public init(
    name: String, isUp: Bool, macAddress: MACAddress?, addresses: [CIDR], defaultGateway: IPAddress?,
    dnsServers: [IPAddress]
  ) {
    self.name = name
    self.isUp = isUp
    self.macAddress = macAddress
    self.addresses = addresses
    self.defaultGateway = defaultGateway
    self.dnsServers = dnsServers
  }
}

/// How a datagram reached us.
public enum Delivery: Sendable, Hashable { case unicast, multicast }

/// What happened. Inputs are in the past tense.
public enum Input: Sendable, Hashable {
  /// Always the first: the rows of the store as they were committed last, and the interfaces as they are.
  case started(rows: [Row], interfaces: [InterfaceState])
  /// `to` is the local address and port on which the request came in.
  case requested(Exchange, HTTPRequest, from: Endpoint, to: Endpoint)
  /// The caller of a held exchange, or the reader of an event stream, has gone; a reply would reach nobody.
  case callerLeft(Exchange)
  /// The reply of the exchange was written to the socket whole.
  case replied(Exchange)
  /// The response to a call, or the head of a subscription (then without a body, if its status is 200).
  case answered(Call, HTTPResponse)
  /// The host that ``Effect/echo(_:to:timeout:)`` asked has answered.
  case echoed(Call)
  case streamed(Call, ServerSentEvent)
  /// A subscription that had been answered ended: `nil` where the peer closed it in good order.
  case ended(Call, Failure?)
  case failed(Call, Failure)
  /// A datagram on the SSDP port or on the socket that searches are sent from.
  case ssdp([UInt8], from: Endpoint, Delivery, interface: String)
  /// A datagram that came to a socket of ours (see ``Effect/openDatagrams(port:)``); `to` is that socket's address.
  case datagram([UInt8], from: Endpoint, to: Endpoint)
  /// A port that the role asked for could not be opened on one of our addresses.
  case portRefused(UInt16, Failure)
  /// An LLDPDU that came in on an interface whose frames are open (see ``Effect/openFrames(interface:)``).
  case frame([UInt8], from: MACAddress, interface: String)
  /// The neighbour table, as ``Effect/readNeighbours`` asked for it.
  case neighbours([Neighbour])
  /// A bridge as it is now: at first, and whenever it has learnt or forgotten something.
  case bridge(BridgeState)
  /// What ``Effect/map(_:)`` came to; with `nil` traffic passes from now on.
  case mapped(PortMapping, Failure?)
  /// What ``Effect/count(interface:)`` read; `nil` where the system counts nothing there.
  case counted(interface: String, InterfaceCounters?)
  case fired(TimerName)
  /// An interface changed: link, address, gateway or DNS servers.
  case interface(InterfaceState)
  /// The turn of the input came to nothing, since its rows could not be committed: none of its effects was performed.
  /// The role answers a request with 503 and makes up its mind about an answer or a timer that will not come again.
  indirect case commitFailed(Failure, of: Input)
  /// The program is asked to stop; the role says its goodbyes and returns ``Effect/exit(_:)`` as the last effect.
  case stopping
}

/// What the host shall do. Effects are in the imperative.
public enum Effect: Sendable, Hashable {
  case reply(Exchange, HTTPResponse)
  /// Answers with a head that begins an event stream, which stays open until ``close(_:)``.
  case openStream(Exchange, HTTPResponse)
  case event(Exchange, ServerSentEvent)
  /// A comment line on an event stream, which keeps it alive.
  case comment(Exchange, String)
  case close(Exchange)
  /// `timeout` is in nanoseconds of role time, from now to the whole answer.
  case call(Call, HTTPRequest, to: Endpoint, timeout: UInt64)
  /// Asks for an event stream; `timeout` covers the time to the response's head.
  case subscribe(Call, HTTPRequest, to: Endpoint, timeout: UInt64)
  /// Asks a host for an ICMP echo; ends with one ``Input/echoed(_:)`` or ``Input/failed(_:_:)``.
  case echo(Call, to: IPAddress, timeout: UInt64)
  case cancel(Call)
  /// Sends a datagram from the search socket of the interface (`to` unicast), or to the SSDP group (`nil`).
  case ssdp([UInt8], to: Endpoint?, interface: String)
  /// Takes requests also on this TCP port of every own address, until ``stopListening(port:)``.
  case listen(port: UInt16)
  case stopListening(port: UInt16)
  /// Opens a UDP socket on this port of every own address; addresses that come later get one too.
  case openDatagrams(port: UInt16)
  case closeDatagrams(port: UInt16)
  /// Sends a datagram from an open socket, which its address and port name.
  case datagram([UInt8], from: Endpoint, to: Endpoint)
  /// Takes in the LLDP frames of an interface, to whatever group, and lets them be sent; where there is no Ethernet
  /// (loopback), or the system forbids it, the log says so once and nothing comes.
  case openFrames(interface: String)
  /// Sends an LLDPDU to everybody on the link, from the interface's own address.
  case frame([UInt8], interface: String)
  /// Asks for the kernel's neighbour table.
  case readNeighbours
  /// Tells of a bridge from now on.
  case watchBridge(String)
  /// Lets what comes to a gateway's outer port pass to a client inside; ends with one ``Input/mapped(_:_:)``.
  case map(PortMapping)
  case unmap(PortMapping)
  /// Reads an interface's counters; ends with one ``Input/counted(interface:_:)``.
  case count(interface: String)
  /// `after` is in nanoseconds of role time. Arming a timer again replaces it.
  case arm(TimerName, after: UInt64)
  case disarm(TimerName)
  case save([Row])
  /// Gives the interface another address or default gateway, as a configuration told.
  case address(interface: String, CIDR?, gateway: IPAddress?)
  /// Looks at the interfaces and the resolver's file again; what has changed comes as ``Input/interface(_:)``.
  case refreshInterfaces
  case report(Report)
  /// A line for the person who started the program, on standard output.
  case output(String)
  /// The role has begun its work: the host prints the ready line.
  case ready
  case exit(Int32)
}

/// Something worth a log line.
public struct Report: Sendable, Hashable {
  public enum Level: String, Sendable, Hashable { case debug, info, notice, warning, error }
  public var level: Level
  /// A stable name, such as `ignored` or `problem-shown`.
  public var code: String
  public var text: String
  public init(_ level: Level, _ code: String, _ text: String) {
    self.level = level
    self.code = code
    self.text = text
  }
}

extension UInt64 {
  /// Nanoseconds in `count` seconds.
  public static func seconds(_ count: Double) -> UInt64 { UInt64(count * 1_000_000_000) }
  /// Nanoseconds in `count` milliseconds.
  public static func milliseconds(_ count: UInt64) -> UInt64 { count * 1_000_000 }
}
