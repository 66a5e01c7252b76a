// An event as the matcher sees it: which lines it can concern, and whether it repeats an earlier one.

import ScenarioLanguage

struct Sighting: Sendable {
  var event: Event
  /// Lines whose FROM, TO and NAME it meets.
  var candidates: [Int]
  /// Of those, the ones whose `where` it meets whatever was saved; and those that must be asked for each assignment.
  var selected: [Int] = []
  var undecided: [Int] = []
  /// The repeats of one message are one chain (rule S2).
  var chain: Int
  var isRepeat: Bool

  /// Repeats and background fail nothing.
  var failsNothing: Bool { isRepeat || event.isBackground }
}

/// Finds an event's lines by FROM, TO and NAME, and its chain by its octets, in constant time.
struct SightingTable: Sendable {
  private struct Key: Hashable {
    var from: Party
    var to: Party
    var name: String
  }
  private struct Octets: Hashable {
    var key: Int
    var digest: UInt64
  }
  private struct Chain {
    var number: Int
    var last: Int64
  }

  private let lines: [Line]
  private let byName: [String: [Int]]
  private let repeatWindow: Int64
  private var keys: [Key: Int] = [:]
  private var candidates: [[Int]] = []
  private var chains: [Octets: Chain] = [:]
  private var chainCount = 0
  private var sweepAt = 65_536

  init(_ plan: Plan) {
    lines = plan.lines
    repeatWindow = plan.repeatWindow
    byName = Dictionary(grouping: plan.lines.indices, by: { plan.lines[$0].name })
  }

  mutating func sight(_ event: Event) -> Sighting {
    let key = Key(from: event.from, to: event.to, name: event.name)
    let number: Int
    if let known = keys[key] {
      number = known
    } else {
      number = candidates.count
      keys[key] = number
      candidates.append(
        (byName[event.name] ?? []).filter { lines[$0].accepts(from: event.from, to: event.to, name: event.name) })
    }
    let (chain, isRepeat) = link(Octets(key: number, digest: event.digest), event.time)
    var sighting = Sighting(event: event, candidates: candidates[number], chain: chain, isRepeat: isRepeat)
    for line in candidates[number] {
      if lines[line].selectsByVariable {
        sighting.undecided.append(line)
      } else if lines[line].selectors.isEmpty || lines[line].selects(event.fields, [:]) {
        sighting.selected.append(line)
      }
    }
    return sighting
  }

  /// Rule S2: a repeat if the same came at most 8 s of role time earlier.
  private mutating func link(_ octets: Octets, _ time: Int64) -> (chain: Int, isRepeat: Bool) {
    if let chain = chains[octets], time - chain.last <= repeatWindow {
      chains[octets] = Chain(number: chain.number, last: max(chain.last, time))
      return (chain.number, true)
    }
    if chains.count >= sweepAt {
      chains = chains.filter { time - $0.value.last <= repeatWindow }
      sweepAt = max(65_536, chains.count * 2)
    }
    chainCount += 1
    chains[octets] = Chain(number: chainCount, last: time)
    return (chainCount, false)
  }
}
