import ArgumentParser
import Backends
import Glibc
import Messages
import Reports
import Runner
import TraceChecker

struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs scenarios, each variant in a fresh home, and judges them.")

  @Argument(help: "Scenario files or folders; scenarios/ if none is given.")
  var paths: [String] = []

  @Option(
    help: """
      What homes are made of: namespaces; loopback, which needs no privilege; or auto, which takes namespaces where the \
      kernel allows them.
      """)
  var backend = BackendName.auto

  @Option(help: "How many variants work at once; four a core if not given.")
  var jobs: Int?

  @Option(name: .customLong("option"), help: "Fix an option, NAME=VALUE; yes and no for plain ones (repeatable).")
  var choices: [Choice] = []

  @Option(help: "What every deadline is multiplied by, for slow devices.")
  var slack = 1.0

  @Option(
    name: .customLong("device"), help: "NODE=exec:COMMAND puts a program of your own in a node's place (repeatable).")
  var devices: [Choice] = []

  @Option(help: "The folder for verdicts, captures, traces, ladders and logs.")
  var report: String?

  @Option(help: "Write JUnit XML to this file.")
  var junit: String?

  @Flag(help: "Print the Test Anything Protocol instead of lines for people.")
  var tap = false

  @Option(name: .customLong("repeat"), help: "Run each variant so many times.")
  var repetitions = 1

  @Option(help: "The seed of everything random that the testbed does.")
  var seed: UInt64 = 0

  @Flag(help: "Repeat everything until something does not pass.")
  var untilFail = false

  @Flag(help: "End with the first variant that does not pass.")
  var failFast = false

  @Flag(help: "Write what the programs' own taps tell to taps.pcapng, beside the captured frames.")
  var taps = false

  @Flag(help: "Keep every file of every run.")
  var keep = false

  @Flag(help: "Tell the headroom of passes too.")
  var verbose = false

  @Flag(help: "Print only what did not pass, and the summary.")
  var quiet = false

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs takes a number from 1, not \(jobs)") }
    guard slack > 0, slack.isFinite else { throw ValidationError("--slack takes a number above 0, not \(slack)") }
    guard repetitions >= 1 else { throw ValidationError("--repeat takes a number from 1, not \(repetitions)") }
    try devices.checkDevices()
  }

  func run() async throws {
    let suite = ScenarioSuite.read(paths.isEmpty ? ScenarioSuite.defaultPaths : paths)
    if World.isInside { return try await run(suite, on: .namespaces) }
    try check(suite)
    switch try backend.chosen() {
    case .namespaces: try World.enter()
    case .loopback: try await run(suite, on: .loopback)
    }
  }

  /// Everything that is wrong with the files or the flags, before anything is started.
  private func check(_ suite: ScenarioSuite) throws {
    for diagnostic in suite.diagnostics { complain(diagnostic.rendered()) }
    guard suite.errorCount == 0 else { throw ExitCode(2) }
    guard !suite.scenarios.isEmpty else {
      complain("error: no scenario found in \(suite.searched.joined(separator: ", "))")
      throw ExitCode(2)
    }
    let nodes = Set(suite.scenarios.flatMap { $0.topology.nodes.map(\.name) })
    for device in devices where !nodes.contains(device.name) {
      complain("error: --device \(device.name): no topology of these scenarios has such a node")
      throw ExitCode(2)
    }
    let fixed = Choice.table(choices)
    let options = Set(suite.scenarios.flatMap { $0.scenario.header.options.map(\.name) })
    for name in fixed.keys.sorted() where !options.contains(name) {
      complain("error: --option \(name): no scenario here has such an option")
      throw ExitCode(2)
    }
    guard suite.scenarios.contains(where: { !$0.variants(fixing: fixed).isEmpty }) else {
      complain("error: no variant is left with these options")
      throw ExitCode(2)
    }
  }

  private func run(_ suite: ScenarioSuite, on backend: Backend) async throws {
    do {
      let signals = StopSignals()
      let cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
      var options = RunOptions(jobs: jobs ?? 4 * cores, programFolder: try ProgramFolder.find())
      options.backend = backend
      options.taps = taps ? .recorded : .unused
      options.choices = Choice.table(choices)
      options.slack = slack
      for device in devices { options.devices[device.name] = .command(String(device.value.dropFirst(5))) }
      options.reportFolder = report
      options.repetitions = repetitions
      options.seed = seed
      options.repeatsUntilFailure = untilFail
      options.endsWithFirstFailure = failFast
      options.keepsFolders = keep
      let run = try SuiteRun(suite, options: options)
      let output = RunOutput(run, quiet: quiet, verbose: verbose, tap: tap)
      let entries = await run.run(signals: signals, tell: output.tell, progress: output.progress)
      try finish(entries, output: output, signals: signals)
    } catch let status as ExitCode {
      throw status
    } catch {
      complain("error: \(error)")
      throw ExitCode(3)
    }
  }

  private func finish(_ entries: [ReportEntry], output: RunOutput, signals: StopSignals) throws {
    output.clearProgress()
    if let report { try Files.write(JUnit.render(entries), to: "\(report)/junit.xml") }
    if let junit { try Files.write(JUnit.render(entries), to: junit) }
    if tap { write(TAP.render(entries), to: STDOUT_FILENO) }
    if let signal = signals.received {
      complain("interrupted by \(signal == SIGINT ? "SIGINT" : "signal \(signal)"); everything was ended")
      throw ExitCode(128 + signal)
    }
    let tally = Tally(entries)
    if !tap { say(tally.description) }
    if tally.exitStatus != 0 { throw ExitCode(tally.exitStatus) }
  }
}

extension [Choice] {
  /// `--device NODE=exec:COMMAND`.
  func checkDevices() throws {
    for device in self where !device.value.hasPrefix("exec:") {
      throw ValidationError(
        "--device \(device.name)=\(device.value): expected exec:COMMAND; other kinds of device are not supported yet")
    }
  }
}
