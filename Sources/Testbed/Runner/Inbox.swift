import Backends
import Synchronization
import TraceChecker

/// What reaches a running variant while it waits.
enum Happening: Sendable {
  /// The capture has grown, or a time that was asked for is reached.
  case captured(CaptureProgress)
  /// A program wrote a line on its standard output.
  case line(program: Int, String)
  /// A program ended.
  case ended(program: Int, ProgramEnd)
  /// What was done on the side broke: the run is over.
  case stopped(Judgement)
  /// Somebody asked the run to stop (SIGINT or SIGTERM).
  case interrupted(signal: Int32)
  /// Somebody asks something of a home that was left running.
  case called(HomeCall)
  /// Whoever had called waits no longer.
  case hungUp(call: Int)
}

/// One queue for all of them, with a single reader, which takes everything at once.
final class Inbox: Sendable {
  private struct State {
    var happenings: [Happening] = []
    /// Where in `happenings` a capture's progress stands: the newest one says all that the ones before it said.
    var progress: Int?
    var reader: CheckedContinuation<Void, Never>?
  }

  private let state = Mutex(State())

  func post(_ happening: Happening) {
    let reader = state.withLock { state in
      if case .captured = happening {
        if let place = state.progress {
          state.happenings[place] = happening
        } else {
          state.progress = state.happenings.count
          state.happenings.append(happening)
        }
      } else {
        state.happenings.append(happening)
      }
      defer { state.reader = nil }
      return state.reader
    }
    reader?.resume()
  }

  var isEmpty: Bool { state.withLock { $0.happenings.isEmpty } }

  /// Everything that has come, at once or as soon as something does; nothing only when the task is cancelled.
  func next() async -> [Happening] {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          if !state.happenings.isEmpty || Task.isCancelled { return true }
          state.reader = continuation
          return false
        }
        if isReady { continuation.resume() }
      }
    } onCancel: {
      state.withLock { state in
        defer { state.reader = nil }
        return state.reader
      }?.resume()
    }
    return state.withLock { state in
      defer { state = State(reader: state.reader) }
      return state.happenings
    }
  }
}
