/// Walks over the lines of a file for a parser that mends itself at line ends.
public struct LineReader {
  public let file: String
  public let report: DiagnosticReport
  private let lines: [LogicalLine]
  private var index = 0
  /// Where the file ends.
  public let end: Position

  public init(file: String, octets: [UInt8], report: DiagnosticReport) {
    let source = SourceText(file: file, octets: octets, report: report)
    self.file = file
    self.report = report
    lines = source.logicalLines(report: report)
    end = source.end
  }

  public var isAtEnd: Bool { index >= lines.count || report.isFull }

  /// A cursor at the next line's start; the line stays next.
  public var next: TokenCursor? { isAtEnd ? nil : TokenCursor(lines[index]) }

  /// The word that the next line starts with; the empty text where it starts with something else.
  public var nextWord: String {
    guard let token = next?.next, token.kind == .identifier else { return "" }
    return token.text
  }

  public mutating func advance() { index += 1 }

  /// Takes the next line and reads it to its end, telling what is wrong with it.
  /// - Returns: `nil` where something was.
  public mutating func take<Statement>(
    _ read: (inout TokenCursor) throws(Fault) -> Statement
  ) -> Statement? {
    guard var cursor = next else { return nil }
    advance()
    do throws(Fault) {
      return try read(&cursor)
    } catch {
      report.error(error)
      return nil
    }
  }
}
