import CaptureFiles
import Octets
import Packets
import Taps

/// Makes the frames that the octets told by taps would have been on the links of a home.
///
/// Each tap's octets are frames at its own node's link end: what the node sent came in there, what it received went
/// out. Where the other end of a conversation has no tap (a program of somebody else's), the frames stand at its link
/// end too, mirrored. A conversation between two networks shows its first packet behind the gateway as well, as a
/// gateway passes it on, so that a reader knows both halves for one.
struct TapFrames: Sendable {
  /// A frame at a link end.
  struct Frame: Sendable {
    /// The link end's index in the plan.
    var tap: Int32
    var direction: CaptureDirection
    var octets: [UInt8]
  }

  /// A tap, by the number that the recorder gave it; 0 is the runner itself.
  typealias TapNumber = Int

  private struct Key: Hashable {
    var tap: TapNumber
    var connection: UInt32
  }

  private struct Pair: Hashable {
    var client: Endpoint
    var server: Endpoint
  }

  private struct Connection {
    var pair: Pair
    var ownSide: TCPSide
    var own: Seat
    var peer: Seat?
    var isMirrored: Bool
    var synthesiser: TCPSynthesiser
  }

  typealias Seat = Reachability.Seat

  private var seats: HomeSeats
  private var connections: [Key: Connection] = [:]
  /// The client's first sequence number of each connection that a tap has opened, by its ends and by what a gateway's
  /// translation leaves of them.
  private var opened: [Pair: UInt32] = [:]
  private var openedByPort: [Pair: (client: Pair, sequence: UInt32)] = [:]
  private var listeners: [Endpoint: Set<TapNumber>] = [:]
  private var datagramSockets: [Endpoint: Set<TapNumber>] = [:]
  private var strangers = DatagramSightings()
  private var lastSequence: UInt32 = 0x1234_5678

  init(_ seats: HomeSeats) { self.seats = seats }

  /// Addresses or links of nodes are others from now on.
  mutating func update(_ seats: HomeSeats) { self.seats = seats.following(self.seats) }

  /// The tap is of a node.
  mutating func add(_ tap: TapNumber, node: String) { seats.add(tap, node: node) }

  /// The tap has gone, and with it its sockets.
  mutating func forget(_ tap: TapNumber) {
    for endpoint in Array(listeners.keys) { listeners[endpoint]?.remove(tap) }
    for endpoint in Array(datagramSockets.keys) { datagramSockets[endpoint]?.remove(tap) }
    connections = connections.filter { $0.key.tap != tap }
  }

  /// The frames of one record; records come in the order of their times.
  mutating func frames(of record: TapRecord, from tap: TapNumber) throws -> [Frame] {
    switch record.content {
    case .opened(.stream, let endpoint): listeners[endpoint, default: []].insert(tap)
    case .closed(.stream, let endpoint): listeners[endpoint]?.remove(tap)
    case .opened(.datagram, let endpoint): datagramSockets[endpoint, default: []].insert(tap)
    case .closed(.datagram, let endpoint): datagramSockets[endpoint]?.remove(tap)
    case .connecting(let connection, let local, let remote):
      return try open(Key(tap: tap, connection: connection), local, remote)
    case .accepted(let connection, let local, let remote):
      return try accept(Key(tap: tap, connection: connection), local, remote)
    case .connected(let connection): return act(Key(tap: tap, connection: connection)) { made, _ in made.open() }
    case .sent(let connection, let octets), .offered(let connection, let octets):
      return act(Key(tap: tap, connection: connection)) { made, own in made.send(octets, from: own) }
    case .received(let connection, let octets):
      return act(Key(tap: tap, connection: connection)) { made, own in made.send(octets, from: own.other) }
    case .ended(let connection, let end): return act(Key(tap: tap, connection: connection)) { $0.end(end, own: $1) }
    case .datagramSent(let from, let to, let octets), .datagramOffered(_, let from, let to, let octets):
      return sent(octets, from, to, at: tap)
    case .datagramReceived(let from, let to, let octets): return received(octets, from, to, at: tap)
    case .hello, .reached, .done, .moving: break
    }
    return []
  }

  // MARK: TCP

