// From the syntax tree to the plan of one variant.

import LanguageKit
import Messages
import ScenarioLanguage
import TopologyLanguage

/// Builds the ``Plan``; made, asked once, and dropped.
struct Planner {
  var plan = Plan()
  private let names: Names
  private let guards: (Guard) -> Bool
  private let clause: String?
  private let readsFacts: Bool
  private let wall: (Int64) -> Int64
  private var phase = 0
  private var expect = 0
  /// The code of each group's members, for finding who competes with whom.
  var memberRanges: [[Range<Int>]] = []

  /// What holds for the pattern that is being compiled.
  private struct Place {
    var step: Int?
    var offBecause: String?
    var bound: Names.Bindings = [:]
    /// Under `optional`, `either` or `repeat`.
    var isChoice = false
  }

  /// - Parameter guards: whether a guard is true in the variant.
  /// - Parameter readsFacts: false for a capture from elsewhere, where facts are not judged.
  static func plan(
    _ scenario: Scenario, guards: @escaping (Guard) -> Bool, _ topology: Topology, slack: Double, readsFacts: Bool
  ) -> Plan {
    let pace = Double(max(1, scenario.header.pace))
    let slack = slack.isFinite && slack > 0 ? slack : 1
    var planner = Planner(
      names: Names(topology), guards: guards, clause: scenario.header.clause, readsFacts: readsFacts,
      wall: { Planner.nanoseconds(Double($0) * slack / pace) })
    planner.compile(scenario, slack: slack, pace: pace)
    return planner.plan
  }

  /// What an action's `wait until` polls, which is no fact of the plan: its id is -1.
  static func request(for fact: Fact, _ topology: Topology) -> FactRequest {
    var planner = Planner(names: Names(topology), guards: { _ in true }, clause: nil, readsFacts: true, wall: { $0 })
    return FactRequest(id: -1, fact: fact, test: planner.test(of: fact, Place()), environment: [:])
  }

  /// One arrow by itself, as `at ARROW do` has it.
  static func line(of arrow: Arrow, _ topology: Topology) -> Line {
    var planner = Planner(names: Names(topology), guards: { _ in true }, clause: nil, readsFacts: true, wall: { $0 })
    let source = MessageLine(arrow: arrow, within: nil, saves: [], guardian: nil, position: arrow.position)
    let id = planner.append(source, Place())
    return planner.plan.lines[id]
  }

  private init(
    names: Names, guards: @escaping (Guard) -> Bool, clause: String?, readsFacts: Bool,
    wall: @escaping (Int64) -> Int64
  ) {
    self.names = names
    self.guards = guards
    self.clause = clause
    self.readsFacts = readsFacts
    self.wall = wall
  }

  /// Saturates, so that no duration that a file can state overflows; a hundred years suffice.
  private static func nanoseconds(_ value: Double) -> Int64 { Int64(min(max(value, 0), 3e18)) }

  private mutating func compile(_ scenario: Scenario, slack: Double, pace: Double) {
    let header = scenario.header
    plan.isStrict = header.isStrict
    // The judge reads role time. What only ends a wait never shrinks below its default on the wall: no machine runs
    // faster at pace K.
    plan.timeLimit = max(
      wall(header.timeLimit), Planner.nanoseconds(Double(min(header.timeLimit, 30_000_000_000)) * slack))
    plan.givenLimit = Planner.nanoseconds(60e9 * slack)
    plan.settle = max(Planner.nanoseconds(Double(header.settle) / pace), min(header.settle, 150_000_000))
    plan.repeatWindow = Planner.nanoseconds(8e9 / pace)
    for (index, source) in scenario.phases.enumerated() {
      phase = index
      expect = 0
      plan.phases.append(PlannedPhase(start: plan.code.count, position: source.position))
      for case .expect(let patterns, _) in source.blocks {
        plan.phases[phase].settles.append(header.isStrict)
        compile(patterns, Place())
        plan.code.append(.mark(expect))
        expect += 1
      }
      plan.code.append(.accept)
      for case .then(let lines, _) in source.blocks {
        plan.phases[phase].thens.append(lines.compactMap { line in isOn(line.guardian) ? fact(line) : nil })
      }
    }
    for line in plan.lines where line.withinStep != nil { plan.timedSteps.insert(line.withinStep ?? 0) }
    plan.ancestry = Array(repeating: [], count: plan.lines.count)
    for group in plan.groups.indices { cluster(group) }
    for phase in plan.phases.indices { findTails(phase) }
  }

  /// Backwards from the end of the phase, as long as there is one way only.
  private mutating func findTails(_ phase: Int) {
    let end = phase + 1 < plan.phases.count ? plan.phases[phase + 1].start : plan.code.count
    var forbidden: [Int] = []
    for position in (plan.phases[phase].start..<end).reversed() {
      switch plan.code[position] {
      case .accept where position == end - 1, .mark: break
      case .forbid(let lines): forbidden = lines + forbidden
      default: return
      }
      plan.tails[position] = forbidden
    }
  }

