import JSONText
import ScenarioLanguage
import TopologyLanguage

/// What `homebed list` prints.
public enum Listing {
  public static func scenarios(_ suite: ScenarioSuite) -> String {
    suite.scenarios.map { checked in
      let scenario = checked.scenario
      var lines = ["\(scenario.name)  \(clause(scenario))  \(scenario.title ?? "")", "  \(scenario.file)"]
      for option in scenario.header.options {
        let values = option.values.map { " in [" + $0.map(\.plainText).joined(separator: ", ") + "]" } ?? ""
        lines.append("  option \(option.name)\(values)  \(option.title ?? "")")
      }
      for variant in checked.variants { lines.append("  \(variant)") }
      return lines.joined(separator: "\n")
    }.joined(separator: "\n\n")
  }

  public static func scenariosJSON(_ suite: ScenarioSuite) -> JSONValue {
    [
      "version": 1,
      "scenarios": .array(
        suite.scenarios.map { checked in
          let scenario = checked.scenario
          return [
            "name": .string(scenario.name), "title": .text(scenario.title), "file": .string(scenario.file),
            "clause": .text(scenario.header.clause), "profile": scenario.header.profile.map { .int($0) } ?? .null,
            "topology": .string(scenario.header.topology.value),
            "options": .array(
              scenario.header.options.map { option in
                [
                  "name": .string(option.name), "title": .text(option.title),
                  "values": option.values.map { .array($0.map { .string($0.plainText) }) } ?? [true, false],
                ]
              }),
            "variants": .array(checked.variants.map { .string($0.description) }),
          ]
        }),
    ]
  }

  public static func settings() -> String {
    let width = SettingKey.all.map(\.pattern.count).max() ?? 0
    return SettingKey.all.map { key in
      let name = key.pattern + String(repeating: " ", count: width - key.pattern.count)
      let nodes = key.nodes.map(\.rawValue).joined(separator: ", ")
      return "\(name)  \(nodes): \(key.kind.name); \(key.standard) unless set; \(key.meaning)"
    }.joined(separator: "\n")
  }

  public static func settingsJSON() -> JSONValue {
    [
      "version": 1,
      "settings": .array(
        SettingKey.all.map { key in
          [
            "key": .string(key.pattern), "nodes": .array(key.nodes.map { .string($0.rawValue) }),
            "value": .string(key.kind.name), "default": .string(key.standard), "meaning": .string(key.meaning),
          ]
        }),
    ]
  }

  private static func clause(_ scenario: Scenario) -> String {
    scenario.header.clause ?? scenario.header.profile.map { "profile \($0)" } ?? "-"
  }
}
