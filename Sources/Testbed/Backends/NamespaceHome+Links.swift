import LinuxNetwork
import Octets
import TopologyLanguage

extension NamespaceHome {
  public func setPower(_ power: Power, of node: String) throws { try setPower(power, of: [node]) }

  /// Many at once take little longer than one.
  public func setPower(_ power: Power, of nodes: [String]) throws {
    try change { state in
      for node in nodes {
        guard state.plan.placeOf[node] != nil || state.plan.bridgeOfNode[node] != nil else {
          throw BackendError("there is no node \(node)")
        }
        state.carrier.set(power, of: node)
      }
    }
  }

  public func setPlugs(_ plug: Plug, of node: String) throws {
    try change { state in
      let ends = state.plan.taps.indices.filter {
        state.plan.taps[$0].node == node || state.plan.taps[$0].heldBy == node
      }
      guard !ends.isEmpty else { throw BackendError("\(node) has no link") }
      for end in ends { state.carrier.setPlug(plug, of: end) }
    }
  }

  public func setPlugs(_ plug: Plug, ofLink link: String) throws {
    try change { state in
      let ends = state.plan.taps.indices.filter { state.plan.taps[$0].link == link }
      guard !ends.isEmpty else { throw BackendError("there is no link \(link)") }
      for end in ends { state.carrier.setPlug(plug, of: end) }
    }
  }

  public func setOutside(_ plug: Plug, of gateway: String) throws {
    try change { state in
      let place = try Self.place(gateway, state.plan)
      let home = topology.nodes.first { $0.name == gateway }?.home
      let interfaces = state.plan.places[place].interfaces
      // Outside is every network of another home or of none; between two networks outside, the one named first.
      let outside = interfaces.indices.filter { index in
        guard let home else { return index == 0 }
        return topology.networks.first { $0.qualifiedName == interfaces[index].network }?.home != home
      }
      guard !outside.isEmpty else { throw BackendError("\(gateway) has no link to the outside") }
      for (number, tap) in state.plan.taps.enumerated() {
        if case .interface(place, let interface) = tap.far, outside.contains(interface) {
          state.carrier.setCut(plug, of: number)
        }
      }
    }
  }

  public func linksWithCarrier() throws -> [String] {
    state.withLock { state in
      let ends = Dictionary(grouping: state.plan.taps.indices) { state.plan.taps[$0].link }
      return ends.filter { $0.value.allSatisfy { state.carrier.isUp(tap: $0) } }.keys.sorted()
    }
  }

  /// Changes the bookkeeping, then brings link ends up and down accordingly; both or neither.
  private func change(_ body: (inout State) throws -> Void) throws {
    try state.withLock { state in
      let running = try Self.running(state, self)
      let before = state.carrier
      do {
        try body(&state)
        let changes = state.carrier.changes(state.plan)
        try running.world.perform(
          changes.map { .set(index: state.plan.taps[$0.tap].index, $0.isUp ? .up : .down) }
            + wireStates(changes.map(\.tap), state))
        try awaitCarrier(changes.map(\.tap), state, running)
      } catch {
        state.carrier = before
        throw error
      }
    }
  }

  /// A wire's own interfaces follow the link ends that it joins.
  private func wireStates(_ taps: [Int], _ state: borrowing State) -> [NetlinkMessage] {
    Set(taps.compactMap { state.plan.wire(ofTap: $0) }).sorted().flatMap { number -> [NetlinkMessage] in
      let wire = state.plan.wires[number]
      let isUp = state.carrier.isUp(wire: wire)
      return wire.ports.filter { $0.partner != .tap }.map { .set(index: $0.index, isUp ? .up : .down) }
    }
  }

  /// Returns when the link ends act as the bookkeeping says, so that what a node sends next is not lost.
  private func awaitCarrier(_ taps: [Int], _ state: borrowing State, _ running: Running) throws {
    for number in taps {
      let tap = state.plan.taps[number]
      switch tap.far {
      case .interface(let place, let interface):
        let isUp = state.carrier.isUp(tap: number)
        try running.world.awaitCarrier(isUp ? .up : .down, of: tap.index)
        try running.routes[place].awaitCarrier(
          isUp ? .up : .down, of: state.plan.places[place].interfaces[interface].index)
        if let wire = state.plan.wire(ofTap: number) {
          for case .bridge(let member) in state.plan.wires[wire].ports.map(\.partner) {
            try running.world.awaitCarrier(isUp ? .up : .down, of: member)
          }
        }
      case .tap(let other):
        let isUp = state.carrier.isUp(tap: number) && state.carrier.isUp(tap: other)
        try running.world.awaitCarrier(isUp ? .up : .down, of: tap.index)
      }
    }
  }

