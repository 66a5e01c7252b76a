import ScenarioLanguage
import TopologyLanguage

/// Facts about what a configurator knows of the links (clause 5, HTIP).
extension HomeConductor {
  func knows(_ configurator: Node, _ known: Node, at place: Reference?) async throws -> FactReader.Reading {
    try await compared(configurator) { answer in
      var end: TopologyTruth.End?
      if let place, case .port(let node, let port) = try names.resolve(place) {
        end = TopologyTruth.End(node: node.name, port: port)
      }
      return answer?.has(known.name, at: end) ?? false
    }
  }

  func topologyMatches(_ configurator: Node) async throws -> FactReader.Reading {
    try await compared(configurator) { answer in
      let truth = TopologyTruth(
        topology, home: configurator.home, links: try running().linksWithCarrier(),
        shows: { node in
          switch node.kind {
          case .configurator, .homeGateway, .ce, .switch: programs.isReady(node.name)
          case .host, .hub, .accessPoint, .mobile, .serviceServer: false
          }
        })
      return answer == truth
    }
  }

  private func compared(
    _ configurator: Node, _ holds: (TopologyTruth?) throws -> Bool
  ) async throws -> FactReader.Reading {
    guard let facts else { return .unreadable("the home is not up") }
    switch await facts.topology(at: configurator) {
    case .value(let answer):
      return .value(.bool(try holds(TopologyTruth(answer, of: topology, home: configurator.home))))
    case .nothing: return .value(false)
    case let other: return other
    }
  }
}
