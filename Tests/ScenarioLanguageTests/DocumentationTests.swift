import Foundation
import LanguageKit
import ScenarioLanguage
import Testing
import TopologyLanguage

/// The examples of docs/topologies.md and docs/scenarios.md are in order, and their tables are whole.
@Suite struct DocumentationTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func page(_ name: String, type: String = "md") throws -> String {
    try String(contentsOf: root.appendingPathComponent("docs/\(name).\(type)"), encoding: .utf8)
  }

  /// The fenced blocks of a language, by the name in their first line.
  private static func blocks(_ language: String, in page: String) -> [(name: String, text: String)] {
    page.components(separatedBy: "```\(language)\n").dropFirst().map { part in
      let text = part.components(separatedBy: "\n```")[0] + "\n"
      return (String(text.split { $0 == " " || $0 == "\n" }[1]), text)
    }
  }

  @Test func everyExampleIsInOrder() throws {
    let pages = try [Self.page("topologies"), Self.page("scenarios")]
    let topologies = pages.flatMap { Self.blocks("topology", in: $0) }
    let scenarios = pages.flatMap { Self.blocks("scenario", in: $0) }
    #expect(topologies.map(\.name) == ["small", "flat", "street", "leased", "lamps"])
    #expect(scenarios.map(\.name) == ["neighbours", "with-a-lease", "first-steps", "weak-radio", "three-lamps"])
    var files: [String: String] = [:]
    for (name, text) in topologies { files["topologies/\(name).topology"] = text }
    for (name, text) in scenarios { files["\(name).scenario"] = text }
    let loader = SourceLoader(files: files)
    for (name, text) in topologies where !text.hasPrefix("fragment") {
      let (topology, diagnostics) = TopologyFile.read("topologies/\(name).topology", loader: loader)
      #expect(diagnostics.map { $0.rendered() } == [])
      #expect(topology != nil)
    }
    for (name, _) in scenarios {
      let (scenario, diagnostics) = ScenarioFile.read("\(name).scenario", loader: loader)
      #expect(diagnostics.filter { $0.severity == .error }.map { $0.rendered() } == [])
      #expect(scenario != nil)
    }
    let warned = ScenarioFile.read("first-steps.scenario", loader: loader).diagnostics.map(\.message)
    #expect(warned == ["steps 5, 6, 7 of clause 4.2 are missing"])
  }

  /// What the page of faults shows is what ships, and so what every run of the suite runs.
  @Test func theExamplesOfFaultsShip() throws {
    let examples = Self.blocks("scenario", in: try Self.page("faults"))
    #expect(examples.map(\.name) == ["tired-line", "lost-answer"])
    for (name, text) in examples { #expect(try Self.page("../scenarios/faults/\(name)", type: "scenario") == text) }
  }

  /// What `make scenarios` runs in examples/ is what the pages show.
  @Test func everyExampleIsAFileThatIsRun() throws {
    let pages = try [Self.page("topologies"), Self.page("scenarios")]
    var shown: [String: String] = [:]
    for page in pages {
      for (name, text) in Self.blocks("topology", in: page) { shown["topologies/\(name).topology"] = text }
      for (name, text) in Self.blocks("scenario", in: page) { shown["\(name).scenario"] = text }
    }
    let folder = Self.root.appendingPathComponent("examples")
    let files = try #require(FileManager.default.subpaths(atPath: folder.path))
      .filter { $0.hasSuffix(".topology") || $0.hasSuffix(".scenario") }
    #expect(files.sorted() == shown.keys.sorted())
    for (file, text) in shown {
      #expect(try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8) == text, "\(file)")
    }
    // Each topology is the home of some scenario, or a part of one.
    let used = shown.values.joined(separator: "\n")
    for file in files where file.hasSuffix(".topology") {
      let name = String(file.dropFirst("topologies/".count).dropLast(".topology".count))
      #expect(used.contains("\ntopology \(name)\n") || used.contains("\"\(name).topology\""), "\(name)")
    }
  }

  @Test func everySettingIsInTheTable() throws {
    let page = try Self.page("scenarios")
    for key in SettingKey.all {
      let row = "| `\(key.pattern)` | \(key.nodes.map(\.rawValue).joined(separator: ", ")) |"
      #expect(page.contains(row), "\(row)")
    }
  }

  @Test func everyKeywordIsOnItsPage() throws {
    let topologies = try Self.page("topologies")
    for kind in Node.Kind.allCases { #expect(topologies.contains("| `\(kind.rawValue)` |")) }
    for word in [
      "topology", "fragment", "include", "network", "home", "link", "on", "address", "mac", "ports", "htip", "nat",
      "device",
      "application", "setting", "dhcp", "dns", "rate", "delay", "jitter", "loss", "duplicate", "reorder", "towards",
    ] { #expect(topologies.contains("`\(word)"), "\(word)") }
    let scenarios = try Self.page("scenarios")
    for word in [
      "scenario", "clause", "profile", "topology", "option", "requires", "time limit", "settle", "pace", "strict",
      "tags", "power on",
      "crash", "restart", "unplug", "plug in", "move", "degrade", "heal", "cut wan", "restore wan", "block", "unblock",
      "stop application", "start application", "set", "send", "run", "ask", "wait until", "at", "drop", "duplicate",
      "corrupt",
      "hold", "in any order", "either", "optional", "never", "repeat", "for", "step", "where", "with", "within", "save",
      "if",
      "unless", "last result", "not",
    ] { #expect(scenarios.contains("`\(word)"), "\(word)") }
    for clause in ClauseSteps.clauses {
      let row = "| \(clause) | \(ClauseSteps.count(of: clause) ?? 0) | \(ClauseSteps.figure(of: clause) ?? 0) |"
      #expect(scenarios.contains(row))
    }
  }
}
