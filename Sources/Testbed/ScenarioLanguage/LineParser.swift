import LanguageKit

// What stands on one line of a scenario: messages, guards, conditions, facts.

extension TokenCursor {
  /// Takes what is left of the line: a guard perhaps, then the end.
  mutating func guardAndEnd(or others: [String] = []) throws(Fault) -> Guard? {
    let result = try guardian()
    try expectEnd(or: result == nil ? others + ["if", "unless"] : ["and"])
    return result
  }

  /// `if a and not b`, `unless a`.
  mutating func guardian() throws(Fault) -> Guard? {
    if take("unless") {
      let option = try name("an option")
      return Guard(tests: [.option(option.value, isNegated: true)], positions: [option.position])
    }
    guard take("if") else { return nil }
    var tests: [Guard.Test] = []
    var positions: [Position] = []
    repeat {
      let isNegated = take("not")
      let option = try name("an option")
      positions.append(option.position)
      if isNext(symbol: "=") || isNext(symbol: "!=") {
        guard !isNegated else {
          throw Fault(
            at: position, "`not` and a comparison", expected: "one of them",
            hint: "write `\(option.value) != ...`")
        }
        let differs = isNext(symbol: "!=")
        advance()
        tests.append(.value(option.value, equals: try value("one of the option's values").value, isNegated: differs))
      } else {
        tests.append(.option(option.value, isNegated: isNegated))
      }
    } while take("and")
    return Guard(tests: tests, positions: positions)
  }

  /// `arrow within? save? guard?`, in this order.
  mutating func messageLine() throws(Fault) -> MessageLine {
    let place = position
    let arrow = try arrow()
    var within: Within?
    if take("within") {
      let limit = try positiveDuration().value
      within = Within(limit: limit, step: nil)
      if take("of") {
        try expect("step")
        let step = try integer("a step's number", in: 1...Int.max)
        within = Within(limit: limit, step: step.value, stepPosition: step.position)
      }
    }
    var saves: [Save] = []
    if take("save") {
      repeat {
        let path = try path("the field to save")
        try expect("as")
        let place = position
        guard next.kind == .variable else { throw unexpected("a variable such as `$id`") }
        saves.append(Save(path: path.value, variable: next.text, position: place))
        advance()
      } while take(symbol: ",")
    }
    let guardian = try guardian()
    guard isAtEnd else { throw outOfOrder(arrow: arrow, within: within, saves: saves, guardian: guardian) }
    return MessageLine(arrow: arrow, within: within, saves: saves, guardian: guardian, position: place)
  }

  /// The parts of a message line stand in one order; says so where a part comes too late.
  private func outOfOrder(arrow: Arrow, within: Within?, saves: [Save], guardian: Guard?) -> Fault {
    let parts = ["where", "with", "within", "save", "if", "unless"]
    guard next.kind == .identifier, parts.contains(next.text) else {
      var known = parts
      if !arrow.judgements.isEmpty || !arrow.selectors.isEmpty { known.append("and") }
      return unexpected(alternatives(known) + " or the end of the line", among: known)
    }
    return Fault(
      at: position, "`\(next.text)` stands too late or twice",
      expected: "`where`, `with`, `within`, `save`, `if` or `unless`, in this order and each once")
  }

  /// `FROM -> TO NAME where ... with ...`.
  mutating func arrow() throws(Fault) -> Arrow {
    let place = position
    let from = try party(mayBeNetwork: false)
    try expect(symbol: "->")
    let toPlace = position
    let to = try party(mayBeNetwork: true)
    let message = try name("a message's name")
    let selectors = take("where") ? try conditions() : []
    let judgements = take("with") ? try conditions() : []
    return Arrow(
      from: from, to: to, message: message.value, selectors: selectors, judgements: judgements, position: place,
      toPosition: toPlace, messagePosition: message.position)
  }

