/// The Test Anything Protocol, version 13.
public enum TAP {
  public static func render(_ entries: [ReportEntry]) -> String {
    var text = "TAP version 13\n1..\(entries.count)\n"
    for (index, entry) in entries.enumerated() { text += line(entry, number: index + 1) }
    return text
  }

  private static func line(_ entry: ReportEntry, number: Int) -> String {
    let passed = entry.verdict == .pass || entry.verdict == .notApplicable
    // `#` begins a directive, so a name that holds one is written with an escape.
    let name = entry.variant.replacing("#", with: "\\#")
    var text = "\(passed ? "ok" : "not ok") \(number) - \(name)"
    if entry.verdict == .notApplicable { text += " # SKIP \(entry.explanation.first ?? "not applicable")" }
    text += "\n"
    if !passed {
      for sentence in ["verdict: \(entry.verdict.rawValue)"] + entry.explanation { text += "# \(sentence)\n" }
    }
    return text
  }
}
