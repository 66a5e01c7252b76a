import ArgumentParser
import Runner

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Parses and checks scenarios and topologies; tells every error at once.")

  @Argument(help: "Scenario and topology files, or folders with such files.")
  var paths: [String] = []

  func run() throws {
    let suite = ScenarioSuite.read(paths.isEmpty ? ScenarioSuite.defaultPaths : paths, including: .topologies)
    for diagnostic in suite.diagnostics { complain(diagnostic.rendered()) }
    guard !suite.isEmpty else {
      complain("error: no scenario and no topology found in \(suite.searched.joined(separator: ", "))")
      throw ExitCode(2)
    }
    let errors = suite.errorCount
    guard errors == 0 else {
      complain("\(errors) \(errors == 1 ? "error" : "errors")")
      throw ExitCode(2)
    }
    say(
      "\(suite.scenarios.count) scenarios, \(suite.variantCount) variants, \(suite.topologyFiles.count) topologies: no errors"
    )
  }
}
