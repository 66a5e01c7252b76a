import LanguageKit
import Messages
import TopologyLanguage

extension ScenarioChecker {
  mutating func check(_ line: FactLine) {
    guard !report.isFull else { return }
    under(line.guardian) { $0.check(line.fact) }
    if line.fact.isNegated, line.duration == nil {
      report.warning(
        at: line.position, "a `not` fact holds at once where nothing has happened yet",
        hint: "`for 2s` asks that it holds throughout")
    }
  }

  mutating func check(_ fact: Fact) {
    switch fact.subject {
    case .configuration(let reference, let condition):
      node(reference, "whose configuration is read", kinds: [.ce])
      checkDocument(condition)
    case .problem(let reference, let problem):
      node(reference, "who shows problems", kinds: [.ce])
      let known = DeviceProblem.allCases.map(\.rawValue)
      if !known.contains(problem) {
        report.error(
          at: fact.position, "no device shows the problem `\(problem)`", expected: alternatives(known),
          hint: Suggestion.hint(for: problem, among: known))
      }
    case .screen(let reference, let value):
      node(reference, "who has a screen", kinds: [.ce])
      _ = concrete(value, at: fact.position)
    case .connection(let reference, let condition):
      let who = node(reference, "who connects", kinds: [.mobile, .ce])
      // Of a node that nobody knows no field is known either.
      if let who {
        check(
          condition, of: who.kind == .ce ? FieldType.peerConnection : ScenarioChecker.connection, what: "a connection")
      }
    case .run(let reference, let condition):
      node(reference, "a node that runs a program", kinds: Node.Kind.machines)
      check(condition, of: ScenarioChecker.run, what: "a run")
    case .isUp(let reference): node(reference, "a node")
    case .agent(let reference, let agent, let condition):
      node(reference, "who keeps records of agents", kinds: [.configurator])
      node(agent, "an agent", kinds: [.ce])
      if let condition, let definition = MessageCatalogue["agent-read-reply"] {
        let fields = definition.fields.filter {
          ["agentId", "state", "revision", "device", "applications"].contains($0.name)
        }
        check(condition, of: .object(fields), what: "an agent's record")
      }
    case .knows(let reference, let known, let port):
      node(reference, "who knows the topology", kinds: [.configurator])
      node(known, "a node")
      if let port {
        for meaning in meanings(port).prefix(1) {
          switch meaning {
          case .port, .radio: break
          default:
            report.error(at: port.position, "`\(port)` is \(meaning.kindName)", expected: "a port such as `sw1.3`")
          }
        }
      }
    case .topologyMatches(let reference): node(reference, "who knows the topology", kinds: [.configurator])
    case .lastResult(let condition): checkResult(condition)
    }
  }

  private static let run = FieldType.object([
    MessageField("status", .integer, "the exit status"), MessageField("output", .string, "what it printed"),
  ])

  private static let connection = FieldType.object([
    MessageField("status", .integer, "the HTTP status"), MessageField("body", .string, "what came back"),
  ])

  /// A device may keep what the profile does not know; a near miss is a slip.
  private mutating func checkDocument(_ condition: Condition) {
    guard let definition = MessageCatalogue["configure"] else { return }
    switch definition.field(at: condition.path.steps) {
    case .known(let type): check(condition.test, of: type, at: condition.valuePosition, path: condition.path)
    case .free: check(condition.test, of: .any, at: condition.valuePosition, path: condition.path)
    case .unknown(let step, let known):
      check(condition.test, of: .any, at: condition.valuePosition, path: condition.path)
      guard step < condition.path.segments.count else { return }
      let name = Path(segments: [condition.path.segments[step]]).description
      report.warning(
        at: condition.position, "the profile's configuration has no member `\(condition.path)`",
        hint: Suggestion.hint(for: name, among: known))
    }
  }

  /// The members of the newest request-result; a finding's stand for those of some finding.
  private mutating func checkResult(_ condition: Condition) {
    guard let definition = MessageCatalogue["request-result"] else { return }
    if case .known(let type) = definition.field(at: condition.path.steps) {
      return check(condition.test, of: type, at: condition.valuePosition, path: condition.path)
    }
    let inFindings: [FieldStep] = [.member("findings"), .anyElement]
    if case .known(let type) = definition.field(at: inFindings + condition.path.steps) {
      return check(condition.test, of: type, at: condition.valuePosition, path: condition.path)
    }
    var fields = definition.fields
    if case .known(.object(let members)) = definition.field(at: inFindings) { fields += members }
    check(condition, of: .object(fields), what: "a result")
  }
}
