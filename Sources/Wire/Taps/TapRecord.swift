import Octets

/// What a program's tap tells the runner: every octet that its sockets sent and received, as it happens.
///
/// Written to a Unix socket of the runner, each as 4 octets of length, 1 of kind, 8 of time (CLOCK_REALTIME,
/// nanoseconds) and its content. Sending is told before the write, receiving after the read. Integers are big-endian.
public struct TapRecord: Sendable, Hashable {
  public enum Content: Sendable, Hashable {
    /// The first record: whose tap this is.
    case hello(node: String, process: UInt32)
    /// A TCP connection is about to be opened.
    case connecting(UInt32, local: Endpoint, remote: Endpoint)
    /// The handshake of a connection that was opened here is done.
    case connected(UInt32)
    /// Somebody opened a connection.
    case accepted(UInt32, local: Endpoint, remote: Endpoint)
    case sent(UInt32, [UInt8])
    /// As sent, but they wait for the runner's verdict.
    case offered(UInt32, [UInt8])
    case received(UInt32, [UInt8])
    case ended(UInt32, TapEnd)
    case datagramSent(from: Endpoint, to: Endpoint, [UInt8])
    /// A datagram that waits for the runner's verdict, with a number of its own.
    case datagramOffered(UInt32, from: Endpoint, to: Endpoint, [UInt8])
    case datagramReceived(from: Endpoint, to: Endpoint, [UInt8])
    /// A socket of this tap takes connections or datagrams there from now on, or no longer.
    case opened(TapSocket, Endpoint)
    case closed(TapSocket, Endpoint)
    /// Everything that was stamped before this record's time has been told.
    case reached(UInt32)
    /// An order was carried out.
    case done(UInt32)
    /// The program wants another address or gateway for an interface.
    case moving(interface: String, address: CIDR?, gateway: IPAddress?)
  }

  public var time: Int64
  public var content: Content

  public init(_ content: Content, at time: Int64) {
    self.content = content
    self.time = time
  }
}

/// How one direction of a connection, or all of it, ended.
public enum TapEnd: UInt8, Sendable, Hashable, CaseIterable {
  /// Nothing more is sent from here.
  case ownFinish = 1
  /// Nothing more comes from the peer.
  case peerFinish
  case ownReset
  case peerReset
  /// The peer refused the connection.
  case refused
}

public enum TapSocket: UInt8, Sendable, Hashable, CaseIterable { case stream = 1, datagram }

extension TapRecord {
  /// The record with its length before it.
  public var octets: [UInt8] {
    var writer = ByteWriter(reserving: 64)
    func at(_ connection: UInt32, _ a: Endpoint, _ b: Endpoint) {
      writer.uint32(connection)
      writer.endpoint(a)
      writer.endpoint(b)
    }
    writer.uint32(0)
    writer.uint8(kind)
    writer.uint64(UInt64(bitPattern: time))
    switch content {
    case .hello(let node, let process):
      writer.uint32(process)
      writer.append(node.utf8)
    case .connecting(let connection, let local, let remote), .accepted(let connection, let local, let remote):
      at(connection, local, remote)
    case .connected(let number), .reached(let number), .done(let number): writer.uint32(number)
    case .sent(let connection, let octets), .offered(let connection, let octets), .received(let connection, let octets):
      writer.uint32(connection)
      writer.append(octets)
    case .ended(let connection, let end):
      writer.uint32(connection)
      writer.uint8(end.rawValue)
    case .datagramSent(let from, let to, let octets), .datagramReceived(let from, let to, let octets):
      writer.endpoint(from)
      writer.endpoint(to)
      writer.append(octets)
    case .datagramOffered(let number, let from, let to, let octets):
      at(number, from, to)
      writer.append(octets)
    case .opened(let socket, let endpoint), .closed(let socket, let endpoint):
      writer.uint8(socket.rawValue)
      writer.endpoint(endpoint)
    case .moving(let interface, let address, let gateway):
      writer.text(interface)
      writer.text(address?.description ?? "")
      writer.text(gateway?.description ?? "")
    }
    return writer.framed
  }

  private var kind: UInt8 {
    switch content {
    case .hello: 1
    case .connecting: 2
    case .connected: 3
    case .accepted: 4
    case .sent: 5
    case .received: 6
    case .ended: 7
    case .datagramSent: 8
    case .datagramReceived: 9
    case .opened: 10
    case .closed: 11
    case .reached: 12
    case .done: 13
    case .moving: 14
    case .offered: 15
    case .datagramOffered: 16
    }
  }

  /// Reads a record without its length.
  ///
  /// - Throws: ``WireError`` for one that is none of these.
  public init(parsing octets: ArraySlice<UInt8>) throws {
    var reader = ByteReader(octets, format: "tap record")
    let kind = try reader.uint8("kind")
    time = Int64(bitPattern: try reader.uint64("time"))
    switch kind {
    case 1:
      let process = try reader.uint32("process")
      content = .hello(node: String(decoding: reader.takeRest(), as: UTF8.self), process: process)
    case 2:
      content = .connecting(
        try reader.uint32("connection"), local: try reader.endpoint(), remote: try reader.endpoint())
    case 3: content = .connected(try reader.uint32("connection"))
    case 4:
      content = .accepted(try reader.uint32("connection"), local: try reader.endpoint(), remote: try reader.endpoint())
    case 5: content = .sent(try reader.uint32("connection"), Array(reader.takeRest()))
    case 6: content = .received(try reader.uint32("connection"), Array(reader.takeRest()))
    case 7: content = .ended(try reader.uint32("connection"), try reader.choice("end"))
    case 8:
      content = .datagramSent(from: try reader.endpoint(), to: try reader.endpoint(), Array(reader.takeRest()))
    case 9:
      content = .datagramReceived(from: try reader.endpoint(), to: try reader.endpoint(), Array(reader.takeRest()))
    case 10: content = .opened(try reader.choice("socket"), try reader.endpoint())
    case 11: content = .closed(try reader.choice("socket"), try reader.endpoint())
    case 12: content = .reached(try reader.uint32("number"))
    case 13: content = .done(try reader.uint32("number"))
    case 14:
      let interface = try reader.text()
      content = .moving(
        interface: interface, address: CIDR(try reader.text()), gateway: IPAddress(try reader.text()))
    case 15: content = .offered(try reader.uint32("connection"), Array(reader.takeRest()))
    case 16:
      content = .datagramOffered(
        try reader.uint32("number"), from: try reader.endpoint(), to: try reader.endpoint(), Array(reader.takeRest()))
    default:
      throw WireError(.unsupported, in: "tap record", at: 0, "kind \(kind), expected 1 to 16")
    }
  }
}
