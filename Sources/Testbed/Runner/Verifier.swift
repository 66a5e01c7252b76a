import JSONText
import Messages
import ScenarioLanguage
import Trace
import TraceChecker

/// Judges a finished capture, with the code that judges a growing one.
public enum Verifier {
  /// Why a capture cannot be judged by a scenario.
  public struct Refusal: Error, CustomStringConvertible {
    public var description: String
  }

  /// - Parameters:
  ///   - choices: options for a capture from elsewhere; one of our own names its variant itself.
  ///   - slack: `nil`: that of the run.
  /// - Throws: ``Refusal``, ``FileError``, or a `WireError` where the file is no capture.
  public static func verify(
    _ checked: CheckedScenario, capture path: String, choices: [String: String], slack: Double?
  ) throws -> (variant: Variant, judgement: Judgement) {
    let header = try self.header(of: path, checked)
    let variant = try self.variant(of: checked, header: header, choices: choices)
    var checked = checked
    if let header { checked.scenario.header.pace = header.pace }
    var judge = Judge(
      checked.scenario, variant, checked.topology, slack: slack ?? header?.slack ?? 1,
      origin: header == nil ? .elsewhere : .run)
    var feed = TraceFeed(PartyMap(checked.topology))
    try Files.chunks(of: path) { octets in
      for item in try feed.feed(octets) { judge.consume(item) }
      return judge.outcome == nil
    }
    if judge.outcome == nil {
      for item in try feed.finish() { judge.consume(item) }
      judge.finish()
    }
    guard let judgement = judge.outcome else { throw Refusal(description: "\(path): the judge came to no verdict") }
    return (variant, judgement)
  }

  /// The header of a run of our own; `nil` in a capture from elsewhere.
  private static func header(of path: String, _ checked: CheckedScenario) throws -> RunHeader? {
    var feed = TraceFeed(PartyMap())
    var found: RunHeader?
    var read = 0
    try Files.chunks(of: path) { octets in
      read += octets.count
      for item in try feed.feed(octets) { if case .note(.run(let header, _)) = item { found = found ?? header } }
      // The header is the first note, and stands before the first frames.
      return found == nil && read < 8 << 20
    }
    if let found, found.scenario != checked.scenario.name {
      throw Refusal(description: "\(path): a run of \(found.scenario), not of \(checked.scenario.name)")
    }
    return found
  }

  private static func variant(
    of checked: CheckedScenario, header: RunHeader?, choices: [String: String]
  ) throws -> Variant {
    let candidates: [Variant]
    if let header {
      candidates = checked.variants.filter { $0.description == header.variant }
      guard !candidates.isEmpty else {
        throw Refusal(description: "the run's variant \(header.variant) is none of the scenario's now")
      }
    } else {
      candidates = checked.variants(fixing: choices)
    }
    guard candidates.count == 1, let variant = candidates.first else {
      let names = candidates.prefix(8).map(\.description).joined(separator: ", ")
      throw Refusal(
        description: "\(candidates.count) variants fit (\(names)); hint: pick one with --option NAME=VALUE")
    }
    return variant
  }
}
