import Octets
import TopologyLanguage

/// A running home, however it is made: what the runner may do to it and ask of it.
///
/// Nodes are named as in results (`Node.name`), and `operator` where there is one.
public protocol HomeUnderTest: Sendable {
  var topology: Topology { get }
  /// Where frames are written; there from ``up()`` on.
  var capture: any HomeCapture { get throws }

  /// Makes everything of the home but its programs: all nodes without power, switches with.
  func up() throws
  /// Ends what still runs and takes the home away. Done twice it does nothing.
  func down() async

  /// Every interface of a node, in the order of the topology.
  func interfaces(of node: String) throws -> [NodeInterface]

  /// Without power a node's links have no carrier. Its programs are not touched.
  func setPower(_ power: Power, of node: String) throws
  /// Unplugs or plugs in all links of a node.
  func setPlugs(_ plug: Plug, of node: String) throws
  /// Unplugs or plugs in one link, by its name in results.
  func setPlugs(_ plug: Plug, ofLink link: String) throws
  /// Plugs the node's first interface into another switch port. The link is called as `newLink` says from then on.
  func move(_ node: String, to switchNode: String, newLink: String) throws
  /// Cuts or restores a gateway's links to the outside.
  func setOutside(_ plug: Plug, of gateway: String) throws
  /// Makes a wired link worse, from now on: the qualities named take the place of those that it had of their kind.
  func degrade(_ link: String, by qualities: [LinkQuality]) throws
  /// Gives a link, or all links of a node, the qualities back that the topology says.
  func heal(link: String) throws
  func heal(node: String) throws
  /// Lets go on what the gate told to hold until this number is released.
  func release(held number: Int) throws
  /// The links that have carrier at both ends, by their names in results; empty where a home has no cables.
  func linksWithCarrier() throws -> [String]
  /// Changes an interface's address and default gateway from outside of the node's program; `nil` leaves as is.
  func setAddress(_ address: CIDR?, gateway: IPAddress?, of node: String, interface: Int) throws

  /// Starts a program inside a node.
  func start(_ program: NodeProgram) throws -> RunningProgram

  /// Sends octets to a TCP server from inside a node and gives what came back, until the server closes, `isWhole`
  /// says that it is enough, or the time limit passes (which throws).
  func exchange(
    from node: String, with server: Endpoint, sending octets: [UInt8], within limit: Duration,
    until isWhole: @escaping @Sendable ([UInt8]) -> Bool
  ) async throws -> [UInt8]
  /// Sends one datagram from inside a node; from a port of the system's choosing where `port` is 0.
  func sendDatagram(from node: String, port: UInt16, to receiver: Endpoint, _ octets: [UInt8]) throws
  /// Sends one Ethernet frame, its 14-octet header included, out of a node's interface.
  func sendFrame(from node: String, interface: Int, _ octets: [UInt8]) throws
}

public enum Power: Sendable, Hashable { case on, off }
public enum Plug: Sendable, Hashable { case `in`, out }

/// An interface as the programs of its node see it.
public struct NodeInterface: Sendable, Hashable {
  /// `eth0`.
  public var name: String
  public var index: Int
  public var mac: MACAddress
  /// `nil` where DHCP gives it.
  public var address: CIDR?
  /// The qualified name of its network.
  public var network: String
  public init(name: String, index: Int, mac: MACAddress, address: CIDR?, network: String) {
    self.name = name
    self.index = index
    self.mac = mac
    self.address = address
    self.network = network
  }
}

/// A program to start inside a node.
public struct NodeProgram: Sendable, Hashable {
  public var node: String
  /// A path, or a name that is looked for in `PATH`.
  public var executable: String
  public var arguments: [String]
  /// The whole environment, besides `PATH`, `HOME`, `LANG` and `TMPDIR`, which are passed on.
  public var environment: [String: String]
  /// Made if missing; the node's programs own it.
  public var stateFolder: String?
  /// A file that stands in the place of /etc/resolv.conf; `nil`: one that names no server.
  public var resolver: String?
  /// Gets standard error and a copy of standard output, appended.
  public var logFile: String

  public init(
    node: String, executable: String, arguments: [String] = [], environment: [String: String] = [:],
    stateFolder: String? = nil, resolver: String? = nil, logFile: String
  ) {
    self.node = node
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.stateFolder = stateFolder
    self.resolver = resolver
    self.logFile = logFile
  }
}

/// The capture of a home: one pcapng that grows.
public protocol HomeCapture: Sendable {
  var path: String { get }
  /// Tells after each write how far the file reaches. For one reader.
  var progress: AsyncStream<CaptureProgress> { get }
  /// Writes a comment, in its place by time (nanoseconds of CLOCK_REALTIME; `nil`: now).
  func note(_ text: String, at time: Int64?)
  /// Asks for a ``CaptureProgress`` as soon as all frames up to a time are written, even if there are none.
  func reach(_ time: Int64)
  /// Writes what is left and closes the file.
  func end() async -> CaptureProgress
}

/// How far a capture has got.
public struct CaptureProgress: Sendable, Hashable {
  /// The octets of the file that are whole blocks.
  public var octets: Int
  /// Every frame before this time is in them (nanoseconds of CLOCK_REALTIME).
  public var completeUntil: Int64
  /// Frames that were lost; above 0 no verdict may be `pass`.
  public var dropped: UInt64
  /// Why nothing more is written, such as a full disk.
  public var failure: String?
  public init(octets: Int, completeUntil: Int64, dropped: UInt64, failure: String?) {
    self.octets = octets
    self.completeUntil = completeUntil
    self.dropped = dropped
    self.failure = failure
  }
}
