import LanguageKit
import Octets

extension TopologyResolver {
  /// Where automatic addresses of anything but gateways begin, in networks that are large enough.
  private static let firstAutomatic: UInt64 = 10

  /// Takes the addresses that the file gives, then chooses the others, the same in every run.
  mutating func giveAddresses() {
    for node in nodes.indices {
      if case .serving(let from, let to, _)? = nodes[node].syntax.dhcp?.value {
        for interface in nodes[node].interfaces {
          networks[interface.network].reserved.append(from...to)
          let prefix = networks[interface.network].prefix
          if let prefix, prefix.contains(from), prefix.contains(to) { networks[interface.network].hasLeases = true }
        }
      }
    }
    for node in nodes.indices {
      for interface in nodes[node].interfaces.indices { takeGiven(node, interface) }
    }
    leaveToDHCP()
    // A gateway's inside comes first, so that it gets the network's first address, as people expect.
    for node in nodes.indices {
      for interface in nodes[node].insides where nodes[node].interfaces[interface].syntax.address == nil {
        choose(node, interface, from: 1)
      }
    }
    for node in nodes.indices where !nodes[node].isBridge {
      for interface in nodes[node].interfaces.indices where nodes[node].interfaces[interface].needsAddress {
        choose(node, interface, from: TopologyResolver.firstAutomatic)
      }
    }
  }

  /// Where there is a DHCP server, devices and bare machines that the file gives no address ask it for one.
  private mutating func leaveToDHCP() {
    for node in nodes.indices where nodes[node].kind.map(TopologyResolver.asking.contains) ?? false {
      if case .serving? = nodes[node].syntax.dhcp?.value { continue }
      for index in nodes[node].interfaces.indices {
        let interface = nodes[node].interfaces[index]
        nodes[node].interfaces[index].isLeased =
          interface.syntax.address == nil && !interface.syntax.isAutomatic && networks[interface.network].hasLeases
      }
    }
  }

  private static let asking: Set<Node.Kind> = [.ce, .configurator, .host, .mobile]

  private mutating func takeGiven(_ node: Int, _ index: Int) {
    let interface = nodes[node].interfaces[index]
    let name = nodes[node].qualifiedName
    let network = networks[interface.network]
    if let mac = interface.syntax.mac {
      if mac.value.isMulticast || mac.value.bits == 0 {
        report.error(at: mac.position, "`\(mac.value)` is no node's address", expected: "a unicast MAC address")
      }
    }
    if !nodes[node].isBridge || interface.syntax.mac != nil {
      if let other = network.usedMACs[interface.mac] {
        report.error(
          at: interface.syntax.mac?.position ?? nodes[node].syntax.name.position,
          "the MAC address `\(interface.mac)` is used twice in `\(network.name)`", expected: "an address of its own",
          hint: "`\(other)` has it")
      }
      networks[interface.network].usedMACs[interface.mac] = name
    }
    guard let address = interface.syntax.address else { return }
    nodes[node].interfaces[index].address = address.value
    guard let prefix = network.prefix else { return }
    guard prefix.contains(address.value) else {
      return report.error(
        at: address.position, "`\(address.value)` lies outside `\(network.name)`",
        expected: "an address in `\(prefix)`")
    }
    guard TopologyResolver.isHost(address.value, in: prefix) else {
      return report.error(
        at: address.position, "`\(address.value)` is the network's own or its broadcast address",
        expected: "a host's address in `\(prefix)`")
    }
    if network.reserved.contains(where: { $0.contains(address.value) }) {
      report.warning(at: address.position, "`\(address.value)` lies in the range that DHCP gives")
    }
    if let other = network.usedAddresses[address.value] {
      return report.error(
        at: address.position, "`\(address.value)` is used twice in `\(network.name)`",
        expected: "an address of its own",
        hint: other == name || nodes[node].syntax.range != nil
          ? "a range of nodes takes `address auto`"
          : "`\(other)` has it")
    }
    networks[interface.network].usedAddresses[address.value] = name
  }

  private mutating func choose(_ node: Int, _ index: Int, from first: UInt64) {
    let place = nodes[node].interfaces[index].network
    guard let prefix = networks[place].prefix else { return }
    let hosts = TopologyResolver.hostOffsets(of: prefix)
    let start = first + 8 <= hosts.upperBound ? max(first, hosts.lowerBound) : hosts.lowerBound
    // What was searched before is taken; only the addresses below the start are looked at again.
    let searched = first == 1 ? start : max(start, networks[place].nextOffset)
    for range in [searched...max(searched, hosts.upperBound), hosts.lowerBound...max(hosts.lowerBound, start)] {
      var offset = range.lowerBound
      while offset <= range.upperBound, offset <= hosts.upperBound {
        let address = TopologyResolver.address(in: prefix, at: offset)
        if let reserved = networks[place].reserved.first(where: { $0.contains(address) }) {
          // A reserved range is passed over in one step: it may be as large as the network.
          guard let end = TopologyResolver.offset(of: reserved.upperBound, in: prefix), end >= offset else { break }
          offset = end == .max ? .max : end + 1
          if end == .max { break }
          continue
        }
        if networks[place].usedAddresses[address] == nil {
          networks[place].usedAddresses[address] = nodes[node].qualifiedName
          nodes[node].interfaces[index].address = address
          if first != 1, offset >= start { networks[place].nextOffset = offset + 1 }
          return
        }
        offset += 1
      }
      if first != 1, range.lowerBound == searched { networks[place].nextOffset = hosts.upperBound }
    }
    report.error(
      at: nodes[node].syntax.name.position, "no address is free in `\(networks[place].name)`",
      expected: "a larger network than `\(prefix)`")
  }

  // MARK: Arithmetic

  /// Offsets from the network's address that hosts may have; at most 2^32 of them are looked at.
  private static func hostOffsets(of prefix: CIDR) -> ClosedRange<UInt64> {
    let bits = UInt64(prefix.address.bitWidth - prefix.prefixLength)
    if bits == 0 { return 0...0 }
    if bits == 1 { return 0...1 }
    let last = bits >= 32 ? UInt64(UInt32.max) : (1 << bits) - 1
    return 1...(prefix.address.bitWidth == 32 ? last - 1 : last)
  }

  private static func isHost(_ address: IPAddress, in prefix: CIDR) -> Bool {
    guard prefix.address.bitWidth - prefix.prefixLength > 1 else { return true }
    return address != prefix.network.address && address != prefix.broadcast
  }

  private static func address(in prefix: CIDR, at offset: UInt64) -> IPAddress {
    switch prefix.network.address {
    case .v4(let bits): .v4(bits &+ UInt32(truncatingIfNeeded: offset))
    case .v6(let high, let low): .v6(high: high, low: low | offset)
    }
  }

  private static func offset(of address: IPAddress, in prefix: CIDR) -> UInt64? {
    guard prefix.contains(address) else { return nil }
    switch (prefix.network.address, address) {
    case (.v4(let base), .v4(let bits)): return UInt64(bits &- base)
    case (.v6(_, let base), .v6(_, let low)): return low &- base
    default: return nil
    }
  }
}

extension TopologyResolver.InterfaceEntry {
  /// True where an address is still to be chosen.
  fileprivate var needsAddress: Bool { syntax.address == nil && address == nil && !isLeased }
}
