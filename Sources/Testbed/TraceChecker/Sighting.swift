// An event as the matcher sees it: which lines it can concern, and whether it repeats an earlier one.

import ScenarioLanguage

/// A class, so that an event is copied once however many hold on to it.
final class Sighting: Sendable {
  let event: Event
  /// Lines whose FROM, TO, NAME and `where` it meets whatever was saved.
  let selected: [Int]
  /// Lines whose FROM, TO and NAME it meets, and whose `where` must be asked for each assignment.
  let undecided: [Int]
  /// The repeats of one message are one chain (rule S2).
  let chain: Int
  let isRepeat: Bool

  init(_ event: Event, selected: [Int], undecided: [Int], chain: Int, isRepeat: Bool) {
    self.event = event
    self.selected = selected
    self.undecided = undecided
    self.chain = chain
    self.isRepeat = isRepeat
  }

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
    // The digest is a hash already.
    func hash(into hasher: inout Hasher) { hasher.combine(digest &+ UInt64(bitPattern: Int64(key))) }
  }
  private struct Chain {
    var number: Int
    var last: Int64
  }

  private let lines: [Line]
  private let byName: [String: [Int]]
  private let repeatWindow: Int64
  private var keys: [Key: Int] = [:]
  /// For each key the lines without `where`, those to be asked once, and those to be asked for each assignment.
  private var candidates: [(always: [Int], asked: [Int], undecided: [Int])] = []
  private var chains: [Octets: Chain] = [:]
  private var chainCount = 0
  private var sweepAt = 16_384

  init(_ plan: Plan) {
    lines = plan.lines
    repeatWindow = plan.repeatWindow
    chains.reserveCapacity(4096)
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
      let mine = (byName[event.name] ?? []).filter {
        lines[$0].accepts(from: event.from, to: event.to, name: event.name)
      }
      candidates.append(
        (
          always: mine.filter { lines[$0].selectors.isEmpty },
          asked: mine.filter { !lines[$0].selectors.isEmpty && !lines[$0].selectsByVariable },
          undecided: mine.filter { lines[$0].selectsByVariable }
        ))
    }
    let (chain, isRepeat) = link(Octets(key: number, digest: event.digest), event.time)
    let lists = candidates[number]
    var selected = lists.always
    for line in lists.asked where lines[line].selects(event.fields, [:]) { selected.append(line) }
    return Sighting(event, selected: selected, undecided: lists.undecided, chain: chain, isRepeat: isRepeat)
  }

  /// Rule S2: a repeat if the same came at most 8 s of role time earlier.
  private mutating func link(_ octets: Octets, _ time: Int64) -> (chain: Int, isRepeat: Bool) {
    if let chain = chains[octets], time - chain.last <= repeatWindow {
      chains[octets] = Chain(number: chain.number, last: max(chain.last, time))
      return (chain.number, true)
    }
    if chains.count >= sweepAt {
      chains = chains.filter { time - $0.value.last <= repeatWindow }
      sweepAt = max(16_384, chains.count * 2)
    }
    chainCount += 1
    chains[octets] = Chain(number: chainCount, last: time)
    return (chainCount, false)
  }
}
