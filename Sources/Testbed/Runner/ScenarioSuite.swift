import LanguageKit
import ScenarioLanguage
import TopologyLanguage

/// The scenarios (and, where asked for, topologies) found under some paths, read and checked.
public struct ScenarioSuite: Sendable {
  public struct Contents: OptionSet, Sendable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    /// Read topology files too, whether a scenario uses them or not.
    public static let topologies = Contents(rawValue: 1)
  }

  public static let defaultPaths = ["scenarios"]

  public private(set) var scenarios: [CheckedScenario] = []
  public private(set) var topologyFiles: [String] = []
  public private(set) var diagnostics: [Diagnostic] = []
  /// Where files were looked for.
  public private(set) var searched: [String]

  public var errorCount: Int { diagnostics.count { $0.severity == .error } }
  public var variantCount: Int { scenarios.reduce(0) { $0 + $1.variants.count } }
  public var isEmpty: Bool { scenarios.isEmpty && topologyFiles.isEmpty && diagnostics.isEmpty }

  /// Reads all files under `paths`, in the order of their names; what is wrong with one stands in ``diagnostics``.
  public static func read(_ paths: [String], including contents: Contents = []) -> ScenarioSuite {
    var suite = ScenarioSuite(searched: paths)
    var places = paths
    if contents.contains(.topologies), paths == defaultPaths { places.append("topologies") }
    for path in places {
      for file in suite.files(under: path) {
        if file.hasSuffix(".scenario") {
          suite.readScenario(file)
        } else if file.hasSuffix(".topology"), contents.contains(.topologies) {
          suite.readTopology(file)
        }
      }
    }
    return suite
  }

  private init(searched: [String]) { self.searched = searched }

  /// Files on the host's disk.
  public static let loader = SourceLoader { path in
    guard Files.exists(path) else { return .failure(.notFound) }
    do {
      return .success(try Files.read(path, limit: 2 << 20))
    } catch {
      return .failure(.unreadable("\(error)"))
    }
  }

  private mutating func readScenario(_ file: String) {
    let (scenario, told) = ScenarioFile.read(file, loader: ScenarioSuite.loader)
    add(told)
    if let scenario { scenarios.append(scenario) }
  }

  private mutating func readTopology(_ file: String) {
    add(TopologyFile.check(file, loader: ScenarioSuite.loader))
    topologyFiles.append(file)
  }

  /// A topology's diagnostics come once, however many scenarios use it.
  private mutating func add(_ told: [Diagnostic]) {
    for diagnostic in told where !diagnostics.contains(diagnostic) { diagnostics.append(diagnostic) }
  }

  private mutating func files(under path: String) -> [String] {
    guard Files.exists(path) else {
      diagnostics.append(
        Diagnostic(.error, at: Position(file: path, line: 1, column: 1), "no such file or folder"))
      return []
    }
    guard Files.isFolder(path) else { return [path] }
    do {
      return try Files.list(path).flatMap { name in
        let inside = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
        return Files.isFolder(inside)
          ? files(under: inside) : [inside].filter { $0.hasSuffix(".scenario") || $0.hasSuffix(".topology") }
      }
    } catch {
      diagnostics.append(Diagnostic(.error, at: Position(file: path, line: 1, column: 1), "\(error)"))
      return []
    }
  }
}
