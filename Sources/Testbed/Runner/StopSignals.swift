import Dispatch
import Glibc
import Synchronization

/// SIGINT, SIGTERM and SIGHUP, handed to everybody who asked to be told instead of ending the process.
public final class StopSignals: Sendable {
  private struct Told {
    var signal: Int32?
    var listeners: [Int: @Sendable (Int32) -> Void] = [:]
    var next = 0
  }

  private let told = Mutex(Told())

  public init() {
    signal(SIGPIPE, SIG_IGN)
    // A file that may grow no more is an error of writing it, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    let queue = DispatchQueue(label: "signals")
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // What is ignored still reaches a source, and no thread is ended by it.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      // The handler holds the source, and thereby keeps it for as long as the process lives.
      source.setEventHandler { [self] in
        tell(number)
        withExtendedLifetime(source) {}
      }
      source.activate()
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
