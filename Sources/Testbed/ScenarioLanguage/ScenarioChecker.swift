import LanguageKit
import Messages
import TopologyLanguage

/// Holds a scenario against its topology and the message catalogue.
struct ScenarioChecker {
  let scenario: Scenario
  let parser: ScenarioParser
  let names: TopologyNames?
  let report: DiagnosticReport

  init(scenario: Scenario, parser: ScenarioParser, topology: Topology?, report: DiagnosticReport) {
    self.scenario = scenario
    self.parser = parser
    names = topology.map { TopologyNames($0) }
    self.report = report
  }

  /// - Returns: the variants, none where there are errors.
  mutating func check() -> [Variant] {
    ScenarioVariants.all(of: scenario) ?? []
  }
}
