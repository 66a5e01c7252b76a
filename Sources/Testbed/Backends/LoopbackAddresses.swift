import CLinux
import Glibc
import LinuxNetwork
import Octets
import Taps
import TopologyLanguage

/// The addresses of a home on loopback: 127.A.B.0/24 for each network B of the home, which has claimed A for itself.
struct LoopbackAddresses: Sendable {
  /// The second octet, claimed among all homes on this machine.
  let number: UInt8
  /// Frees the number when its last descriptor is closed; programs hold it too, so that nobody moves in before they
  /// have moved out.
  let claim: Descriptor
  private(set) var map: AddressMap
  private var lastNetwork: UInt32 = 0

  /// What the second octet may be; 127.0.x.x is full of other people's services.
  static let numbers: ClosedRange<UInt8> = 1...254

  /// Claims a number and gives every network of the topology its part.
  ///
  /// - Parameter names: what the numbers' names begin with, in which they are claimed.
  /// - Throws: ``BackendError`` where all are taken, and for a network that does not fit.
  init(_ topology: Topology, names: String = "homebed-127.") throws {
    (number, claim) = try LoopbackAddresses.claimed(names)
    map = AddressMap()
    // Parallel runs must not hear each other's discovery.
    let group = IPAddress.v4(0xEFFF_00FA | UInt32(number) << 8)
    map.add([AddressMap.Rule(near: CIDR(group, prefixLength: 32), far: CIDR(Self.ssdpGroup, prefixLength: 32))])
    for network in topology.networks { try add(network.prefix.network, network.qualifiedName) }
  }

  /// 239.255.255.250, where SSDP is spoken (UDA 2.0 clause 1.1).
  static let ssdpGroup = IPAddress.v4(0xEFFF_FFFA)

  private static func claimed(_ names: String) throws -> (UInt8, Descriptor) {
    // Runs that begin at the same time do not all knock at the same doors.
    let first = UInt8.random(in: numbers)
    for number in Array(first...numbers.upperBound) + Array(numbers.lowerBound..<first) {
      if let claim = try UnixSocket.claim("\(names)\(number)") { return (number, claim) }
    }
    throw BackendError(
      "no network 127.A.0.0/16 is left: \(numbers.count) homes are on loopback already",
      hint: "wait until other runs have ended, or give fewer --jobs")
  }

  private mutating func add(_ prefix: CIDR, _ name: String) throws {
    guard case .v4(let bits) = prefix.address else {
      throw BackendError("the network \(name) has the prefix \(prefix): on loopback there is IPv4 alone")
    }
    guard prefix.prefixLength >= 24 else {
      throw BackendError(
        "the network \(name) has the prefix \(prefix): on loopback a network has 24 bits at least",
        hint: "give it a prefix of 24 to 30 bits, or use --backend namespaces")
    }
    guard lastNetwork < 254 else {
      throw BackendError("there are more than 254 networks in this home, which is all that 127.\(number).0.0/16 has")
    }
    lastNetwork += 1
    let near = 127 << 24 | UInt32(number) << 16 | lastNetwork << 8 | bits & 0xFF
    map.add([
      AddressMap.Rule(near: CIDR(.v4(near), prefixLength: prefix.prefixLength), far: prefix, network: name)
    ])
  }

  /// The loopback address for one of the topology, in a network's own part where the network has it; one that no
  /// network has (a wrong one, given on purpose) gets a part of its own.
  mutating func near(_ far: IPAddress, in network: String) throws -> IPAddress {
    if let near = map.near(far, preferring: [network]) { return near }
    try add(CIDR(far, prefixLength: 24).network, "")
    return map.near(far) ?? far
  }

  mutating func near(_ far: CIDR, in network: String) throws -> CIDR {
    CIDR(try near(far.address, in: network), prefixLength: max(24, far.prefixLength))
  }
}
