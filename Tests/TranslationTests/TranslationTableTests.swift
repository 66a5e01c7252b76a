import Octets
import Testing

@testable import Translation

/// Nine behaviours, by what they promise.
struct TranslationTableTests {
  static let all = NATDependence.allCases.flatMap { mapping in
    NATDependence.allCases.map { NATBehaviour(mapping: mapping, filtering: $0) }
  }

  static func end(_ text: String) -> UDPEnd { UDPEnd(Endpoint(text)!)! }

  let host = end("192.168.1.10:5000")
  let other = end("192.168.1.11:5000")
  let server = end("198.51.100.10:3478")
  let serverOtherPort = end("198.51.100.10:3479")
  let elsewhere = end("198.51.100.20:3478")
  private static let minute: UInt64 = 60_000_000_000

  @Test("Mapping: what of the remote end counts", arguments: all)
  func mapping(behaviour: NATBehaviour) throws {
    let table = TableUnderTest(behaviour)
    let first = try table.outbound(from: host, to: server, at: 0).get()
    #expect(first == 5000, "a free port is preserved")
    #expect(try table.outbound(from: host, to: server, at: 1).get() == first)
    let otherPort = try table.outbound(from: host, to: serverOtherPort, at: 2).get()
    let otherAddress = try table.outbound(from: host, to: elsewhere, at: 3).get()
    #expect((otherPort == first) == (behaviour.mapping != .addressAndPortDependent))
    #expect((otherAddress == first) == (behaviour.mapping == .endpointIndependent))
    // And each stays what it was.
    #expect(try table.outbound(from: host, to: serverOtherPort, at: 4).get() == otherPort)
    #expect(try table.outbound(from: host, to: elsewhere, at: 5).get() == otherAddress)
  }

  @Test("Filtering: who may come in", arguments: all)
  func filtering(behaviour: NATBehaviour) throws {
    let table = TableUnderTest(behaviour)
    let port = try table.outbound(from: host, to: server, at: 0).get()
    #expect(table.inbound(from: server, toPort: port, at: 1) == .success(host))
    let strange = table.inbound(from: elsewhere, toPort: port, at: 1)
    #expect(strange == (behaviour.filtering == .endpointIndependent ? .success(host) : .failure(.filtered)))
    let otherPort = table.inbound(from: serverOtherPort, toPort: port, at: 1)
    #expect(otherPort == (behaviour.filtering == .addressAndPortDependent ? .failure(.filtered) : .success(host)))
    #expect(table.inbound(from: server, toPort: port &+ 1, at: 1) == .failure(.unmapped))
  }

  @Test("Two hosts on one inner port never share an outer one", arguments: all)
  func twoHosts(behaviour: NATBehaviour) throws {
    let table = TableUnderTest(behaviour)
    let one = try table.outbound(from: host, to: server, at: 0).get()
    let two = try table.outbound(from: other, to: server, at: 0).get()
    #expect(one == 5000)
    #expect(two != one)
    #expect(table.inbound(from: server, toPort: one, at: 1) == .success(host))
    #expect(table.inbound(from: server, toPort: two, at: 1) == .success(other))
    // The second host's mapping is as much of its kind as the first one's.
    let again = try table.outbound(from: other, to: elsewhere, at: 2).get()
    #expect((again == two) == (behaviour.mapping == .endpointIndependent))
  }

  @Test("A mapping lives by what leaves, not by what comes in (RFC 4787, REQ-5 and REQ-6)", arguments: all)
  func lifetime(behaviour: NATBehaviour) throws {
    let table = TableUnderTest(behaviour, timeout: 2 * Self.minute)
    let port = try table.outbound(from: host, to: server, at: 0).get()
    #expect(try table.outbound(from: host, to: server, at: Self.minute).get() == port)
    #expect(table.inbound(from: server, toPort: port, at: 3 * Self.minute - 1) == .success(host))
    #expect(table.inbound(from: server, toPort: port, at: 3 * Self.minute) == .failure(.unmapped))
    // Its port may be somebody else's then.
    #expect(try table.outbound(from: other, to: server, at: 3 * Self.minute).get() == 5000)
    #expect(try table.outbound(from: host, to: server, at: 3 * Self.minute).get() != 5000)
  }

  @Test("Each remote end's leave to send lapses by itself")
  func permissionLapses() throws {
    let table = TableUnderTest(NATBehaviour(), timeout: 2 * Self.minute)
    let port = try table.outbound(from: host, to: server, at: 0).get()
    _ = table.outbound(from: host, to: elsewhere, at: Self.minute)
    #expect(table.inbound(from: server, toPort: port, at: 2 * Self.minute) == .failure(.filtered))
    #expect(table.inbound(from: elsewhere, toPort: port, at: 2 * Self.minute) == .success(host))
  }

  @Test("A static mapping lets anyone in, and what it answers leaves by its port", arguments: all)
  func staticMapping(behaviour: NATBehaviour) throws {
    let table = TableUnderTest(behaviour)
    let mapping = TranslationTable.StaticMapping(port: 7000, client: host)
    #expect(table.add(mapping))
    #expect(table.inbound(from: elsewhere, toPort: 7000, at: 0) == .success(host))
    #expect(try table.outbound(from: host, to: elsewhere, at: 1).get() == 7000)
    #expect(try table.outbound(from: host, to: server, at: 1).get() == 7000, "also what it sends first")
    table.remove(mapping)
    #expect(table.inbound(from: elsewhere, toPort: 7000, at: 2) == .failure(.unmapped))
    #expect(try table.outbound(from: host, to: elsewhere, at: 2).get() == 5000)
  }

