import Glibc
import Reports
import Runner

/// What a run prints while it goes on: a line a variant, and on a terminal how far it is.
struct RunOutput: Sendable {
  private let style: ResultLine
  private let quiet: Bool
  private let verbose: Bool
  private let tap: Bool
  private let showsProgress: Bool

  init(_ run: SuiteRun, quiet: Bool, verbose: Bool, tap: Bool) {
    let isPlain = getenv("NO_COLOR") != nil
    style = ResultLine(
      nameWidth: min(60, run.names.map(\.count).max() ?? 0), clauseWidth: run.clauses.map(\.count).max() ?? 0,
      usesColour: isatty(STDOUT_FILENO) == 1 && !isPlain)
    self.quiet = quiet
    self.verbose = verbose
    self.tap = tap
    showsProgress = isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && !isPlain
  }

  func tell(_ entry: ReportEntry) {
    guard !tap, !(quiet && entry.verdict == .pass) else { return }
    clearProgress()
    say(style.text(entry, verbose: verbose))
  }

  func progress(_ done: Int, _ all: Int) {
    if showsProgress { write("\r\u{1B}[K\(done) of \(all)", to: STDERR_FILENO) }
  }

  func clearProgress() {
    if showsProgress { write("\r\u{1B}[K", to: STDERR_FILENO) }
  }
}
