import LanguageKit

extension ScenarioParser {
  static let groupWords = ["in", "either", "optional", "never", "repeat", "for"]
  private static let patternWords = ["step", "wait"] + groupWords

  /// A step that is being read: its line, and the lines after it until the next.
  private struct OpenStep {
    var number: Int
    var title: String?
    var guardian: Guard?
    var position: Position
    var members: [Pattern] = []
    var pattern: Pattern { .step(number: number, title: title, guardian: guardian, members, position) }
  }

  /// Reads lines, steps and groups until a phase, or the `end` or `or` of the group that they are in.
  mutating func patterns(in group: String?, depth: Int) -> (patterns: [Pattern], isEmpty: Bool) {
    var result: [Pattern] = []
    var step: OpenStep?
    var isEmpty = true
    while !reader.isAtEnd, let cursor = reader.next {
      let ends = group == nil ? [] : ["end"] + (group == "either" ? ["or"] : [])
      let lone = ScenarioParser.phaseWords + ["end", "or", "either", "optional", "never"]
      let keyword = keyword(lone)
      if let keyword, ScenarioParser.phaseWords.contains(keyword.text) || ends.contains(keyword.text) { break }
      isEmpty = false
      let word = keyword?.text ?? reader.nextWord
      switch word {
      case "end", "or":
        report.error(
          at: cursor.position, word == "end" ? "nothing is open that `end` could close" : "`or` outside `either`",
          expected: "a line, a step or a group")
        reader.advance()
      case "step":
        if let opened = self.step(allowed: ["in", "for"].contains(group ?? "in")) {
          if let step { result.append(step.pattern) }
          step = opened
        }
      case "wait":
        if let pattern = wait() { append(pattern, to: &result, or: &step) }
      case _ where ScenarioParser.groupWords.contains(word):
        if let pattern = self.group(word, isMended: keyword?.isMended ?? false, depth: depth) {
          append(pattern, to: &result, or: &step)
        }
      default:
        if let pattern = message(depth: depth) { append(pattern, to: &result, or: &step) }
      }
    }
    if let step { result.append(step.pattern) }
    return (result, isEmpty)
  }

  /// A group that holds steps ends the step before it; anything else belongs to the step.
  private func append(_ pattern: Pattern, to result: inout [Pattern], or step: inout OpenStep?) {
    if pattern.holdsSteps, let open = step {
      result.append(open.pattern)
      step = nil
    }
    if step == nil { result.append(pattern) } else { step?.members.append(pattern) }
  }

  private mutating func step(allowed: Bool) -> OpenStep? {
    let step = reader.take { cursor throws(Fault) in
      let place = cursor.position
      cursor.advance()
      guard allowed else {
        throw Fault(
          at: place, "a step in this group", expected: "a line or a group",
          hint: "steps stand in `expect`, `in any order` and `for`")
      }
      let number = try cursor.integer("a step's number", in: 1...Int.max).value
      let title = try cursor.optionalString()
      return OpenStep(number: number, title: title, guardian: try cursor.guardAndEnd(), position: place)
    }
    if step == nil { hasBrokenSteps = true }
    return step
  }

  private mutating func wait() -> Pattern? {
    reader.take { cursor throws(Fault) in
      let place = cursor.position
      cursor.advance()
      try cursor.expect("until")
      let fact = try cursor.fact()
      return .wait(fact, guardian: try cursor.guardAndEnd(), place)
    }
  }

  private mutating func message(depth: Int) -> Pattern? {
    guard let cursor = reader.next else { return nil }
    let variables = cursor.line.text.split(separator: " ").filter { $0.hasPrefix("$") }.map { word in
      String(word.prefix { $0.isLetter || $0.isNumber || $0 == "$" })
    }
    let word = reader.nextWord
    let after = cursor.afterNext
    let isArrow = after.kind == .symbol || { if case .range = after.kind { true } else { false } }()
    if !word.isEmpty, !isArrow {
      // Not a message: a line that strayed here, or a mistyped word.
      if ScenarioParser.headerWords.contains(word) {
        report.error(
          at: cursor.position, "`\(word)` stands too late", expected: "header lines before `given` and `when`")
        reader.advance()
        return nil
      }
      let isAction = TokenCursor.actionWords.contains(word) && word != "operator"
      let meant = Suggestion.nearest(to: word, among: ScenarioParser.patternWords)
      if isAction || meant != nil {
        report.error(
          at: cursor.position, isAction ? "`\(word)` is an action" : "unknown word `\(word)`",
          expected: isAction ? "actions in `given` and `when`" : "a message, a step, `wait until` or a group",
          hint: isAction ? nil : meant.map { "did you mean `\($0)`?" })
        if !isAction, let meant, ScenarioParser.groupWords.contains(meant) {
          _ = group(meant, isMended: true, depth: depth)
        } else {
          if meant == "step" { hasBrokenSteps = true }
          reader.advance()
        }
        return nil
      }
    }
    let line = reader.take { cursor throws(Fault) in try cursor.messageLine() }
    if line == nil { brokenVariables.formUnion(variables) }
    return line.map { .message($0) }
  }

  // MARK: Groups

