import LinuxNetwork
import Octets
import TopologyLanguage

extension LoopbackHome {
  public func linksWithCarrier() -> [String] { [] }

  public func setPower(_ power: Power, of node: String) throws {
    try change { state in
      guard state.plan.placeOf[node] != nil || state.plan.bridgeOfNode[node] != nil else {
        throw BackendError("there is no node \(node)")
      }
      state.carrier.set(power, of: node)
      switch power {
      case .on: if state.powered.insert(node).inserted { state.incarnations[node, default: 0] += 1 }
      case .off: state.powered.remove(node)
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
      let place = try NamespaceHome.place(gateway, state.plan)
      let outside = state.plan.outsideInterfaces(of: place, in: topology)
      guard !outside.isEmpty else { throw BackendError("\(gateway) has no link to the outside") }
      for (number, tap) in state.plan.taps.enumerated() {
        if case .interface(place, let interface) = tap.far, outside.contains(interface) {
          state.carrier.setCut(plug, of: number)
        }
      }
    }
  }

  public func move(_ node: String, to switchNode: String, newLink: String) throws {
    var tap = 0
    // Unplugged first: the node is to notice, and nothing may belong to both links.
    try change { state in
      let place = try NamespaceHome.place(node, state.plan)
      guard state.plan.bridgeOfNode[switchNode] != nil else {
        throw BackendError("\(switchNode) is no switch, hub or access point")
      }
      guard let number = state.plan.taps.firstIndex(where: { $0.far == .interface(place: place, interface: 0) }) else {
        throw BackendError("\(node) has no link that could be moved")
      }
      tap = number
      state.carrier.setPlug(.out, of: number)
    }
    try change { state in
      let recorder = try Self.running(state, self).recorder
      recorder.relabel(state.plan.taps[tap].index, link: newLink, node: node)
      state.plan.taps[tap].bridge = state.plan.bridgeOfNode[switchNode] ?? state.plan.taps[tap].bridge
      state.plan.taps[tap].heldBy = switchNode
      state.plan.taps[tap].link = newLink
      state.carrier.setPlug(.in, of: tap)
    }
  }

  public func degrade(_ link: String, by qualities: [LinkQuality]) throws { throw Self.unimpaired(link) }

  public func heal(link: String) throws { throw Self.unimpaired(link) }

  public func heal(node: String) throws { throw Self.unimpaired(node) }

  public func release(held number: Int) throws {
    try state.withLock { try Self.running($0, self).recorder.release(number) }
  }

  private static func unimpaired(_ name: String) -> BackendError {
    BackendError("the links of \(name) cannot be made worse on loopback", hint: "use --backend namespaces")
  }

  public func setAddress(_ address: CIDR?, gateway: IPAddress?, of node: String, interface: Int) throws {
    try change { state in
      let place = try NamespaceHome.place(node, state.plan)
      guard state.plan.places[place].interfaces.indices.contains(interface) else {
        throw BackendError("\(node) has no interface \(interface)")
      }
      if let address { state.plan.places[place].interfaces[interface].address = address }
      // As a kernel does: a gateway outside of the interface's subnet cannot be one.
      let kept = interface == state.plan.places[place].gatewayInterface ? state.plan.places[place].gateway : nil
      guard let gateway = gateway ?? kept else { return }
      if state.plan.places[place].interfaces[interface].address?.contains(gateway) ?? false {
        state.plan.places[place].gateway = gateway
        state.plan.places[place].gatewayInterface = interface
      } else if kept != nil {
        state.plan.places[place].gateway = nil
      }
    }
  }

  /// Changes the bookkeeping and tells the programs; both or neither.
  private func change(_ body: (inout State) throws -> Void) throws {
    try state.withLock { state in
      _ = try Self.running(state, self)
      let before = (state.plan, state.carrier, state.powered, state.incarnations)
      do {
        try body(&state)
        _ = state.carrier.changes(state.plan)
        try tellLinks(&state)
      } catch {
        (state.plan, state.carrier, state.powered, state.incarnations) = before
        throw error
      }
    }
  }
}
