import LanguageKit
import Messages
import TopologyLanguage

extension ScenarioChecker {
  mutating func check(_ pattern: Pattern, isOrdered: Bool) {
    guard !report.isFull else { return }
    switch pattern {
    case .message(let line): under(line.guardian) { $0.check(line) }
    case .wait(let fact, let guardian, _): under(guardian) { $0.check(fact) }
    case .step(let number, _, let guardian, let members, let place):
      checkStep(number, isOrdered: isOrdered, at: place)
      if members.isEmpty, !report.hasErrors { report.warning(at: place, "step \(number) judges nothing") }
      under(guardian) { for member in members { $0.check(member, isOrdered: isOrdered) } }
    case .inAnyOrder(let guardian, let members, _):
      under(guardian) { for member in members { $0.check(member, isOrdered: false) } }
    case .either(let guardian, _, _), .optional(let guardian, _, _), .never(let guardian, _, _),
      .repeated(_, _, let guardian, _, _):
      under(guardian) { for member in pattern.members { $0.check(member, isOrdered: isOrdered) } }
    case .forEach(let variable, let references, let members, let place):
      if loops[variable] != nil || saved[variable] != nil {
        report.error(at: place, "`\(variable)` is in use", expected: "a variable of its own")
      }
      var nodes: [Node] = []
      for reference in references { nodes += self.nodes(reference, "a node or a range of nodes") }
      // A node of each kind stands for the others: errors are told once a line anyway.
      var kinds: Set<Node.Kind> = []
      let outer = loops
      let before = Set(saved.keys)
      loops[variable] = nodes.filter { kinds.insert($0.kind).inserted }
      for member in members { check(member, isOrdered: isOrdered) }
      loops = outer
      // What a copy saves is the copy's own.
      for name in Array(saved.keys) where !before.contains(name) { saved[name] = nil }
    }
  }

  private mutating func check(_ line: MessageLine) {
    check(line.arrow)
    if let within = line.within, let step = within.step, steps[step] == nil, !parser.hasBrokenSteps {
      report.error(
        at: within.stepPosition ?? line.position, "there is no step \(step) before this line",
        expected: steps.isEmpty ? "a step above" : alternatives(steps.keys.sorted().map { "step \($0)" }))
    }
    for save in line.saves {
      if let definition = MessageCatalogue[line.arrow.message], !isFree(line.arrow) {
        _ = type(of: save.path, in: definition, at: save.position ?? line.position)
      }
      self.save(save)
    }
  }

  /// FROM, TO, NAME, `where` and `with` against the topology and the catalogue.
  mutating func check(_ arrow: Arrow) {
    let from = kinds(of: arrow.from, "a sender")
    let to = kinds(of: arrow.to, "a receiver")
    guard let definition = MessageCatalogue[arrow.message] else {
      report.error(
        at: arrow.messagePosition, "unknown message `\(arrow.message)`",
        expected: "a message of the catalogue; `homebed messages` lists them",
        hint: Suggestion.hint(for: arrow.message, among: MessageCatalogue.names))
      for condition in arrow.selectors + arrow.judgements { check(condition, of: .any) }
      return
    }
    let pairs = from.flatMap { from in to.map { (from, $0) } }
    if let (from, to) = pairs.first(where: { !definition.allows(from: $0, to: $1) }) {
      let known = definition.directions.map { "\($0.from.rawValue) -> \($0.to.rawValue)" }
      report.error(
        at: arrow.messagePosition, "no \(arrow.message) goes from \(from.text) to \(to.text)",
        expected: alternatives(known))
    }
    let type: FieldType = isFree(arrow) ? .any : .object(definition.fields)
    for condition in arrow.selectors + arrow.judgements { check(condition, of: type, what: arrow.message) }
    checkTogether(arrow.selectors + arrow.judgements)
  }

  /// A host may say anything.
  func isFree(_ arrow: Arrow) -> Bool {
    [arrow.from, arrow.to].contains { party in
      guard case .node(let reference) = party, let names else { return false }
      if case .variable(let variable)? = reference.parts.first {
        return loops[variable]?.contains { $0.kind == .host } ?? false
      }
      guard let meanings = try? names.resolveAll(reference) else { return true }
      return meanings.contains { if case .node(let node) = $0 { node.kind == .host } else { false } }
    }
  }

