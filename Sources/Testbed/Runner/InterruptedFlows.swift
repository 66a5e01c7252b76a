import Backends

/// TCP connections of which one direction is stopped, or which were ended in their ends' names.
struct InterruptedFlows: Sendable {
  private enum Stop: Sendable {
    /// Both directions are over.
    case ended
    /// Until a moment of CLOCK_REALTIME, nanoseconds.
    case until(Int64)
    case held(Int)
  }

  /// By the flow, and for what only waits by its link end too: elsewhere nothing of it is stopped.
  private struct Key: Hashable {
    var flow: TransportView.Flow
    var end: Int?
  }

  private var stops: [Key: Stop] = [:]

  mutating func end(_ segment: TransportView) {
    stops[Key(flow: segment.flow, end: nil)] = .ended
    stops[Key(flow: segment.flow.reversed, end: nil)] = .ended
  }

  mutating func stop(_ segment: TransportView, at end: Int, until time: Int64) {
    stops[Key(flow: segment.flow, end: end)] = .until(time)
  }

  mutating func stop(_ segment: TransportView, at end: Int, held: Int) {
    stops[Key(flow: segment.flow, end: end)] = .held(held)
  }

  mutating func letGo(_ number: Int) {
    stops = stops.filter { if case .held(number) = $0.value { false } else { true } }
  }

  /// What becomes of a segment of a stopped flow: retransmissions, and what follows on the held segment, wait with it.
  mutating func fate(of segment: TransportView?, at frame: GatedFrame) -> FrameFate? {
    guard !stops.isEmpty, let segment, segment.isTCP else { return nil }
    // A connection that is opened anew is another one.
    if segment.isOpening {
      stops[Key(flow: segment.flow, end: nil)] = nil
      stops[Key(flow: segment.flow.reversed, end: nil)] = nil
      return nil
    }
    if stops[Key(flow: segment.flow, end: nil)] != nil { return .drop(onward: [], back: []) }
    let key = Key(flow: segment.flow, end: frame.end)
    switch stops[key] {
    case .until(let time) where time > frame.time: return segment.carriesMore ? .hold(for: time - frame.time) : nil
    case .until:
      stops[key] = nil
      return nil
    case .held(let number): return segment.carriesMore ? .holdUntilReleased(number) : nil
    case .ended, nil: return nil
    }
  }
}
