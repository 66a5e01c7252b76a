import TraceChecker

/// When facts are read: often at first, less often where they stay untrue, for each reading costs the machine.
struct PollTimes: Sendable {
  private static let longest: Int64 = 50_000_000

  /// When the next reading is due: CLOCK_REALTIME, nanoseconds.
  private(set) var next: Int64 = 0
  private var pause = Pause.betweenPolls
  private var asked: [Int] = []

  /// Whether it is time to read these facts, which counts as reading them.
  mutating func areDue(for requests: [FactRequest], at now: Int64 = HostClock.wall()) -> Bool {
    let numbers = requests.map(\.id)
    if numbers != asked {
      asked = numbers
      pause = Pause.betweenPolls
      next = now
    }
    guard now >= next else { return false }
    next = now + pause
    pause = min(PollTimes.longest, pause + pause / 4)
    return true
  }
}
