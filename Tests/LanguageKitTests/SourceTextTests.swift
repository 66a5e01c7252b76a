import LanguageKit
import Testing

/// What is told about a file's text, as `line:column: words`.
private func told(_ octets: [UInt8]) -> [String] {
  let report = DiagnosticReport()
  _ = LineReader(file: "f", octets: octets, report: report)
  return report.diagnostics.map { "\($0.position.line):\($0.position.column): \($0.message)" }
}

private func lines(_ text: String) -> [LogicalLine] {
  let report = DiagnosticReport()
  return SourceText(file: "f", octets: Array(text.utf8), report: report).logicalLines(report: report)
}

@Suite struct SourceTextTests {
  @Test func aByteOrderMarkAndBothLineEndsAreTaken() {
    #expect(told([0xEF, 0xBB, 0xBF] + Array("a\r\nb\n\tc".utf8)) == [])
    #expect(lines("\u{FEFF}a\r\n  b  # c\n\n#d\n").map(\.text) == ["a", "b"])
    #expect(lines("\u{FEFF}ab").first?.position(at: 0).description == "f:1:1")
  }

  @Test(
    arguments: [
      ([0x61, 0xFF, 0xFE, 0x62], "1:2: octet 1 is not UTF-8"),
      ([0xC0, 0xAF], "1:1: octet 0 is not UTF-8"),
      ([0xE0, 0x80, 0x80], "1:1: octet 0 is not UTF-8"),
      ([0xED, 0xA0, 0x80], "1:1: octet 0 is not UTF-8"),
      ([0xF4, 0x90, 0x80, 0x80], "1:1: octet 0 is not UTF-8"),
      ([0x0A, 0x61, 0xE2, 0x82], "2:2: octet 2 is not UTF-8"),
      ([0x61, 0x00], "1:2: the character U+0000 may not stand in a file"),
      ([0x61, 0x0A, 0x23, 0x07], "2:2: the character U+0007 may not stand in a file"),
      ([0x61, 0x0D, 0x62], "1:2: a carriage return that no line feed follows"),
      ([0x61, 0x0D], "1:2: a carriage return that no line feed follows"),
      ([0xE2, 0x80, 0xAE], "1:1: the character U+202E may not stand in a file"),
      ([0xE2, 0x81, 0xA6], "1:1: the character U+2066 may not stand in a file"),
      ([0xC2, 0x85], "1:1: the character U+0085 may not stand in a file"),
      ([0x61, 0x5C], "1:2: `\\` on the last line joins nothing"),
      ([0x61, 0x5C, 0x0A], "1:2: `\\` on the last line joins nothing"),
    ] as [([UInt8], String)])
  func whatMayNotStandInAFileIsTold(_ octets: [UInt8], _ words: String) {
    #expect(told(octets) == [words])
  }

  @Test func limitsAreTold() {
    #expect(told(Array(repeating: [UInt8](repeating: 0x61, count: 1023) + [0x0A], count: 1024).flatMap { $0 }) == [])
    #expect(told(Array(repeating: 0x0A, count: 1 << 20 + 1)) == ["1:1: the file has \(1 << 20 + 1) octets"])
    #expect(told(Array(repeating: 0x61, count: 64 << 10)) == [])
    #expect(told([0x0A] + Array(repeating: 0x61, count: 64 << 10 + 1)) == ["2:1: the line has 65537 octets"])
    let half = Array(repeating: UInt8(0x61), count: 40 << 10)
    #expect(told(half + [0x5C, 0x0A] + half) == ["1:1: the line has 81920 octets"])
  }

  @Test func joinedLinesKeepTheirPlaces() throws {
    let line = try #require(lines("ab \\\n\tcd \"x\\\ny\" # e \\\nf").first)
    #expect(line.text == "ab \tcd \"xy\"")
    #expect(line.position(at: 0).description == "f:1:1")
    #expect(line.position(at: 4).description == "f:2:2")
    #expect(line.position(at: 9).description == "f:3:1")
    // A comment joins nothing.
    #expect(lines("a # b \\\nc").map(\.text) == ["a", "c"])
    #expect(lines("a \"# b\" c").map(\.text) == ["a \"# b\" c"])
    #expect(lines("a \"\\\"# b\" c # d").map(\.text) == ["a \"\\\"# b\" c"])
  }

  @Test func errorsAreToldUpToTwoHundredAndOnceAPlace() {
    #expect(told(Array(repeating: [0x61, 0xFF], count: 300).flatMap { $0 }).count == 200)
    let report = DiagnosticReport()
    let place = Position(file: "f", line: 1, column: 1)
    report.error(at: place, "a")
    report.error(at: place, "b")
    #expect(report.diagnostics.map(\.message) == ["a"])
  }

  @Test func aDiagnosticShowsTheLineAndACaret() {
    let report = DiagnosticReport()
    _ = LineReader(file: "f", octets: Array("a\n\tb \u{202E}c\n".utf8), report: report)
    #expect(
      report.diagnostics.map { $0.rendered() } == [
        """
        f:2:4: error: the character U+202E may not stand in a file
           b \u{FFFD}c
             ^
          expected: printable text or a tab
        """
      ])
    let long = Diagnostic(
      .warning, at: Position(file: "f", line: 1, column: 300), "w", hint: "h",
      sourceLine: String(repeating: "x", count: 299) + "y" + String(repeating: "z", count: 300))
    let shown = long.rendered().split(separator: "\n", omittingEmptySubsequences: false)
    #expect(shown[0] == "f:1:300: warning: w")
    #expect(shown[1].count == 122)
    #expect(shown[2].count == 63 && Array(shown[1])[62] == "y")
    #expect(shown[3] == "  hint: h")
  }

  @Test(
    arguments: [
      ("tw", ["tv", "hg"], "tv"), ("cnofigurator", ["configurator"], "configurator"), ("xyz", ["tv"], nil),
      // Both are one letter away; the first of them wins.
      ("optionl", ["option", "optional"], "option"), ("a", ["bc"], nil), ("same", ["same"], nil), ("", ["x"], "x"),
    ] as [(String, [String], String?)])
  func theNearestNameIsSuggested(_ word: String, _ known: [String], _ nearest: String?) {
    #expect(Suggestion.nearest(to: word, among: known) == nearest)
  }

  @Test func pathsAreJoinedAndNormalised() {
    #expect(FilePath.folder(of: "a/b.c") == "a" && FilePath.folder(of: "b") == "" && FilePath.folder(of: "/b") == "/")
    #expect(FilePath.join("", "b") == "b" && FilePath.join("/", "b") == "/b" && FilePath.join("a", "/b") == "/b")
    #expect(FilePath.stem(of: "a.b/c.d.topology") == "c.d" && FilePath.stem(of: ".x") == ".x")
    #expect(FilePath.normalised("a/./b/../../../c") == "../c" && FilePath.normalised("/../a//b") == "/a/b")
  }
}
