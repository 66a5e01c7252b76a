import CLinux
import Glibc
import LinuxNetwork
import Synchronization

/// One thread that reads the standard output of all programs and notices their ends.
final class ProgramWatch: Sendable {
  private let epoll: Descriptor
  private let watched = Mutex(Watched())

  private struct Watched {
    var next: UInt64 = 0
    var entries: [UInt64: Entry] = [:]
  }

  private struct Entry {
    var program: RunningProgram
    var process: Descriptor
    var output: Descriptor
    var isOutputOpen = true
    var lines: LineSplitter
    var log: Descriptor
    var continuation: AsyncStream<String>.Continuation
  }

  /// One for the process: made with the first program, and never ended.
  static func shared() throws -> ProgramWatch {
    try holder.withLock { held in
      if let held { return held }
      let watch = try ProgramWatch()
      try SystemThread.start("programs") { watch.run() }
      held = watch
      return watch
    }
  }

  private static let holder = Mutex<ProgramWatch?>(nil)

  private init() throws { epoll = Descriptor(try SystemError.check(clinux_epoll_new(), "make an epoll descriptor")) }

  /// Takes over a process that was just started, with the reading end of its standard output.
  func watch(node: String, pid: pid_t, output: Descriptor, log: Descriptor, logFile: String) throws -> RunningProgram {
    let process = Descriptor(try SystemError.check(clinux_pidfd_open(pid), "watch process \(pid)"))
    _ = fcntl(output.number, F_SETFL, O_NONBLOCK)
    let (lines, continuation) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(1000))
    let program = RunningProgram(node: node, pid: pid, logFile: logFile, lines: lines)
    let tag = watched.withLock { watched in
      watched.next += 2
      watched.entries[watched.next] = Entry(
        program: program, process: process, output: output, lines: LineSplitter(limit: 65_536), log: log,
        continuation: continuation)
      return watched.next
    }
    // Even tags: standard output; odd: the process.
    try SystemError.check(clinux_epoll_add(epoll.number, output.number, tag), "watch the output of \(node)")
    try SystemError.check(clinux_epoll_add(epoll.number, process.number, tag + 1), "watch process \(pid)")
    return program
  }

  private func run() {
    var tags = [UInt64](repeating: 0, count: 32)
    while true {
      let count = clinux_epoll_wait(epoll.number, &tags, 32, -1)
      if count < 0 { return }
      for tag in tags.prefix(Int(count)) {
        if tag % 2 == 0 { readOutput(tag) } else { finish(tag - 1) }
      }
    }
  }

  private func readOutput(_ tag: UInt64) {
    watched.withLock { watched in
      guard watched.entries[tag] != nil else { return }
      _ = read(&watched.entries[tag]!)
    }
  }

  /// Reads what is there now, at most 256 KiB.
  /// - Returns: true if there may be more.
  private func read(_ entry: inout Entry) -> Bool {
    guard entry.isOutputOpen else { return false }
    for _ in 0..<4 {
      // A read error is the end of the output: nothing more will come from it.
      guard let octets = (try? entry.output.read(atMost: 65_536, "standard output")) ?? nil else { return false }
      if octets.isEmpty {
        entry.isOutputOpen = false
        _ = clinux_epoll_remove(epoll.number, entry.output.number)
        return false
      }
      // A full disk must not end a program's watch; the capture tells of it.
      try? entry.log.write(octets, "the log")
      for line in entry.lines.split(octets) { entry.continuation.yield(line) }
    }
    return true
  }

  /// The process has ended, and with it everything that could write to its output.
  private func finish(_ tag: UInt64) {
    guard var entry = watched.withLock({ $0.entries.removeValue(forKey: tag) }) else { return }
    while read(&entry) {}
    if entry.isOutputOpen { _ = clinux_epoll_remove(epoll.number, entry.output.number) }
    _ = clinux_epoll_remove(epoll.number, entry.process.number)
    if let rest = entry.lines.rest() { entry.continuation.yield(rest) }
    entry.continuation.finish()
    // Only this thread waits for this process, so waiting for it cannot fail.
    try? entry.program.reap()
  }
}

/// Cuts a stream of octets into lines.
struct LineSplitter: Sendable {
  /// Octets of a line that are kept.
  let limit: Int
  private var line: [UInt8] = []

  init(limit: Int) { self.limit = limit }

  /// The lines that these octets complete, without line feed and carriage return; what is not UTF-8 is replaced.
  mutating func split(_ octets: [UInt8]) -> [String] {
    var lines: [String] = []
    var rest = octets[...]
    while let end = rest.firstIndex(of: 0x0A) {
      take(rest[..<end])
      lines.append(text())
      rest = rest[(end + 1)...]
    }
    take(rest)
    return lines
  }

  /// What follows the last line feed; `nil` if nothing does.
  mutating func rest() -> String? { line.isEmpty ? nil : text() }

  private mutating func take(_ part: ArraySlice<UInt8>) { line += part.prefix(limit - line.count) }

  private mutating func text() -> String {
    if line.last == 0x0D { line.removeLast() }
    defer { line = [] }
    return String(decoding: line, as: UTF8.self)
  }
}