  private mutating func party(mayBeNetwork: Bool) throws(Fault) -> PartyReference {
    if take("any") { return .any }
    if take("operator") { return .operator }
    if isNext("network") {
      guard mayBeNetwork else {
        throw Fault(at: position, "`network` sends nothing", expected: "a node, `any` or `operator`")
      }
      advance()
      return .network
    }
    return .node(try reference(mayBeNetwork ? "a node, `any`, `network` or `operator`" : "a node, `any` or `operator`"))
  }

  private mutating func conditions() throws(Fault) -> [Condition] {
    var result: [Condition] = []
    repeat { result.append(try condition()) } while take("and")
    return result
  }

  mutating func condition() throws(Fault) -> Condition {
    let path = try path("a field")
    return try condition(of: path)
  }

  private static let operators = ["=", "!=", "<", "<=", ">", ">="]
  private static let comparisons = ["contains", "matches", "in", "exists", "absent"]

  private mutating func condition(of path: Located<Path>) throws(Fault) -> Condition {
    let comparison = next
    let isOperator = comparison.kind == .symbol && TokenCursor.operators.contains(comparison.text)
    guard isOperator || (comparison.kind == .identifier && TokenCursor.comparisons.contains(comparison.text)) else {
      throw unexpected(
        alternatives(TokenCursor.operators + TokenCursor.comparisons), among: TokenCursor.comparisons)
    }
    advance()
    let place = position
    let test: Comparison
    switch comparison.text {
    case "=": test = .equal(try value().value)
    case "!=": test = .notEqual(try value().value)
    case "<": test = .less(try value().value)
    case "<=": test = .lessOrEqual(try value().value)
    case ">": test = .greater(try value().value)
    case ">=": test = .greaterOrEqual(try value().value)
    case "contains": test = .contains(try value().value)
    case "matches": test = .matches(try string("a regular expression").value)
    case "in": test = .isIn(try list())
    case "exists": return Condition(path: path.value, test: .exists, position: path.position)
    default: return Condition(path: path.value, test: .absent, position: path.position)
    }
    return Condition(path: path.value, test: test, position: path.position, valuePosition: place)
  }

  // MARK: Facts

  private static let predicates = [
    "configuration", "problem", "screen", "connection", "run", "is", "agent", "knows", "topology",
  ]

  mutating func fact() throws(Fault) -> Fact {
    let start = next.range.lowerBound
    let place = position
    let isNegated = take("not")
    let subject: Fact.Subject
    if take("last") {
      try expect("result")
      subject = .lastResult(try condition())
    } else {
      subject = try predicate(of: try reference("a node, `not` or `last`"))
    }
    return Fact(isNegated: isNegated, subject: subject, position: place, text: text(from: start))
  }

  private mutating func predicate(of node: Reference) throws(Fault) -> Fact.Subject {
    switch try takeOne(of: TokenCursor.predicates) {
    case "configuration": return .configuration(node, try condition())
    case "problem":
      try expect(symbol: "=")
      return .problem(node, try string("a problem's name").value)
    case "screen":
      try expect("contains")
      return .screen(node, contains: try value().value)
    case "connection": return .connection(node, try condition())
    case "run": return .run(node, try condition())
    case "is":
      try expect("up")
      return .isUp(node)
    case "agent":
      let agent = try reference("a CE device")
      // `exists` ends the fact, unless it is compared: then it is a field.
      if isNext("exists"), !comparisonFollows {
        advance()
        return .agent(at: node, agent, nil)
      }
      return .agent(at: node, agent, try condition())
    case "knows":
      let known = try reference("a node")
      return .knows(node, known, at: take("at") ? try reference("a port such as `sw1.3`") : nil)
    default:
      try expect("matches")
      return .topologyMatches(node)
    }
  }

  private var comparisonFollows: Bool {
    let token = afterNext
    if token.kind == .symbol { return true }
    return token.kind == .identifier && TokenCursor.comparisons.contains(token.text)
  }

  /// What was read from a place on, as it is written.
  func text(from start: Int) -> String {
    let read = line.scalars[start..<max(start, next.range.lowerBound)]
    let end = read.lastIndex { $0 != " " && $0 != "\t" }.map { $0 + 1 } ?? start
    return String(String.UnicodeScalarView(line.scalars[start..<end]))
  }
}
