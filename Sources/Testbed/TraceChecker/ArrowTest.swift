import ScenarioLanguage
import TopologyLanguage

/// Whether an event is one that an arrow speaks of: FROM, TO, NAME, and every condition of `where` and `with`.
public struct ArrowTest: Sendable {
  private let line: Line

  public init(_ arrow: Arrow, in topology: Topology) { line = Planner.line(of: arrow, topology) }

  public func accepts(_ event: Event) -> Bool {
    line.accepts(from: event.from, to: event.to, name: event.name) && line.selects(event.fields, [:])
      && line.approves(event.fields, [:])
  }
}
