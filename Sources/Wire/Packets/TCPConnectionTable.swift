import Octets

/// One of the two ends of a connection.
public enum TCPSide: Sendable, Hashable {
  /// The end that opened the connection.
  case client
  case server

  public var other: TCPSide { self == .client ? .server : .client }
}

/// A TCP connection as a capture shows it.
public struct TCPConnection: Sendable, Hashable {
  /// Counts from 0 in the order of first segments.
  public var id: Int
  /// Tells equal addresses of separate networks apart; given by whoever feeds the table.
  public var domain: Int
  public var client: Endpoint
  public var server: Endpoint
  /// True where the handshake was not seen; then the end with the lower port is taken for the server.
  public var startedMidStream: Bool
}

/// Something that happened on a connection.
public struct TCPEvent: Sendable, Hashable {
  /// What happened, told of the end that sent.
  public enum Content: Sendable, Hashable {
    /// The connection's first segment.
    case opened(TCPOrigin)
    case delivery(TCPDelivery)
  }

  public var connection: TCPConnection
  public var sender: TCPSide
  public var content: Content
}

/// Tells the connections of a capture apart and puts each direction in order.
public struct TCPConnectionTable: Sendable {
  /// Bounds of the table.
  public struct Limits: Sendable, Hashable {
    /// Connections remembered; beyond it closed ones are forgotten first, then the oldest.
    public var connections = 16384
    public var perDirection = TCPReassembler.Limits()

    public init() {}
  }

  /// Both directions of a connection have the same key.
  private struct Key: Hashable {
    var domain: Int
    var lower: Endpoint
    var higher: Endpoint

    init(domain: Int, _ a: Endpoint, _ b: Endpoint) {
      let inOrder = a.port == b.port ? a.address < b.address : a.port < b.port
      self.domain = domain
      (lower, higher) = inOrder ? (a, b) : (b, a)
    }
  }

  private struct Entry {
    var connection: TCPConnection
    var toServer: TCPReassembler
    var toClient: TCPReassembler

    var isClosed: Bool {
      toServer.end == .reset || toClient.end == .reset || toServer.end != nil && toClient.end != nil
    }

    mutating func synchronise(_ sender: TCPSide, at sequence: UInt32) {
      if sender == .client { toServer.synchronise(at: sequence) } else { toClient.synchronise(at: sequence) }
    }

    mutating func end(_ sender: TCPSide, _ reason: TCPEnd, _ origin: TCPOrigin, into deliveries: inout [TCPDelivery]) {
      if sender == .client {
        toServer.close(reason, from: origin, into: &deliveries)
      } else {
        toClient.close(reason, from: origin, into: &deliveries)
      }
    }

    mutating func flush(_ sender: TCPSide, into deliveries: inout [TCPDelivery]) {
      if sender == .client { toServer.flush(into: &deliveries) } else { toClient.flush(into: &deliveries) }
    }
  }

  public let limits: Limits
  private var places: [Key: Int] = [:]
  /// Entries at their places; those in `free` are empty.
  private var entries: [Entry] = []
  private var free: [Int] = []
  private var opened = Queue()
  private var closed = Queue()
  private var nextID = 0
  private var deliveries: [TCPDelivery] = []

  public init(limits: Limits = Limits()) { self.limits = limits }

  /// Connections that are remembered now.
  public var count: Int { places.count }

  /// Takes one segment and appends what it completes to `events`.
  ///
  /// A segment that was captured in several places must be fed once, or its repeats count as retransmissions.
  public mutating func feed(
    _ segment: TCPSegment, source: IPAddress, destination: IPAddress, domain: Int = 0, from origin: TCPOrigin,
    into events: inout [TCPEvent]
  ) {
    let sender = Endpoint(source, segment.sourcePort)
    let receiver = Endpoint(destination, segment.destinationPort)
    let key = Key(domain: domain, sender, receiver)
    var place = places[key]
    if segment.flags.contains(.syn), let found = place, startsAnew(segment, sender, at: found) {
      close(key, at: found, .replaced, origin, into: &events)
      place = nil
    }
    deliver(
      segment, from: sender, origin, at: place ?? open(key, segment, sender, receiver, origin, into: &events), key,
      into: &events)
  }

