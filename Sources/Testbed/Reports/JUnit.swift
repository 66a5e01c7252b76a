/// The JUnit XML that continuous integration services read: a suite a scenario, a case a variant.
public enum JUnit {
  public static func render(_ entries: [ReportEntry]) -> String {
    let tally = Tally(entries)
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    text += "<testsuites name=\"homebed\"\(totals(tally, entries))>\n"
    for scenario in unique(entries.map(\.scenario)) {
      let own = entries.filter { $0.scenario == scenario }
      text += "  <testsuite name=\"\(escape(scenario))\"\(totals(Tally(own), own))>\n"
      for entry in own { text += testCase(entry) }
      text += "  </testsuite>\n"
    }
    return text + "</testsuites>\n"
  }

  private static func totals(_ tally: Tally, _ entries: [ReportEntry]) -> String {
    let time = entries.reduce(0) { $0 + $1.seconds }
    let errors = tally.count(.error) + tally.count(.inconclusive)
    return " tests=\"\(entries.count)\" failures=\"\(tally.count(.fail))\" errors=\"\(errors)\""
      + " skipped=\"\(tally.count(.notApplicable))\" time=\"\(decimal(time, places: 3))\""
  }

  private static func testCase(_ entry: ReportEntry) -> String {
    let head =
      "    <testcase classname=\"\(escape(entry.scenario))\" name=\"\(escape(entry.variant))\""
      + " file=\"\(escape(entry.file))\" time=\"\(decimal(entry.seconds, places: 3))\""
    let message = escape(entry.explanation.first ?? entry.verdict.rawValue)
    let body = escape(entry.explanation.joined(separator: "\n"))
    switch entry.verdict {
    case .pass: return head + "/>\n"
    case .fail: return head + "><failure message=\"\(message)\">\(body)</failure></testcase>\n"
    case .inconclusive, .error:
      return head + "><error type=\"\(entry.verdict.rawValue)\" message=\"\(message)\">\(body)</error></testcase>\n"
    case .notApplicable: return head + "><skipped message=\"\(message)\"/></testcase>\n"
    }
  }

  private static func unique(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  private static func escape(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n": result += "&#10;"
      case "\t": result += "&#9;"
      case "\u{0}"..<"\u{20}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
