import LanguageKit
import ScenarioLanguage
import Testing

/// Scenarios with one fault each, and where and how it is told.
struct RefusedScenario: CustomTestStringConvertible, Sendable {
  /// `line:column: words`.
  var told: String
  var text: String
  var testDescription: String { told }

  init(_ told: String, _ text: String) {
    self.told = told
    self.text = text
  }

  /// A fault in the header; the rest is in order.
  static func header(_ told: String, _ lines: String) -> RefusedScenario {
    RefusedScenario(
      told, "scenario x\ntopology one-home\n\(lines)\nwhen\n  power on tv\nexpect\n  tv -> cfg register\n")
  }

  /// A fault in `when`, which begins in line 4.
  static func when(_ told: String, _ lines: String) -> RefusedScenario {
    RefusedScenario(
      told, "scenario x\ntopology two-homes\nwhen\n\(lines)\nexpect\n  home-a.tv -> cfga register\n")
  }

  /// A fault in `expect`, which begins in line 7.
  static func expect(_ told: String, _ lines: String) -> RefusedScenario {
    RefusedScenario(
      told,
      "scenario x\ntopology one-home\noption a sets cfg server-registration\nwhen\n  power on tv if a\nexpect\n\(lines)\n"
    )
  }

  /// A fault in `then`, which begins in line 6.
  static func then(_ told: String, _ lines: String) -> RefusedScenario {
    RefusedScenario(told, "scenario x\ntopology one-home\nwhen\n  power on tv\nthen\n\(lines)\n")
  }
}

@Suite struct RefusedScenarioTests {
  @Test(arguments: RefusedScenario.all) func oneFaultIsToldOnce(_ refused: RefusedScenario) {
    let (checked, diagnostics) = Examples.read(refused.text)
    let errors = diagnostics.filter { $0.severity == .error }.map { error in
      "\(error.position.line):\(error.position.column): \(error.message)"
    }
    #expect(errors == [refused.told])
    #expect(checked == nil)
  }
}
