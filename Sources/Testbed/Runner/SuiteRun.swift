import LinuxNetwork
import Reports
import ScenarioLanguage
import TraceChecker

/// Runs the variants of a suite side by side, each in a home of its own, and tells of each when its turn has come.
public struct SuiteRun: Sendable {
  /// One variant to run.
  struct Job: Sendable {
    var checked: CheckedScenario
    var variant: Variant
    /// From 1; only with `--repeat`.
    var repetition: Int

    /// What the scenario allows itself, in nanoseconds on the wall.
    var longestWait: Int64 { checked.scenario.header.timeLimit / Int64(max(1, checked.scenario.header.pace)) }
  }

  /// Homes that may be there at once, those included that only wait.
  static let homeLimit = 64

  let options: RunOptions
  let jobs: [Job]
  let folder: String
  /// The name of each job's own folder in it.
  private let folderNames: [String]
  let isTemporary: Bool

  /// - Throws: ``FileError`` where the folder for the run's files cannot be made; where too few files may be open.
  public init(_ suite: ScenarioSuite, options: RunOptions) throws {
    self.options = options
    try DescriptorLimit.require(32)
    isTemporary = options.reportFolder == nil
    // Programs in nodes may change their working directory.
    folder = try options.reportFolder.map(Files.absolute) ?? Files.temporaryFolder("homebed")
    try Files.makeFolder(folder)
    let variants = suite.scenarios.flatMap { checked in
      checked.variants(fixing: options.choices).map { (checked, $0) }
    }
    jobs = (1...max(1, options.repetitions)).flatMap { repetition in
      variants.map { Job(checked: $0.0, variant: $0.1, repetition: repetition) }
    }
    folderNames = SuiteRun.folderNames(jobs)
  }

  /// Scenarios of one name in several folders must not share one: the second is called `name~2`.
  private static func folderNames(_ jobs: [Job]) -> [String] {
    var uses: [String: Int] = [:]
    return jobs.map { job in
      let name = folderName(job)
      uses[name, default: 0] += 1
      return uses[name] == 1 ? name : "\(name)~\(uses[name]!)"
    }
  }

  public var jobCount: Int { jobs.count }
  public var names: [String] { jobs.map { $0.variant.description } }
  public var clauses: [String] {
    jobs.map { $0.checked.scenario.header.clause ?? $0.checked.scenario.header.profile.map { "profile \($0)" } ?? "-" }
  }

  /// Runs everything; `tell` hears of each variant in the order of the suite, `progress` of how many are done.
  public func run(
    signals: StopSignals, tell: @Sendable (ReportEntry) -> Void, progress: @Sendable (_ done: Int, _ of: Int) -> Void
  ) async -> [ReportEntry] {
    let slots = JobSlots(options.jobs)
    var entries = [ReportEntry?](repeating: nil, count: jobs.count)
    var told = 0
    var done = 0
    var round = 0
    // What may wait longest begins first, so that nothing is waited for at the end.
    let order = jobs.indices.sorted { jobs[$0].longestWait > jobs[$1].longestWait }
    repeat {
      round += 1
      await withTaskGroup(of: (Int, ReportEntry).self) { group in
        var next = 0
        var isEnding = false
        func add() {
          guard next < order.count, !isEnding else { return }
          let number = order[next]
          group.addTask { (number, await self.run(jobs[number], number: number, slots: slots, signals: signals)) }
          next += 1
        }
        for _ in 0..<min(SuiteRun.homeLimit, max(options.jobs * 4, options.jobs + 6)) { add() }
        for await (number, entry) in group {
          entries[number] = entry
          done += 1
          progress(done, jobs.count)
          let stops = options.endsWithFirstFailure || options.repeatsUntilFailure
          if signals.received != nil || (stops && entry.verdict != .pass && entry.verdict != .notApplicable) {
            isEnding = true
          }
          while told < entries.count, let entry = entries[told] {
            tell(entry)
            told += 1
          }
          add()
        }
      }
      let passed = entries.allSatisfy { $0.map { $0.verdict == .pass || $0.verdict == .notApplicable } ?? false }
      guard options.repeatsUntilFailure, passed, signals.received == nil else { break }
      // The next round tells only of what does not pass.
      told = 0
      done = 0
    } while true
    // Behind a gap that a stop has left, the rest is told too.
    for entry in entries.dropFirst(told) { if let entry { tell(entry) } }
    if isTemporary, !options.keepsFolders { try? Files.remove(folder) }
    return entries.compactMap { $0 }
  }

  private func run(_ job: Job, number: Int, slots: JobSlots, signals: StopSignals) async -> ReportEntry {
    let own = "\(folder)/\(folderNames[number])"
    func broken(_ reason: String) -> ReportEntry {
      VariantOutcome(
        checked: job.checked, variant: job.variant, judgement: Judgement(.error, reason: reason), seconds: 0,
        folder: own, trace: []
      ).entry(inReport: false)
    }
    do {
      try Files.remove(own)
      try Files.makeFolder("\(own)/logs")
    } catch { return broken("\(error)") }
    let run = VariantRun(job.checked, job.variant, options: options, folder: own, slots: slots)
    let outcome = await run.run(signals: signals)
    do {
      if !options.keepsFolders { try Files.remove("\(own)/state") }
      if isTemporary, !options.keepsFolders {
        try Files.remove(own)
      } else {
        try RunArtifacts.write(outcome)
      }
    } catch { return broken("\(error)") }
    return outcome.entry(inReport: !isTemporary || options.keepsFolders)
  }

  /// `new-device+upstream-configure`: what the variant's name becomes as a folder.
  private static func folderName(_ job: Job) -> String {
    var name = job.checked.scenario.name
    for setting in job.variant.settings {
      switch setting.choice {
      case .isOn(true): name += "+\(setting.option)"
      case .isOn(false): name += "-no-\(setting.option)"
      case .value(let value):
        name += "+\(setting.option)=" + value.plainText.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "_" }
      }
    }
    return job.repetition > 1 ? "\(name)#\(job.repetition)" : name
  }
}
