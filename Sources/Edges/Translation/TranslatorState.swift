import LinuxNetwork
import Octets

/// What the forwarding thread and the mapping of ports share.
struct TranslatorState: Sendable {
  var translator: PacketTranslator
  var sides = InterfaceSides()
  var wake: WakeUp?
  let seed: UInt64

  init(_ translator: PacketTranslator) {
    self.translator = translator
    var numbers = SystemRandomNumberGenerator()
    seed = numbers.next()
  }

  mutating func take(_ sides: InterfaceSides) {
    self.sides = sides
    translator.move(to: sides.outer)
    translator.inner = sides.inner
    translator.own = Set(sides.ownAddresses.compactMap { UDPEnd(Endpoint($0, 0))?.address })
  }

  /// The largest packet of the side that an outcome goes to.
  func mtu(towards side: PacketTranslator.Side, _ outcome: PacketTranslator.Outcome) -> Int {
    if case .forward(_, let to) = outcome { return to == .inside ? sides.innerMTU : sides.outerMTU }
    return side == .inside ? sides.innerMTU : sides.outerMTU
  }
}

/// The kernel's rules and what else was changed in the system.
struct KernelSide {
  var rules: KernelRules
  var filter: PacketFilter?
  var switches = SystemSwitches()
  /// The interfaces that the rules were made for.
  var indices: [Int32: PacketTranslator.Side] = [:]

  init(rules: KernelRules) { self.rules = rules }
}

/// Which of the machine's interfaces lead where, and the addresses that they have.
struct InterfaceSides: Sendable, Hashable {
  var indices: [Int32: PacketTranslator.Side] = [:]
  var outerAddresses: Set<IPAddress> = []
  var ownAddresses: Set<IPAddress> = []
  var outer: UInt32?
  var inner: UInt32?
  var outerMTU = 1500
  var innerMTU = 1500
  /// How many interfaces there should be.
  var expected = 0

  init() {}

  init(_ interfaces: [NetworkInterface], outside: [String], inside: [String]) {
    expected = outside.count + inside.count
    for interface in interfaces {
      for address in interface.addresses {
        guard let own = IPAddress(address.octets) else { continue }
        ownAddresses.insert(own)
        let network = CIDR(own, prefixLength: address.prefixLength)
        if let broadcast = network.broadcast { ownAddresses.insert(broadcast) }
      }
    }
    let outer = outside.compactMap { name in interfaces.first { $0.name == name } }
    let inner = inside.compactMap { name in interfaces.first { $0.name == name } }
    for interface in outer { indices[interface.index] = .outside }
    for interface in inner { indices[interface.index] = .inside }
    self.outer = Self.firstAddress(outer)
    self.inner = Self.firstAddress(inner)
    outerAddresses = Set(outer.flatMap(\.addresses).compactMap { IPAddress($0.octets) })
    outerMTU = outer.compactMap { PacketOutlet.largestPacket(of: $0.name) }.min() ?? 1500
    innerMTU = inner.compactMap { PacketOutlet.largestPacket(of: $0.name) }.min() ?? 1500
  }

  private static func firstAddress(_ interfaces: [NetworkInterface]) -> UInt32? {
    interfaces.lazy.compactMap(\.addresses.first).first.flatMap { IPAddress($0.octets) }
      .flatMap { UDPEnd(Endpoint($0, 0))?.address }
  }
}
