import LanguageKit
import Messages
import TopologyLanguage

/// Holds a scenario against its topology and the message catalogue.
struct ScenarioChecker {
  let scenario: Scenario
  let parser: ScenarioParser
  /// `nil` where the topology has errors of its own; nothing is said about nodes then.
  let names: TopologyNames?
  let report: DiagnosticReport
  var variants: [Variant] = []

  /// The guards that are around the line being checked, its own included.
  var guards: [Guard] = []
  /// For each variable the variants, by index, in which some line has saved it.
  var saved: [String: Set<Int>] = [:]
  private let options: [String: Option]
  /// What ranges mean, so that a large one is looked up once.
  private var ranges: [Reference: [TopologyNames.Meaning]] = [:]
  /// Of a larger range only some nodes of each kind are looked at.
  private static let rangeLimit = 256
  /// Variables of `for`, with a node of each kind that they stand for.
  var loops: [String: [Node]] = [:]
  /// Options that guard a line of `given` or `when`.
  var optionsInActions: Set<String> = []
  var isInAction = false
  var steps: [Int: Position] = [:]
  var lastStep = 0

  init(scenario: Scenario, parser: ScenarioParser, topology: Topology?, report: DiagnosticReport) {
    self.scenario = scenario
    self.parser = parser
    names = topology.map { TopologyNames($0) }
    self.report = report
    options = Dictionary(scenario.header.options.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// - Returns: the variants; none where there are errors in the options.
  mutating func check() -> [Variant] {
    checkOptions()
    isInAction = true
    for action in scenario.given?.actions ?? [] { check(action) }
    for phase in scenario.phases {
      isInAction = true
      for action in phase.when { check(action) }
      isInAction = false
      for block in phase.blocks {
        switch block {
        case .expect(let patterns, _):
          for pattern in patterns { check(pattern, isOrdered: true) }
          warnOfOverlaps(in: patterns)
        case .then(let lines, _): for line in lines { check(line) }
        }
      }
    }
    checkUnusedOptions()
    checkMissingSteps()
    return variants
  }

  // MARK: Guards and variables

  mutating func check(_ guardian: Guard?) {
    guard let guardian else { return }
    for (index, test) in guardian.tests.enumerated() {
      let place = guardian.positions.indices.contains(index) ? guardian.positions[index] : parser.namePosition
      switch test {
      case .option(let name, _): _ = option(name, at: place, asksForValue: nil)
      case .value(let name, let value, _): _ = option(name, at: place, asksForValue: value)
      }
    }
  }

  /// Finds an option that a guard or `requires` names, and holds the way it is asked against its kind.
  mutating func option(_ name: String, at place: Position, asksForValue value: Value?) -> Option? {
    if isInAction { optionsInActions.insert(name) }
    guard let option = options[name] else {
      guard !parser.brokenOptions.contains(name) else { return nil }
      let known = scenario.header.options.map(\.name)
      report.error(
        at: place, "unknown option `\(name)`",
        expected: known.isEmpty ? "an `option` line before `given`" : alternatives(known),
        hint: Suggestion.hint(for: name, among: known))
      return nil
    }
    switch (option.values, value) {
    case (nil, nil): break
    case (nil, .bool?): break
    case (nil, _?):
      report.error(at: place, "`\(name)` is yes or no", expected: "`if \(name)` or `unless \(name)`")
    case (let values?, nil):
      let first = values.first?.plainText ?? ""
      report.error(
        at: place, "`\(name)` is an option of values", expected: "a comparison such as `if \(name) = \(first)`")
    case (let values?, let value?):
      let known = values.map(\.plainText)
      if !known.contains(value.plainText) {
        report.error(
          at: place, "`\(name)` is never `\(value.plainText)`", expected: alternatives(known),
          hint: Suggestion.hint(for: value.plainText, among: known))
      }
    }
    return option
  }

  /// Checks what stands under a guard.
  mutating func under(_ guardian: Guard?, _ body: (inout ScenarioChecker) -> Void) {
    check(guardian)
    if let guardian { guards.append(guardian) }
    body(&self)
    if guardian != nil { guards.removeLast() }
  }

  /// A `$v` is saved before it is used, and in every variant in which it is used.
  mutating func use(_ variable: String, at place: Position) {
    if loops[variable] != nil || parser.brokenVariables.contains(variable) { return }
    guard let saves = saved[variable] else {
      let known = saved.keys.sorted() + loops.keys.sorted()
      report.error(
        at: place, "`\(variable)` was not saved", expected: "`save FIELD as \(variable)` on a line before",
        hint: Suggestion.hint(for: variable, among: known))
      return
    }
    let missing = variants.indices.first { index in
      !saves.contains(index) && guards.allSatisfy(variants[index].allows)
    }
    if let missing {
      report.error(
        at: place, "`\(variable)` is saved under a guard and used outside of it",
        expected: "the same guard on this line", hint: "in \(variants[missing]) nothing saves it")
    }
  }

  mutating func save(_ save: Save) {
    if loops[save.variable] != nil, let place = save.position {
      report.error(at: place, "`\(save.variable)` is the variable of a `for`", expected: "a variable of its own")
    }
    saved[save.variable, default: []].formUnion(
      variants.indices.filter { index in guards.allSatisfy(variants[index].allows) })
  }

  // MARK: References

  /// The nodes that a reference means; empty where that was told or can't be known.
  @discardableResult
  mutating func nodes(
    _ reference: Reference, _ what: String, kinds: Set<Node.Kind>? = nil, at place: Position? = nil
  ) -> [Node] {
    let place = place ?? reference.position
    var result: [Node] = []
    for meaning in meanings(reference) {
      guard case .node(let node) = meaning else {
        report.error(at: place, "`\(reference)` is \(meaning.kindName)", expected: what)
        return []
      }
      if let kinds, !kinds.contains(node.kind) {
        report.error(
          at: place, "`\(reference)` is \(node.kind.text)",
          expected: "\(what): a " + alternatives(kinds.map(\.rawValue).sorted()))
        return []
      }
      result.append(node)
    }
    return result
  }

  /// One node.
  @discardableResult
  mutating func node(_ reference: Reference, _ what: String, kinds: Set<Node.Kind>? = nil) -> Node? {
    let found = nodes(reference, what, kinds: kinds)
    if found.count > 1, !isLoop(reference) {
      report.error(at: reference.position, "`\(reference)` is \(reference.count) nodes", expected: what)
    }
    return found.first
  }

  private func isLoop(_ reference: Reference) -> Bool {
    if case .variable? = reference.parts.first { true } else { false }
  }

  /// What a reference means, `$d` of a `for` put in.
  mutating func meanings(_ reference: Reference) -> [TopologyNames.Meaning] {
    guard case .variable(let variable)? = reference.parts.first else { return lookUp(reference) }
    guard let nodes = loops[variable] else {
      if saved[variable] != nil {
        report.error(
          at: reference.position, "`\(variable)` is a saved value", expected: "a node, or the variable of a `for`")
      } else {
        use(variable, at: reference.position)
      }
      return []
    }
    return nodes.flatMap { node in
      lookUp(
        Reference(
          parts: node.qualifiedName.split(separator: ".").map { .name(String($0)) } + reference.parts.dropFirst(),
          position: reference.position))
    }
  }

  private mutating func lookUp(_ reference: Reference) -> [TopologyNames.Meaning] {
    guard let names else { return [] }
    if let known = ranges[reference] { return known }
    do throws(Fault) {
      var found = try names.resolveAll(reference)
      if found.count > ScenarioChecker.rangeLimit {
        var seen: [String: Int] = [:]
        found = found.filter { meaning in
          seen[meaning.kindName, default: 0] += 1
          return seen[meaning.kindName, default: 0] <= 2
        }
      }
      if reference.count > 1 { ranges[reference] = found }
      return found
    } catch {
      report.error(error)
      return []
    }
  }

  /// A value with its references resolved; `nil` where that can't be, or a variable is in it.
  mutating func concrete(_ value: Value, at place: Position) -> Value? {
    switch value {
    case .reference(let reference):
      let found = meanings(reference)
      guard let first = found.first else { return nil }
      guard case .property(let node, let property) = first, found.count == 1 || isLoop(reference) else {
        let example = reference.parts.count < 3 ? "\(reference)." : ""
        report.error(
          at: reference.position, "`\(reference)` is \(first.kindName)",
          expected: "a value: text in quotes, or a property such as `\(example)address`")
        return nil
      }
      return found.count == 1 ? names?.value(of: property, node) : nil
    case .variable(let name):
      if loops[name] != nil {
        report.error(at: place, "`\(name)` is a node", expected: "a property such as `\(name).address`")
      } else {
        use(name, at: place)
      }
      return nil
    case .list(let items):
      var result: [Value] = []
      var isWhole = true
      for item in items {
        if let item = concrete(item, at: place) { result.append(item) } else { isWhole = false }
      }
      return isWhole ? .list(result) : nil
    default: return value
    }
  }
}

extension TopologyNames.Meaning {
  /// How errors call it.
  var kindName: String {
    switch self {
    case .home: "a home"
    case .network: "a network"
    case .node(let node): "\(node.kind.text)"
    case .port: "a port"
    case .radio: "a radio"
    case .interface: "an interface"
    case .property: "a property"
    }
  }
}
