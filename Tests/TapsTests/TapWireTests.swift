import Octets
import Testing

@testable import Taps

@Suite struct TapWireTests {
  private static let a = Endpoint(.v4(0x7F05_0215), 49210)
  private static let b = Endpoint(.v4(0x7F05_0202), 49200)

  static let contents: [TapRecord.Content] =
    [
      .hello(node: "home-a.tv", process: 4711), .connecting(7, local: a, remote: b), .connected(7),
      .accepted(8, local: b, remote: a), .sent(7, Array("GET / HTTP/1.1\r\n\r\n".utf8)), .sent(7, []),
      .received(8, [0, 255]), .offered(7, [1]), .datagramOffered(3, from: a, to: b, [4, 5]),
      .datagramSent(from: a, to: b, [1, 2, 3]), .datagramReceived(from: b, to: a, []),
      .opened(.stream, a), .closed(.datagram, b), .reached(.max), .done(0),
      .moving(interface: "eth0", address: CIDR(a.address, prefixLength: 24), gateway: nil),
      .moving(interface: "eth1", address: nil, gateway: b.address),
    ] + TapEnd.allCases.map { .ended(9, $0) }

  static let orders: [TapOrder] = {
    var links = TapLinks()
    links.interfaces = [
      .init(name: "eth0", isUp: true, address: CIDR(a.address, prefixLength: 24), gateway: b.address),
      .init(name: "eth1", isUp: false, address: nil, gateway: nil),
    ]
    links.mayOpen = [a.address: 1, b.address: 4_000_000_000]
    links.mayHear = [b.address: 2]
    var asking = links
    asking.asks = true
    return [
      .reach(3), .links(4, TapLinks()), .links(5, links), .links(6, asking), .verdict(7, .pass), .verdict(7, .drop),
      .datagramVerdict(8, .twice), .verdict(9, .replace([1, 2])), .datagramVerdict(10, .replace([])),
    ]
  }()

  @Test(arguments: contents) func aRecordComesBack(_ content: TapRecord.Content) throws {
    let record = TapRecord(content, at: 1_764_156_000_123_456_789)
    var framing = TapFraming()
    framing.feed(record.octets)
    #expect(try TapRecord(parsing: try #require(try framing.next())) == record)
    #expect(try framing.next() == nil)
  }

  @Test(arguments: orders) func anOrderComesBack(_ order: TapOrder) throws {
    var framing = TapFraming()
    framing.feed(order.octets)
    #expect(try TapOrder(parsing: try #require(try framing.next())) == order)
  }

  @Test func aStreamFedOctetByOctetGivesTheSame() throws {
    let records = Self.contents.enumerated().map { TapRecord($0.element, at: Int64($0.offset)) }
    var framing = TapFraming()
    var read: [TapRecord] = []
    for octet in records.flatMap(\.octets) {
      framing.feed([octet])
      while let message = try framing.next() { read.append(try TapRecord(parsing: message)) }
    }
    #expect(read == records)
  }

  @Test func cutAndForeignOctetsAreErrors() throws {
    for content in Self.contents {
      let whole = TapRecord(content, at: 5).octets[4...]
      // Octets at the end and names may be shorter; the rest may not.
      for count in 0..<min(whole.count, 9) {
        #expect(throws: WireError.self) { try TapRecord(parsing: whole.prefix(count)) }
      }
    }
    #expect(throws: WireError.self) { try TapRecord(parsing: [99, 0, 0, 0, 0, 0, 0, 0, 0]) }
    #expect(throws: WireError.self) { try TapRecord(parsing: [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 77]) }
    #expect(throws: WireError.self) { try TapOrder(parsing: [9]) }
    var framing = TapFraming()
    framing.feed([0xFF, 0, 0, 0])
    #expect(throws: WireError.self) { try framing.next() }
  }

  @Test func mutatedOctetsNeverTrap() {
    var state: UInt64 = 0x5EED
    func next() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1
      return Int(state >> 33)
    }
    for _ in 0..<20_000 {
      var octets =
        next() % 2 == 0
        ? Array(TapRecord(Self.contents[next() % Self.contents.count], at: 1).octets[4...])
        : Array(Self.orders[next() % Self.orders.count].octets[4...])
      for _ in 0...(next() % 3) where !octets.isEmpty { octets[next() % octets.count] = UInt8(next() % 256) }
      _ = try? TapRecord(parsing: octets[...])
      _ = try? TapOrder(parsing: octets[...])
    }
  }
}
