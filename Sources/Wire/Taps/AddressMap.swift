import Octets

/// Which loopback addresses stand for which addresses of a topology.
///
/// On loopback a network of the topology is a part of 127.0.0.0/8, and so are the addresses that programs are told and
/// say to each other. A capture keeps the octets as they were; whoever reads it applies this map to the text in them.
public struct AddressMap: Sendable, Hashable {
  /// A block of addresses and what it stands for; both prefixes are equally long.
  public struct Rule: Sendable, Hashable {
    /// What is on the wire: a part of 127.0.0.0/8, or a multicast group.
    public var near: CIDR
    /// What it stands for.
    public var far: CIDR
    /// The network, by qualified name, whose addresses these are; empty where it is none's.
    public var network: String

    public init(near: CIDR, far: CIDR, network: String = "") {
      self.near = near
      self.far = far
      self.network = network
    }
  }

  public private(set) var rules: [Rule] = []

  public init(_ rules: [Rule] = []) { add(rules) }

  public var isEmpty: Bool { rules.isEmpty }

  public mutating func add(_ more: [Rule]) {
    rules += more.filter { !rules.contains($0) }
    // The longest prefix is the one that counts.
    rules.sort { $0.near.prefixLength > $1.near.prefixLength }
  }

  /// The topology's address for one on the wire; the same where no rule knows it.
  public func far(_ near: IPAddress) -> IPAddress {
    guard let rule = rules.first(where: { $0.near.contains(near) }) else { return near }
    return AddressMap.moved(near, to: rule.far)
  }

  /// The address on the wire for one of the topology; `nil` where no rule knows it.
  ///
  /// - Parameter networks: where several networks have the address, those that come first in this list win.
  public func near(_ far: IPAddress, preferring networks: [String] = []) -> IPAddress? {
    let found = rules.filter { $0.far.contains(far) }
    let best = found.min { (place($0, networks), -$0.far.prefixLength) < (place($1, networks), -$1.far.prefixLength) }
    return best.map { AddressMap.moved(far, to: $0.near) }
  }

  private func place(_ rule: Rule, _ networks: [String]) -> Int {
    networks.firstIndex(of: rule.network) ?? networks.count
  }

  private static func moved(_ address: IPAddress, to block: CIDR) -> IPAddress {
    guard case .v4(let bits) = address, case .v4(let base) = block.network.address else { return address }
    let hosts: UInt32 =
      block.prefixLength == 0 ? .max : block.prefixLength == 32 ? 0 : .max >> UInt32(block.prefixLength)
    return .v4(base | bits & hosts)
  }

  // MARK: In text

  /// The octets with every loopback address of the map, in dotted decimal, as the topology's.
  public func restored(_ octets: [UInt8]) -> [UInt8] {
    isEmpty
      ? octets
      : DottedText.rewriting(octets) { address in
        let far = self.far(address)
        return far == address ? nil : far
      }
  }

  public func restored(_ text: String) -> String {
    isEmpty ? text : String(decoding: restored(Array(text.utf8)), as: UTF8.self)
  }

  /// The octets with every address of the topology, in dotted decimal, as the loopback one that stands for it.
  public func mapped(_ octets: [UInt8], preferring networks: [String] = []) -> [UInt8] {
    isEmpty ? octets : DottedText.rewriting(octets) { near($0, preferring: networks) }
  }

  public func mapped(_ text: String, preferring networks: [String] = []) -> String {
    isEmpty ? text : String(decoding: mapped(Array(text.utf8), preferring: networks), as: UTF8.self)
  }
}

/// Addresses in dotted decimal within other text.
enum DottedText {
  /// Replaces each IPv4 address that is no part of a longer number for which `replacement` knows another.
  static func rewriting(_ octets: [UInt8], _ replacement: (IPAddress) -> IPAddress?) -> [UInt8] {
    var result: [UInt8] = []
    var copied = 0
    var at = 0
    while at < octets.count {
      guard octets[at].isDecimalDigit else {
        at += 1
        continue
      }
      // A run of digits and dots; a dot at its end closes a sentence.
      var end = at
      while end < octets.count, octets[end].isDecimalDigit || octets[end] == UInt8(ascii: ".") { end += 1 }
      var length = end
      while octets[length - 1] == UInt8(ascii: ".") { length -= 1 }
      let isInWord = at > 0 && octets[at - 1].isWordOctet || length < octets.count && octets[length].isWordOctet
      if !isInWord, (7...15).contains(length - at),
        let address = IPAddress(String(decoding: octets[at..<length], as: UTF8.self)), let other = replacement(address)
      {
        result += octets[copied..<at] + Array(other.description.utf8)
        copied = length
      }
      at = end
    }
    return copied == 0 ? octets : result + octets[copied...]
  }
}

extension UInt8 {
  /// Letters and `_`: what makes digits beside it a part of a name.
  fileprivate var isWordOctet: Bool {
    switch self {
    case 0x41...0x5A, 0x61...0x7A, 0x5F: true
    default: false
    }
  }
}
