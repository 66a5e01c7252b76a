import LanguageKit

extension ScenarioParser {
  /// Reads the lines before the first phase.
  mutating func header(at start: Position) -> Header {
    var header = Header(topology: Located("", at: start))
    var isTopologyBroken = false
    var said: [String: Position] = [:]
    while let cursor = reader.next {
      let word = reader.nextWord
      if let keyword = keyword(ScenarioParser.phaseWords + ["strict"]), keyword.text != "strict" || keyword.isMended {
        if keyword.text == "strict" {
          reader.advance()
          continue
        }
        // A mistyped phase word was told; the block reader sees it once more and tells nothing new.
        break
      }
      if once.contains(word) {
        if let first = said[word] {
          report.error(at: cursor.position, "a second `\(word)`", expected: "one, the one in line \(first.line)")
          reader.advance()
          continue
        }
        said[word] = cursor.position
      }
      if word == "option" {
        option(into: &header)
        continue
      }
      var changed = header
      let isRead =
        reader.take { (cursor: inout TokenCursor) throws(Fault) in try ScenarioParser.read(&cursor, into: &changed) }
        != nil
      if isRead { header = changed } else if word == "topology" { isTopologyBroken = true }
      if !isRead, !ScenarioParser.headerWords.contains(word) { hasBrokenHeader = true }
    }
    if header.topology.value.isEmpty, !isTopologyBroken, !hasBrokenHeader, !report.isFull {
      report.error(at: start, "the scenario names no topology", expected: "`topology NAME`")
    }
    return header
  }

  private var once: [String] { ["clause", "profile", "topology", "time", "settle", "pace", "strict"] }

  private static func read(_ cursor: inout TokenCursor, into header: inout Header) throws(Fault) {
    let place = cursor.position
    let word = cursor.next.text
    guard cursor.next.kind == .identifier, ScenarioParser.headerWords.contains(word) else {
      let known = ScenarioParser.headerWords + ScenarioParser.phaseWords
      throw Fault(
        at: place, "unexpected \(cursor.next.name)", expected: "a header line, `given` or `when`",
        hint: Suggestion.hint(for: word, among: known))
    }
    cursor.advance()
    switch word {
    case "clause":
      let clause = try cursor.clause()
      header.clause = clause.value
      header.clausePosition = clause.position
      if cursor.take("figure") {
        let figure = try cursor.integer("a figure's number", in: 1...Int.max)
        header.figure = figure.value
        header.figurePosition = figure.position
      }
    case "profile":
      let section = try cursor.integer("a section of the profile", in: 1...10)
      header.profile = section.value
      header.profilePosition = section.position
    case "topology": header.topology = try cursor.name("a topology's name")
    case "requires":
      let premise = try cursor.name("an option")
      try cursor.expect("implies")
      let isNegated = cursor.take("not")
      let conclusion = try cursor.name("an option")
      header.requirements.append(
        Requirement(
          premise: premise.value, conclusion: conclusion.value, isNegated: isNegated, position: premise.position,
          conclusionPosition: conclusion.position))
    case "time":
      try cursor.expect("limit")
      header.timeLimit = try cursor.positiveDuration().value
    case "settle": header.settle = try cursor.duration().value
    case "pace": header.pace = try cursor.integer("a factor", in: 1...10_000).value
    case "strict": header.isStrict = true
    default:
      repeat { header.tags.append(try cursor.name("a tag").value) } while cursor.take(symbol: ",")
    }
    try cursor.expectEnd(or: word == "clause" && header.figure == nil ? ["figure"] : [])
  }

  /// `option NAME STRING? (sets ref path (in list)?)?`.
  private mutating func option(into header: inout Header) {
    var name: String?
    let option = reader.take { cursor throws(Fault) in
      let place = cursor.position
      cursor.advance()
      name = cursor.next.kind == .identifier ? cursor.next.text : nil
      let declared = try cursor.name("an option's name")
      let title = try cursor.optionalString()
      var option = Option(
        name: declared.value, title: title, node: nil, key: nil, values: nil, position: place)
      option.namePosition = declared.position
      if cursor.take("sets") {
        option.node = try cursor.reference("a node")
        let key = try cursor.path("a setting's key")
        option.key = key.value
        option.keyPosition = key.position
        if cursor.take("in") {
          option.valuesPosition = cursor.position
          option.values = try cursor.list()
          try cursor.expectEnd()
        }
        try cursor.expectEnd(or: option.values == nil ? ["in"] : [])
      } else {
        try cursor.expectEnd(or: ["sets"])
      }
      return option
    }
    guard let option else {
      if let name { brokenOptions.insert(name) } else { hasBrokenHeader = true }
      return
    }
    header.options.append(option)
  }
}
