import LinuxNetwork
import Octets
import TopologyLanguage

/// Carries a ``HomePlan`` out: some ten system calls, and three more a node.
struct NamespaceBuilder {
  let plan: HomePlan
  let carrier: Carrier
  /// What links do to frames, by their name in results.
  let qualities: [String: [LinkQuality]]
  let seed: UInt64
  let gate: (any FrameGate)?

  /// Makes the home, its capture into `folder` included. What was made so far is freed when this throws.
  func build(folder: String, recording: Recording) throws -> NamespaceHome.Running {
    DescriptorLimit.raise()
    let (worldNamespace, world) = try NetworkNamespace.make([.withoutIPv6])
    var capture: Capture?
    if recording == .frames {
      capture = try Capture(world: worldNamespace, taps: plan.taps, path: folder + "/capture.pcapng")
    }
    do {
      let running = try build(worldNamespace, world, folder: folder, capture: capture)
      // Nothing has power yet, so no frame has gone by unseen.
      try capture?.awaitOpen()
      return running
    } catch {
      capture?.abandon()
      throw error
    }
  }

  private func build(
    _ worldNamespace: NetworkNamespace, _ world: RouteSocket, folder: String, capture: Capture?
  ) throws -> NamespaceHome.Running {
    var places: [(namespace: NetworkNamespace, route: RouteSocket)] = []
    for place in plan.places {
      places.append(try NetworkNamespace.make(place.forwards ? [.withoutIPv6, .forwarding] : [.withoutIPv6]))
    }
    try world.perform(
      plan.bridges.map { .makeBridge(name: $0.name, index: $0.index, learning: $0.learns, mac: $0.mac?.octets) })
    try world.perform(links(places.map(\.namespace)))
    try world.perform(plan.wires.flatMap(links))
    // A switch that speaks HTIP knows its ports by these names.
    try world.perform(
      plan.taps.indices.compactMap { number in
        plan.taps[number].port.map { .set(index: plan.member(ofTap: number), alias: $0) }
      })
    let wire =
      plan.wires.isEmpty
      ? nil : try Wire(world: worldNamespace, plan: plan, qualities: qualities, seed: seed, gate: gate)
    for (place, made) in zip(plan.places, places) { try configure(place, made.route) }
    // Links between switches are on from the start, so they must carry frames when this returns.
    for (number, tap) in plan.taps.enumerated() where carrier.isUp(tap: number) && tap.isSwitchEnd {
      try world.awaitCarrier(.up, of: tap.index)
    }
    let resolv = folder + "/resolv.conf"
    try Files.write("# no name service here\n", to: resolv)
    return NamespaceHome.Running(
      world: world, worldNamespace: worldNamespace, places: places.map(\.namespace), routes: places.map(\.route),
      capture: capture, wire: wire,
      resolv: resolv)
  }

  private func links(_ places: [NetworkNamespace]) -> [NetlinkMessage] {
    var messages: [NetlinkMessage] = []
    for (number, tap) in plan.taps.enumerated() {
      let near = NetlinkMessage.VethEnd(
        name: tap.name, index: tap.index, mac: nil, state: carrier.isUp(tap: number) ? .up : .down,
        bridge: tap.isWired && !tap.isSwitchEnd ? nil : tap.bridge)
      switch tap.far {
      case .interface(let place, let interface):
        let inner = plan.places[place].interfaces[interface]
        let far = NetlinkMessage.VethEnd(name: inner.name, index: inner.index, mac: inner.mac.octets, state: .down)
        messages.append(.makeVeth(near: near, far: far, in: places[place]))
      case .tap where tap.isWired: break  // its other end is the wire's
      case .tap(let other) where other > number:
        let end = plan.taps[other]
        let far = NetlinkMessage.VethEnd(
          name: end.name, index: end.index, mac: nil, state: .down)
        messages += [.makeVeth(near: near, far: far, in: nil), .enslave(index: end.index, to: end.bridge)]
        if carrier.isUp(tap: other) { messages.append(.set(index: end.index, .up)) }
      case .tap: break  // made with its other end
      }
    }
    return messages
  }

  /// The veth pairs between a wire and what it joins.
  private func links(_ wire: HomePlan.Wire) -> [NetlinkMessage] {
    wire.ports.flatMap { port -> [NetlinkMessage] in
      let near = NetlinkMessage.VethEnd(
        name: port.name, index: port.index, mac: nil, state: carrier.isUp(wire: wire) ? .up : .down)
      switch port.partner {
      case .tap: return []
      case .bridge(let member):
        let far = NetlinkMessage.VethEnd(name: "m\(member)", index: member, mac: nil, state: .down)
        return [
          .makeVeth(near: near, far: far, in: nil), .enslave(index: member, to: plan.taps[wire.taps[0]].bridge),
          .set(index: member, .up),
        ]
      case .switchTap(let number):
        let tap = plan.taps[number]
        let far = NetlinkMessage.VethEnd(name: tap.name, index: tap.index, mac: nil, state: .down)
        return [.makeVeth(near: near, far: far, in: nil), .enslave(index: tap.index, to: tap.bridge)]
          + (carrier.isUp(tap: number) ? [.set(index: tap.index, .up)] : [])
      }
    }
  }

  private func configure(_ place: HomePlan.Place, _ route: RouteSocket) throws {
    var messages = [NetlinkMessage.set(index: 1, .up)]
    for interface in place.interfaces {
      try route.turnTransmitChecksumsOff(interface.name)
      messages.append(.set(index: interface.index, .up))
      guard let address = interface.address else { continue }
      messages.append(
        .add(address: address.address.octets, prefixLength: address.prefixLength, index: interface.index))
    }
    if let gateway = place.gateway {
      messages.append(
        .setDefaultRoute(gateway: gateway.octets, index: place.interfaces[place.gatewayInterface].index))
    }
    do { try route.perform(messages) } catch {
      throw BackendError("node \(place.node): \(error)")
    }
  }
}