  private func isOn(_ guardian: Guard?) -> Bool { guardian.map(guards) ?? true }

  private mutating func fact(_ line: FactLine) -> Int {
    plan.facts.append(
      PlannedFact(
        id: plan.facts.count, fact: line.fact, test: test(of: line.fact, Place()), duration: line.duration.map(wall),
        step: nil, position: line.position))
    return plan.facts.count - 1
  }

  /// What a fact asks of the value that was read for it.
  private mutating func test(of fact: Fact, _ place: Place) -> FactTest {
    switch fact.subject {
    case .configuration(_, let condition), .connection(_, let condition), .run(_, let condition):
      return .value(test(condition, place))
    case .lastResult(var condition):
      condition.path = Planner.pathInResult(condition.path)
      return .value(test(condition, place))
    case .agent(_, _, let condition): return condition.map { .value(test($0, place)) } ?? .thereIs
    case .problem(_, let name): return .names(name)
    case .screen(_, let value):
      let path = Path(segments: [])
      return .value(test(Condition(path: path, test: .contains(value), position: fact.position), place))
    case .isUp, .knows, .topologyMatches: return .isTrue
    }
  }

  /// What a finding has and a result has not, such as `fault`, is meant of some finding.
  private static func pathInResult(_ path: Path) -> Path {
    guard case .member(let name)? = path.segments.first,
      MessageCatalogue["request-result"]?.fields.contains(where: { $0.name == name }) == false
    else { return path }
    return Path(segments: [.member("findings"), .anyElement] + path.segments)
  }

  private mutating func compile(_ patterns: [Pattern], _ place: Place) {
    for pattern in patterns { compile(pattern, place) }
  }

  private func place(_ place: Place, under guardian: Guard?) -> Place {
    guard place.offBecause == nil, let guardian, !guards(guardian) else { return place }
    var off = place
    off.offBecause = Planner.text(guardian)
    return off
  }

  private func choice(_ outer: Place, under guardian: Guard?) -> Place {
    var here = place(outer, under: guardian)
    here.isChoice = true
    return here
  }

  private mutating func compile(_ pattern: Pattern, _ outer: Place) {
    switch pattern {
    case .step(let number, let title, let guardian, let patterns, let position):
      var inner = place(outer, under: guardian)
      inner.step = plan.steps.count
      plan.steps.append(
        PlannedStep(
          number: number, title: title, clause: clause, phase: phase, position: position,
          offBecause: inner.offBecause))
      compile(patterns, inner)
    case .message(let line):
      let here = place(outer, under: line.guardian)
      let id = append(line, here)
      if here.offBecause == nil {
        plan.code.append(.line(id))
        switch here.step {
        case let step? where here.isChoice: plan.steps[step].choices.append(id)
        case let step?: plan.steps[step].lines.append(id)
        case nil: break
        }
      } else {
        plan.phases[phase].offLines.append(id)
        plan.phases[phase].settles[expect] = true
      }
    case .wait(let fact, let guardian, let position):
      guard place(outer, under: guardian).offBecause == nil, readsFacts else { return }
      let id = plan.facts.count
      plan.facts.append(
        PlannedFact(
          id: id, fact: fact.binding(outer.bound), test: test(of: fact, outer), duration: nil, step: outer.step,
          position: position))
      plan.code.append(.wait(id))
      if let step = outer.step, !outer.isChoice { plan.steps[step].waits.append(id) }
    case .inAnyOrder(let guardian, let patterns, let position):
      let here = place(outer, under: guardian)
      fork(patterns.map { ([$0], here) }, position)
    case .forEach(let variable, let references, let patterns, let position):
      fork(
        Names.each(references).map { reference in
          var here = outer
          here.bound[variable] = Names.expand(reference, outer.bound)
          return (patterns, here)
        }, position)
    case .either(let guardian, let branches, _): either(branches, choice(outer, under: guardian))
    case .optional(let guardian, let patterns, _):
      let here = choice(outer, under: guardian)
      let split = plan.code.count
      plan.code.append(.accept)
      compile(patterns, here)
      // The way past it comes first: failures speak of what must come.
      if plan.code.count == split + 1 {
        plan.code.removeLast()
      } else {
        plan.code[split] = .split([plan.code.count, split + 1])
      }
    case .never(let guardian, let patterns, _):
      let here = place(outer, under: guardian)
      guard here.offBecause == nil else { return }
      let ids = forbidden(patterns, here)
      guard !ids.isEmpty else { return }
      plan.code.append(.forbid(ids))
      plan.forbidding.formUnion(ids)
      plan.phases[phase].settles[expect] = true
    case .repeated(let low, let high, let guardian, let patterns, _):
      repeated(patterns, from: max(0, low), to: high, choice(outer, under: guardian))
    }
  }

