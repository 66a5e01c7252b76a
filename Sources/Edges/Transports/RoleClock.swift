import Glibc
import NIOCore
import RoleKit

/// The clock that roles see: both its hands run `pace` times as fast as the machine's.
///
/// With a pace other than 1 the wall clock is counted from a fixed day, not from the start of the program, so that all
/// programs of a home that have the same pace read the same time, also after a restart.
public struct RoleClock: Sendable, Hashable {
  /// Seconds of role time in one second of the machine; 0.001 to 1000.
  public let pace: Double

  /// 2026-01-01T00:00:00Z in milliseconds: where a wall clock with any pace agrees with the machine's.
  private static let anchor: Int64 = 1_767_225_600_000

  public static let paces: ClosedRange<Double> = 0.001...1000

  /// A pace outside ``paces`` is moved to its nearer end.
  public init(pace: Double = 1) {
    self.pace = pace.isNaN ? 1 : min(max(pace, RoleClock.paces.lowerBound), RoleClock.paces.upperBound)
  }

  public var now: Moment {
    let monotonic = RoleClock.read(CLOCK_BOOTTIME)
    let wall = RoleClock.read(CLOCK_REALTIME)
    let elapsed = wall.tv_sec * 1000 + wall.tv_nsec / 1_000_000 - Int(RoleClock.anchor)
    return Moment(
      monotonic: UInt64((Double(monotonic.tv_sec) * 1e9 + Double(monotonic.tv_nsec)) * pace),
      wall: RoleClock.anchor + (pace == 1 ? Int64(elapsed) : Int64(Double(elapsed) * pace)))
  }

  /// How long a span of role time (in nanoseconds) takes on the machine; a span beyond a year is a year.
  public func machineTime(of span: UInt64) -> TimeAmount {
    .nanoseconds(Int64(min(Double(span) / pace, 365 * 86_400e9).rounded(.up)))
  }

  private static func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    clock_gettime(clock, &time)
    return time
  }
}
