import Glibc
import LinuxNetwork
import Synchronization

/// SIGINT and SIGTERM, taken by a thread of their own and handed to everybody who asked to be told.
///
/// Call ``block()`` first of all, before any other thread is started: every later thread inherits that.
public final class StopSignals: Sendable {
  private struct Told {
    var signal: Int32?
    var listeners: [Int: @Sendable (Int32) -> Void] = [:]
    var next = 0
  }

  private let told = Mutex(Told())

  private static var signals: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, number) }
    return set
  }

  /// Keeps the signals from ending the process, so that one thread can wait for them.
  public static func block() {
    var set = signals
    pthread_sigmask(SIG_BLOCK, &set, nil)
    signal(SIGPIPE, SIG_IGN)
  }

  /// - Throws: where the system has no room for another thread.
  public init() throws {
    let waited = StopSignals.signals
    try SystemThread.start("signals") { [weak self] in
      while true {
        var set = waited
        var number: Int32 = 0
        if sigwait(&set, &number) == 0 { self?.tell(number) }
      }
    }
  }

  /// The first signal that came; `nil` while none has.
  public var received: Int32? { told.withLock { $0.signal } }

  private func tell(_ number: Int32) {
    let listeners = told.withLock { state in
      state.signal = state.signal ?? number
      return Array(state.listeners.values)
    }
    for listener in listeners { listener(number) }
  }

  /// Calls `listener` when a signal comes, or at once if one has. Returns a number for ``forget(_:)``.
  func listen(_ listener: @escaping @Sendable (Int32) -> Void) -> Int {
    let (number, earlier) = told.withLock { state in
      defer { state.next += 1 }
      state.listeners[state.next] = listener
      return (state.next, state.signal)
    }
    if let earlier { listener(earlier) }
    return number
  }

  func forget(_ number: Int) { told.withLock { _ = $0.listeners.removeValue(forKey: number) } }
}
