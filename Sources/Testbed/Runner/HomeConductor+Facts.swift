import JSONText
import ScenarioLanguage
import TopologyLanguage
import TraceChecker

extension HomeConductor {
  /// What is there to be read for a fact now; `nil` where nothing can be read.
  func read(_ fact: Fact) async throws -> JSONValue? {
    switch try await reading(of: fact.subject) {
    case .value(let value): return value
    case .nothing: return .null
    case .unreadable: return nil
    case .unsupported(let what):
      note(.unsupported(what, position: fact.position.description, at: HostClock.wall()))
      throw Stop(Judgement(.inconclusive, reason: "not supported yet: \(what) (\(fact.position))"))
    }
  }

  private func reading(of subject: Fact.Subject) async throws -> FactReader.Reading {
    guard let facts else { return .unreadable("the home is not up") }
    switch subject {
    case .configuration(let reference, _):
      return await facts.configuration(of: try node(reference), knowledge: knowledge)
    case .problem(let reference, _):
      switch await facts.status(of: try node(reference), knowledge: knowledge) {
      case .value(let status):
        return .value(.array((status["problems"]?.array ?? []).compactMap { $0["name"] }))
      case let other: return other
      }
    case .screen(let reference, _): return await facts.screen(of: try node(reference), knowledge: knowledge)
    case .agent(let configurator, let agent, _):
      // The configurator knows of the agent a moment before the agent does; until its register-reply was on the wire
      // nobody outside could tell, and what follows must not cut it off.
      let agent = try node(agent)
      guard knowledge.controlTokens[agent.id] != nil else { return .nothing }
      return await facts.agent(agent, at: try node(configurator))
    case .isUp(let reference):
      let node = try node(reference)
      // A mobile device and a bare machine run nothing of their own: they are up when they have power.
      return .value(.bool(isPlayed(node) ? programs.isReady(node.name) : powered.contains(node.name)))
    case .run(let reference, _):
      guard let record = programs.command(of: try node(reference).name) else { return .nothing }
      return .value(["status": record.status.map { .int($0) } ?? .null, "output": .string(record.output)])
    case .lastResult: return knowledge.lastResult.map { .value($0) } ?? .nothing
    case .connection(let reference, _) where try node(reference).kind == .ce:
      return await facts.peerConnection(of: try node(reference), knowledge: knowledge)
    case .connection(let reference, _):
      return knowledge.connection(of: try node(reference).name).map { .value($0) } ?? .nothing
    case .knows(let configurator, let known, let place):
      return try await knows(try node(configurator), try node(known), at: place)
    case .topologyMatches(let configurator): return try await topologyMatches(try node(configurator))
    }
  }

  /// The node that a reference means; the language's checker has seen to it that it means one.
  func node(_ reference: Reference) throws -> Node {
    switch try names.resolve(reference) {
    case .node(let node), .interface(let node, _), .port(let node, _), .radio(let node), .property(let node, _):
      return node
    case .home, .network:
      throw Stop(Judgement(.error, reason: "\(reference.position): \(reference) is no node"))
    }
  }
}
