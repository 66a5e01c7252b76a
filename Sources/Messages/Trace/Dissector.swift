import CaptureFiles
import Messages
import Octets
import Packets
import Taps

/// Somebody tried to connect and was refused.
public struct RefusedConnection: Sendable, Hashable {
  public var from: Party
  public var to: Party
  /// CLOCK_REALTIME in nanoseconds.
  public var time: Int64
  public var frame: Int
}

/// Reads packets and tells the messages of the catalogue that they carry (rule S1).
///
/// A message is told once, as its sender sent it: from the frames that came in at the sender's own link end. Other
/// sightings of the same packets only teach which addresses a gateway put in the place of others. In captures that do
/// not tell whose link end an interface is, every packet counts, and what shows on several interfaces counts once.
public struct Dissector: Sendable {
  var parties: PartyTable
  var flows = FlowTable()
  var connections = TCPConnectionTable()
  var conversations: [Int: Conversation] = [:]
  var fragments = IPv4Reassembler()
  var urls = LearntURLs()
  var sightings = Sightings()
  /// Which loopback addresses in texts stand for which of the topology's.
  var addresses = AddressMap()
  var tcpEvents: [TCPEvent] = []
  var stunRequests = STUNRequests()
  /// Messages whose receiver a gateway's next frame may tell.
  private var unexplained: [Unexplained] = []
  private var events: [Event] = []
  private var refusals: [RefusedConnection] = []
  private var nextIndex = 0
  /// Of the event that was told last.
  var lastIndex: Int { nextIndex - 1 }

  /// What was no message.
  public internal(set) var counts = TrafficCounts()
  /// Frames that were read, passed over or counted.
  public private(set) var frameCount = 0

  public init(parties: PartyMap = PartyMap()) { self.parties = PartyTable(parties) }

  /// Takes a frame.
  ///
  /// - Parameters:
  ///   - interface: the one that `packet.interface` names.
  ///   - frame: its number in the capture, from 1.
  public mutating func consume(_ packet: CapturedPacket, interface: CaptureInterface, frame: Int) {
    frameCount += 1
    unexplained.removeAll { packet.time > $0.deadline }
    parties.declare(interface)
    guard interface.linkType == .ethernet else {
      counts.add(.linkType(interface.linkType.rawValue))
      return
    }
    let tap = parties.tap(interface.index)
    // Frames that go to the node were told where they came from; only a switch's own show nowhere else.
    if tap.node != nil, packet.direction == .outbound, !isOfSwitch(packet.octets) { return }
    do {
      try consume(packet, at: tap, interface.index, frame: frame)
    } catch let fault as WireError {
      counts.add(.words("malformed \(fault.format): \(fault.reason), at octet \(fault.offset) of the frame"))
    } catch {
      counts.add(.words("malformed: \(error)"))
    }
  }

  /// Takes a comment: one with an address map is applied to the messages after it.
  public mutating func consume(comment: String) {
    if let map = AddressMap(comment: comment) { addresses.add(map.rules) }
  }

  private mutating func consume(_ captured: CapturedPacket, at tap: PartyTable.Tap, _ interface: Int, frame: Int) throws
  {
    let head = try EthernetHeader(parsing: captured.octets)
    var tap = tap
    if let node = tap.node, captured.direction != .outbound {
      if !tap.isNetworkKnown {
        parties.locate(tap: interface, source: head.source)
        tap = parties.tap(interface)
      }
      if parties.nodes[node].isSegment {
        guard parties.isOwnFrame(of: node, source: head.source, isLLDP: head.etherType == .lldp) else { return }
      } else if captured.direction == .unknown, parties.receiver(head.source) != parties.nodes[node].party {
        return
      }
    }
    let packet = try Packet(parsing: captured.octets)
    let sighting = Sighting(
      tap: tap, interface: interface, source: head.source, direction: captured.direction,
      origin: TCPOrigin(time: captured.time, frame: frame)
    )
    switch packet.payload {
    case .arp(let arp): consume(arp, packet, sighting)
    case .ipv4(let header, let transport):
      guard header.isFragment, case .fragment(let part) = transport else {
        try consume(header, transport, packet, sighting)
        return
      }
      if let (whole, transport) = try fragments.feed(header, part, domain: tap.network, time: captured.time) {
        try consume(whole, transport, packet, sighting)
      }
    case .other(.lldp, let octets) where head.destination == .broadcast: try consume(lldp: octets, sighting)
    case .other(let type, _): counts.add(.etherType(type.rawValue))
    }
  }

