import Octets

/// What was in a capture and is no message of the catalogue, counted by what it is.
public struct TrafficCounts: Sendable {
  /// A kind of traffic.
  enum Kind: Hashable, Sendable {
    case etherType(UInt16)
    case ipProtocol(UInt8)
    case fragment
    case linkType(UInt16)
    case datagram(IPAddress, UInt16)
    case connection(IPAddress, UInt16, String)
    case http(String)
    case words(String)
  }

  private var counts: [Kind: Int] = [:]
  private var others = 0
  static let limit = 2048

  mutating func add(_ kind: Kind) {
    if let count = counts[kind] {
      counts[kind] = count + 1
    } else if counts.count < TrafficCounts.limit {
      counts[kind] = 1
    } else {
      others += 1
    }
  }

  public var isEmpty: Bool { counts.isEmpty }

  /// Each kind in words with its count, the most frequent first.
  public var lines: [(what: String, count: Int)] {
    var list = counts.map { (what: TrafficCounts.text($0.key), count: $0.value) }
    if others > 0 { list.append((what: "other traffic, too varied to tell apart", count: others)) }
    return list.sorted { ($1.count, $0.what) < ($0.count, $1.what) }
  }

  private static func text(_ kind: Kind) -> String {
    switch kind {
    case .etherType(0x86DD): "IPv6 packets"
    case .etherType(0x88CC): "LLDP frames that are not sent to the broadcast address"
    case .etherType(let type) where type < 1536: "IEEE 802.3 frames without an EtherType"
    case .etherType(let type): "frames of EtherType \([UInt8(type >> 8), UInt8(truncatingIfNeeded: type)].hex())"
    case .ipProtocol(2): "IGMP packets"
    case .ipProtocol(let number): "IP packets of protocol \(number)"
    case .fragment: "IPv4 datagrams of which fragments are missing"
    case .linkType(let type): "frames of link type \(type)"
    case .datagram(let address, let port): "UDP to \(address) port \(port): not a message"
    case .connection(let address, let port, let reason): "TCP connection to \(address) port \(port): \(reason)"
    case .http(let what): "HTTP \(what): no message of the catalogue"
    case .words(let what): what
    }
  }
}
