import ScenarioLanguage
import TraceChecker

extension VariantRun {
  /// Performs the actions of `given`, each of which has to come true before the next one.
  func bringAboutGiven() async throws {
    note(.given(.began, at: HostClock.wall()))
    do {
      // Switches have power from the start; what speaks for them is there before anybody listens.
      let switches = topology.nodes.filter { $0.segment != nil && isPlayed($0) }
      for node in switches { try powerOn(node) }
      try await waitUntilUp(switches)
      for (index, action) in (checked.scenario.given?.actions ?? []).enumerated()
      where variant.allows(action.guardian) {
        note(.action(phase: nil, index: index, text: action.text, at: HostClock.wall()))
        try await perform(action, mode: .untilTrue)
      }
      note(.given(.done, at: HostClock.wall()))
    } catch let failure as ActionFailure {
      note(.given(.failed(failure.description), at: HostClock.wall()))
    }
  }

  /// Performs the actions of a phase.
  func perform(phase: Int) async throws {
    note(.phase(phase, at: HostClock.wall()))
    for (index, action) in checked.scenario.phases[phase].when.enumerated() where variant.allows(action.guardian) {
      note(.action(phase: phase, index: index, text: action.text, at: HostClock.wall()))
      do {
        try await perform(action, mode: .once)
      } catch let failure as ActionFailure {
        throw Stop(Judgement(.error, reason: "\(action.position): \(action.text): \(failure)"))
      }
    }
    note(.performed(phase: phase, at: HostClock.wall()))
  }
}
