import CLinux
import Glibc
import LinuxNetwork
import Synchronization

/// How a program ended.
public enum ProgramEnd: Sendable, Hashable, CustomStringConvertible {
  case exited(Int32)
  case killed(signal: Int32)

  /// The launcher passes a signal on as 128 + N.
  init(status: Int32) { self = status > 128 ? .killed(signal: status - 128) : .exited(status) }

  public var description: String {
    switch self {
    case .exited(let status): "ended with exit status \(status)"
    case .killed(let signal): "was ended by signal \(signal)"
    }
  }
}

/// A program inside a node, with all its descendants.
public final class RunningProgram: Sendable {
  public let node: String
  /// The process that stands for the program and its descendants.
  public let pid: Int32
  public let logFile: String
  /// Standard output by lines, without line feeds; a line is cut at 64 KiB, and of lines that nobody reads the first
  /// thousand are kept. For one reader.
  public let lines: AsyncStream<String>
  private let state = Mutex(State())

  private struct State {
    var end: ProgramEnd?
    var waiting: [AsyncStream<ProgramEnd>.Continuation] = []
  }

  init(node: String, pid: Int32, logFile: String, lines: AsyncStream<String>) {
    self.node = node
    self.pid = pid
    self.logFile = logFile
    self.lines = lines
  }

  /// How it ended; `nil` while it runs.
  public var ended: ProgramEnd? { state.withLock { $0.end } }

  /// Waits for the end of the program; `nil` if the waiting task is cancelled first.
  public func end() async -> ProgramEnd? {
    let (stream, continuation) = AsyncStream.makeStream(of: ProgramEnd.self)
    state.withLock { state in
      if let end = state.end {
        continuation.yield(end)
        continuation.finish()
      } else {
        state.waiting.append(continuation)
      }
    }
    for await end in stream { return end }
    return nil
  }

  /// Asks it to stop (SIGTERM), and after `grace` ends it and all its descendants.
  /// - Returns: how it ended.
  @discardableResult
  public func terminate(grace: Duration) async -> ProgramEnd? {
    send(SIGTERM)
    let end = await withTaskGroup(of: ProgramEnd?.self) { group in
      group.addTask { await self.end() }
      group.addTask {
        try? await Task.sleep(for: grace)
        return nil
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
    if let end { return end }
    return await crash()
  }

  /// Ends the program and all its descendants at once, without a chance to say goodbye; returns when all are gone.
  @discardableResult
  public func crash() async -> ProgramEnd? {
    send(clinux_crash_signal())
    return await end()
  }

  /// Sends a signal to the program; `node` passes it on.
  public func send(_ signal: Int32) {
    // Under the lock the process is not reaped, so the number is still its own.
    state.withLock { state in
      if state.end == nil { kill(pid, signal) }
    }
  }

  /// Reaps the process, which has ended.
  func reap() throws {
    let (end, waiting) = try state.withLock { state in
      let end = ProgramEnd(status: try Commands.wait(pid))
      state.end = end
      defer { state.waiting = [] }
      return (end, state.waiting)
    }
    for continuation in waiting {
      continuation.yield(end)
      continuation.finish()
    }
  }
}
