// From the state of the matcher to the verdict and its words.

import LanguageKit
import ScenarioLanguage

extension Judge {
  /// Everything that was taken, on the way that came farthest.
  var histories: [History] {
    if let history = past?.history, matcher == nil { return [history] }
    guard let matcher else { return [] }
    if let best = farthestAlive { return pasts(best) }
    return matcher.farthestDeath?.histories ?? []
  }

  private var farthestAlive: Assignment? {
    var best: Assignment?
    for assignment in matcher?.assignments ?? [] where best.map({ assignment.totalProgress > $0.totalProgress }) ?? true
    {
      best = assignment
    }
    return best
  }

  private func pasts(_ assignment: Assignment) -> [History] {
    let inner = (assignment.group?.clusters ?? []).flatMap { joints -> [Assignment] in
      joints.max { $0.progress < $1.progress }?.members ?? []
    }
    return [assignment.history].compactMap { $0 } + inner.flatMap { pasts($0) }
  }

  // MARK: Pass

  func passed(at time: Int64) -> Judgement {
    var judgement = Judgement(.pass, reason: "")
    judgement.steps = steps(histories, failed: nil)
    guard let started else { return judgement }
    let whole = TightestDeadline(limit: plan.timeLimit, used: time - started, line: -1)
    if let tightest = past?.headroom, tightest.isTighter(than: whole) {
      let line = plan.lines[tightest.line]
      judgement.headroom = Headroom(
        limit: tightest.limit, used: tightest.used, subject: line.text, position: line.position)
    } else {
      judgement.headroom = Headroom(limit: whole.limit, used: whole.used, subject: "time limit", position: nil)
    }
    return judgement
  }

  func steps(_ histories: [History], failed: Int?) -> [StepResult] {
    var taken: [Int: [TakenEvent]] = [:]
    var observed: Set<Int> = []
    var takenLines: Set<Int> = []
    for history in histories {
      for entry in History.entries(history) {
        switch entry {
        case .taken(let line, let event):
          takenLines.insert(line)
          if let step = plan.lines[line].step { taken[step, default: []].append(told(event, plan.lines[line])) }
        case .observed(let fact, _): observed.insert(fact)
        case .joined: break
        }
      }
    }
    return plan.steps.enumerated().map { index, step in
      let status: StepResult.Status =
        if index == failed {
          .failed
        } else if step.isOff {
          .off
        } else if step.phase < phasesThrough || isThrough(step, takenLines, observed) {
          .passed
        } else {
          .notReached
        }
      return StepResult(
        number: step.number, title: step.title, clause: step.clause, phase: step.phase, status: status,
        events: (taken[index] ?? []).sorted { ($0.time, $0.event) < ($1.time, $1.event) })
    }
  }

  /// True where all that had to be taken was; of a step with nothing but choices, one.
  private func isThrough(_ step: PlannedStep, _ lines: Set<Int>, _ facts: Set<Int>) -> Bool {
    guard step.lines.allSatisfy(lines.contains), step.waits.allSatisfy(facts.contains) else { return false }
    return !step.lines.isEmpty || !step.waits.isEmpty || step.choices.contains(where: lines.contains)
  }

  private func told(_ event: Event, _ line: Line) -> TakenEvent {
    TakenEvent(arrow: event.arrow, position: line.position, event: event.index, time: event.time, frame: event.frame)
  }

  // MARK: Fail

  mutating func failByMatcher(at now: Int64) {
    let time = matcher?.allDeadSince ?? now
    guard let death = matcher?.farthestDeath else {
      // Every way into the phase was closed from the beginning.
      return conclude(Judgement(.fail, reason: "the lines of expect contradict each other"), at: time)
    }
    let text = FailureText(judge: self, histories: death.histories)
    let past = death.histories
    switch death.cause {
    case .deadline(let line), .noRepeat(let line):
      fail(text.missing(plan.lines[line]), plan.lines[line], past, at: time)
    case .judged(let line, let event): fail(text.unlike(plan.lines[line], event), plan.lines[line], past, at: time)
    case .off(let line, let event): fail(text.unneeded(plan.lines[line], event), plan.lines[line], past, at: time)
    case .forbidden(let line, let event):
      fail(text.forbidden(plan.lines[line], event), plan.lines[line], past, at: time)
    case .notTaken(let event): fail(text.notTaken(event), nil, past, at: time)
    }
  }

  mutating func failByLimit(at time: Int64) {
    guard let best = farthestAlive, let matcher else { return failByMatcher(at: time) }
    if let death = matcher.farthestDeath, death.progress > best.totalProgress { return failByMatcher(at: time) }
    let past = pasts(best)
    let text = FailureText(judge: self, histories: past)
    switch awaited(best) {
    case .line(let line)?: fail(text.missing(plan.lines[line]), plan.lines[line], past, at: time)
    case .wait(let fact)?: fail(text.untrue([plan.facts[fact]]), nil, step: plan.facts[fact].step, past, at: time)
    default: conclude(Judgement(.inconclusive, reason: "the time limit passed while actions were performed"), at: time)
    }
  }

  mutating func failByFacts(_ phase: Int, _ then: Int, at time: Int64) {
    let facts = plan.phases[phase].thens[then].map { plan.facts[$0] }
    let text = FailureText(judge: self, histories: histories)
    fail(text.untrue(facts), nil, step: facts.first?.step, histories, at: time)
  }

  /// The first line or fact that the assignment waits for.
  private func awaited(_ assignment: Assignment) -> Instruction? {
    switch plan.code[assignment.position] {
    case .line, .wait: return plan.code[assignment.position]
    default:
      for joints in assignment.group?.clusters ?? [] {
        let best = joints.max { $0.progress < $1.progress }
        for member in best?.members ?? [] { if let found = awaited(member) { return found } }
      }
      return nil
    }
  }

  private mutating func fail(
    _ failure: Failure, _ line: Line?, step: Int? = nil, _ histories: [History], at time: Int64
  ) {
    var judgement = Judgement(.fail, reason: failure.text)
    judgement.failure = failure
    judgement.steps = steps(histories, failed: step ?? line?.step)
    judgement.accounts = record.accounts(taken: histories, plan)
    conclude(judgement, at: time)
  }
}
