import ArgumentParser
import JSONText
import Runner

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists scenarios with their clause, options and variants.")

  @Argument(help: "Scenario files or folders; scenarios/ if none is given.")
  var paths: [String] = []

  @Flag(help: "List the setting keys that scenarios and topologies may set.")
  var settings = false

  @Flag(help: "As JSON.")
  var json = false

  func run() throws {
    if settings { return say(json ? Listing.settingsJSON().pretty : Listing.settings()) }
    let suite = ScenarioSuite.read(paths.isEmpty ? ScenarioSuite.defaultPaths : paths)
    for diagnostic in suite.diagnostics where diagnostic.severity == .error { complain(diagnostic.rendered()) }
    guard suite.errorCount == 0 else { throw ExitCode(2) }
    guard !suite.scenarios.isEmpty else {
      complain("error: no scenario found in \(suite.searched.joined(separator: ", "))")
      throw ExitCode(2)
    }
    say(json ? Listing.scenariosJSON(suite).pretty : Listing.scenarios(suite))
  }
}
