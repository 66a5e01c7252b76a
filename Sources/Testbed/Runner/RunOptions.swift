import Backends

/// What `homebed run` was asked for.
public struct RunOptions: Sendable {
  /// What stands in a node's place instead of our program.
  public enum Device: Sendable, Hashable {
    /// A command, given to `/bin/sh -c`.
    case command(String)
  }

  /// What homes are made of.
  public var backend = Backend.namespaces
  /// Whether the programs' own taps are written beside the captured frames.
  public var taps = TapUse.unused
  /// How many variants work at once.
  public var jobs: Int
  /// Where our programs lie.
  public var programFolder: String
  /// Options that are fixed, by name; values as text.
  public var choices: [String: String] = [:]
  /// What every deadline is multiplied by.
  public var slack = 1.0
  /// By node name.
  public var devices: [String: Device] = [:]
  public var reportFolder: String?
  public var repetitions = 1
  public var seed: UInt64 = 0
  /// Repeat until something does not pass.
  public var repeatsUntilFailure = false
  /// End the whole run with the first variant that does not pass.
  public var endsWithFirstFailure = false
  /// Keep the run's folders, also without a report.
  public var keepsFolders = false

  /// The version that runs are stamped with.
  public static let version = "0.1.0"

  public init(jobs: Int, programFolder: String) {
    self.jobs = jobs
    self.programFolder = programFolder
  }
}
