import LanguageKit
import TopologyLanguage

extension ScenarioChecker {
  /// Options, `requires`, the variants that they give, the clause and its figure.
  mutating func checkOptions() {
    let header = scenario.header
    var names: [String: Position] = [:]
    for (index, option) in header.options.enumerated() {
      if index == ScenarioVariants.optionLimit {
        report.error(
          at: option.position, "more than \(ScenarioVariants.optionLimit) options",
          expected: "at most \(ScenarioVariants.optionLimit)")
      }
      if let first = names[option.name] {
        report.error(
          at: option.namePosition, "a second option `\(option.name)`", expected: "a name of its own",
          hint: "the first is in line \(first.line)")
      } else {
        names[option.name] = option.namePosition
      }
      checkSetting(of: option)
    }
    for requirement in header.requirements {
      _ = option(requirement.premise, at: requirement.position, asksForValue: nil)
      _ = option(requirement.conclusion, at: requirement.conclusionPosition, asksForValue: nil)
    }
    checkClause()
    guard !report.hasErrors || names.count == header.options.count,
      header.options.count <= ScenarioVariants.optionLimit
    else { return }
    guard let all = ScenarioVariants.all(of: scenario) else {
      return report.error(
        at: header.options.last?.position ?? parser.namePosition, "more than \(ScenarioVariants.limit) variants",
        expected: "at most \(ScenarioVariants.limit); `requires` excludes some")
    }
    if all.isEmpty {
      report.error(
        at: header.requirements.last?.position ?? parser.namePosition,
        "`requires` allows no combination of the options",
        expected: "one at least")
    }
    variants = all
  }

  private mutating func checkSetting(of option: Option) {
    guard let node = option.node, let key = option.key else { return }
    for node in nodes(node, "a node with settings") {
      guard let setting = setting(key, of: node, at: option.keyPosition) else { return }
      guard let values = option.values else {
        if setting.kind != .boolean {
          report.error(
            at: option.keyPosition, "`\(key)` is not true or false", expected: "`in` and a list of \(setting.kind.name)"
          )
        }
        continue
      }
      var seen: Set<String> = []
      for value in values {
        guard let value = concrete(value, at: option.valuesPosition) else { continue }
        if !setting.takes(value) {
          report.error(
            at: option.valuesPosition, "`\(value)` is no value of `\(key)`", expected: setting.kind.name,
            hint: Suggestion.hint(for: value.plainText, among: Words.natKinds))
        }
        if !seen.insert(value.plainText).inserted {
          report.error(
            at: option.valuesPosition, "`\(value)` is in the list twice", expected: "each value once")
        }
      }
    }
  }

  /// The entry of a key on a node; `nil` where it was told that there is none.
  mutating func setting(_ key: Path, of node: Node, at place: Position) -> SettingKey? {
    guard let setting = SettingKey.find(key, on: node.kind) else {
      let known = SettingKey.names(on: node)
      let owners = SettingKey.all.filter { entry in entry.nodes.contains { SettingKey.find(key, on: $0) == entry } }
      report.error(
        at: place, "\(node.kind.text) has no setting `\(key)`",
        expected: known.isEmpty ? "a node with settings" : alternatives(known),
        hint: owners.first.map { "it is a setting of a " + alternatives($0.nodes.map(\.rawValue)) }
          ?? Suggestion.hint(for: key.description, among: known))
      return nil
    }
    if let application = setting.application(in: key) {
      guard checkApplication(application, of: node, at: place) else { return nil }
    }
    return setting
  }

  /// False, and an error, where the node lacks the application.
  mutating func checkApplication(_ name: String, of node: Node, at place: Position) -> Bool {
    let known = node.applications.map(\.name)
    if known.contains(name) { return true }
    report.error(
      at: place, "`\(node.name)` has no application `\(name)`",
      expected: known.isEmpty ? "an `application` line in the topology" : alternatives(known),
      hint: Suggestion.hint(for: name, among: known))
    return false
  }

  func checkUnusedOptions() {
    for option in scenario.header.options where option.node == nil && !optionsInActions.contains(option.name) {
      report.warning(
        at: option.namePosition, "the option `\(option.name)` sets nothing and guards no line of `given` or `when`",
        hint: "both of its values run the same home")
    }
  }

  // MARK: Clause and steps

  private func checkClause() {
    let header = scenario.header
    guard let clause = header.clause, let place = header.clausePosition else { return }
    guard ClauseSteps.count(of: clause) != nil else {
      return report.warning(
        at: place, "the standard has no clause \(clause)",
        hint: "its sequences are in clauses " + ClauseSteps.clauses.joined(separator: ", "))
    }
    if let figure = header.figure, figure != ClauseSteps.figure(of: clause) {
      report.error(
        at: header.figurePosition ?? place, "figure \(figure) does not show clause \(clause)",
        expected: ClauseSteps.figure(of: clause).map { "figure \($0)" } ?? "no figure")
    }
  }

  /// A step's number appears once, ascending outside of `in any order`, and is one of the clause's.
  mutating func checkStep(_ number: Int, isOrdered: Bool, at place: Position) {
    if let first = steps[number] {
      report.error(
        at: place, "a second step \(number)", expected: "each step once", hint: "the first is in line \(first.line)")
      return
    }
    steps[number] = place
    if let clause = scenario.header.clause, let count = ClauseSteps.count(of: clause), number > count {
      report.error(
        at: place, "clause \(clause) has no step \(number)",
        expected: count == 0 ? "no steps" : "steps 1 to \(count)")
      return
    }
    if isOrdered {
      if number < lastStep {
        report.error(
          at: place, "step \(number) after step \(lastStep)", expected: "steps in ascending order",
          hint: "steps may come in another order within `in any order`")
      }
      lastStep = max(lastStep, number)
    }
  }

  func checkMissingSteps() {
    guard let clause = scenario.header.clause, let count = ClauseSteps.count(of: clause), count > 0,
      !parser.hasBrokenSteps
    else { return }
    let missing = (1...count).filter { steps[$0] == nil }
    guard !missing.isEmpty else { return }
    report.warning(
      at: scenario.header.clausePosition ?? parser.namePosition,
      missing.count == count
        ? "no step of clause \(clause) is in the scenario"
        : "step\(missing.count > 1 ? "s" : "") \(missing.map(String.init).joined(separator: ", ")) of clause \(clause) "
          + "\(missing.count > 1 ? "are" : "is") missing")
  }
}
