import LanguageKit

/// Reads a scenario file into its syntax tree, mending itself at line ends.
struct ScenarioParser {
  var reader: LineReader
  /// True when a step's line could not be read, so that nothing is said about steps that seem to be missing.
  var hasBrokenSteps = false
  /// Options whose lines could not be read.
  var brokenOptions: Set<String> = []
  /// Variables whose saving lines could not be read.
  var brokenVariables: Set<String> = []
  private(set) var namePosition: Position
  /// True where a header line could not be read.
  var hasBrokenHeader = false

  var report: DiagnosticReport { reader.report }

  init(file: String, octets: [UInt8], report: DiagnosticReport) {
    reader = LineReader(file: file, octets: octets, report: report)
    namePosition = Position(file: file, line: 1, column: 1)
  }

  static let phaseWords = ["given", "when", "expect", "then"]
  static let headerWords = [
    "clause", "profile", "topology", "option", "requires", "time", "settle", "pace", "strict", "tags",
  ]

  /// - Returns: the tree as far as it could be read; the report says whether it is whole.
  mutating func parse() -> Scenario {
    var name = Located("", at: Position(file: reader.file, line: 1, column: 1))
    var title: String?
    var scenario = Scenario(
      name: "", title: nil, file: reader.file, header: Header(topology: Located("", at: name.position)), given: nil,
      phases: [])
    if reader.isAtEnd {
      report.error(at: name.position, "the file is empty", expected: "`scenario NAME`")
      return scenario
    }
    let firstWord = reader.nextWord
    if ScenarioParser.headerWords.contains(firstWord), firstWord != "topology", let place = reader.next?.position {
      report.error(at: place, "the file has no `scenario` line", expected: "`scenario NAME` first")
      hasBrokenHeader = true
    } else if let header = headerLine() {
      (name, title) = header
    } else {
      hasBrokenHeader = true
      // A topology read as a scenario would be wrong in every line.
      if firstWord == "topology" || firstWord == "fragment" { return scenario }
    }
    namePosition = name.position
    let header = self.header(at: name.position)
    scenario = Scenario(
      name: name.value, title: title, file: reader.file, header: header, given: nil, phases: [])
    while !reader.isAtEnd { block(of: &scenario) }
    if scenario.phases.isEmpty, !report.isFull {
      report.error(at: reader.end, "the scenario has no `when`", expected: "`when` and what happens")
    }
    return scenario
  }

  private mutating func headerLine() -> (Located<String>, String?)? {
    reader.take { cursor throws(Fault) in
      guard cursor.take("scenario") else {
        let isTopology = cursor.isNext("fragment") || cursor.isNext("topology")
        throw Fault(
          at: cursor.position, "this is no scenario", expected: "`scenario NAME`",
          hint: isTopology
            ? "this is a topology file, or the `scenario` line is missing"
            : Suggestion.hint(for: cursor.next.text, among: ["scenario"]))
      }
      let name = try cursor.name("the scenario's name")
      let title = try cursor.optionalString()
      try cursor.expectEnd()
      return (name, title)
    }
  }

  // MARK: Blocks

  /// What the next line is when it starts with one of the words, or is nearly one of them and nothing else.
  struct Keyword {
    var text: String
    /// True where the word was mistyped, which has been told.
    var isMended: Bool
  }

  mutating func keyword(_ words: [String]) -> Keyword? {
    let word = reader.nextWord
    if words.contains(word) { return Keyword(text: word, isMended: false) }
    guard let cursor = reader.next, cursor.next.kind == .identifier, cursor.afterNext.kind == .end,
      let meant = Suggestion.nearest(to: word, among: words)
    else { return nil }
    report.error(
      at: cursor.position, "unknown word `\(word)`", expected: alternatives(words),
      hint: Suggestion.hint(for: word, among: words))
    return Keyword(text: meant, isMended: true)
  }

  /// Takes a line that holds a keyword and nothing more.
  mutating func takeAlone(_ keyword: Keyword) {
    if keyword.isMended { return reader.advance() }
    _ = reader.take { cursor throws(Fault) in
      cursor.advance()
      try cursor.expectEnd()
    }
  }

  private mutating func block(of scenario: inout Scenario) {
    guard let place = reader.next?.position else { return }
    guard let keyword = keyword(ScenarioParser.phaseWords) else {
      let word = reader.nextWord
      let isHeader = ScenarioParser.headerWords.contains(word)
      report.error(
        at: place, isHeader ? "`\(word)` stands too late" : "unexpected \(reader.next?.next.name ?? "text")",
        expected: isHeader ? "header lines before `given` and `when`" : alternatives(ScenarioParser.phaseWords),
        hint: Suggestion.hint(for: word, among: ScenarioParser.headerWords + ScenarioParser.phaseWords))
      return reader.advance()
    }
    takeAlone(keyword)
    switch keyword.text {
    case "given":
      if scenario.given != nil {
        report.error(at: place, "a second `given`", expected: "one `given` at most")
      } else if !scenario.phases.isEmpty {
        report.error(at: place, "`given` stands too late", expected: "`given` before the first `when`")
      }
      let actions = self.actions()
      if scenario.given == nil { scenario.given = Given(actions: actions, position: place) }
    case "when":
      let (actions, isEmpty) = actionLines()
      if isEmpty { report.error(at: place, "an empty `when`", expected: "an action at least") }
      scenario.phases.append(Phase(when: actions, blocks: [], position: place))
    case "expect":
      openPhase("expect", at: place, of: &scenario)
      if case .then? = scenario.phases[scenario.phases.count - 1].blocks.last {
        report.error(
          at: place, "`expect` after `then`", expected: "`expect` blocks, then `then` blocks, after each `when`",
          hint: "a later phase starts with a `when` of its own")
      }
      let (patterns, isEmpty) = self.patterns(in: nil, depth: 0)
      if isEmpty { report.error(at: place, "an empty `expect`", expected: "a line at least") }
      scenario.phases[scenario.phases.count - 1].blocks.append(.expect(patterns, place))
    default:
      openPhase("then", at: place, of: &scenario)
      let (facts, isEmpty) = self.facts()
      if isEmpty { report.error(at: place, "an empty `then`", expected: "a fact at least") }
      scenario.phases[scenario.phases.count - 1].blocks.append(.then(facts, place))
    }
  }

