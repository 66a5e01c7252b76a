import Logging
import Messages
import RoleKit
import Transports

/// What the host of a role is told at its start.
public struct HostSettings: Sendable {
  /// Which interfaces the role sees.
  public enum Network: Sendable, Hashable {
    /// Interfaces as they are given, on loopback addresses, where nothing ever changes.
    case fixed([InterfaceState])
    /// The kernel's interfaces of these names; `preferred` is the only address of its interface that counts while the
    /// interface has it.
    case named([String], preferred: IPAddress?)
    /// The kernel's interface that has this address when the program starts.
    case holding(IPAddress)
    /// The kernel's interface that the default route leaves by when the program starts.
    case main
    /// No interface is the role's own; it names those that it works on.
    case none
  }

  public var network: Network
  /// Further addresses that count beside a preferred one, or that a loopback interface has.
  public private(set) var furtherAddresses: [IPAddress] = []
  /// Where the role takes requests, on every address that counts; `nil`: nowhere.
  public var httpPort: UInt16?
  /// The group and port of SSDP; `nil` where the role speaks no SSDP.
  public var ssdp: Endpoint?
  /// Interfaces on which SSDP is neither spoken nor heard, such as a gateway's outer one.
  public var silentInterfaces: Set<String> = []
  /// Role time runs this many times as fast as the machine's.
  public var pace: Double
  public var limits = HTTPLimits()
  /// The path of the runner's socket to which every octet is told; `nil`: nowhere.
  public var tap: String?
  /// How the tap's runner calls this node.
  public var node = ""
  public var log: Logger

  public init(network: Network, httpPort: UInt16?, ssdp: Endpoint?, pace: Double = 1, log: Logger) {
    self.network = network
    self.httpPort = httpPort
    self.ssdp = ssdp
    self.pace = pace
    self.log = log
  }

  /// Has the host use one more address, of an interface that it uses.
  public mutating func add(_ address: IPAddress) {
    furtherAddresses.append(address)
    guard case .fixed(var states) = network, let last = states.indices.last else { return }
    if states.contains(where: { $0.addresses.contains { $0.address == address } }) { return }
    let length = states[last].addresses.first?.prefixLength ?? address.bitWidth
    states[last].addresses.append(CIDR(address, prefixLength: length))
    network = .fixed(states)
  }
}

/// Why a program cannot start or go on: one sentence, and the exit status that goes with it.
public struct HostError: Error, Sendable, Hashable, CustomStringConvertible {
  public var exitStatus: Int32
  public var description: String

  /// A wrong flag, variable or file that one of them names: exit 2.
  public static func usage(_ sentence: String) -> HostError { HostError(exitStatus: 2, description: sentence) }
  /// The system refuses what is needed: exit 1.
  public static func failed(_ sentence: String) -> HostError { HostError(exitStatus: 1, description: sentence) }
}
