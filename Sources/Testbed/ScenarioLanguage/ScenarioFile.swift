import LanguageKit
import TopologyLanguage

/// A scenario that was found in order, with the topology that it runs in and all its variants.
public struct CheckedScenario: Sendable {
  public var scenario: Scenario
  public var topology: Topology
  /// Looks up what the scenario's references mean.
  public var names: TopologyNames
  /// The file that the topology was read from.
  public var topologyFile: String
  /// Never empty.
  public var variants: [Variant]
}

/// A scenario file and what can be said about it.
public enum ScenarioFile {
  /// Reads and checks a scenario and its topology.
  /// - Parameters:
  ///   - loader: gets files by paths that continue `path` or `workingDirectory`.
  ///   - workingDirectory: its absolute path, so that folders above a relative `path` are searched too.
  /// - Returns: the scenario where there are no errors, and everything that is to be told.
  public static func read(
    _ path: String, loader: SourceLoader, workingDirectory: String? = nil
  ) -> (scenario: CheckedScenario?, diagnostics: [Diagnostic]) {
    let report = DiagnosticReport()
    let octets: [UInt8]
    switch loader.read(path) {
    case .success(let read): octets = read
    case .failure(let failure):
      report.error(at: Position(file: path, line: 1, column: 1), failure.reason, expected: "a scenario file")
      return (nil, report.diagnostics)
    }
    var parser = ScenarioParser(file: path, octets: octets, report: report)
    let scenario = parser.parse()
    let stem = FilePath.stem(of: path)
    if !scenario.name.isEmpty, scenario.name != stem, !parser.hasBrokenHeader {
      report.error(
        at: parser.namePosition, "the scenario is called `\(scenario.name)`, its file `\(stem)`",
        expected: "the same name")
    }
    let found = topology(of: scenario, path: path, loader: loader, workingDirectory: workingDirectory, report: report)
    var checker = ScenarioChecker(scenario: scenario, parser: parser, topology: found?.topology, report: report)
    let variants = checker.check()
    guard !report.hasErrors, let found else { return (nil, report.diagnostics) }
    let checked = CheckedScenario(
      scenario: scenario, topology: found.topology, names: TopologyNames(found.topology), topologyFile: found.file,
      variants: variants)
    return (checked, report.diagnostics)
  }

  /// Where a scenario's topology is looked for, in this order: `topologies/` beside the scenario, in any folder above
  /// it, then in the working directory.
  public static func topologyPaths(
    of scenario: String, topology name: String, workingDirectory: String? = nil
  ) -> [String] {
    var folders: [String] = []
    var folder = FilePath.folder(of: FilePath.normalised(scenario))
    while true {
      folders.append(folder)
      let above = FilePath.folder(of: folder)
      // `..` has no folder above it that could be written without the working directory.
      if folder.isEmpty || folder == above || folder == ".." || folder.hasSuffix("/..") { break }
      folder = above
    }
    if !scenario.hasPrefix("/"), let workingDirectory {
      var above = FilePath.normalised(FilePath.join(workingDirectory, folder))
      if folder.isEmpty { above = FilePath.folder(of: above) }
      while !above.isEmpty {
        folders.append(above)
        if above == "/" { break }
        above = FilePath.folder(of: above)
      }
    }
    folders.append("")
    var seen: Set<String> = []
    return folders.map { FilePath.join(FilePath.join($0, "topologies"), name + ".topology") }.filter {
      seen.insert($0).inserted
    }
  }

  private static func topology(
    of scenario: Scenario, path: String, loader: SourceLoader, workingDirectory: String?, report: DiagnosticReport
  ) -> (topology: Topology, file: String)? {
    let name = scenario.header.topology
    guard !name.value.isEmpty else { return nil }
    let paths = topologyPaths(of: path, topology: name.value, workingDirectory: workingDirectory)
    for file in paths {
      switch loader.read(file) {
      case .failure(.notFound): continue
      case .failure(.unreadable(let reason)):
        report.error(at: name.position, "\(file): \(reason)", expected: "a topology file")
        return nil
      case .success: return TopologyFile.read(file, loader: loader, report: report).map { ($0, file) }
      }
    }
    report.error(
      at: name.position, "there is no topology `\(name.value)`",
      expected: "`\(name.value).topology` in a `topologies/` folder beside the scenario, above it, or where you are",
      hint: paths.first.map { "the first place looked at is \($0)" })
    return nil
  }
}