  private mutating func openPhase(_ word: String, at place: Position, of scenario: inout Scenario) {
    guard scenario.phases.isEmpty else { return }
    report.error(at: place, "`\(word)` before `when`", expected: "`when` first")
    scenario.phases.append(Phase(when: [], blocks: [], position: place))
  }

  private mutating func facts() -> (facts: [FactLine], isEmpty: Bool) {
    var facts: [FactLine] = []
    var isEmpty = true
    while !reader.isAtEnd, keyword(ScenarioParser.phaseWords) == nil {
      isEmpty = false
      if refuseEnd() { continue }
      let line = reader.take { cursor throws(Fault) in
        let place = cursor.position
        let fact = try cursor.fact()
        let duration = cursor.take("for") ? try cursor.positiveDuration().value : nil
        let guardian = try cursor.guardAndEnd(or: duration == nil ? ["for"] : [])
        return FactLine(fact: fact, duration: duration, guardian: guardian, position: place)
      }
      if let line { facts.append(line) }
    }
    return (facts, isEmpty)
  }

  /// True, and an error, where the next line is an `end` and nothing is open.
  private mutating func refuseEnd() -> Bool {
    guard reader.nextWord == "end", let place = reader.next?.position else { return false }
    report.error(
      at: place, "nothing is open that `end` could close", expected: alternatives(ScenarioParser.phaseWords))
    reader.advance()
    return true
  }

  // MARK: Actions

  private mutating func actions() -> [Action] { actionLines().actions }

  private mutating func actionLines() -> (actions: [Action], isEmpty: Bool) {
    var actions: [Action] = []
    var isEmpty = true
    while !reader.isAtEnd, keyword(ScenarioParser.phaseWords) == nil {
      isEmpty = false
      if refuseEnd() { continue }
      if let action = action() { actions.append(action) }
    }
    return (actions, isEmpty)
  }

  /// All lines as actions: there are no blocks around those that are written by hand.
  mutating func handActions() -> [Action] {
    var actions: [Action] = []
    while !reader.isAtEnd { if !refuseEnd(), let action = action() { actions.append(action) } }
    return actions
  }

  /// The next line, or lines, as an action; `nil` where something was wrong with it.
  private mutating func action() -> Action? {
    isHolds ? holds() : reader.take { cursor throws(Fault) in try cursor.action() }
  }

  private var isHolds: Bool {
    guard var cursor = reader.next, !TokenCursor.actionWords.contains(cursor.next.text),
      (try? cursor.reference("a node")) != nil
    else { return false }
    return cursor.isNext("holds")
  }

  /// `ref holds configuration for ref guard? NL (path = value NL)* end`.
  private mutating func holds() -> Action? {
    guard let place = reader.next?.position, let text = reader.next?.line.text else { return nil }
    let head = reader.take { cursor throws(Fault) in
      let server = try cursor.reference("a service server")
      try cursor.expect("holds")
      try cursor.expect("configuration")
      try cursor.expect("for")
      let agent = try cursor.reference("a CE device")
      return (server, agent, try cursor.guardAndEnd())
    }
    var members: [(Path, Value)] = []
    var places: [Position] = []
    while true {
      guard let cursor = reader.next, !isStatementAfterHolds(cursor) else {
        if !report.isFull {
          report.error(at: place, "`holds configuration` has no `end`", expected: "`end` after the last member")
        }
        break
      }
      if cursor.isNext("end") {
        takeAlone(Keyword(text: "end", isMended: false))
        break
      }
      let member = reader.take { cursor throws(Fault) in
        let path = try cursor.path("a member such as `ntpServer`, or `end`")
        try cursor.expect(symbol: "=")
        let value = try cursor.value()
        try cursor.expectEnd()
        return (path, value.value)
      }
      if let (path, value) = member {
        members.append((path.value, value))
        places.append(path.position)
      }
    }
    guard let (server, agent, guardian) = head else { return nil }
    return Action(
      trigger: nil, act: .holdsConfiguration(server: server, agent: agent, members), guardian: guardian,
      position: place, text: text, places: places)
  }

  /// A member is a path and `=`; a line of two words is the next statement, so that the `end` is missing.
  private func isStatementAfterHolds(_ cursor: TokenCursor) -> Bool {
    guard cursor.next.kind == .identifier else { return false }
    if cursor.afterNext.kind == .end { return ScenarioParser.phaseWords.contains(cursor.next.text) }
    return cursor.afterNext.kind == .identifier
  }
}
