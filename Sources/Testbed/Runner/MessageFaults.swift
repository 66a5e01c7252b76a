import Backends
import CaptureFiles
import Messages
import ScenarioLanguage
import Synchronization
import Trace
import TraceChecker

/// The faults that `at ARROW do ...` arms: reads every frame that a node sends as the judge will read it, and lets the
/// fault befall the frame with which the message is whole.
///
/// A message over TCP is its last segment here: it alone is held up, dropped or changed, with the retransmissions of
/// it, and what comes before it has gone on already.
final class MessageFaults: FrameGate {
  /// What befalls a message.
  enum Fault: Sendable, Hashable {
    case drop, duplicate, corrupt
    /// Nanoseconds.
    case hold(Int64)
    /// An action of the runner, which lets the message go on when it is done.
    case act
  }

  /// A fault that has befallen its message.
  struct Befallen: Sendable {
    /// The number that it was armed with.
    var number: Int
    /// Of a message that waits for an action: what to release.
    var held: Int?
  }

  struct Armed: Sendable {
    var number: Int
    var fault: Fault
    var test: ArrowTest
    var text: String
  }

  struct State: Sendable {
    var dissector: Dissector
    var frames = 0
    var armed: [Armed] = []
    var flows = InterruptedFlows()
    var held = 0
    var declared: [Int: CaptureInterface] = [:]
    var capture: (any HomeCapture)?
  }

  private let state: Mutex<State>
  private let tell: @Sendable (Befallen) -> Void

  /// - Parameter tell: hears of each fault, on the wire's thread, before the message goes on.
  init(_ parties: PartyMap, tell: @escaping @Sendable (Befallen) -> Void) {
    state = Mutex(State(dissector: Dissector(parties: parties)))
    self.tell = tell
  }

  /// Where faults are noted from now on.
  func record(in capture: any HomeCapture) { state.withLock { $0.capture = capture } }

  /// From now on the next message that the test accepts is befallen, once.
  func arm(_ number: Int, _ fault: Fault, _ test: ArrowTest, text: String) {
    state.withLock { $0.armed.append(Armed(number: number, fault: fault, test: test, text: text)) }
  }

  /// What an action held up is about to go on: its connection is no longer stopped.
  func letGo(_ held: Int) { state.withLock { $0.flows.letGo(held) } }

  func read(comment: String) { state.withLock { $0.dissector.consume(comment: comment) } }

  func fate(of frame: GatedFrame) -> FrameFate {
    let (fate, befallen) = state.withLock { state in
      let events = state.read(frame)
      let segment = TransportView(frame.octets)
      if let fate = state.flows.fate(of: segment, at: frame) { return (fate, Befallen?.none) }
      for event in events {
        guard let index = state.armed.firstIndex(where: { $0.test.accepts(event) }) else { continue }
        let armed = state.armed.remove(at: index)
        // In the capture before anything that follows from it.
        state.capture?.note(
          Note.fault(armed.text, message: event.arrow, at: frame.time).text, at: frame.time)
        let fate = state.befall(armed.fault, frame, segment)
        return (fate, Befallen(number: armed.number, held: armed.fault == .act ? state.held : nil))
      }
      return (.pass, nil)
    }
    if let befallen { tell(befallen) }
    return fate
  }
}

extension MessageFaults.State {
  /// The messages that the frame completes.
  mutating func read(_ frame: GatedFrame) -> [Event] {
    frames += 1
    let interface =
      declared[frame.end]
      ?? CaptureInterface(index: frame.end, name: frame.link, description: "node=" + frame.node)
    declared[frame.end] = interface
    dissector.consume(
      CapturedPacket(
        interface: frame.end, time: frame.time, direction: .inbound, originalLength: frame.octets.count,
        octets: frame.octets[...]), interface: interface, frame: frames)
    _ = dissector.drainRefusals()
    return dissector.hasNews ? dissector.drain() : []
  }

  mutating func befall(
    _ fault: MessageFaults.Fault, _ frame: GatedFrame, _ segment: TransportView?
  ) -> FrameFate {
    switch fault {
    case .duplicate: return .twice
    case .corrupt: return segment?.corrupted(frame.octets).map { .replace($0) } ?? .replace(invertLast(frame.octets))
    case .drop:
      guard let segment, segment.isTCP else { return .drop(onward: [], back: []) }
      flows.end(segment)
      return .drop(onward: [segment.reset(.onward)], back: [segment.reset(.back)])
    case .hold(let nanoseconds):
      if let segment, segment.isTCP { flows.stop(segment, at: frame.end, until: frame.time + nanoseconds) }
      return .hold(for: nanoseconds)
    case .act:
      held += 1
      if let segment, segment.isTCP { flows.stop(segment, at: frame.end, held: held) }
      return .holdUntilReleased(held)
    }
  }

  /// Of a frame that is no IP: its last octet.
  private func invertLast(_ octets: [UInt8]) -> [UInt8] {
    var octets = octets
    if let last = octets.indices.last { octets[last] ^= 0xFF }
    return octets
  }
}
