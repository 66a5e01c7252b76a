import Octets

/// Who reaches whom in a home whose links are up and down as they are: what cables, switches and gateways would carry.
struct Reachability {
  /// An interface of a place of the plan.
  struct Seat: Hashable {
    var place: Int
    var interface: Int
  }

  private struct Spot: Hashable {
    var segment: Int32
    var address: IPAddress
  }

  private let plan: HomePlan
  /// The sides of gateways that lead out.
  private let outside: Set<Seat>
  /// The segment in which an interface is, where its link is up.
  private var segments: [Seat: Int32] = [:]
  private var holders: [Spot: Seat] = [:]

  init(_ plan: HomePlan, _ carrier: Carrier, outside: Set<Seat>) {
    self.plan = plan
    self.outside = outside
    var joined: [Int32: Int32] = [:]
    func root(_ bridge: Int32) -> Int32 {
      var bridge = bridge
      while let next = joined[bridge] { bridge = next }
      return bridge
    }
    for (number, tap) in plan.taps.enumerated() {
      guard case .tap(let other) = tap.far, carrier.isUp(tap: number), carrier.isUp(tap: other) else { continue }
      let (a, b) = (root(tap.bridge), root(plan.taps[other].bridge))
      if a != b { joined[a] = b }
    }
    for (number, tap) in plan.taps.enumerated() {
      guard case .interface(let place, let interface) = tap.far, carrier.isUp(tap: number) else { continue }
      let seat = Seat(place: place, interface: interface)
      segments[seat] = root(tap.bridge)
      guard let address = plan.places[place].interfaces[interface].address else { continue }
      holders[Spot(segment: root(tap.bridge), address: address.address)] = seat
    }
  }

  /// Whether an interface's link carries anything.
  func isUp(_ seat: Seat) -> Bool { segments[seat] != nil }

  /// Whose interface a packet from a place to an address comes to; `nil` where it is lost.
  func destination(of address: IPAddress, from place: Int) -> Seat? {
    var here = place
    // Where the packet came in, on its way through gateways.
    var entrance: Int?
    for _ in 0..<8 {
      let interfaces = plan.places[here].interfaces
      if let own = interfaces.firstIndex(where: { $0.address?.address == address }) {
        return here == place ? nil : Seat(place: here, interface: own)
      }
      // A gateway translates, and lets nothing in that nobody inside asked for.
      if let entrance, outside.contains(Seat(place: here, interface: entrance)) { return nil }
      if let near = interfaces.firstIndex(where: { $0.address?.contains(address) ?? false }) {
        guard let segment = segments[Seat(place: here, interface: near)] else { return nil }
        return holders[Spot(segment: segment, address: address)]
      }
      guard let gateway = plan.places[here].gateway,
        interfaces.indices.contains(plan.places[here].gatewayInterface),
        interfaces[plan.places[here].gatewayInterface].address?.contains(gateway) ?? false,
        let segment = segments[Seat(place: here, interface: plan.places[here].gatewayInterface)],
        let next = holders[Spot(segment: segment, address: gateway)], plan.places[next.place].forwards
      else { return nil }
      here = next.place
      entrance = next.interface
    }
    return nil
  }
}
