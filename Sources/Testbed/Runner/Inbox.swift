import Backends
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

/// One queue for all of them, with a single reader.
struct Inbox: Sendable {
  private let stream: AsyncStream<Happening>
  let post: @Sendable (Happening) -> Void

  init() {
    let (stream, continuation) = AsyncStream.makeStream(of: Happening.self)
    self.stream = stream
    post = { continuation.yield($0) }
  }

  /// The next happening; `nil` only when the task is cancelled.
  func next() async -> Happening? {
    var iterator = stream.makeAsyncIterator()
    return await iterator.next()
  }
}
