import TraceChecker

/// The line that a variant gets on a terminal or in a pipe, with its explanation below it.
public struct ResultLine: Sendable {
  /// How wide the columns of names and clauses are.
  public var nameWidth: Int
  public var clauseWidth: Int
  public var usesColour: Bool

  public init(nameWidth: Int, clauseWidth: Int, usesColour: Bool) {
    self.nameWidth = nameWidth
    self.clauseWidth = clauseWidth
    self.usesColour = usesColour
  }

  public func text(_ entry: ReportEntry, verbose: Bool) -> String {
    let steps =
      entry.stepsJudged > 0 ? "\(entry.stepsPassed) of \(entry.stepsJudged) steps" : "\(entry.messages) messages"
    var line = "\(label(entry.verdict))  \(padded(entry.variant, nameWidth))  \(padded(entry.clause, clauseWidth))  "
    line += "\(padded(steps, 14))  \(seconds(entry.seconds)) s"
    if entry.verdict != .pass || verbose {
      for sentence in entry.explanation { line += "\n      \(sentence)" }
    }
    return line
  }

  private func label(_ verdict: Judgement.Verdict) -> String {
    let (word, colour) =
      switch verdict {
      case .pass: ("pass", "32")
      case .fail: ("FAIL", "31;1")
      case .inconclusive: ("inc.", "33")
      case .error: ("ERR.", "35;1")
      case .notApplicable: ("n/a ", "2")
      }
    return usesColour ? "\u{1B}[\(colour)m\(word)\u{1B}[0m" : word
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private func seconds(_ value: Double) -> String { decimal(value, places: 2, width: 6) }
}

/// A number with a fixed count of decimal places, filled up on the left with blanks.
func decimal(_ value: Double, places: Int, width: Int = 0) -> String {
  var scale = 1.0
  for _ in 0..<places { scale *= 10 }
  let whole = Int((value * scale).rounded())
  let digits = String(abs(whole))
  let filled = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
  let text = (whole < 0 ? "-" : "") + (places == 0 ? filled : "\(filled.dropLast(places)).\(filled.suffix(places))")
  return String(repeating: " ", count: max(0, width - text.count)) + text
}
