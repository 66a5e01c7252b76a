import JSONText
import LanguageKit

/// A topology file and what can be said about it.
public enum TopologyFile {
  /// Reads and checks a topology.
  /// - Parameter loader: gets the file and those that it includes, by paths that continue `path`.
  /// - Returns: the topology where there are no errors, and everything that is to be told.
  public static func read(_ path: String, loader: SourceLoader) -> (topology: Topology?, diagnostics: [Diagnostic]) {
    let report = DiagnosticReport()
    let topology = read(path, loader: loader, report: report)
    return (topology, report.diagnostics)
  }

  /// What can be said about a file of either sort. A fragment on its own is only read: its names mean something where
  /// it is taken in.
  public static func check(_ path: String, loader: SourceLoader) -> [Diagnostic] {
    let report = DiagnosticReport()
    guard case .success(let octets) = loader.read(path) else { return read(path, loader: loader).diagnostics }
    var parser = TopologyParser(file: path, octets: octets, report: report)
    let tree = parser.parse()
    guard tree.kind == .fragment else { return read(path, loader: loader).diagnostics }
    checkName(tree, file: path, report: report)
    return report.diagnostics
  }

  /// As ``read(_:loader:)``, telling into a report that others tell into as well.
  public static func read(_ path: String, loader: SourceLoader, report: DiagnosticReport) -> Topology? {
    let before = report.errorCount
    switch loader.read(path) {
    case .failure(let failure):
      report.error(at: Position(file: path, line: 1, column: 1), failure.reason, expected: "a topology file")
      return nil
    case .success(let octets):
      var parser = TopologyParser(file: path, octets: octets, report: report)
      let tree = parser.parse()
      if tree.kind == .fragment {
        report.error(
          at: tree.name.position, "a fragment is no topology", expected: "`topology NAME`",
          hint: "fragments are taken in by `include`")
      }
      checkName(tree, file: path, report: report)
      var resolver = TopologyResolver(loader: loader, report: report)
      let topology = resolver.resolve(tree, file: path)
      return report.errorCount == before ? topology : nil
    }
  }

  /// The file's name and the header's agree.
  static func checkName(_ tree: TopologySyntax, file: String, report: DiagnosticReport) {
    let stem = FilePath.stem(of: file)
    if !tree.name.value.isEmpty, tree.name.value != stem {
      report.error(
        at: tree.name.position, "the \(tree.kind.rawValue) is called `\(tree.name.value)`, its file `\(stem)`",
        expected: "the same name")
    }
  }
}

extension Value {
  /// The value as JSON: durations in seconds, addresses as text.
  public var json: JSONValue {
    switch self {
    case .string(let text), .natKind(let text), .variable(let text): .string(text)
    case .integer(let number): .number(JSONNumber(number))
    case .decimal(let number): .number(JSONNumber(number))
    case .duration(let nanoseconds): .number(JSONNumber(Double(nanoseconds) / 1e9))
    case .address(let address): .string(address.description)
    case .cidr(let cidr): .string(cidr.description)
    case .mac(let mac): .string(mac.description)
    case .bool(let value): .bool(value)
    case .list(let items): .array(items.map(\.json))
    case .reference(let reference): .string(reference.description)
    }
  }
}
