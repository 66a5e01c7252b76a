import TraceChecker

extension VariantRun {
  /// Reads the facts once, at the same time, and notes what they were.
  func poll(_ requests: [FactRequest]) async throws {
    var observations: [FactObservation] = []
    for request in requests { observations.append(request.observation(of: try await read(request.fact))) }
    note(.facts(observations, at: HostClock.wall()))
  }
}
