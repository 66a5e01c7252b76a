// What came, for accounts and for telling what came instead of what was expected.

struct EventRecord: Sendable {
  /// How many of the latest events of a phase are searched for the nearest one.
  private static let bound = 1024

  private struct Entry: Sendable {
    var event: Int
    var kind: Account.Kind
  }
  private var entries: [Entry] = []
  private var latest: [Sighting] = []
  private var oldest = 0

  /// A phase begins.
  mutating func begin() {
    latest = []
    oldest = 0
  }

  mutating func add(_ sighting: Sighting) {
    let kind: Account.Kind = sighting.isRepeat ? .repeat : sighting.event.isBackground ? .background : .other
    entries.append(Entry(event: sighting.event.index, kind: kind))
    if latest.count < EventRecord.bound {
      latest.append(sighting)
    } else {
      latest[oldest] = sighting
      oldest = (oldest + 1) % EventRecord.bound
    }
  }

  /// The latest events of the phase, oldest first.
  var events: [Event] { (latest[oldest...] + latest[..<oldest]).map(\.event) }

  func accounts(taken histories: [History], _ plan: Plan) -> [Account] {
    var lines: [Int: Int] = [:]
    for history in histories {
      for case .taken(let line, let event) in History.entries(history) { lines[event.index] = line }
    }
    return entries.map { entry in
      guard let line = lines[entry.event] else { return Account(event: entry.event, kind: entry.kind) }
      return Account(
        event: entry.event, kind: .taken, position: plan.lines[line].position,
        step: plan.lines[line].step.map { plan.steps[$0].number })
    }
  }
}
