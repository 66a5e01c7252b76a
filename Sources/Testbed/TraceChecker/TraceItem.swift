// What a judge reads: one stream, the same while a scenario runs and from a finished file.

@_exported import Messages

/// One thing that happened in a run, or the word that time has passed.
public enum TraceItem: Sendable, Hashable {
  /// A message that crossed a link.
  case event(Event)
  /// What the runner wrote into the capture about its own doings.
  case note(Note)
  /// Nothing with an earlier time will come: CLOCK_REALTIME in nanoseconds.
  case clock(Int64)

  /// When it happened: CLOCK_REALTIME in nanoseconds.
  public var time: Int64 {
    switch self {
    case .event(let event): event.time
    case .note(let note): note.time
    case .clock(let time): time
    }
  }
}
