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
    var last: TCPOrigin

    var isClosed: Bool {
      toServer.end == .reset || toClient.end == .reset || toServer.end != nil && toClient.end != nil
    }
  }

  public let limits: Limits
  private var entries: [Key: Entry] = [:]
  private var opened = Queue()
  private var closed = Queue()
  private var nextID = 0
  private var deliveries: [TCPDelivery] = []

  public init(limits: Limits = Limits()) { self.limits = limits }

  /// Connections that are remembered now.
  public var count: Int { entries.count }

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
    var index = entries.index(forKey: key)
    if let found = index, startsAnew(segment, sender, entries.values[found]) {
      close(found, .replaced, origin, into: &events)
      index = nil
    }
    let place: Dictionary<Key, Entry>.Index
    if let index {
      place = index
    } else {
      open(key, segment, sender, receiver, origin, into: &events)
      guard let index = entries.index(forKey: key) else { return }
      place = index
    }
    deliver(segment, from: sender, origin, at: place, key, into: &events)
  }

  private mutating func deliver(
    _ segment: TCPSegment, from sender: Endpoint, _ origin: TCPOrigin, at place: Dictionary<Key, Entry>.Index,
    _ key: Key, into events: inout [TCPEvent]
  ) {
    let connection = entries.values[place].connection
    let side: TCPSide = sender == connection.client ? .client : .server
    let wasClosed = entries.values[place].isClosed
    deliveries.removeAll(keepingCapacity: true)
    entries.values[place].last = origin
    if segment.flags.isSuperset(of: [.syn, .ack]) {
      // The acknowledgement tells where the other direction begins, even where its SYN was not seen.
      if side == .server {
        entries.values[place].toServer.synchronise(at: segment.acknowledgement)
      } else {
        entries.values[place].toClient.synchronise(at: segment.acknowledgement)
      }
    }
    if side == .client {
      entries.values[place].toServer.feed(segment, from: origin, into: &deliveries)
    } else {
      entries.values[place].toClient.feed(segment, from: origin, into: &deliveries)
    }
    for delivery in deliveries {
      events.append(TCPEvent(connection: connection, sender: side, content: .delivery(delivery)))
    }
    if !wasClosed, entries.values[place].isClosed { closed.append(key, connection.id) }
  }

  /// Whether a segment cannot belong to the connection that its ports name: a SYN with a new sequence number.
  private func startsAnew(_ segment: TCPSegment, _ sender: Endpoint, _ entry: Entry) -> Bool {
    guard segment.flags.contains(.syn), !segment.flags.contains(.rst) else { return false }
    let direction = sender == entry.connection.client ? entry.toServer : entry.toClient
    guard direction.isSynchronised else {
      // The other end may have closed or reset what this SYN would belong to.
      return !segment.flags.contains(.ack) && entry.isClosed
    }
    if let initial = direction.initialSequence { return initial != segment.sequence }
    // Begun in the middle, or known from the other end's acknowledgement only: this SYN may be an old one, late.
    return direction.delivered > 0 || entry.isClosed
  }

  private mutating func open(
    _ key: Key, _ segment: TCPSegment, _ sender: Endpoint, _ receiver: Endpoint, _ origin: TCPOrigin,
    into events: inout [TCPEvent]
  ) {
    if entries.count >= max(1, limits.connections) { evict(origin, into: &events) }
    let isSYN = segment.flags.contains(.syn)
    let senderIsClient =
      isSYN ? !segment.flags.contains(.ack) : sender.port > receiver.port || sender.port == receiver.port
    let connection = TCPConnection(
      id: nextID, domain: key.domain, client: senderIsClient ? sender : receiver,
      server: senderIsClient ? receiver : sender, startedMidStream: !isSYN)
    nextID += 1
    let reassembler = TCPReassembler(limits: limits.perDirection)
    entries[key] = Entry(connection: connection, toServer: reassembler, toClient: reassembler, last: origin)
    opened.append(key, connection.id)
    events.append(
      TCPEvent(connection: connection, sender: senderIsClient ? .client : .server, content: .opened(origin)))
  }

  private mutating func evict(_ origin: TCPOrigin, into events: inout [TCPEvent]) {
    while let (key, id) = closed.popFirst() ?? opened.popFirst() {
      guard let index = entries.index(forKey: key), entries.values[index].connection.id == id else { continue }
      close(index, .evicted, origin, into: &events)
      return
    }
  }

  /// Ends what is open of a connection and forgets it.
  private mutating func close(
    _ index: Dictionary<Key, Entry>.Index, _ reason: TCPEnd, _ origin: TCPOrigin, into events: inout [TCPEvent]
  ) {
    var entry = entries.remove(at: index).value
    for side in [TCPSide.client, .server] {
      deliveries.removeAll(keepingCapacity: true)
      if side == .client {
        entry.toServer.close(reason, from: origin, into: &deliveries)
      } else {
        entry.toClient.close(reason, from: origin, into: &deliveries)
      }
      for delivery in deliveries {
        events.append(TCPEvent(connection: entry.connection, sender: side, content: .delivery(delivery)))
      }
    }
  }

  /// Gives what still waits beyond holes, connection by connection; for the end of a capture.
  public mutating func flush(into events: inout [TCPEvent]) {
    let order = entries.sorted { $0.value.connection.id < $1.value.connection.id }
    for (key, entry) in order {
      guard let place = entries.index(forKey: key) else { continue }
      for side in [TCPSide.client, .server] {
        deliveries.removeAll(keepingCapacity: true)
        if side == .client {
          entries.values[place].toServer.flush(into: &deliveries)
        } else {
          entries.values[place].toClient.flush(into: &deliveries)
        }
        for delivery in deliveries {
          events.append(TCPEvent(connection: entry.connection, sender: side, content: .delivery(delivery)))
        }
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