  private mutating func kinds(of party: PartyReference, _ what: String) -> [PartyKind] {
    switch party {
    case .any: return [.any]
    case .network: return [.network]
    case .operator: return [.operator]
    case .node(let reference):
      let found = nodes(reference, "\(what): a node")
      if found.count > 1, reference.parts.contains(where: { if case .names = $0 { true } else { false } }) {
        report.error(
          at: reference.position, "`\(reference)` is \(reference.count) nodes", expected: "\(what): one node",
          hint: "`for $d in \(reference)` has a copy of its lines for each")
      }
      return Set(found.map(\.kind)).compactMap { PartyKind(rawValue: $0.rawValue) }
    }
  }

  // MARK: Overlaps

  /// Siblings of a group without order that could take the same event make the judge try every assignment.
  func warnOfOverlaps(in patterns: [Pattern]) {
    for pattern in patterns {
      warnOfOverlaps(in: pattern.members)
      switch pattern {
      case .inAnyOrder(_, let members, _):
        warn(members.map { $0.lines(under: []) })
      case .forEach(let variable, let references, let members, _):
        guard references.count > 1 || references.contains(where: \.isRange) else { continue }
        for line in members.flatMap({ $0.lines(under: []) }) where !line.line.arrow.mentions(variable) {
          report.warning(
            at: line.line.position, "every copy of the line could take the same message",
            hint: "name `\(variable)` in it")
        }
      default: continue
      }
    }
  }

  /// How many pairs of lines are compared in a group; only files made to be slow have more.
  private static let comparisonLimit = 100_000

  /// One warning for each pair of members, at the first lines of theirs that overlap.
  private func warn(_ members: [[GuardedLine]]) {
    // Only lines for the same message can overlap.
    var byMessage: [String: [(member: Int, line: GuardedLine)]] = [:]
    for (member, lines) in members.enumerated() {
      for line in lines { byMessage[line.line.arrow.message, default: []].append((member, line)) }
    }
    var budget = ScenarioChecker.comparisonLimit
    var told: Set<[Int]> = []
    for message in byMessage.keys.sorted() {
      let lines = byMessage[message] ?? []
      for (index, first) in lines.enumerated() {
        for second in lines[(index + 1)...] where second.member != first.member {
          budget -= 1
          guard budget > 0 else { return }
          guard first.line.line.arrow.overlaps(second.line.line.arrow), !told.contains([first.member, second.member]),
            variants.contains(where: { variant in
              (first.line.guards + second.line.guards).allSatisfy(variant.allows)
            })
          else { continue }
          told.insert([first.member, second.member])
          report.warning(
            at: second.line.line.position,
            "the line could take the same message as the one in line \(first.line.line.position.line)",
            hint: "`where` tells them apart")
        }
      }
    }
  }
}

/// A message line and the guards around it.
struct GuardedLine {
  var line: MessageLine
  var guards: [Guard]
}

extension Pattern {
  func lines(under guards: [Guard]) -> [GuardedLine] {
    let guards = guardian.map { guards + [$0] } ?? guards
    if case .message(let line) = self { return [GuardedLine(line: line, guards: guards)] }
    return members.flatMap { $0.lines(under: guards) }
  }
}

extension Reference {
  var isRange: Bool {
    parts.contains { part in
      switch part {
      case .names, .range: true
      case .name, .variable, .number: false
      }
    }
  }
}

extension Arrow {
  /// True where an event could meet FROM, TO, NAME and `where` of both.
  func overlaps(_ other: Arrow) -> Bool {
    guard message == other.message, from.overlaps(other.from), to.overlaps(other.to) else { return false }
    return !selectors.contains { mine in
      other.selectors.contains { theirs in
        guard mine.path == theirs.path, case .equal(let a) = mine.test, case .equal(let b) = theirs.test else {
          return false
        }
        return a != b && !a.isVariable && !b.isVariable
      }
    }
  }

  func mentions(_ variable: String) -> Bool {
    func isIt(_ reference: Reference) -> Bool { reference.parts.first == .variable(variable) }
    for party in [from, to] { if case .node(let reference) = party, isIt(reference) { return true } }
    return selectors.contains { condition in
      condition.test.values.contains { value in
        switch value {
        case .reference(let reference): isIt(reference)
        case .variable(let name): name == variable
        default: false
        }
      }
    }
  }
}

extension PartyReference {
  func overlaps(_ other: PartyReference) -> Bool { self == .any || other == .any || self == other }
}

extension PartyKind {
  /// How errors call it.
  var text: String {
    switch self {
    case .operator: "the operator"
    case .network: "the network"
    case .any: "anybody"
    default: (self == .accessPoint ? "an " : "a ") + rawValue
    }
  }
}
