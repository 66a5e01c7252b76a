import Messages
import RoleKit

/// 4.6.4 step 3 from outside: the service server connects to the application, through the gateway if there is one.
extension Configurator {
  /// A live mapping is taken as it is; else a port is mapped for as long as the probe may last.
  mutating func openWay(for check: RunningCheck, at now: Moment, bits: inout RandomBits) -> [Effect] {
    guard let visited = check.visited else { return [] }
    for work in mappings.values where work.transport == visited.transport && work.client == visited.endpoint {
      guard case .held(let held) = work.step, work.expires > now.wall else { continue }
      return probe(check.requestId, at: held.external, isMapped: false, bits: &bits)
    }
    return requestMapping(
      for: .check(check.requestId), visited.transport, to: visited.endpoint, until: now.wall + Configurator.probeLease,
      correlation: check.correlation, at: now)
  }

  /// The gateway has answered, or none was needed.
  mutating func checkMapped(_ requestId: String, _ outcome: MappingOutcome, at now: Moment) -> [Effect] {
    guard let check = checks[requestId], case .mapping = check.outside, let visited = check.visited else {
      return unexpected("a mapping for a check that is over")
    }
    switch outcome {
    case .notNeeded:
      checks[requestId]?.evidence.mapping = .notNeeded
      return armProbe(requestId, at: visited, isMapped: false)
    case .mapped(let external, _):
      checks[requestId]?.evidence.mapping = .open
      return armProbe(requestId, at: ApplicationEndpoint(visited.transport, external), isMapped: true)
    case .refused(let reason):
      checks[requestId]?.evidence.mapping = .refused(reason)
      checks[requestId]?.evidence.probeSkipped = "no port was mapped: \(reason)"
      checks[requestId]?.outside = .done
      return concludeCheck(requestId, at: now)
    }
  }

  /// The key of the probe needs random bits, which the turn of a timer has.
  private mutating func armProbe(_ requestId: String, at endpoint: ApplicationEndpoint, isMapped: Bool) -> [Effect] {
    checks[requestId]?.outside = .probing(endpoint, isMapped: isMapped)
    return [.arm(TimerName(Timer.checkProbe, requestId), after: 0)]
  }

  mutating func sendProbe(_ requestId: String, bits: inout RandomBits) -> [Effect] {
    guard let check = checks[requestId], case .probing(let endpoint, let isMapped) = check.outside else {
      return unexpected("a probe for a check that is over")
    }
    return probe(requestId, at: endpoint.endpoint, isMapped: isMapped, bits: &bits)
  }

  /// `application-probe`.
  private mutating func probe(
    _ requestId: String, at endpoint: Endpoint, isMapped: Bool, bits: inout RandomBits
  ) -> [Effect] {
    let reached = ApplicationEndpoint(.tcp, endpoint)
    checks[requestId]?.outside = .probing(reached, isMapped: isMapped)
    if !isMapped, checks[requestId]?.evidence.mapping == .notAsked { checks[requestId]?.evidence.mapping = .open }
    guard let server = settings.server,
      var request = serverRequest(
        "POST", "/requests/\(requestId)/probe", body: reached.json, correlation: checks[requestId]?.correlation)
    else { return unexpected("a probe without a service server") }
    request.idempotencyKey = bits.uuid()
    return courier.send(request, to: server.endpoint, for: .probe(requestId), patience: .held).effects
  }

  /// `application-probe-reply`.
  mutating func probeReplied(_ requestId: String, _ ending: Courier<Purpose>.Ending, at now: Moment) -> [Effect] {
    guard let check = checks[requestId], case .probing = check.outside else {
      return unexpected("application-probe-reply for \(requestId), which is over")
    }
    checks[requestId]?.outside = .done
    switch ending {
    case .answered(let response) where response.status == 200:
      let detail = String((response.json?["detail"]?.string ?? "no detail").prefix(200))
      let status = detail.hasPrefix("status ") ? Int(detail.dropFirst(7)) : nil
      let isReachable = response.json?["reachable"]?.bool ?? false
      checks[requestId]?.evidence.outsideVisit =
        isReachable ? .answered(status: status ?? 200) : .unreachable(detail)
      checks[requestId]?.outsideRoundTrip = response.json?["rttMs"]?.double
    case .answered(let response):
      let problem = Problem(response).map { "\($0)" } ?? "status \(response.status)"
      checks[requestId]?.evidence.probeSkipped = "the service server does not probe there: \(problem)"
    case .failed(let failure):
      checks[requestId]?.evidence.isServerSilent = true
      checks[requestId]?.evidence.probeSkipped = "the service server does not answer: \(failure)"
    }
    return concludeCheck(requestId, at: now)
  }
}