  private mutating func either(_ branches: [[Pattern]], _ here: Place) {
    let split = plan.code.count
    plan.code.append(.accept)
    var starts: [Int] = []
    var jumps: [Int] = []
    for branch in branches {
      let start = plan.code.count
      compile(branch, here)
      // A branch whose lines are all off is no way through.
      guard plan.code.count > start else { continue }
      starts.append(start)
      jumps.append(plan.code.count)
      plan.code.append(.accept)
    }
    if starts.isEmpty {
      plan.code.removeLast()
    } else {
      plan.code[split] = .split(starts)
      for jump in jumps { plan.code[jump] = .jump(plan.code.count) }
    }
  }

  private mutating func repeated(_ patterns: [Pattern], from low: Int, to high: Int, _ here: Place) {
    let enter = plan.code.count
    let counter = plan.counters
    plan.counters += 1
    plan.code += [.enter(counter: counter), .accept]
    compile(patterns, here)
    guard plan.code.count > enter + 2 else {
      plan.code.removeLast(2)
      return
    }
    plan.code.append(.jump(enter + 1))
    plan.code[enter + 1] = .loop(counter: counter, from: low, to: max(low, high), exit: plan.code.count)
  }

  private mutating func fork(_ members: [([Pattern], Place)], _ position: Position) {
    let fork = plan.code.count
    let group = plan.groups.count
    plan.groups.append(Group(position: position))
    memberRanges.append([])
    plan.code += [.fork(group), .accept]
    for (patterns, here) in members {
      let start = plan.code.count
      compile(patterns, here)
      guard plan.code.count > start else { continue }
      plan.code.append(.accept)
      plan.groups[group].members.append(start)
      memberRanges[group].append(start..<plan.code.count)
    }
    if plan.groups[group].members.isEmpty {
      plan.code.removeLast(2)
    } else {
      plan.code[fork + 1] = .jump(plan.code.count)
    }
  }

  /// Every line of a `never`, each forbidden by itself, its `with` selecting like `where`.
  private mutating func forbidden(_ patterns: [Pattern], _ outer: Place) -> [Int] {
    var ids: [Int] = []
    for pattern in patterns {
      switch pattern {
      case .message(let line):
        let here = place(outer, under: line.guardian)
        if here.offBecause == nil { ids.append(append(line, here)) }
      case .step(_, _, let guardian, let inner, _), .inAnyOrder(let guardian, let inner, _),
        .optional(let guardian, let inner, _), .repeated(_, _, let guardian, let inner, _),
        .never(let guardian, let inner, _):
        let here = place(outer, under: guardian)
        if here.offBecause == nil { ids += forbidden(inner, here) }
      case .either(let guardian, let branches, _):
        let here = place(outer, under: guardian)
        if here.offBecause == nil { for branch in branches { ids += forbidden(branch, here) } }
      case .forEach(let variable, let references, let inner, _):
        for reference in Names.each(references) {
          var here = outer
          here.bound[variable] = reference
          ids += forbidden(inner, here)
        }
      case .wait: break
      }
    }
    return ids
  }

  private mutating func append(_ source: MessageLine, _ place: Place) -> Int {
    let id = plan.lines.count
    let arrow = source.arrow
    func party(_ reference: PartyReference) -> PartyTest {
      switch reference {
      case .any: .any
      case .network: .party(.network)
      case .operator: .party(.operator)
      case .node(let node): .party(names.party(node, place.bound))
      }
    }
    func word(_ test: PartyTest) -> String { if case .party(let party) = test { "\(party)" } else { "any" } }
    let (from, to) = (party(arrow.from), party(arrow.to))
    let selectors = arrow.selectors.map { test($0, place) }
    let judgements = arrow.judgements.map { test($0, place) }
    let background = Line.background(arrow.message)
    let saves = source.saves.map { (path: $0.path, variable: variable($0.variable)) }
    plan.lines.append(
      Line(
        id: id, from: from, to: to, name: arrow.message, selectors: selectors, judgements: judgements, saves: saves,
        within: source.within.map { wall($0.limit) }, withinStep: source.within?.step,
        withinText: source.within.map { within in
          "within " + Notation.seconds(within.limit) + (within.step.map { " of step \($0)" } ?? "")
        }, step: place.step,
        expect: expect, text: Notation.text(arrow, from: word(from), to: word(to)), position: source.position,
        offBecause: place.offBecause, namesBackground: background.always,
        deciding: (selectors + judgements).filter { $0.path.segments.first == background.field.map { .member($0) } }))
    return id
  }

  private mutating func test(_ condition: Condition, _ place: Place) -> ValueTest {
    var variables = plan.variables
    let result = ValueTest(condition, names, place.bound) { name in
      if let number = variables[name] { return number }
      variables[name] = variables.count
      return variables.count - 1
    }
    plan.variables = variables
    return result
  }

  private mutating func variable(_ name: String) -> Int {
    if let number = plan.variables[name] { return number }
    plan.variables[name] = plan.variables.count
    return plan.variables.count - 1
  }

  static func text(_ guardian: Guard) -> String {
    "if "
      + guardian.tests.map { test in
        switch test {
        case .option(let name, let isNegated): (isNegated ? "not " : "") + name
        case .value(let name, let value, let isNegated): "\(name) \(isNegated ? "!=" : "=") \(value)"
        }
      }.joined(separator: " and ")
  }
}