  private mutating func open(_ key: Key, _ local: Endpoint, _ remote: Endpoint) throws -> [Frame] {
    guard let own = seats.seat(of: local.address) ?? seats.receiver(key.tap) else { return [] }
    let pair = Pair(client: local, server: remote)
    // Numbers far apart, so that no two connections look alike behind a gateway.
    lastSequence = lastSequence &* 1_664_525 &+ 1_013_904_223
    let sequence = lastSequence
    if opened.count > 65_536 { opened.removeAll() }
    if openedByPort.count > 65_536 { openedByPort.removeAll() }
    opened[pair] = sequence
    openedByPort[TapFrames.translated(pair)] = (pair, sequence)
    let isKnown = !(listeners[remote]?.isEmpty ?? true)
    var connection = Connection(
      pair: pair, ownSide: .client, own: own, peer: seats.seat(of: remote.address), isMirrored: !isKnown,
      synthesiser: try made(pair, sequence))
    let frames = connection.synthesiser.request()
    connections[key] = connection
    return place(frames, of: connection)
  }

  private mutating func accept(_ key: Key, _ local: Endpoint, _ remote: Endpoint) throws -> [Frame] {
    guard let own = seats.seat(of: local.address) ?? seats.receiver(key.tap) else { return [] }
    var pair = Pair(client: remote, server: local)
    var relayed: [Frame] = []
    let sequence: UInt32
    let isMirrored: Bool
    if let known = opened[pair] {
      sequence = known
      isMirrored = false
      relayed = relay(try made(pair, sequence), pair, to: own)
    } else if let (_, known) = openedByPort[TapFrames.translated(pair)] {
      // Translated on the way: what the gateway sent has its own address.
      sequence = known
      isMirrored = false
      relayed = relay(try made(pair, sequence), pair, to: own)
    } else {
      lastSequence = lastSequence &* 1_664_525 &+ 1_013_904_223
      sequence = lastSequence
      isMirrored = true
    }
    pair.server = local
    var connection = Connection(
      pair: pair, ownSide: .server, own: own, peer: seats.seat(of: remote.address), isMirrored: isMirrored,
      synthesiser: try made(pair, sequence))
    let frames = connection.synthesiser.open()
    connections[key] = connection
    return relayed + place(frames, of: connection)
  }

  private static func translated(_ pair: Pair) -> Pair {
    Pair(client: Endpoint(.v4(0), pair.client.port), server: pair.server)
  }

  private func made(_ pair: Pair, _ sequence: UInt32) throws -> TCPSynthesiser {
    try TCPSynthesiser(
      client: seats.link(pair.client), server: seats.link(pair.server), clientSequence: sequence,
      serverSequence: sequence ^ 0x5555_5555)
  }

  private mutating func act(
    _ key: Key, _ body: (inout TCPSynthesiser, TCPSide) -> [TCPSynthesiser.Frame]
  ) -> [Frame] {
    guard let index = connections.index(forKey: key) else { return [] }
    let frames = body(&connections.values[index].synthesiser, connections.values[index].ownSide)
    return place(frames, of: connections.values[index])
  }

  private func place(_ frames: [TCPSynthesiser.Frame], of connection: Connection) -> [Frame] {
    var result: [Frame] = []
    for frame in frames {
      let isOwn = frame.sender == connection.ownSide
      func put(_ seat: Seat?, sent: Bool) {
        guard let tap = seat.flatMap({ seats.tap(of: $0) }) else { return }
        result.append(Frame(tap: tap, direction: sent ? .inbound : .outbound, octets: frame.octets))
      }
      // At the sender's link first, as a frame goes.
      if isOwn { put(connection.own, sent: true) }
      if connection.isMirrored {
        if isOwn {
          result += relay(frame, connection)
          put(connection.peer, sent: false)
        } else {
          put(connection.peer, sent: true)
          result += relay(frame, connection)
        }
      }
      if !isOwn { put(connection.own, sent: false) }
    }
    return result
  }

  /// The client's SYN as the gateway between two networks passes it on.
  private func relay(_ frame: TCPSynthesiser.Frame, _ connection: Connection) -> [Frame] {
    guard frame.sender == .client, let packet = try? Packet(parsing: frame.octets[...]),
      case .ipv4(_, .tcp(let segment)) = packet.payload, segment.flags.contains(.syn)
    else { return [] }
    let server = connection.ownSide == .server ? connection.own : connection.peer
    return server.map { passedOn(packet, from: connection.pair.client, to: $0) } ?? []
  }

