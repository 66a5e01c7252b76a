// The runner's own record of a run. Notes stand in the pcapng as comments, so that a capture alone can be judged again.

/// Something that the runner did or saw; every `at` is CLOCK_REALTIME in nanoseconds.
public enum Note: Sendable, Hashable {
  /// The first note of a run.
  case run(RunHeader, at: Int64)
  /// How far `given` is; the time limit of `given` runs from `began`.
  case given(GivenProgress, at: Int64)
  /// Phase `index` (from 0) begins: written just before its first action.
  case phase(Int, at: Int64)
  /// An action was performed; `phase` is `nil` for one of `given`, `index` counts from 0 within its block.
  case action(phase: Int?, index: Int, text: String, at: Int64)
  /// Every action of the phase was performed.
  case performed(phase: Int, at: Int64)
  /// One poll: what the facts asked for were at the same time.
  case facts([FactObservation], at: Int64)
  /// A node's program ended by itself, never became ready, or printed garbage.
  case died(node: String, reason: String, at: Int64)
  /// So many frames crossed a link and were not captured.
  case captureLoss(frames: Int, at: Int64)
  /// CLOCK_REALTIME jumped by so many nanoseconds against the monotonic clock.
  case clockStep(nanoseconds: Int64, at: Int64)
  /// A fault (`drop`, `hold 2 s` ...) befell the message, in arrow notation.
  case fault(String, message: String, at: Int64)
  /// The scenario asks for something that this version cannot do; `position` as errors print it.
  case unsupported(String, position: String, at: Int64)
  /// The variant cannot be judged here, with what decided it (`needs nat`).
  case notApplicable(String, at: Int64)
  /// The run is over.
  case end(Ending, at: Int64)
  /// A note of a later version, kept as it is.
  case other(JSONValue, at: Int64)

  public enum GivenProgress: Sendable, Hashable {
    case began, done
    /// Why it cannot come true.
    case failed(String)
  }

  public enum Ending: Sendable, Hashable {
    /// The judge had its verdict.
    case finished
    /// Somebody ended the run before there was one.
    case aborted(String)
    /// The testbed itself broke.
    case broke(String)
  }

  /// CLOCK_REALTIME in nanoseconds.
  public var time: Int64 {
    switch self {
    case .run(_, let at), .given(_, let at), .phase(_, let at), .action(_, _, _, let at), .performed(_, let at),
      .facts(_, let at), .died(_, _, let at), .captureLoss(_, let at), .clockStep(_, let at), .fault(_, _, let at),
      .unsupported(_, _, let at), .notApplicable(_, let at), .end(_, let at), .other(_, let at):
      at
    }
  }
}

/// What a run was of, so that its capture can be judged by the same rules.
public struct RunHeader: Sendable, Hashable {
  public var scenario: String
  /// As results print it: `new-device[upstream,!configure]`.
  public var variant: String
  /// The value of every option: `true`, `false`, or the value as text.
  public var choices: [String: String]
  /// What every deadline was multiplied by.
  public var slack: Double
  public var pace: Int
  public var seed: UInt64
  /// The version of homebed.
  public var version: String

  public init(
    scenario: String, variant: String, choices: [String: String], slack: Double, pace: Int, seed: UInt64,
    version: String
  ) {
    self.scenario = scenario
    self.variant = variant
    self.choices = choices
    self.slack = slack
    self.pace = pace
    self.seed = seed
    self.version = version
  }
}

/// What one fact was at a poll.
public struct FactObservation: Sendable, Hashable {
  /// The number of the ``FactRequest``.
  public var id: Int
  /// What was read; `nil` where nothing could be read.
  public var value: JSONValue?
  /// Whether the fact was true.
  public var holds: Bool
  public init(id: Int, value: JSONValue?, holds: Bool) {
    self.id = id
    self.value = value
    self.holds = holds
  }
}
