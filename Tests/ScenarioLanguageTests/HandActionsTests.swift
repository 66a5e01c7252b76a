import LanguageKit
import ScenarioLanguage
import Testing
import TopologyLanguage

/// Actions that are written for a running home instead of a scenario.
struct HandActionsTests {
  private static func topology() throws -> Topology {
    let text = """
      topology small
      network internet 198.51.100.0/24
      service-server server on internet address 198.51.100.10
      home home-a
        network lan 192.168.10.0/24
        home-gateway hg on internet on lan address 192.168.10.1
        configurator cfg on lan address 192.168.10.2
        switch sw1 on lan ports 8
        ce tv on lan address 192.168.10.21
        link hg.lan -- sw1.1
        link cfg -- sw1.2
        link tv -- sw1.3
      end
      """
    return try #require(
      TopologyFile.read("small.topology", loader: SourceLoader(files: ["small.topology": text + "\n"])).topology)
  }

  private static func read(_ text: String) throws -> (actions: [Action], diagnostics: [Diagnostic]) {
    HandActions.read(text, called: "action", in: try topology())
  }

  @Test func linesAreActions() throws {
    let (actions, diagnostics) = try Self.read("unplug tv\n\nwait until cfg agent tv exists\nplug in tv -- sw1.3")
    #expect(diagnostics.isEmpty)
    #expect(actions.map(\.text) == ["unplug tv", "wait until cfg agent tv exists", "plug in tv -- sw1.3"])
  }

  @Test func aConfigurationTakesSeveralLines() throws {
    let (actions, diagnostics) = try Self.read("server holds configuration for tv\nhostName = \"x\"\nend\ncrash tv")
    #expect(diagnostics.isEmpty)
    #expect(actions.count == 2)
  }

  @Test(arguments: [
    ("", "action:1:1: error: there is no action"),
    ("unplg tv", "action:1:1: error: unknown action `unplg`"),
    ("unplug tvv", "action:1:8: error: unknown node `tvv`"),
    ("unplug tv\ncut wan of tv", "action:2:12: error:"),
    ("unplug tv if upstream", "action:1:14: error: unknown option `upstream`"),
    ("end", "action:1:1: error: nothing is open that `end` could close"),
    ("then", "action:1:1: error: unknown action `then`"),
    ("tv -> cfg register", "action:1:1: error: a message is no action"),
    ("server holds configuration for tv\nhostName = \"x\"", "action:1:1: error: `holds configuration` has no `end`"),
  ])
  func mistakesAreToldAndNothingIsLeftToDo(text: String, expected: String) throws {
    let (actions, diagnostics) = try Self.read(text)
    #expect(actions.isEmpty)
    let first = try #require(diagnostics.first).rendered()
    #expect(first.hasPrefix(expected), "\(first)")
  }
}