  private mutating func deliver(
    _ segment: TCPSegment, from sender: Endpoint, _ origin: TCPOrigin, at place: Int, _ key: Key,
    into events: inout [TCPEvent]
  ) {
    let side: TCPSide = sender == entries[place].connection.client ? .client : .server
    let wasClosed = entries[place].isClosed
    if segment.flags.isSuperset(of: [.syn, .ack]) {
      // The acknowledgement tells where the other direction begins, even where its SYN was not seen.
      entries[place].synchronise(side.other, at: segment.acknowledgement)
    }
    deliveries.removeAll(keepingCapacity: true)
    if side == .client {
      entries[place].toServer.feed(segment, from: origin, into: &deliveries)
    } else {
      entries[place].toClient.feed(segment, from: origin, into: &deliveries)
    }
    tell(deliveries, of: entries[place].connection, side, into: &events)
    if !wasClosed, entries[place].isClosed { closed.append(key, entries[place].connection.id) }
  }

  private func tell(
    _ deliveries: [TCPDelivery], of connection: TCPConnection, _ side: TCPSide, into events: inout [TCPEvent]
  ) {
    for delivery in deliveries {
      events.append(TCPEvent(connection: connection, sender: side, content: .delivery(delivery)))
    }
  }

  /// Whether a SYN cannot belong to the connection that its ports name, since its sequence number is another.
  private func startsAnew(_ segment: TCPSegment, _ sender: Endpoint, at place: Int) -> Bool {
    guard !segment.flags.contains(.rst) else { return false }
    let entry = entries[place]
    let direction = sender == entry.connection.client ? entry.toServer : entry.toClient
    guard direction.isSynchronised else {
      // The other end may have closed or reset what this SYN would belong to.
      return !segment.flags.contains(.ack) && entry.isClosed
    }
    if let initial = direction.initialSequence { return initial != segment.sequence }
    // Begun in the middle, or known from the other end's acknowledgement only: this SYN may be an old one, late.
    return direction.delivered > 0 || entry.isClosed
  }

  /// Begins a connection and gives its place.
  private mutating func open(
    _ key: Key, _ segment: TCPSegment, _ sender: Endpoint, _ receiver: Endpoint, _ origin: TCPOrigin,
    into events: inout [TCPEvent]
  ) -> Int {
    if places.count >= max(1, limits.connections) { evict(origin, into: &events) }
    let isSYN = segment.flags.contains(.syn)
    let senderIsClient =
      isSYN ? !segment.flags.contains(.ack) : sender.port > receiver.port || sender.port == receiver.port
    let connection = TCPConnection(
      id: nextID, domain: key.domain, client: senderIsClient ? sender : receiver,
      server: senderIsClient ? receiver : sender, startedMidStream: !isSYN)
    nextID += 1
    let reassembler = TCPReassembler(limits: limits.perDirection)
    let entry = Entry(connection: connection, toServer: reassembler, toClient: reassembler)
    let place: Int
    if let empty = free.popLast() {
      place = empty
      entries[place] = entry
    } else {
      place = entries.count
      entries.append(entry)
    }
    places[key] = place
    opened.append(key, connection.id)
    events.append(
      TCPEvent(connection: connection, sender: senderIsClient ? .client : .server, content: .opened(origin)))
    return place
  }

  private mutating func evict(_ origin: TCPOrigin, into events: inout [TCPEvent]) {
    while let (key, id) = closed.popFirst() ?? opened.popFirst() {
      guard let place = places[key], entries[place].connection.id == id else { continue }
      close(key, at: place, .evicted, origin, into: &events)
      return
    }
  }

  /// Ends what is open of a connection and forgets it.
  private mutating func close(
    _ key: Key, at place: Int, _ reason: TCPEnd, _ origin: TCPOrigin, into events: inout [TCPEvent]
  ) {
    for side in [TCPSide.client, .server] {
      deliveries.removeAll(keepingCapacity: true)
      entries[place].end(side, reason, origin, into: &deliveries)
      tell(deliveries, of: entries[place].connection, side, into: &events)
    }
    places[key] = nil
    free.append(place)
  }

  /// Gives what still waits beyond holes, connection by connection; for the end of a capture.
  public mutating func flush(into events: inout [TCPEvent]) {
    for place in places.values.sorted(by: { entries[$0].connection.id < entries[$1].connection.id }) {
      for side in [TCPSide.client, .server] {
        deliveries.removeAll(keepingCapacity: true)
        entries[place].flush(side, into: &deliveries)
        tell(deliveries, of: entries[place].connection, side, into: &events)
      }
    }
  }

  /// Keys in the order in which they came; a key may have got a newer connection meanwhile.
  private struct Queue {
    private var items: [(Key, Int)] = []
    private var head = 0

    mutating func append(_ key: Key, _ id: Int) { items.append((key, id)) }

    mutating func popFirst() -> (Key, Int)? {
      guard head < items.count else { return nil }
      defer {
        head += 1
        if head > 1024, head * 2 > items.count {
          items.removeFirst(head)
          head = 0
        }
      }
      return items[head]
    }
  }
}
