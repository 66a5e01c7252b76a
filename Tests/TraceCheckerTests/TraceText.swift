// Traces in a small notation, scenarios as text: what the tests of the judge are written in.

import LanguageKit
import Messages
import ScenarioLanguage
import Testing
import TopologyLanguage

@testable import TraceChecker

/// One home: a server and an operator outside, `hg`, `cfg`, `tv`, `pc` and `nas` inside.
enum Home {
  static let text = """
    topology one-home "One home"
    network internet 198.51.100.0/24
    service-server server on internet address 198.51.100.10
    home home-a
      network lan 192.168.10.0/24
      home-gateway hg on internet address 198.51.100.1 on lan address 192.168.10.1
      configurator cfg on lan address 192.168.10.2
      switch sw1 on lan ports 8
      ce tv on lan address 192.168.10.21 mac 02:00:00:00:00:21
      ce pc on lan address 192.168.10.22
      ce nas on lan address 192.168.10.23
      link hg.lan -- sw1.1
      link cfg -- sw1.2
      link tv -- sw1.3
      link pc -- sw1.4
      link nas -- sw1.5
    end
    """

  /// The text as `test.scenario`, in a home with `extra` lines.
  static func scenario(_ body: String, extra: String = "") throws -> CheckedScenario {
    let path = "test.scenario"
    let loader = SourceLoader(files: [
      path: body, "topologies/one-home.topology": text.replacing("\nend", with: "\n" + extra + "\nend"),
    ])
    let (checked, diagnostics) = ScenarioFile.read(path, loader: loader)
    return try #require(checked, "\(diagnostics)")
  }
}

/// `0.021 cfg -> tv discover-reply configuratorId="x" status=200` a line: seconds, arrow, fields (JSON values). `*`
/// after the name marks background, `#WORD` gives the octets a name (else they are the fields).
enum TraceText {
  /// All moments count from here.
  static let epoch: Int64 = 1_700_000_000_000_000_000

  static func at(_ seconds: Double) -> Int64 { epoch + Int64((seconds * 1e9).rounded()) }

  static func events(_ text: String) throws -> [Event] {
    try text.split(separator: "\n").map { $0.drop { $0 == " " } }.filter { !$0.isEmpty }.enumerated().map {
      index, line in
      let words = line.split(separator: " ")
      var fields = JSONObject()
      var octets: String?
      for word in words.dropFirst(5) {
        if word.hasPrefix("#") {
          octets = String(word)
        } else {
          let equals = try #require(word.firstIndex(of: "="))
          fields[String(word[..<equals])] = try JSONValue(parsing: Array(word[word.index(after: equals)...].utf8))
        }
      }
      let isBackground = words[4].hasSuffix("*")
      return Event(
        index: index, time: at(try #require(Double(words[0]))), from: party(words[1]), to: party(words[3]),
        name: String(isBackground ? words[4].dropLast() : words[4]), fields: .object(fields), frame: index + 1,
        digest: UInt64(bitPattern: Int64((octets ?? JSONValue.object(fields).description).hashValue)),
        isBackground: isBackground)
    }
  }

  private static func party(_ word: Substring) -> Party {
    switch word {
    case "network": .network
    case "operator": .operator
    default: word.first?.isNumber == true ? .address(String(word)) : .node(String(word))
    }
  }
}

/// Judges the first variant (all options on), or the one where `off` are off.
func judged(
  _ body: String, _ trace: String, off: [String] = [], notes: [Note]? = nil, slack: Double = 1,
  sourceLocation: SourceLocation = #_sourceLocation
) throws -> Judgement {
  let checked = try Home.scenario(body)
  let variant = try #require(
    checked.variants.first { variant in
      variant.settings.allSatisfy { $0.choice == .isOn(!off.contains($0.option)) }
    }, sourceLocation: sourceLocation)
  var judge = Judge(checked.scenario, variant, checked.topology, slack: slack)
  for note in notes ?? [.phase(0, at: TraceText.at(0)), .performed(phase: 0, at: TraceText.at(0))] {
    judge.consume(.note(note))
  }
  for event in try TraceText.events(trace) { judge.consume(.event(event)) }
  judge.finish()
  return try #require(judge.outcome)
}
