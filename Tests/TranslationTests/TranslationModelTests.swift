import Testing

@testable import Translation

/// Random traffic against a model that keeps every datagram and decides by looking through all of them.
struct TranslationModelTests {
  private struct Sent {
    var inner: UDPEnd
    var remote: UDPEnd
    var port: UInt16
    var time: UInt64
  }

  private struct Numbers {
    var state: UInt64
    mutating func below(_ limit: Int) -> Int {
      state &+= 0x9E37_79B9_7F4A_7C15
      var value = state
      value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
      value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
      return Int((value ^ value >> 31) % UInt64(limit))
    }
  }

  private static func isSame(_ a: UDPEnd, _ b: UDPEnd, _ dependence: NATDependence) -> Bool {
    switch dependence {
    case .endpointIndependent: true
    case .addressDependent: a.address == b.address
    case .addressAndPortDependent: a == b
    }
  }

  @Test(
    "4,000 datagrams each: what passes, and to whom, is what the behaviours say", arguments: TranslationTableTests.all)
  func traffic(behaviour: NATBehaviour) throws {
    let timeout: UInt64 = 1000
    for seed in UInt64(1)...3 {
      var numbers = Numbers(state: seed)
      let table = TableUnderTest(behaviour, timeout: timeout, pool: 1024...1123, seed: seed)
      var sent: [Sent] = []
      var now: UInt64 = 0
      for _ in 0..<4000 {
        now += UInt64(numbers.below(60))
        let inner = UDPEnd(UInt32(10 + numbers.below(3)), UInt16(1024 + numbers.below(3)))
        let remote = UDPEnd(UInt32(90 + numbers.below(3)), UInt16(1 + numbers.below(3)))
        let alive = sent.filter { now < $0.time + timeout }
        // A mapping lives while anything of its scope was sent in time.
        if numbers.below(2) == 0 {
          let port = try table.outbound(from: inner, to: remote, at: now).get()
          let same = alive.last { $0.inner == inner && Self.isSame($0.remote, remote, behaviour.mapping) }
          if let same { #expect(port == same.port) }
          #expect(!alive.contains { $0.port == port && $0.inner != inner }, "two hosts on outer port \(port)")
          if same == nil {
            #expect(!alive.contains { $0.port == port }, "outer port \(port) has two mappings")
            if !alive.contains(where: { $0.port == inner.port }) { #expect(port == inner.port, "a free port is kept") }
          }
          sent.append(Sent(inner: inner, remote: remote, port: port, time: now))
        } else {
          let port = UInt16(1024 + numbers.below(12))
          let owner = alive.last { $0.port == port }
          // Whom the endpoint inside sent to counts, by whatever mapping (RFC 4787, 5).
          let allowed = alive.contains {
            $0.inner == owner?.inner && Self.isSame($0.remote, remote, behaviour.filtering)
          }
          let outcome = table.inbound(from: remote, toPort: port, at: now)
          switch (owner, allowed) {
          case (nil, _): #expect(outcome == .failure(.unmapped))
          case (let owner?, true): #expect(outcome == .success(owner.inner))
          case (_, false): #expect(outcome == .failure(.filtered))
          }
        }
        if sent.count > 400 { sent.removeFirst(200) }
      }
    }
  }
}
