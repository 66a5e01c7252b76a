import Backends
import ScenarioLanguage

extension VariantRun {
  /// The links that the scenario may touch pass through the wire: those that it makes worse, and all where a fault may
  /// befall a message. All others are plain ones of the kernel.
  var wiring: Wiring {
    guard checked.scenario.actions.contains(where: { $0.trigger != nil }) else {
      return Wiring(links: linksToDegrade, seed: options.seed)
    }
    return Wiring(links: nil, seed: options.seed, gate: faults.gate)
  }

  /// The links that some action of the scenario may make worse.
  private var linksToDegrade: Set<String> {
    Set(
      checked.scenario.actions.compactMap { action in
        guard case .degrade(let a, let b, _, _) = action.act else { return nil }
        return try? link(a, b)
      })
  }
}

extension Scenario {
  /// Every action, in the order of the file.
  var actions: [Action] { (given?.actions ?? []) + phases.flatMap(\.when) }
}