  @Test("A mapping for one remote host is for that one alone, and comes before one for any")
  func remoteHost() throws {
    let table = TableUnderTest(NATBehaviour())
    #expect(table.add(.init(port: 7000, remoteHost: server.address, client: host)))
    #expect(table.inbound(from: server, toPort: 7000, at: 0) == .success(host))
    #expect(table.inbound(from: elsewhere, toPort: 7000, at: 0) == .failure(.unmapped))
    #expect(try table.outbound(from: host, to: elsewhere, at: 0).get() == 5000)
    #expect(table.add(.init(port: 7000, client: other)))
    #expect(table.inbound(from: server, toPort: 7000, at: 1) == .success(host))
    #expect(table.inbound(from: elsewhere, toPort: 7000, at: 1) == .success(other))
    // Another client in the place of the first.
    #expect(table.add(.init(port: 7000, client: host)))
    #expect(table.inbound(from: Self.end("203.0.113.1:1"), toPort: 7000, at: 2) == .success(host))
  }

  @Test("Two static ports of one client: each remote end is answered by the one that it came in by")
  func twoPortsOfOneClient() throws {
    let table = TableUnderTest(NATBehaviour())
    #expect(table.add(.init(port: 7000, client: host)))
    #expect(table.add(.init(port: 7001, client: host)))
    #expect(table.inbound(from: server, toPort: 7001, at: 0) == .success(host))
    #expect(table.inbound(from: elsewhere, toPort: 7000, at: 0) == .success(host))
    #expect(try table.outbound(from: host, to: server, at: 1).get() == 7001)
    #expect(try table.outbound(from: host, to: elsewhere, at: 1).get() == 7000)
  }

  @Test("Dynamic ports keep away from static ones; a flow under way keeps its port", arguments: all)
  func noCollisions(behaviour: NATBehaviour) throws {
    let table = TableUnderTest(behaviour)
    #expect(table.add(.init(port: 5000, client: other)))
    let port = try table.outbound(from: host, to: server, at: 0).get()
    #expect(port != 5000)
    // A port that is in use already is asked for: those whom the host sent to still reach it.
    #expect(table.add(.init(port: port, client: other)))
    #expect(table.inbound(from: server, toPort: port, at: 1) == .success(host))
    #expect(table.inbound(from: elsewhere, toPort: port, at: 1) == .success(other))
  }

  @Test("Ports of the gateway itself, and ports outside the pool, are not given")
  func reservedPorts() throws {
    let table = TableUnderTest(NATBehaviour(), pool: 4000...5001, reserved: [5000])
    #expect(try table.outbound(from: host, to: server, at: 0).get() != 5000)
    let low = try table.outbound(from: Self.end("192.168.1.10:53"), to: server, at: 0).get()
    #expect((4000...5001).contains(low))
  }

  @Test("A full table and a greedy host get no more, and others are not disturbed")
  func bounds() throws {
    var limits = TranslationTable.Limits()
    (limits.mappings, limits.mappingsOfHost, limits.remotes) = (30, 20, 4)
    let table = TableUnderTest(NATBehaviour(), timeout: 2 * Self.minute, limits: limits)
    for port in UInt16(2000)..<2020 { _ = try table.outbound(from: UDPEnd(1, port), to: server, at: 0).get() }
    #expect(table.outbound(from: UDPEnd(1, 3000), to: server, at: 0) == .failure(.exhausted))
    for port in UInt16(2000)..<2010 { _ = try table.outbound(from: UDPEnd(2, port), to: server, at: 1).get() }
    #expect(table.outbound(from: UDPEnd(3, 2000), to: server, at: 1) == .failure(.exhausted))
    #expect(table.inbound(from: server, toPort: 2000, at: 2) == .success(UDPEnd(1, 2000)))
    #expect(table.count == 30)
    // What has lived its time makes room.
    #expect(try table.outbound(from: UDPEnd(3, 2000), to: server, at: 2 * Self.minute).get() == 2000)
    // Of one mapping, the remote end that was silent longest is forgotten.
    let busy = UDPEnd(3, 2000)
    for number in UInt32(0)..<6 {
      _ = table.outbound(from: busy, to: UDPEnd(100 + number, 1), at: 3 * Self.minute + UInt64(number))
    }
    #expect(table.inbound(from: UDPEnd(100, 1), toPort: 2000, at: 3 * Self.minute + 9) == .failure(.filtered))
    #expect(table.inbound(from: UDPEnd(105, 1), toPort: 2000, at: 3 * Self.minute + 9) == .success(busy))
  }

  @Test("Ports run out, and are not given twice")
  func portsRunOut() throws {
    let table = TableUnderTest(NATBehaviour(mapping: .addressAndPortDependent), pool: 2000...2099)
    var ports: Set<UInt16> = []
    for number in UInt16(1)...100 { ports.insert(try table.outbound(from: host, to: UDPEnd(9, number), at: 0).get()) }
    #expect(ports.count == 100)
    #expect(table.outbound(from: host, to: UDPEnd(9, 101), at: 0) == .failure(.exhausted))
  }

  @Test("Another outer address ends what was dynamic, and keeps what is static")
  func forgetting() throws {
    let table = TableUnderTest(NATBehaviour())
    #expect(table.add(.init(port: 7000, client: other)))
    let port = try table.outbound(from: host, to: server, at: 0).get()
    table.forgetDynamic()
    #expect(table.inbound(from: server, toPort: port, at: 0) == .failure(.unmapped))
    #expect(table.inbound(from: server, toPort: 7000, at: 0) == .success(other))
    #expect(table.count == 0)
  }
}
