import Glibc

/// The host's clocks, in nanoseconds.
enum HostClock {
  /// CLOCK_REALTIME, as captures are stamped.
  static func wall() -> Int64 { read(CLOCK_REALTIME) }
  static func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// Notices when CLOCK_REALTIME jumps, which makes times of a capture worthless (rule S1).
struct ClockWatch {
  private var offset = HostClock.wall() - HostClock.monotonic()
  /// Slewing by NTP stays far below this.
  private static let tolerance: Int64 = 50_000_000

  /// By how much the clock has jumped since the last look; `nil` where it has not.
  mutating func step() -> Int64? {
    // Read around, so that being descheduled between the two readings is no jump.
    let before = HostClock.monotonic()
    let wall = HostClock.wall()
    let after = HostClock.monotonic()
    guard after - before < ClockWatch.tolerance else { return nil }
    let jump = wall - before - offset
    guard abs(jump) > ClockWatch.tolerance else { return nil }
    offset += jump
    return jump
  }
}