  private mutating func consume(
    _ header: IPv4Header, _ transport: Packet.Transport, _ packet: Packet, _ sighting: Sighting
  ) throws {
    if let node = sighting.tap.node, !parties.nodes[node].forwards {
      parties.learn(header.sourceBits, at: sighting.interface, mac: sighting.source)
    }
    switch transport {
    case .tcp(let segment): consume(segment, header, sighting)
    case .udp(let datagram): consume(datagram, header, sighting)
    case .icmp(let message): consume(message, header, sighting)
    case .other(let number, _): counts.add(.ipProtocol(number.rawValue))
    case .fragment: counts.add(.fragment)
    }
  }

  /// The capture has ended: what only its end completes is told.
  public mutating func finish() {
    tcpEvents.removeAll(keepingCapacity: true)
    connections.flush(into: &tcpEvents)
    takeConnectionEvents()
    let open = conversations.keys.sorted()
    for id in open { endConversation(id) }
    unexplained = []
    for _ in 0..<min(fragments.forgotten, 1_000_000) { counts.add(.fragment) }
  }

  /// Whether a drain would give anything.
  public var hasNews: Bool { tellable > 0 || !refusals.isEmpty }

  /// How many events can be told: those before the first whose receiver is awaited.
  private var tellable: Int {
    guard let first = unexplained.first, let start = events.first?.index else { return events.count }
    return min(events.count, first.event - start)
  }

  /// The messages since the last call, in the order in which they were sent.
  public mutating func drain() -> [Event] {
    let count = tellable
    defer { events.removeFirst(count) }
    return Array(events.prefix(count))
  }

  /// The refused connections since the last call.
  public mutating func drainRefusals() -> [RefusedConnection] {
    defer { refusals.removeAll() }
    return refusals
  }

  mutating func refuse(_ refusal: RefusedConnection) { if refusals.count < 65_536 { refusals.append(refusal) } }

  /// Holds back the newest event until a gateway passes its packet on and so tells whom it is for, 30 ms at most.
  mutating func awaitReceiver(_ signature: UInt64, sentTo end: UInt64) {
    guard let event = events.last, unexplained.count < 1024 else { return }
    unexplained.append(
      Unexplained(
        event: event.index, signature: signature, sender: event.from, end: end, deadline: event.time + 30_000_000))
  }

  /// A gateway passed a packet on, and whom to is seen.
  mutating func explain(_ signature: UInt64, sentTo end: UInt64, by sender: Party, _ receiver: Party) {
    guard
      let place = unexplained.firstIndex(where: { $0.signature == signature && $0.end == end && $0.sender == sender }),
      let start = events.first?.index
    else { return }
    events[unexplained.remove(at: place).event - start].to = receiver
  }

  /// Tells a message.
  mutating func tell(
    _ definition: MessageDefinition, from sender: Party, to receiver: Party, fields: JSONValue, at origin: TCPOrigin,
    firstFrame: Int? = nil, digest: UInt64, isBackground: Bool
  ) {
    events.append(
      Event(
        index: nextIndex, time: origin.time, from: sender, to: receiver, name: definition.name, fields: fields,
        frame: origin.frame, digest: digest, isBackground: isBackground, firstFrame: firstFrame))
    nextIndex += 1
  }
}

/// An event whose receiver stands behind a gateway and is not known yet.
struct Unexplained: Sendable {
  /// The event's index.
  var event: Int
  var signature: UInt64
  var sender: Party
  /// Where it was sent to.
  var end: UInt64
  /// CLOCK_REALTIME in nanoseconds.
  var deadline: Int64
}

/// Where a frame was seen.
struct Sighting: Sendable {
  var tap: PartyTable.Tap
  var interface: Int
  var source: MACAddress
  var direction: CaptureDirection
  var origin: TCPOrigin
}

/// Which packets showed already, in captures that do not tell whose link end an interface is.
struct Sightings: Sendable {
  private struct Seen: Sendable {
    var first: Int64
    var told: Int
    var byInterface: [Int: Int]
  }

  private var seen: [UInt64: Seen] = [:]
  private static let limit = 16_384
  private static let age: Int64 = 1_000_000_000

  /// Wherever a packet shows within the next second, it is not new.
  mutating func pass(_ signature: UInt64, time: Int64) {
    if seen.count >= Sightings.limit { seen.removeAll(keepingCapacity: true) }
    seen[signature] = Seen(first: time, told: .max, byInterface: [:])
  }

  /// Whether a packet is another one, not the same one on another interface within a second.
  mutating func isNew(_ signature: UInt64, interface: Int, time: Int64) -> Bool {
    if seen.count >= Sightings.limit { seen.removeAll(keepingCapacity: true) }
    guard var entry = seen[signature], time - entry.first < Sightings.age else {
      seen[signature] = Seen(first: time, told: 1, byInterface: [interface: 1])
      return true
    }
    let count = entry.byInterface[interface, default: 0] + 1
    entry.byInterface[interface] = count
    let isNew = count > entry.told
    if isNew { entry.told = count }
    seen[signature] = entry
    return isNew
  }
}
