import Octets
import Packets
import Taps

/// What becomes of octets that taps offer before they send them: asks the gate of faults, frame by frame, as a wire does.
struct TapVerdicts: Sendable {
  /// Who offered them.
  struct Address: Sendable, Hashable {
    var tap: Int
    /// Of the connection, or of the datagram.
    var number: UInt32
    var isDatagram: Bool
  }

  private let gate: any FrameGate
  private let labels: [Int32: TapLabel]
  /// Takes verdicts on what the runner itself offers.
  let tellRunner: @Sendable (UInt32, TapVerdict) -> Void
  /// What waits for a moment of CLOCK_REALTIME, or for its release.
  private var timed: [(time: Int64, Address)] = []
  private var held: [Int: [Address]] = [:]
  /// Releases that came before what they release was judged.
  private var released: Set<Int> = []

  init(
    _ gate: any FrameGate, labels: [(index: Int32, label: TapLabel)],
    tellRunner: @escaping @Sendable (UInt32, TapVerdict) -> Void
  ) {
    self.gate = gate
    self.labels = Dictionary(labels.map { ($0.index, $0.label) }, uniquingKeysWith: { first, _ in first })
    self.tellRunner = tellRunner
  }

  func read(comment: String) { gate.read(comment: comment) }

  /// Shows the gate all frames that came out of nodes; what was offered gets a verdict now, or waits.
  mutating func judge(
    _ frames: [TapFrames.Frame], of record: TapRecord, from tap: Int
  ) -> (verdict: TapVerdict, address: Address)? {
    let address: Address? =
      switch record.content {
      case .offered(let connection, _): Address(tap: tap, number: connection, isDatagram: false)
      case .datagramOffered(let number, _, _, _): Address(tap: tap, number: number, isDatagram: true)
      default: nil
      }
    var verdict = TapVerdict.pass
    var octets: [UInt8] = []
    var isHeld = false
    for frame in frames where frame.direction == .inbound {
      guard let label = labels[frame.tap] else { continue }
      let fate = gate.fate(
        of: GatedFrame(
          end: Int(frame.tap), link: label.link, node: label.node, time: record.time, octets: frame.octets))
      guard let address, let payload = TapVerdicts.payload(of: frame.octets) else { continue }
      switch fate {
      case .pass: octets += payload
      case .twice:
        octets += payload
        verdict = .twice
      case .replace(let other):
        octets += TapVerdicts.payload(of: other) ?? payload
        verdict = .replace(octets)
      case .drop: verdict = .drop
      case .hold(let nanoseconds):
        timed.append((record.time + nanoseconds, address))
        isHeld = true
      case .holdUntilReleased(let number) where released.remove(number) != nil: break
      case .holdUntilReleased(let number):
        held[number, default: []].append(address)
        isHeld = true
      }
      if isHeld { return nil }
    }
    return address.map { (verdict, $0) }
  }

  /// When the next thing that waits for its time is due.
  var next: Int64? { timed.map(\.time).min() }

  mutating func due(_ now: Int64) -> [(Address, TapVerdict)] {
    defer { timed.removeAll { $0.time <= now } }
    return timed.filter { $0.time <= now }.map { ($0.1, .pass) }
  }

  mutating func release(_ number: Int) -> [Address] {
    guard let waiting = held.removeValue(forKey: number) else {
      released.insert(number)
      return []
    }
    return waiting
  }

  /// `nil` for frames without octets of a message.
  private static func payload(of frame: [UInt8]) -> [UInt8]? {
    guard let packet = try? Packet(parsing: frame[...]), case .ipv4(_, let transport) = packet.payload else {
      return nil
    }
    return switch transport {
    case .tcp(let segment): segment.payload.isEmpty ? nil : Array(segment.payload)
    case .udp(let datagram): Array(datagram.payload)
    default: nil
    }
  }
}
