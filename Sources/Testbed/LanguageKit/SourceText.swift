/// A file's text, split into physical lines; what may not stand in it has been told.
public struct SourceText: Sendable {
  /// Octets a file may have.
  public static let fileLimit = 1 << 20
  /// Octets a line may have, joined lines together.
  public static let lineLimit = 64 << 10
  /// How deep blocks and lists may nest.
  public static let nestingLimit = 32

  public let file: String
  private let lines: [[Unicode.Scalar]]

  /// Stands for what was told as an error already; tokens treat it as a blank.
  static let told: Unicode.Scalar = "\u{FFFE}"

  /// Decodes octets, telling what is not UTF-8 and what may not stand in a file.
  public init(file: String, octets: [UInt8], report: DiagnosticReport) {
    self.file = file
    var decoder = SourceDecoder(file: file, report: report)
    if octets.count > SourceText.fileLimit {
      report.error(
        at: Position(file: file, line: 1, column: 1), "the file has \(octets.count) octets",
        expected: "at most \(SourceText.fileLimit)")
    } else {
      decoder.decode(octets)
    }
    lines = decoder.lines
    report.register(self)
  }

  /// How many physical lines there are.
  public var lineCount: Int { lines.count }

  /// A physical line, counted from 1.
  public func text(ofLine line: Int) -> String? {
    guard lines.indices.contains(line - 1) else { return nil }
    return String(String.UnicodeScalarView(lines[line - 1]))
  }

  /// Where the file ends: at the last line's end.
  public var end: Position {
    Position(file: file, line: max(1, lines.count), column: (lines.last?.count ?? 0) + 1)
  }

  /// NUL, control characters but tab, bidirectional controls.
  static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09: false
    case 0x00...0x1F, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFFFE: true
    default: false
    }
  }

  /// The lines that say something: comments taken off, `\` at a line's end joined with the next.
  public func logicalLines(report: DiagnosticReport) -> [LogicalLine] {
    var result: [LogicalLine] = []
    var index = 0
    while index < lines.count {
      guard !lines[index].isEmpty else {
        index += 1
        continue
      }
      var line = LogicalLine(file: file)
      var isInString = false
      while true {
        let physical = lines[index]
        let end = SourceText.commentStart(in: physical, isInString: &isInString)
        let isJoined = end == nil && physical.last == "\\"
        line.append(physical.prefix(isJoined ? physical.count - 1 : end ?? physical.count), line: index + 1)
        index += 1
        guard isJoined else { break }
        // The backslash that joins escapes nothing.
        if index == lines.count {
          report.error(
            at: Position(file: file, line: index, column: physical.count), "`\\` on the last line joins nothing",
            hint: "remove it")
          break
        }
      }
      if line.octets > SourceText.lineLimit {
        report.error(
          at: line.position(at: 0), "the line has \(line.octets) octets", expected: "at most \(SourceText.lineLimit)")
      } else if !line.isBlank {
        result.append(line)
      }
    }
    return result
  }

  /// Where the comment starts; `isInString` is carried over joined lines.
  private static func commentStart(in line: [Unicode.Scalar], isInString: inout Bool) -> Int? {
    var index = 0
    while index < line.count {
      switch line[index] {
      case "\"": isInString.toggle()
      case "\\" where isInString: index += 1
      case "#" where !isInString: return index
      default: break
      }
      index += 1
    }
    return nil
  }
}

/// What the grammar calls a line: one statement, whose parts know where they physically stand.
public struct LogicalLine: Sendable {
  public let file: String
  public private(set) var scalars: [Unicode.Scalar] = []
  /// Where each physical part starts in `scalars`, and which line it is.
  private var parts: [(start: Int, line: Int)] = []

  init(file: String) { self.file = file }

  mutating func append(_ more: ArraySlice<Unicode.Scalar>, line: Int) {
    parts.append((scalars.count, line))
    scalars += more
  }

  var octets: Int { scalars.reduce(0) { $0 + UTF8.width($1) } }
  var isBlank: Bool { scalars.allSatisfy { $0 == " " || $0 == "\t" || $0 == SourceText.told } }

  /// The physical place of a scalar.
  public func position(at index: Int) -> Position {
    let part = parts.last { $0.start <= index } ?? (0, 1)
    return Position(file: file, line: part.line, column: index - part.start + 1)
  }

  /// The statement as it is written, without blanks around it.
  public var text: String {
    let isBlank = { (scalar: Unicode.Scalar) in scalar == " " || scalar == "\t" || scalar == SourceText.told }
    guard let first = scalars.firstIndex(where: { !isBlank($0) }),
      let last = scalars.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return String(String.UnicodeScalarView(scalars[first...last]))
  }
}