  private mutating func group(_ word: String, isMended: Bool, depth: Int) -> Pattern? {
    guard let place = reader.next?.position else { return nil }
    guard depth < SourceText.nestingLimit else {
      report.error(at: place, "groups nest too deep", expected: "at most \(SourceText.nestingLimit) levels")
      skipGroup()
      return nil
    }
    // Where the first line can't be read the lines in the group still are.
    var head = GroupHead.optional(nil)
    if isMended {
      reader.advance()
    } else {
      let variable = reader.next?.afterNext
      if let read = reader.take({ cursor throws(Fault) in try cursor.groupHead(word) }) {
        head = read
      } else if let variable, variable.kind == .variable {
        brokenVariables.insert(variable.text)
      }
    }
    var branches: [[Pattern]] = []
    while true {
      let (members, isEmpty) = patterns(in: word, depth: depth + 1)
      if isEmpty, !report.isFull {
        report.error(at: place, "`\(word)` is empty", expected: "a line at least in it", hint: nil)
      }
      branches.append(members)
      guard let keyword = keyword(["end", "or"]), keyword.text == "end" || word == "either" else {
        if !report.isFull {
          report.error(at: place, "`\(GroupHead.name(of: word))` has no `end`", expected: "`end` after its last line")
        }
        break
      }
      takeAlone(keyword)
      if keyword.text == "end" { break }
    }
    if word == "either", branches.count < 2, !report.isFull {
      report.error(at: place, "`either` has no `or`", expected: "two ways at least, with `or` between them")
    }
    return head.pattern(of: branches, at: place)
  }

  /// Passes over a group without reading it, whatever nests in it.
  private mutating func skipGroup() {
    var open = 0
    repeat {
      let word = reader.nextWord
      if ScenarioParser.phaseWords.contains(word) { return }
      if ScenarioParser.groupWords.contains(word) { open += 1 }
      if word == "end" { open -= 1 }
      reader.advance()
    } while open > 0 && !reader.isAtEnd
  }
}

/// The line that opens a group.
private enum GroupHead {
  case inAnyOrder(Guard?), either(Guard?), optional(Guard?), never(Guard?), repeated(Int, Int, Guard?)
  case forEach(String, [Reference])

  static func name(of word: String) -> String { word == "in" ? "in any order" : word }

  func pattern(of branches: [[Pattern]], at place: Position) -> Pattern {
    let members = branches.flatMap { $0 }
    return switch self {
    case .inAnyOrder(let guardian): .inAnyOrder(guardian: guardian, members, place)
    case .either(let guardian): .either(guardian: guardian, branches, place)
    case .optional(let guardian): .optional(guardian: guardian, members, place)
    case .never(let guardian): .never(guardian: guardian, members, place)
    case .repeated(let low, let high, let guardian): .repeated(low, high, guardian: guardian, members, place)
    case .forEach(let variable, let nodes): .forEach(variable: variable, nodes, members, place)
    }
  }
}

extension TokenCursor {
  /// The most often that `repeat` asks for.
  private static let repeatLimit = 10_000

  fileprivate mutating func groupHead(_ word: String) throws(Fault) -> GroupHead {
    advance()
    switch word {
    case "in":
      try expect("any")
      try expect("order")
      return .inAnyOrder(try guardAndEnd())
    case "either": return .either(try guardAndEnd())
    case "optional": return .optional(try guardAndEnd())
    case "never": return .never(try guardAndEnd())
    case "repeat":
      let low = try integer("a number", in: 0...TokenCursor.repeatLimit).value
      try expect("to")
      let high = try integer("a number not below the first", in: max(1, low)...TokenCursor.repeatLimit).value
      return .repeated(low, high, try guardAndEnd())
    default:
      guard next.kind == .variable else { throw unexpected("a variable such as `$d`") }
      let variable = next.text
      advance()
      try expect("in")
      var nodes: [Reference] = []
      repeat { nodes.append(try reference("a node or a range of nodes")) } while take(symbol: ",")
      if isNext("if") || isNext("unless") {
        throw Fault(at: position, "`for` takes no guard", expected: "the end of the line")
      }
      try expectEnd()
      return .forEach(variable, nodes)
    }
  }
}

extension Pattern {
  /// The lines, steps and groups in this one.
  public var members: [Pattern] {
    switch self {
    case .step(_, _, _, let members, _), .inAnyOrder(_, let members, _), .optional(_, let members, _),
      .never(_, let members, _), .repeated(_, _, _, let members, _), .forEach(_, _, let members, _):
      members
    case .either(_, let branches, _): branches.flatMap { $0 }
    case .message, .wait: []
    }
  }

  /// The guard of this line, step or group itself.
  public var guardian: Guard? {
    switch self {
    case .step(_, _, let guardian, _, _), .wait(_, let guardian, _), .inAnyOrder(let guardian, _, _),
      .either(let guardian, _, _), .optional(let guardian, _, _), .never(let guardian, _, _),
      .repeated(_, _, let guardian, _, _):
      guardian
    case .message(let line): line.guardian
    case .forEach: nil
    }
  }

  var holdsSteps: Bool {
    switch self {
    case .step: true
    case .message, .wait: false
    default: members.contains(where: \.holdsSteps)
    }
  }
}
