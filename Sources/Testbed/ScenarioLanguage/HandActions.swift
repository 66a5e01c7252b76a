import LanguageKit
import TopologyLanguage

/// Actions that somebody writes by hand for a home that runs, outside of any scenario.
public enum HandActions {
  /// Reads and checks actions, one a line.
  /// - Parameters:
  ///   - source: what errors call the text, in a file's place.
  ///   - topology: the home's.
  /// - Returns: the actions where there are no errors, and everything that is to be told.
  public static func read(
    _ text: String, called source: String, in topology: Topology
  ) -> (actions: [Action], diagnostics: [Diagnostic]) {
    let report = DiagnosticReport()
    var parser = ScenarioParser(file: source, octets: Array(text.utf8), report: report)
    let start = Position(file: source, line: 1, column: 1)
    if parser.reader.isAtEnd, !report.hasErrors {
      report.error(at: start, "there is no action", expected: "an action such as `unplug NODE`")
    }
    let actions = parser.handActions()
    let scenario = Scenario(
      name: source, title: nil, file: source, header: Header(topology: Located(topology.name, at: start)), given: nil,
      phases: [])
    var checker = ScenarioChecker(scenario: scenario, parser: parser, topology: topology, report: report)
    for action in actions { checker.check(action) }
    return (report.hasErrors ? [] : actions, report.diagnostics)
  }
}
