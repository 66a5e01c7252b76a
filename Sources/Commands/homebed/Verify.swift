import ArgumentParser
import Messages
import Runner
import TraceChecker

struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Judges a recorded capture by a scenario, without running anything.")

  @Argument(help: "A scenario file.")
  var scenario: String

  @Argument(help: "A pcap or pcapng.")
  var capture: String

  @Option(
    name: .customLong("option"), help: "For a capture from elsewhere: an option's value, NAME=VALUE (repeatable).")
  var choices: [Choice] = []

  @Option(help: "What every deadline is multiplied by.")
  var slack: Double?

  @Flag(help: "The whole verdict as JSON.")
  var json = false

  func run() throws {
    let suite = ScenarioSuite.read([scenario])
    for diagnostic in suite.diagnostics where diagnostic.severity == .error { complain(diagnostic.rendered()) }
    guard suite.errorCount == 0, suite.scenarios.count == 1, let checked = suite.scenarios.first else {
      if suite.errorCount == 0 { complain("error: \(scenario) names \(suite.scenarios.count) scenarios, expected one") }
      throw ExitCode(2)
    }
    do {
      let (variant, judgement) = try Verifier.verify(
        checked, capture: capture, choices: Choice.table(choices), slack: slack)
      if json {
        say(judgement.json.pretty)
      } else {
        let text = judgement.failure?.text ?? judgement.reason
        say("\(judgement.verdict.rawValue)  \(variant)" + (text.isEmpty ? "" : "\n      \(text)"))
      }
      switch judgement.verdict {
      case .pass, .notApplicable: break
      case .fail: throw ExitCode(1)
      case .inconclusive, .error: throw ExitCode(3)
      }
    } catch let status as ExitCode {
      throw status
    } catch {
      complain("error: \(error)")
      throw ExitCode(2)
    }
  }
}

/// `NAME=VALUE`.
struct Choice: ExpressibleByArgument {
  var name: String
  var value: String

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else { return nil }
    name = String(argument[..<equals])
    value = String(argument[argument.index(after: equals)...])
  }

  static func table(_ choices: [Choice]) -> [String: String] {
    Dictionary(choices.map { ($0.name, $0.value) }, uniquingKeysWith: { _, last in last })
  }
}