  private func relay(_ synthesiser: TCPSynthesiser, _ pair: Pair, to server: Seat) -> [Frame] {
    var synthesiser = synthesiser
    guard let request = synthesiser.request().first, let packet = try? Packet(parsing: request.octets[...]) else {
      return []
    }
    return passedOn(packet, from: pair.client, to: server)
  }

  private func passedOn(_ packet: Packet, from client: Endpoint, to server: Seat) -> [Frame] {
    guard let passage = seats.gateway(before: server, from: client.address), let exit = seats.tap(of: passage.exit)
    else { return [] }
    var frames: [Frame] = []
    if let entrance = passage.entrance.flatMap({ seats.tap(of: $0) }) {
      frames.append(Frame(tap: entrance, direction: .outbound, octets: packet.octets))
    }
    var packet = packet
    packet.ethernet.source = passage.hardware
    return frames + [Frame(tap: exit, direction: .inbound, octets: packet.octets)]
  }

  // MARK: UDP

  private func sent(_ octets: [UInt8], _ from: Endpoint, _ to: Endpoint, at number: TapNumber) -> [Frame] {
    guard let sender = seats.seat(of: from.address) ?? seats.receiver(number), let tap = seats.tap(of: sender),
      let packet = datagram(octets, from, to)
    else { return [] }
    var frames = [Frame(tap: tap, direction: .inbound, octets: packet.octets)]
    // What a gateway sends itself, nobody has passed on.
    if let receiver = seats.seat(of: to.address),
      seats.gateway(before: receiver, from: from.address)?.exit.place != sender.place
    {
      frames += passedOn(packet, from: from, to: receiver)
    }
    return frames
  }

  private mutating func received(_ octets: [UInt8], _ from: Endpoint, _ to: Endpoint, at number: TapNumber) -> [Frame] {
    guard let packet = datagram(octets, from, to) else { return [] }
    var frames: [Frame] = []
    let isStranger = datagramSockets[from]?.isEmpty ?? true
    if isStranger, let sender = seats.seat(of: from.address), let tap = seats.tap(of: sender),
      strangers.isNew(from, to, octets, at: number)
    {
      frames.append(Frame(tap: tap, direction: .inbound, octets: packet.octets))
      if let receiver = seats.seat(of: to.address) { frames += passedOn(packet, from: from, to: receiver) }
    }
    if let own = seats.seat(of: to.address) ?? seats.receiver(number), let tap = seats.tap(of: own) {
      frames.append(Frame(tap: tap, direction: .outbound, octets: packet.octets))
    }
    return frames
  }

  private func datagram(_ octets: [UInt8], _ from: Endpoint, _ to: Endpoint) -> Packet? {
    let (sender, receiver) = (seats.link(from), seats.link(to))
    guard case .v4(let source) = sender.endpoint.address, case .v4(let destination) = receiver.endpoint.address else {
      return nil
    }
    return Packet(
      ethernet: EthernetHeader(source: sender.hardware, destination: receiver.hardware, etherType: .ipv4),
      payload: .ipv4(
        IPv4Header(source: source, destination: destination, protocolNumber: .udp),
        .udp(UDPDatagram(sourcePort: from.port, destinationPort: to.port, payload: octets[...]))))
  }
}

extension TCPSynthesiser {
  fileprivate mutating func end(_ end: TapEnd, own: TCPSide) -> [Frame] {
    switch end {
    case .ownFinish: close(from: own)
    case .peerFinish: close(from: own.other)
    case .ownReset: reset(from: own)
    case .peerReset, .refused: reset(from: own.other)
    }
  }
}

/// Datagrams of senders without a tap: what several taps received of one is one.
struct DatagramSightings: Sendable {
  private struct Key: Hashable {
    var from: Endpoint
    var to: Endpoint
    var octets: [UInt8]
  }

  private var seen: [Key: (told: Int, byTap: [Int: Int])] = [:]

  /// Whether a tap has now received the datagram more often than it was told.
  mutating func isNew(_ from: Endpoint, _ to: Endpoint, _ octets: [UInt8], at tap: Int) -> Bool {
    if seen.count > 4096 { seen.removeAll() }
    var entry = seen[Key(from: from, to: to, octets: octets)] ?? (0, [:])
    let count = entry.byTap[tap, default: 0] + 1
    entry.byTap[tap] = count
    defer { seen[Key(from: from, to: to, octets: octets)] = entry }
    guard count > entry.told else { return false }
    entry.told = count
    return true
  }
}
