// Facts: those of `then`, and those that `expect` waits for (rule S9).

import ScenarioLanguage

/// What is known about the facts of the block that is being judged.
struct FactRecord: Sendable {
  /// Since when all facts of the `then` have been true; those `for` a time must stay so.
  var since: Int64?
  /// What was read last, by fact; `nil` where nothing could be read.
  var seen: [Int: JSONValue?] = [:]
  /// When each fact was last read and not true.
  var lastFalse: [Int: Int64] = [:]
  /// The fields of the newest `request-result` of the run.
  var lastResult: JSONValue?
}

extension Judge {
  func requests(_ facts: [Int]) -> [FactRequest] {
    facts.map { id in
      FactRequest(
        id: id, fact: plan.facts[id].fact, test: plan.facts[id].test, environment: saved)
    }
  }

  /// What the lines so far have saved.
  private var saved: Environment { (matcher?.waitingForFacts ?? past)?.environment ?? [:] }

  /// Whether the fact was true; what was read decides, the note's own word only where nothing was written down.
  private func holds(_ observation: FactObservation) -> Bool {
    guard let request = requests([observation.id]).first else { return false }
    if case .lastResult = request.fact.subject { return request.holds(factRecord.lastResult) }
    return observation.value.map { request.holds($0) } ?? observation.holds
  }

  mutating func observe(_ observations: [FactObservation], at time: Int64) {
    let known = observations.filter { plan.facts.indices.contains($0.id) }
    for observation in known {
      let isLastResult = if case .lastResult = plan.facts[observation.id].fact.subject { true } else { false }
      factRecord.seen[observation.id] = .some(isLastResult ? factRecord.lastResult : observation.value)
    }
    let holding = Set(known.filter(holds).map(\.id))
    defer {
      for observation in known where !holding.contains(observation.id) { factRecord.lastFalse[observation.id] = time }
    }
    switch stage {
    case .matching:
      guard let awaited = matcher?.awaitedFacts, !awaited.isDisjoint(with: holding) else { return }
      matcher?.observe(holding, lastFalse: factRecord.lastFalse, at: time)
      if matcher?.isDead ?? true { return failByMatcher(at: time) }
      passIfThrough(at: time)
    case .facts(let phase, let then):
      let facts = plan.phases[phase].thens[then]
      // A poll that did not ask for all of them was meant for something else.
      guard facts.allSatisfy({ id in known.contains { $0.id == id } }) else { return }
      judge(facts, holding, phase, then, at: time)
    case .given, .awaiting, .over: break
    }
  }

  private mutating func judge(_ facts: [Int], _ holding: Set<Int>, _ phase: Int, _ then: Int, at time: Int64) {
    let lasting = facts.filter { plan.facts[$0].duration != nil }
    if let since = factRecord.since {
      if lasting.contains(where: {
        !holding.contains($0) && time <= since.addingSaturated(plan.facts[$0].duration ?? 0)
      }) {
        return failByFacts(phase, then, at: time)
      }
    } else {
      guard facts.allSatisfy(holding.contains) else { return }
      factRecord.since = time
    }
    let since = factRecord.since ?? time
    guard lasting.allSatisfy({ time >= since.addingSaturated(plan.facts[$0].duration ?? 0) }) else { return }
    nextThen(phase, then, at: time)
  }

  private mutating func nextThen(_ phase: Int, _ then: Int, at time: Int64) {
    factRecord.since = nil
    if then + 1 < plan.phases[phase].thens.count {
      stage = .facts(phase: phase, then: then + 1)
      skipEmptyThens(at: time)
    } else {
      next(after: phase, at: time)
    }
  }

  /// A `then` whose facts are all off asks for nothing.
  mutating func skipEmptyThens(at time: Int64) {
    if case .facts(let phase, let then) = stage, plan.phases[phase].thens[then].isEmpty {
      nextThen(phase, then, at: time)
    }
  }
}
