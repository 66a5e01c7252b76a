import Messages

/// How often an HTIP agent tells of itself, and for how long that holds.
public struct HTIPRhythm: Sendable, Hashable {
  /// Nanoseconds of role time between two frames.
  public var interval: UInt64

  /// 30 s, as other HTIP agents and IEEE 802.1AB have it.
  public static let standard = HTIPRhythm(interval: .seconds(30))
  /// Seconds that an interval may have: above, four of them are more than a Time To Live can tell.
  public static let intervals: ClosedRange<Double> = 0.1...16_000

  public init(interval: UInt64) { self.interval = interval }

  /// The interval in whole seconds, at least 1, as a frame tells it.
  public var toldInterval: UInt16 { UInt16(clamping: max(1, (interval + 999_999_999) / 1_000_000_000)) }

  /// Seconds: four intervals, as in IEEE 802.1AB clause 9.2.5.6, so that some frames may be lost; never below twice
  /// what is told.
  public var timeToLive: UInt16 {
    UInt16(clamping: max((4 * interval + 999_999_999) / 1_000_000_000, 2 * UInt64(toldInterval)))
  }
}
