import Messages
import RoleKit
import Testing

@testable import ConfiguratorRole

/// A gateway and a STUN server as RFC 4787 and RFC 5780 have them.
private struct World {
  var mapping: NATBehaviourWord
  var filtering: NATBehaviourWord
  var hasSecondAddress: Bool
  /// Mapped ports, by the inner port and what the mapping depends on.
  var ports: [String: UInt16] = [:]
  /// Whom an inner port has sent to.
  var contacted: [UInt16: Set<Endpoint>] = [:]
  let first = IPAddress("198.51.100.10")!
  let second = IPAddress("198.51.100.11")!

  /// What comes back to the inner port; `nil` where nothing does.
  mutating func answer(_ octets: [UInt8], from port: UInt16, to: Endpoint) -> [UInt8]? {
    contacted[port, default: []].insert(to)
    let key =
      switch mapping {
      case .endpointIndependent, .unknown: "\(port)"
      case .addressDependent: "\(port) \(to.address)"
      case .addressAndPortDependent: "\(port) \(to)"
      }
    let mapped = ports[key] ?? UInt16(20_000 + ports.count)
    ports[key] = mapped
    guard let request = try? STUNMessage(parsing: octets), to.address == first || hasSecondAddress else { return nil }
    var source = to
    if let change = request.changeRequest {
      guard hasSecondAddress || !change.contains(.address) else { return nil }
      if change.contains(.address) { source.address = to.address == first ? second : first }
      if change.contains(.port) { source.port = to.port == 3478 ? 3479 : 3478 }
    }
    let passes =
      switch filtering {
      case .endpointIndependent, .unknown: true
      case .addressDependent: contacted[port]!.contains { $0.address == source.address }
      case .addressAndPortDependent: contacted[port]!.contains(source)
      }
    guard passes else { return nil }
    var attributes = [STUNAttribute.xorMappedAddress(Endpoint(IPAddress("203.0.113.1")!, mapped))]
    if hasSecondAddress { attributes.append(.otherAddress(Endpoint(second, 3479))) }
    return STUNMessage(.success, transaction: request.transaction, attributes: attributes).octets()
  }
}

@Suite("how the gateway maps and filters is found out by STUN (RFC 5780)") struct NATProbeTests {
  private static let words: [NATBehaviourWord] = [
    .endpointIndependent, .addressDependent, .addressAndPortDependent,
  ]

  /// Runs the probe to its end; questions that nobody answers are given up at their time.
  private func find(_ world: World, losing: Set<Int> = []) -> (NATFinding, asked: Int) {
    var world = world
    var random: UInt64 = 1
    nonisolated(unsafe) let next = { () -> UInt64 in
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return random
    }
    var bits = RandomBits { next() }
    var probe = NATProbe(server: world.first, ports: [3478, 3479], mappingPort: 50_000, filteringPort: 50_001)
    var queue = probe.begin(bits: &bits)
    var open: [NATProbe.Question] = []
    var asked = 0
    while probe.finding == nil {
      guard !queue.isEmpty else {
        // Time passes.
        guard !open.isEmpty else { break }
        queue = probe.lookAgain(open.removeFirst())
        continue
      }
      let step = queue.removeFirst()
      open.append(step.question)
      asked += 1
      guard !losing.contains(asked) else { continue }
      if let answer = world.answer(step.octets, from: step.from, to: step.to) {
        queue += probe.heard(answer, bits: &bits)
      }
    }
    return (probe.finding ?? NATFinding(), asked)
  }

  @Test("all nine behaviours, where the server has two addresses", arguments: words, words)
  func nine(mapping: NATBehaviourWord, filtering: NATBehaviourWord) {
    let world = World(mapping: mapping, filtering: filtering, hasSecondAddress: true)
    #expect(find(world).0 == NATFinding(mapping: mapping, filtering: filtering))
    // The first tries get lost.
    #expect(find(world, losing: [1, 2, 3]).0 == NATFinding(mapping: mapping, filtering: filtering))
  }

  @Test("with one address only a port that differs tells something", arguments: words, words)
  func oneAddress(mapping: NATBehaviourWord, filtering: NATBehaviourWord) {
    let (finding, asked) = find(World(mapping: mapping, filtering: filtering, hasSecondAddress: false))
    let expected = mapping == .addressAndPortDependent ? mapping : .unknown
    #expect(finding == NATFinding(mapping: expected, filtering: .unknown))
    #expect(asked == 2)
  }

  @Test("a server that is silent tells nothing, after three tries of each question") func silence() {
    let (finding, asked) = find(
      World(mapping: .endpointIndependent, filtering: .endpointIndependent, hasSecondAddress: false),
      losing: Set(1...6))
    #expect(finding == NATFinding())
    #expect(asked == 6)
  }
}
