import Octets
import Packets
import Taps

/// Which address on the wire is whose, and at which link end its frames stand: a plan in the terms of taps.
struct HomeSeats: Sendable {
  typealias Seat = Reachability.Seat

  private struct Holder: Sendable {
    var seat: Seat
    var address: IPAddress
    var hardware: MACAddress
    var network: String
  }

  private let map: AddressMap
  private var holders: [IPAddress: Holder] = [:]
  private var taps: [Seat: Int32] = [:]
  /// By network: the gateways that have an interface there.
  private var gateways: [String: [Holder]] = [:]
  private var networksOfPlace: [Int: Set<String>] = [:]
  private let placeOf: [String: Int]
  /// By tap's number, the first interface of its node.
  private var receivers: [Int: Seat] = [:]

  init(_ plan: HomePlan, map: AddressMap) {
    self.map = map
    placeOf = plan.placeOf
    for tap in plan.taps {
      if case .interface(let place, let interface) = tap.far {
        taps[Seat(place: place, interface: interface)] = tap.index
      }
    }
    for (place, node) in plan.places.enumerated() {
      for (number, interface) in node.interfaces.enumerated() {
        networksOfPlace[place, default: []].insert(interface.network)
        guard let address = interface.address?.address else { continue }
        let holder = Holder(
          seat: Seat(place: place, interface: number), address: address, hardware: interface.mac,
          network: interface.network)
        holders[map.near(address, preferring: [interface.network]) ?? address] = holder
        if node.forwards { gateways[interface.network, default: []].append(holder) }
      }
    }
  }

  mutating func add(_ tap: Int, node: String) { receivers[tap] = placeOf[node].map { Seat(place: $0, interface: 0) } }

  /// This, and what it does not know of an earlier state: what was told then may be read later.
  func following(_ earlier: HomeSeats) -> HomeSeats {
    var result = self
    result.holders.merge(earlier.holders) { new, _ in new }
    result.receivers.merge(earlier.receivers) { new, _ in new }
    return result
  }

  func seat(of near: IPAddress) -> Seat? { holders[near]?.seat }

  func tap(of seat: Seat) -> Int32? { taps[seat] }

  func receiver(_ tap: Int) -> Seat? { receivers[tap] }

  /// An end as it is on the link: with the topology's address.
  func link(_ near: Endpoint) -> LinkEndpoint {
    if let holder = holders[near.address] {
      return LinkEndpoint(hardware: holder.hardware, endpoint: Endpoint(holder.address, near.port))
    }
    let far = map.far(near.address)
    return LinkEndpoint(hardware: HomeSeats.hardware(of: far), endpoint: Endpoint(far, near.port))
  }

  /// The link address of a group (RFC 1112 section 6.4); for an address that nobody has, one that nobody has.
  private static func hardware(of address: IPAddress) -> MACAddress {
    guard case .v4(let bits) = address, address.isMulticast else { return MACAddress(bits: 0x0200_5E00_00FF) }
    return MACAddress(bits: 0x0100_5E00_0000 | UInt64(bits & 0x7F_FFFF))
  }

  /// A gateway on a packet's way.
  struct Passage {
    /// Where it came in; `nil` where its sender's own address is not known any more.
    var entrance: Seat?
    /// Where it goes out, and from which link address.
    var exit: Seat
    var hardware: MACAddress
  }

  /// The gateway by which a packet of `client` comes to `seat`; `nil` where both are in one network.
  func gateway(before seat: Seat, from client: IPAddress) -> Passage? {
    guard let network = holders.values.first(where: { $0.seat == seat })?.network else { return nil }
    let candidates = gateways[network] ?? []
    if let holder = holders[client] {
      // Translated on the way: it comes from the gateway's own address.
      if let own = candidates.first(where: { $0.seat == holder.seat }) {
        return Passage(entrance: inner(of: own), exit: own.seat, hardware: own.hardware)
      }
      guard holder.network != network else { return nil }
      let way = candidates.first { networksOfPlace[$0.seat.place]?.contains(holder.network) ?? false }
      return (way ?? candidates.first).map { exit in
        let entrance = gateways[holder.network]?.first { $0.seat.place == exit.seat.place }?.seat
        return Passage(entrance: entrance, exit: exit.seat, hardware: exit.hardware)
      }
    }
    return nil
  }

  /// Another interface of the gateway.
  private func inner(of exit: Holder) -> Seat? {
    gateways.values.joined().filter { $0.seat.place == exit.seat.place && $0.seat != exit.seat }.map(\.seat).min {
      $0.interface < $1.interface
    }
  }
}
