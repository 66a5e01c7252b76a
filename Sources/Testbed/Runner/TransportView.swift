import Octets
import Packets

/// A TCP segment or datagram over IPv4 in its frame, for faults that befall it.
struct TransportView: Sendable {
  /// One direction of a connection.
  struct Flow: Sendable, Hashable {
    var source: UInt32
    var sourcePort: UInt16
    var destination: UInt32
    var destinationPort: UInt16

    var reversed: Flow {
      Flow(source: destination, sourcePort: destinationPort, destination: source, destinationPort: sourcePort)
    }
  }

  /// Whom a forged segment is for: the segment's receiver, or its sender.
  enum Way { case onward, back }

  private let packet: Packet
  private let header: IPv4Header
  private let transport: Packet.Transport
  let flow: Flow

  /// `nil` for everything else, and for what is damaged.
  init?(_ frame: [UInt8]) {
    guard let packet = try? Packet(parsing: frame[...]), case .ipv4(let header, let transport) = packet.payload else {
      return nil
    }
    switch transport {
    case .tcp(let segment):
      flow = Flow(
        source: header.sourceBits, sourcePort: segment.sourcePort, destination: header.destinationBits,
        destinationPort: segment.destinationPort)
    case .udp(let datagram):
      flow = Flow(
        source: header.sourceBits, sourcePort: datagram.sourcePort, destination: header.destinationBits,
        destinationPort: datagram.destinationPort)
    default: return nil
    }
    self.packet = packet
    self.header = header
    self.transport = transport
  }

  private var segment: TCPSegment? { if case .tcp(let segment) = transport { segment } else { nil } }
  var isTCP: Bool { segment != nil }
  /// Opens a connection.
  var isOpening: Bool { segment.map { $0.flags.contains(.syn) && !$0.flags.contains(.ack) } ?? false }
  /// Has octets, or ends the connection: more than an acknowledgement.
  var carriesMore: Bool {
    segment.map { !$0.payload.isEmpty || $0.flags.contains(.fin) || $0.flags.contains(.rst) } ?? true
  }

  /// The frame with the last octet of its payload inverted and its checksums right; `nil` where there is no payload.
  func corrupted(_ frame: [UInt8]) -> [UInt8]? {
    func inverted(_ payload: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
      guard let last = payload.last else { return nil }
      return payload.dropLast() + [last ^ 0xFF]
    }
    switch transport {
    case .tcp(var segment):
      guard let payload = inverted(segment.payload) else { return nil }
      segment.payload = payload
      return octets(.tcp(segment))
    case .udp(var datagram):
      guard let payload = inverted(datagram.payload) else { return nil }
      datagram.payload = payload
      return octets(.udp(datagram))
    default: return nil
    }
  }

  private func octets(_ transport: Packet.Transport) -> [UInt8] {
    Packet(ethernet: packet.ethernet, payload: .ipv4(header, transport)).octets
  }

  /// A reset with the exact number that its receiver takes (RFC 5961 section 3.2): onward in the segment's own place, or
  /// back to its sender as an answer to it.
  func reset(_ way: Way) -> [UInt8] {
    guard let segment else { return [] }
    let length = UInt32(segment.payload.count) &+ (segment.flags.contains(.fin) ? 1 : 0)
    var ethernet = packet.ethernet
    var header = header
    let forged: TCPSegment
    switch way {
    case .onward:
      forged = TCPSegment(
        sourcePort: segment.sourcePort, destinationPort: segment.destinationPort, sequence: segment.sequence,
        acknowledgement: segment.acknowledgement, flags: [.rst, .ack], window: 0)
    case .back:
      swap(&ethernet.source, &ethernet.destination)
      swap(&header.sourceBits, &header.destinationBits)
      forged = TCPSegment(
        sourcePort: segment.destinationPort, destinationPort: segment.sourcePort, sequence: segment.acknowledgement,
        acknowledgement: segment.sequence &+ length, flags: [.rst, .ack], window: 0)
    }
    header.options = []
    header.identification = 0
    return Packet(ethernet: ethernet, payload: .ipv4(header, .tcp(forged))).octets
  }
}