  public func move(_ node: String, to switchNode: String, newLink: String) throws {
    try state.withLock { state in
      let running = try Self.running(state, self)
      let place = try Self.place(node, state.plan)
      guard let bridge = state.plan.bridgeOfNode[switchNode] else {
        throw BackendError("\(switchNode) is no switch, hub or access point")
      }
      guard let number = state.plan.taps.firstIndex(where: { $0.far == .interface(place: place, interface: 0) }) else {
        throw BackendError("\(node) has no link that could be moved")
      }
      let tap = state.plan.taps[number]
      // Down first: the node is to notice, and no frame may belong to both links.
      try running.world.perform(.set(index: tap.index, .down))
      running.capture?.relabel(tap.index, link: newLink, node: node)
      var member = tap.index
      if let wire = state.plan.wire(ofTap: number) {
        for case .bridge(let port) in state.plan.wires[wire].ports.map(\.partner) { member = port }
        state.plan.wires[wire].nodes[1] = switchNode
        // Another cable, as good as new.
        state.qualities[newLink] = []
        for direction in 0...1 { running.wire?.set(Impairment(), wire: wire, direction: direction) }
      }
      let port = newLink.firstRange(of: "--").map { String(newLink[$0.upperBound...]) }
      state.plan.taps[number].port = state.plan.tellingSwitches.contains(switchNode) ? port : nil
      try running.world.perform([
        .enslave(index: member, to: bridge), .set(index: member, alias: state.plan.taps[number].port ?? ""),
      ])
      state.plan.taps[number].bridge = bridge
      state.plan.taps[number].heldBy = switchNode
      state.plan.taps[number].link = newLink
      state.carrier.setPlug(.in, of: number)
      _ = state.carrier.changes(state.plan)
      if state.carrier.isUp(tap: number) { try running.world.perform(.set(index: tap.index, .up)) }
      try running.world.perform(wireStates([number], state))
      try awaitCarrier([number], state, running)
    }
  }

  public func degrade(_ link: String, by qualities: [LinkQuality]) throws {
    try setQualities(of: link) { current in
      // What holds both ways takes the place of what held one way, and of the other way round only its own direction.
      current.removeAll { old in
        qualities.contains { $0.kind.isOfKind(old.kind) && ($0.towards == nil || $0.towards == old.towards) }
      }
      current += qualities
    }
  }

  public func heal(link: String) throws {
    let healthy = topology.links.first { $0.name == link }?.qualities ?? []
    try setQualities(of: link) { $0 = healthy }
  }

  public func heal(node: String) throws {
    let links = try state.withLock { state in
      let links = state.plan.taps.filter { $0.node == node || $0.heldBy == node }.map(\.link)
      guard !links.isEmpty else { throw BackendError("\(node) has no link") }
      return Set(links).filter { state.qualities[$0] != nil || wiring.includes($0) }
    }
    for link in links.sorted() { try heal(link: link) }
  }

  private func setQualities(of link: String, _ body: (inout [LinkQuality]) -> Void) throws {
    try state.withLock { state in
      let running = try Self.running(state, self)
      guard state.plan.taps.contains(where: { $0.link == link }) else { throw BackendError("there is no link \(link)") }
      body(&state.qualities[link, default: []])
      let qualities = state.qualities[link] ?? []
      guard let number = state.plan.wires.firstIndex(where: { state.plan.taps[$0.taps[0]].link == link }) else {
        if qualities.isEmpty { return }
        throw BackendError("the link \(link) does not pass through the wire")
      }
      for direction in 0...1 {
        let towards = state.plan.wires[number].nodes[1 - direction]
        running.wire?.set(Impairment(qualities, towards: towards), wire: number, direction: direction)
      }
    }
  }

  public func release(held number: Int) throws {
    try state.withLock { state in try Self.running(state, self).wire?.release(number) }
  }

  public func setAddress(_ address: CIDR?, gateway: IPAddress?, of node: String, interface: Int) throws {
    try state.withLock { state in
      let place = try Self.place(node, state.plan)
      let running = try Self.running(state, self)
      guard state.plan.places[place].interfaces.indices.contains(interface) else {
        throw BackendError("\(node) has no interface \(interface)")
      }
      let plan = state.plan.places[place].interfaces[interface]
      let route = running.routes[place]
      if let address {
        try route.replaceAddresses(
          of: plan.index, with: address.address.octets, prefixLength: address.prefixLength)
        state.plan.places[place].interfaces[interface].address = address
      }
      // The kernel forgets the default route with the address that it went through.
      let kept = interface == state.plan.places[place].gatewayInterface ? state.plan.places[place].gateway : nil
      if let gateway = gateway ?? kept {
        let reachable = state.plan.places[place].interfaces[interface].address?.contains(gateway.self) ?? false
        if reachable {
          try route.perform(.setDefaultRoute(gateway: gateway.octets, index: plan.index))
          state.plan.places[place].gateway = gateway
          state.plan.places[place].gatewayInterface = interface
        }
      }
    }
  }
}

extension LinkQuality.Kind {
  /// Whether both say the same of a link, with whatever value.
  func isOfKind(_ other: LinkQuality.Kind) -> Bool {
    switch (self, other) {
    case (.rate, .rate), (.delay, .delay), (.jitter, .jitter), (.loss, .loss), (.duplicate, .duplicate),
      (.reorder, .reorder):
      true
    default: false
    }
  }
}
