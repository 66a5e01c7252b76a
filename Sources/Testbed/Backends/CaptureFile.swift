import CaptureFiles
import LinuxNetwork

/// A pcapng file under way: what is written in whole blocks, and where the taps stand in it.
struct CaptureFile: Sendable {
  private let file: Descriptor
  private var writer = PcapngWriter()
  private var pending: [UInt8] = []
  /// pcapng interface and direction by kernel interface index.
  private var taps: [Int32: (interface: Int, isSwitchEnd: Bool)] = [:]
  /// Octets written so far, whole blocks.
  private(set) var octets = 0
  /// Why nothing more is written.
  private(set) var failure: String?
  /// The time of the latest frame.
  private(set) var lastTime: Int64 = 0
  /// True if a mark was passed or octets wait.
  private(set) var hasNews = false

  init(file: Descriptor, labels: [(index: Int32, label: TapLabel)]) {
    self.file = file
    pending = writer.header()
    for (index, label) in labels { declare(index, label) }
    // A comment needs an interface to stand at.
    if labels.isEmpty { pending += writer.interface(name: "none", description: nil) }
  }

  private mutating func declare(_ index: Int32, _ label: TapLabel) {
    taps[index] = (writer.interfaceCount, label.isSwitchEnd)
    pending += writer.interface(name: label.link, description: "node=" + label.node)
    hasNews = true
  }

  mutating func relabel(_ change: Capture.Relabel) { declare(change.interface, change.label) }

  mutating func write(_ frame: borrowing PacketRing.Frame) {
    guard let tap = taps[frame.interface] else { return }
    lastTime = max(lastTime, frame.time)
    // An outer end receives what its node sends; the end in a switch sends what the switch sends.
    let direction: CaptureDirection = frame.isOutgoing == tap.isSwitchEnd ? .inbound : .outbound
    append(
      writer.packet(
        interface: tap.interface, time: frame.time, direction: direction, octets: frame.octets,
        originalLength: frame.originalLength))
  }

  /// Writes a frame that was not captured but made of what a tap told.
  mutating func write(_ frame: TapFrames.Frame, at time: Int64) {
    guard let tap = taps[frame.tap] else { return }
    lastTime = max(lastTime, time)
    append(writer.packet(interface: tap.interface, time: time, direction: frame.direction, octets: frame.octets))
  }

  mutating func write(_ mark: Capture.Mark) {
    hasNews = true
    guard let text = mark.text else { return }
    do { append(try writer.comment(time: mark.time, text: text)) } catch {
      failure = failure ?? "a note cannot be written: \(error)"
    }
  }

  mutating func writeCounts(seen: UInt64, dropped: UInt64, time: Int64) {
    append(writer.statistics(CaptureStatistics(interface: 0, time: time, received: seen, dropped: dropped)))
  }

  private mutating func append(_ block: [UInt8]) {
    hasNews = true
    if failure == nil { pending += block }
  }

  /// Writes what waits. After a failure nothing more is written, since a block may be there in part.
  mutating func flush() {
    hasNews = false
    guard !pending.isEmpty, failure == nil else { return }
    do {
      try file.write(pending, "the capture")
      octets += pending.count
    } catch {
      failure = "\(error)"
    }
    pending.removeAll(keepingCapacity: pending.count < 1 << 20)
  }
}
