/// Something that is wrong with a file, or looks so: what, where, what was expected, and what to do.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
  public enum Severity: String, Sendable, Hashable {
    /// The file is refused.
    case error
    /// The file is taken all the same.
    case warning
  }

  public var severity: Severity
  public var position: Position
  /// What is wrong: lower case, no full stop.
  public var message: String
  public var expected: String?
  public var hint: String?
  /// The physical source line, where the position has one.
  public var sourceLine: String?

  public init(
    _ severity: Severity, at position: Position, _ message: String, expected: String? = nil, hint: String? = nil,
    sourceLine: String? = nil
  ) {
    self.severity = severity
    self.position = position
    self.message = message
    self.expected = expected
    self.hint = hint
    self.sourceLine = sourceLine
  }

  /// `file:line:column: error: words`.
  public var description: String { "\(position): \(severity.rawValue): \(message)" }

  /// How many columns of the source line are shown.
  public static let shownColumns = 120

  /// The description, the source line cut at 120 columns, a caret, what was expected and the hint.
  public func rendered() -> String {
    var lines = [description]
    if let sourceLine {
      let scalars = Array(sourceLine.unicodeScalars)
      // A fault beyond the cut moves the window, so that the caret always points at something.
      let caret = max(0, position.column - 1)
      let start = caret < Diagnostic.shownColumns ? 0 : caret - Diagnostic.shownColumns / 2
      let shown = scalars.dropFirst(start).prefix(Diagnostic.shownColumns)
      lines.append("  " + shown.reduce(into: "") { $0.unicodeScalars.append(Diagnostic.printable($1)) })
      lines.append("  " + String(repeating: " ", count: caret - start) + "^")
    }
    if let expected { lines.append("  expected: \(expected)") }
    if let hint { lines.append("  hint: \(hint)") }
    return lines.joined(separator: "\n")
  }

  /// A tab takes one column; what could upset a terminal is shown as U+FFFD.
  private static func printable(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    if scalar == "\t" { return " " }
    return SourceText.isForbidden(scalar) ? "\u{FFFD}" : scalar
  }
}

/// What parsing a line throws: a diagnostic that has not been told yet.
public struct Fault: Error, Sendable, Hashable {
  public var position: Position
  public var message: String
  public var expected: String?
  public var hint: String?

  public init(at position: Position, _ message: String, expected: String? = nil, hint: String? = nil) {
    self.position = position
    self.message = message
    self.expected = expected
    self.hint = hint
  }
}

/// Collects the diagnostics of one reading, over all the files that take part in it.
///
/// A class, since a parser, an include and a checker all tell into the same one; it is used by one task at a time and
/// never crosses to another.
public final class DiagnosticReport {
  /// No more errors than this are told; the same bound holds for warnings.
  public static let limit = 200

  private var told: [Diagnostic] = []
  private var places: Set<Position> = []
  private var sources: [String: SourceText] = [:]
  public private(set) var errorCount = 0
  private var warningCount = 0

  public init() {}

  public var hasErrors: Bool { errorCount > 0 }
  /// True when nothing more would be told, so that reading on is of no use.
  public var isFull: Bool { errorCount >= DiagnosticReport.limit }

  func register(_ source: SourceText) { sources[source.file] = source }

  /// Tells an error, unless one was told at the same place: one per fault.
  public func error(at position: Position, _ message: String, expected: String? = nil, hint: String? = nil) {
    guard !isFull, places.insert(position).inserted else { return }
    errorCount += 1
    told.append(Diagnostic(.error, at: position, message, expected: expected, hint: hint))
  }

  public func error(_ fault: Fault) {
    error(at: fault.position, fault.message, expected: fault.expected, hint: fault.hint)
  }

  public func warning(at position: Position, _ message: String, hint: String? = nil) {
    guard warningCount < DiagnosticReport.limit else { return }
    warningCount += 1
    told.append(Diagnostic(.warning, at: position, message, hint: hint))
  }

  /// Everything told, files in the order in which they were read, each from the top down.
  public var diagnostics: [Diagnostic] {
    var order: [String: Int] = [:]
    for diagnostic in told where order[diagnostic.position.file] == nil {
      order[diagnostic.position.file] = order.count
    }
    return told.enumerated().sorted { a, b in
      let (fileA, fileB) = (order[a.element.position.file, default: 0], order[b.element.position.file, default: 0])
      if fileA != fileB { return fileA < fileB }
      return a.element.position == b.element.position
        ? a.offset < b.offset : a.element.position < b.element.position
    }.map { entry in
      var diagnostic = entry.element
      diagnostic.sourceLine = sources[diagnostic.position.file]?.text(ofLine: diagnostic.position.line)
      return diagnostic
    }
  }
}
