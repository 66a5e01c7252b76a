/// Which link ends of a home are to be up: pure bookkeeping over power, plugs and a plan.
struct Carrier: Sendable {
  private var powered: Set<String>
  private var unplugged: Set<Int> = []
  /// Outside links that are cut, apart from plugs: `restore wan` must not plug in what was unplugged.
  private var cut: Set<Int> = []
  /// The state that every tap was last given, by place in the plan.
  private var isUp: [Bool]

  /// Switches, hubs and access points have power from the start, everything else has none.
  init(_ plan: HomePlan) {
    powered = Set(plan.bridgeOfNode.keys)
    isUp = plan.taps.map { _ in false }
    isUp = plan.taps.indices.map { wants($0, plan) }
  }

  func isUp(tap: Int) -> Bool { isUp[tap] }

  /// The own interfaces of a wire are up while every link end that it joins is.
  func isUp(wire: HomePlan.Wire) -> Bool { wire.taps.allSatisfy { isUp[$0] } }

  mutating func set(_ power: Power, of node: String) {
    switch power {
    case .on: powered.insert(node)
    case .off: powered.remove(node)
    }
  }

  mutating func setPlug(_ plug: Plug, of tap: Int) {
    switch plug {
    case .in: unplugged.remove(tap)
    case .out: unplugged.insert(tap)
    }
  }

  mutating func setCut(_ plug: Plug, of tap: Int) {
    switch plug {
    case .in: cut.remove(tap)
    case .out: cut.insert(tap)
    }
  }

  /// The taps whose state must change, which are then taken as changed.
  mutating func changes(_ plan: HomePlan) -> [(tap: Int, isUp: Bool)] {
    var result: [(tap: Int, isUp: Bool)] = []
    for tap in plan.taps.indices {
      let wanted = wants(tap, plan)
      if wanted != isUp[tap] { result.append((tap, wanted)) }
      isUp[tap] = wanted
    }
    return result
  }

  private func wants(_ tap: Int, _ plan: HomePlan) -> Bool {
    let end = plan.taps[tap]
    return powered.contains(end.node) && end.heldBy.map(powered.contains) ?? true && !unplugged.contains(tap)
      && !cut.contains(tap)
  }
}
