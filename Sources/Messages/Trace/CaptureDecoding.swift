import CaptureFiles
import Messages
import Octets

/// Turns a capture file, whole or growing, into what it tells, in its order: messages, comments, losses.
public struct CaptureDecoding: Sendable {
  public enum Item: Sendable, Hashable {
    case event(Event)
    case refused(RefusedConnection)
    /// A comment that is not a packet's own; `nil` where it has no time.
    case comment(time: Int64?, text: String)
    case statistics(CaptureStatistics)
    /// A block that could not be read, and was passed over.
    case fault(WireError)
  }

  public private(set) var dissector: Dissector
  private var reader = CaptureReader()
  private var interfaces: [Int: CaptureInterface] = [:]
  private var frame = 0
  /// The time of the first packet, nanoseconds since 1970.
  public private(set) var start: Int64?
  /// The time of the latest packet or comment.
  public private(set) var latest: Int64?

  public init(parties: PartyMap = PartyMap()) { dissector = Dissector(parties: parties) }

  /// Frames so far.
  public var frameCount: Int { frame }

  /// Takes the next octets of the file.
  ///
  /// - Throws: ``WireError`` where the octets are no capture, or its framing is broken: nothing more can be read.
  public mutating func feed(_ octets: ArraySlice<UInt8>) throws -> [Item] {
    reader.feed(octets)
    var items: [Item] = []
    var last: WireError?
    while true {
      do {
        guard let item = try reader.next() else { return items }
        take(item, &items)
      } catch let fault as WireError {
        // A fault inside one block is passed over; one of the framing comes again.
        if fault == last { throw fault }
        last = fault
        items.append(.fault(fault))
      }
    }
  }

  public mutating func feed(_ octets: [UInt8]) throws -> [Item] { try feed(octets[...]) }

  /// The file has ended.
  public mutating func finish() -> [Item] {
    var items: [Item] = []
    dissector.finish()
    drain(into: &items)
    do {
      try reader.finish()
    } catch let fault as WireError {
      items.append(.fault(fault))
    } catch {
      items.append(.fault(WireError(.malformed, in: "capture", at: reader.offset, "\(error)")))
    }
    return items
  }

  private mutating func take(_ item: CaptureItem, _ items: inout [Item]) {
    switch item {
    case .interface(let interface): interfaces[interface.index] = interface
    case .packet(let packet):
      frame += 1
      if start == nil { start = packet.time }
      latest = max(latest ?? packet.time, packet.time)
      let interface = interfaces[packet.interface] ?? CaptureInterface(index: packet.interface)
      dissector.consume(packet, interface: interface, frame: frame)
      drain(into: &items)
    case .comment(let time, let text):
      if let time { latest = max(latest ?? time, time) }
      dissector.consume(comment: text)
      items.append(.comment(time: time, text: text))
    case .statistics(let statistics): items.append(.statistics(statistics))
    case .section, .skipped: break
    }
  }

  private mutating func drain(into items: inout [Item]) {
    guard dissector.hasNews else { return }
    for event in dissector.drain() { items.append(.event(event)) }
    for refusal in dissector.drainRefusals() { items.append(.refused(refusal)) }
  }

  /// What `homebed decode` prints below the messages: one line a kind of traffic that is no message, most frequent first.
  public var countLines: [String] { dissector.counts.lines.map { "\($0.count)  \($0.what)" } }
}
