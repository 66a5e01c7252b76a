import LanguageKit
import ScenarioLanguage
import TopologyLanguage

/// Finds a topology that somebody names on the command line.
public enum TopologySearch {
  /// There is no such topology.
  public struct Refusal: Error, CustomStringConvertible {
    public var description: String
  }

  /// A path with a slash or ending in `.topology` is a file; a name is looked for as the `topology` line of a scenario
  /// in the working folder would be.
  ///
  /// - Returns: the topology where it has no errors, and everything that is to be told of it.
  /// - Throws: ``Refusal`` where there is no such file.
  public static func find(_ wanted: String) throws -> (topology: Topology?, diagnostics: [Diagnostic]) {
    let isFile = wanted.contains("/") || wanted.hasSuffix(".topology")
    let paths =
      isFile
      ? [wanted]
      : ScenarioFile.topologyPaths(of: "by-hand.scenario", topology: wanted, workingDirectory: Files.workingFolder())
    guard let path = paths.first(where: Files.exists) else {
      let names = ((try? Files.list("topologies")) ?? []).filter { $0.hasSuffix(".topology") }.map {
        String($0.dropLast(".topology".count))
      }
      let hint = isFile ? nil : Suggestion.hint(for: wanted, among: names)
      throw Refusal(
        description: "there is no topology \(wanted); "
          + (isFile ? "expected a file" : "looked for \(paths.joined(separator: ", "))")
          + (hint.map { "; hint: \($0)" } ?? ""))
    }
    return TopologyFile.read(path, loader: ScenarioSuite.loader)
  }
}
