import Messages
import RoleKit

/// How the home's gateway treats datagrams, as the configurator tells it in `peer-negotiate` (profile section 6 step 2).
extension Configurator {
  /// Nanoseconds for which a finding is believed.
  static let natLifetime: UInt64 = .seconds(300)

  /// Makes sure that the behaviour is known, or being found out.
  mutating func learnNAT(at now: Moment, bits: inout RandomBits) -> [Effect] {
    switch nat {
    case .known(let finding, let until) where until > now.monotonic: return natFound(finding, bits: &bits)
    case .probing: return []
    case .known, .nothing: break
    }
    guard let server = settings.server, let own = addressTowards(server.endpoint.address), !settings.stunPorts.isEmpty
    else { return settleNAT(NATFinding(), at: now, bits: &bits) }
    // Ports of the dynamic range (RFC 6335 clause 6), two that differ.
    let port = UInt16(bits.number(in: 49_152...65_534))
    var probe = NATProbe(
      server: server.endpoint.address, ports: settings.stunPorts, mappingPort: port, filteringPort: port + 1)
    let steps = probe.begin(bits: &bits)
    nat = .probing(probe, own: own)
    return [.openDatagrams(port: port), .openDatagrams(port: port + 1)] + perform(steps, from: own)
  }

  /// Our address on the interface that leads out of the home.
  private func addressTowards(_ server: IPAddress) -> IPAddress? {
    let usable = interfaces.values.filter(\.isUp).sorted { $0.name < $1.name }
    let addresses = usable.filter { $0.defaultGateway != nil } + usable
    return addresses.flatMap(\.addresses).map(\.address).first { $0.bitWidth == server.bitWidth }
  }

  private func perform(_ steps: [NATProbe.Step], from own: IPAddress) -> [Effect] {
    steps.flatMap { step -> [Effect] in
      [
        .datagram(step.octets, from: Endpoint(own, step.from), to: step.to),
        .arm(TimerName(Timer.natProbe, step.question.rawValue), after: .milliseconds(UInt64(step.again))),
      ]
    }
  }

  mutating func natHeard(_ octets: [UInt8], from: Endpoint, at now: Moment, bits: inout RandomBits) -> [Effect] {
    guard case .probing(var probe, let own) = nat else { return unexpected("a datagram from \(from)") }
    let steps = probe.heard(octets, bits: &bits)
    nat = .probing(probe, own: own)
    return perform(steps, from: own) + concludeNAT(at: now, bits: &bits)
  }

  mutating func lookAgainAtNAT(_ timer: TimerName, at now: Moment, bits: inout RandomBits) -> [Effect] {
    guard case .probing(var probe, let own) = nat, let question = NATProbe.Question(rawValue: timer.key) else {
      return unexpected("a question to the server that was answered")
    }
    let steps = probe.lookAgain(question)
    nat = .probing(probe, own: own)
    return perform(steps, from: own) + concludeNAT(at: now, bits: &bits)
  }

  /// A port could not be had: nothing is found out this time.
  mutating func natPortRefused(_ port: UInt16, _ failure: Failure, at now: Moment, bits: inout RandomBits) -> [Effect] {
    guard case .probing(let probe, _) = nat, port == probe.mappingPort || port == probe.filteringPort else {
      return unexpected("the refusal of port \(port)")
    }
    let report = Report(.warning, "nat-unknown", "no UDP port \(port): \(failure)")
    let closed = close(probe)
    return [.report(report)] + closed + settleNAT(NATFinding(), at: now, bits: &bits)
  }

  private mutating func concludeNAT(at now: Moment, bits: inout RandomBits) -> [Effect] {
    guard case .probing(let probe, _) = nat, let finding = probe.finding else { return [] }
    let closed = close(probe)
    return closed + settleNAT(finding, isLasting: probe.isAnswered, at: now, bits: &bits)
  }

  private func close(_ probe: NATProbe) -> [Effect] {
    NATProbe.Question.allCases.map { .disarm(TimerName(Timer.natProbe, $0.rawValue)) }
      + [.closeDatagrams(port: probe.mappingPort), .closeDatagrams(port: probe.filteringPort)]
  }

  /// - Parameter isLasting: false where nothing was heard: the next connection asks again.
  private mutating func settleNAT(
    _ finding: NATFinding, isLasting: Bool = false, at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    nat = .known(finding, until: now.monotonic + (isLasting ? Configurator.natLifetime : 0))
    let text = "mapping \(finding.mapping.rawValue), filtering \(finding.filtering.rawValue)"
    return [.report(Report(.info, "nat", text))] + natFound(finding, bits: &bits)
  }

  /// Another address or gateway: what was found out holds no longer.
  mutating func forgetNAT() { if case .known = nat { nat = .nothing } }
}
