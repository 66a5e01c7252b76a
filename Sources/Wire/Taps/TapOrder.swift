import Octets

/// What the runner tells a program's tap, in the same framing as records: 4 octets of length, 1 of kind, its content.
public enum TapOrder: Sendable, Hashable {
  /// Answer with ``TapRecord/Content/reached(_:)`` and this number.
  case reach(UInt32)
  /// The links are so from now on; answer with ``TapRecord/Content/done(_:)`` and this number.
  case links(UInt32, TapLinks)
  /// What becomes of the octets that a connection offered.
  case verdict(UInt32, TapVerdict)
  /// What becomes of the datagram of this number.
  case datagramVerdict(UInt32, TapVerdict)

  /// The order with its length before it.
  public var octets: [UInt8] {
    var writer = ByteWriter(reserving: 64)
    writer.uint32(0)
    switch self {
    case .reach(let number):
      writer.uint8(1)
      writer.uint32(number)
    case .links(let number, let links):
      writer.uint8(2)
      writer.uint32(number)
      writer.uint8(links.asks ? 1 : 0)
      writer.uint16(UInt16(clamping: links.interfaces.count))
      for interface in links.interfaces.prefix(Int(UInt16.max)) {
        writer.text(interface.name)
        writer.uint8(interface.isUp ? 1 : 0)
        writer.text(interface.address?.description ?? "")
        writer.text(interface.gateway?.description ?? "")
      }
      for peers in [links.mayOpen, links.mayHear] {
        writer.uint32(UInt32(clamping: peers.count))
        for (address, incarnation) in peers.sorted(by: { $0.key < $1.key }) {
          writer.address(address)
          writer.uint32(incarnation)
        }
      }
    case .verdict(let number, let verdict):
      writer.uint8(3)
      writer.uint32(number)
      writer.verdict(verdict)
    case .datagramVerdict(let number, let verdict):
      writer.uint8(4)
      writer.uint32(number)
      writer.verdict(verdict)
    }
    return writer.framed
  }

  /// Reads an order without its length.
  ///
  /// - Throws: ``WireError`` for one that is none of these.
  public init(parsing octets: ArraySlice<UInt8>) throws {
    var reader = ByteReader(octets, format: "tap order")
    switch try reader.uint8("kind") {
    case 1: self = .reach(try reader.uint32("number"))
    case 2:
      let number = try reader.uint32("number")
      var links = TapLinks()
      links.asks = try reader.uint8("question") == 1
      for _ in 0..<(try reader.uint16("interfaces")) {
        let name = try reader.text()
        let isUp = try reader.uint8("state") == 1
        links.interfaces.append(
          TapLinks.Interface(
            name: name, isUp: isUp, address: CIDR(try reader.text()), gateway: IPAddress(try reader.text())))
      }
      func peers() throws -> [IPAddress: UInt32] {
        var result: [IPAddress: UInt32] = [:]
        for _ in 0..<(try reader.uint32("peers")) {
          let address = try reader.address()
          result[address] = try reader.uint32("incarnation")
        }
        return result
      }
      links.mayOpen = try peers()
      links.mayHear = try peers()
      self = .links(number, links)
    case 3: self = .verdict(try reader.uint32("connection"), try reader.verdict())
    case 4: self = .datagramVerdict(try reader.uint32("number"), try reader.verdict())
    case let kind: throw WireError(.unsupported, in: "tap order", at: 0, "kind \(kind), expected 1 to 4")
    }
  }
}

/// What becomes of octets that were to be sent.
public enum TapVerdict: Sendable, Hashable {
  case pass
  /// They never arrive; their connection is reset.
  case drop
  /// Twice, one after the other.
  case twice
  /// Others go in their place.
  case replace([UInt8])
}

extension ByteWriter {
  fileprivate mutating func verdict(_ verdict: TapVerdict) {
    switch verdict {
    case .pass: uint8(1)
    case .drop: uint8(2)
    case .twice: uint8(3)
    case .replace(let octets):
      uint8(4)
      append(octets)
    }
  }
}

extension ByteReader {
  fileprivate mutating func verdict() throws -> TapVerdict {
    switch try uint8("verdict") {
    case 1: .pass
    case 2: .drop
    case 3: .twice
    case 4: .replace(Array(takeRest()))
    case let kind: throw WireError(.malformed, in: format, at: offset - 1, "verdict \(kind), expected 1 to 4")
    }
  }
}

/// The links of a node as its transports are to act: there is no cable on loopback that could be pulled.
public struct TapLinks: Sendable, Hashable {
  public struct Interface: Sendable, Hashable {
    public var name: String
    public var isUp: Bool
    public var address: CIDR?
    public var gateway: IPAddress?

    public init(name: String, isUp: Bool, address: CIDR?, gateway: IPAddress?) {
      self.name = name
      self.isUp = isUp
      self.address = address
      self.gateway = gateway
    }
  }

  public var interfaces: [Interface] = []
  /// The addresses that what this node sends first reaches, each with a number that changes when the machine behind it
  /// is switched off and on: connections to the earlier one are dead.
  public var mayOpen: [IPAddress: UInt32] = [:]
  /// The addresses whose first word reaches this node.
  public var mayHear: [IPAddress: UInt32] = [:]
  /// Whatever is sent waits for the runner's verdict, since a fault may befall it.
  public var asks = false

  public init() {}
}
