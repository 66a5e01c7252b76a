import LanguageKit
import ScenarioLanguage
import Testing
import TopologyLanguage

@Suite struct ScenarioFileTests {
  @Test func theExampleOfTheReferenceIsInOrder() throws {
    let (checked, diagnostics) = Examples.read(Examples.newDevice, name: "new-device")
    #expect(diagnostics.map { $0.rendered() } == [])
    let scenario = try #require(checked)
    #expect(
      scenario.variants.map(\.description) == [
        "new-device[upstream,configure]", "new-device[upstream,!configure]", "new-device[!upstream,!configure]",
      ])
    #expect(scenario.topology.links.map(\.name) == ["hg.lan--sw1.1", "cfg--sw1.2", "tv--sw1.3"])
  }
}
