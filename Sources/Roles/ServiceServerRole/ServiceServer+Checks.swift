import Messages
import RoleKit

/// An operator's check, whose reply is held until its request comes to an end.
struct HeldCheck: Sendable, Hashable {
  var exchange: Exchange
  /// STUN Bindings that were seen of it, by who asked.
  var counts: [String: Int] = ["configurator": 0, "agent": 0]
}

/// The server's own connection to an application, for a configurator that wants to know whether it is to be reached.
struct OpenProbe: Sendable, Hashable {
  var exchange: Exchange
  var endpoint: Endpoint
  var since: UInt64
}

/// 4.6.3 and 4.6.4 as the service server sees them: the operator asks, the configurator checks (profile section 8).
extension ServiceServer {
  /// Checks of one home at once.
  static let checkLimit = 32
  /// Probes of all homes at once.
  static let probeLimit = 256
  /// Nanoseconds after which a probe has failed; the profile gives 5 s to all of it.
  static let probePatience: UInt64 = .seconds(3)

  // MARK: Step 1

  /// `operator-check`; it leads to a `request` at once. The reply is held.
  mutating func check(
    _ kind: RequestKind, _ served: ServedRequest, bits: inout RandomBits
  ) throws(Refusal) -> Served {
    let (homeId, agentId) = (served["homeId"], served["agentId"])
    let body = try front.object(in: served.request)
    guard let home = homes[homeId], let agent = home.agents[agentId] else { throw noAgent(agentId) }
    var details: JSONObject = ["stun": .text(Endpoint(served.to.address, settings.stun.port))]
    if kind == .applicationCheck {
      let name: String
      do throws(FieldFault) { name = try body["application"].text(1...64) } catch { throw Refusal(error) }
      let names = agent.body["applications"]?.array?.compactMap { $0["name"]?.string } ?? []
      guard names.contains(name) else { throw Refusal(.noApplication, "the agent has no application \(name)") }
      details["application"] = .string(name)
    }
    guard !home.streams.isEmpty else { throw offline(homeId) }
    guard home.openRequests.count(where: { $0.kind.isCheck }) < ServiceServer.checkLimit else {
      throw Refusal(.tooManyRequests, "\(ServiceServer.checkLimit) checks of the home are under way already")
    }
    let asked = try ask(
      kind, of: homeId, agent: agentId, details: details, correlation: served.correlation, at: served.now, bits: &bits)
    heldReplies.hold(served)
    heldChecks[asked.requestId] = HeldCheck(exchange: served.exchange)
    return .held(rows: asked.rows, effects: asked.effects)
  }

  /// 4.6.3 step 4 and step 6: each Binding that carries the name of an open check is counted.
  mutating func count(binding octets: [UInt8]) {
    guard !heldChecks.isEmpty, let message = try? STUNMessage(parsing: octets), message.messageClass == .request,
      let parts = message.username?.split(separator: ":", omittingEmptySubsequences: false), parts.count == 2
    else { return }
    let (requestId, side) = (String(parts[0]), String(parts[1]))
    guard let count = heldChecks[requestId]?.counts[side] else { return }
    heldChecks[requestId]?.counts[side] = count + 1
  }

  // MARK: The result

  /// What is asked of a check's `request-result` beyond the rules for all results.
  func checkFound(_ body: BodyField) throws(FieldFault) {
    for item in try body["findings"].items(atMost: 64) { _ = try Finding(item) }
    for item in try body["checks"].items(atMost: 64) { _ = try CheckItem(item) }
  }

  /// 4.6.3 step 7, 4.6.4 step 4: the operator is told.
  mutating func checked(_ request: HomeRequest, _ result: JSONValue, at now: Moment) -> [Effect] {
    guard let check = heldChecks.removeValue(forKey: request.requestId) else {
      return [.report(Report(.notice, "caller-left", "nobody waits for the check \(request.requestId)"))]
    }
    let body: JSONValue = [
      "requestId": .string(request.requestId), "result": result["result"] ?? "failed",
      "findings": result["findings"] ?? [], "checks": result["checks"] ?? [],
      "serverCounts": [
        "configurator": .int(check.counts["configurator"] ?? 0), "agent": .int(check.counts["agent"] ?? 0),
      ],
    ]
    return heldReplies.answer(check.exchange, with: .json(200, body), in: &idempotency, at: now)
  }

  mutating func checkOverdue(_ request: HomeRequest, at now: Moment) -> [Effect] {
    guard let check = heldChecks.removeValue(forKey: request.requestId) else { return [] }
    let refusal = Refusal(.configuratorTimeout, "the configurator gave no result in \(request.kind.seconds) s")
    return heldReplies.answer(check.exchange, with: refusal.response, in: &idempotency, at: now)
  }

  // MARK: application-probe

  /// 4.6.4 step 3, from outside: the server connects to the application. The reply is held.
  mutating func probe(_ served: ServedRequest) throws(Refusal) -> Served {
    enum Transport: String, CaseIterable { case tcp, udp }
    let (homeId, requestId) = (served["homeId"], served["requestId"])
    let body = try front.object(in: served.request)
    let endpoint: Endpoint
    do throws(FieldFault) {
      endpoint = Endpoint(try body["address"].address(), try body["port"].port())
      guard try body["protocol"].word(Transport.self) == .tcp else {
        throw body["protocol"].fault("is udp, and what answers there cannot be told from what does not")
      }
    } catch {
      throw Refusal(error)
    }
    guard let home = homes[homeId], let request = home.requests[requestId], request.state == .open,
      request.kind == .applicationCheck, let application = request.details["application"]?.string
    else { throw noRequest(requestId) }
    guard mayBeProbed(endpoint, of: home, by: served.from.address, at: served.now) else {
      throw Refusal(
        .forbidden, "\(endpoint) is neither the home's own address nor the endpoint of one of its connections")
    }
    guard probes.count < ServiceServer.probeLimit else {
      throw Refusal(.tooManyRequests, "\(ServiceServer.probeLimit) probes are under way already")
    }
    lastCall += 1
    let call = Call(lastCall)
    probes[call] = OpenProbe(exchange: served.exchange, endpoint: endpoint, since: served.now.monotonic)
    heldReplies.hold(served)
    return .held(effects: [
      .call(call, HTTPRequest("GET", "/\(application)"), to: endpoint, timeout: ServiceServer.probePatience)
    ])
  }

  /// Nobody can have the server connect to a stranger.
  private func mayBeProbed(_ endpoint: Endpoint, of home: Home, by asker: IPAddress, at now: Moment) -> Bool {
    if endpoint.address == asker || settings.probeAllowed.contains(where: { $0.contains(endpoint.address) }) {
      return true
    }
    return home.connections.values.contains { connection in
      connection.expires > now.wall && connection.endpoint["address"]?.string == endpoint.address.description
        && connection.endpoint["port"]?.int == Int(endpoint.port)
    }
  }

  /// The probe was answered or has failed; `nil` where the call is none of a probe.
  mutating func probeEnded(_ call: Call, _ answer: Result<HTTPResponse, Failure>, at now: Moment) -> [Effect]? {
    guard let probe = probes.removeValue(forKey: call) else { return nil }
    let detail: String
    var isReachable = false
    switch answer {
    case .success(let response):
      isReachable = true
      detail = "status \(response.status)"
    case .failure(let failure): detail = "\(failure)"
    }
    let body: JSONValue = [
      "reachable": .bool(isReachable), "detail": .string(detail),
      "rttMs": .double(Double((now.monotonic - min(probe.since, now.monotonic)) / 1000) / 1000),
    ]
    return heldReplies.answer(probe.exchange, with: .json(200, body), in: &idempotency, at: now)
      + [.report(Report(.info, "probed", "\(probe.endpoint): \(detail)"))]
  }
}

extension RequestKind {
  /// Troubleshooting (4.6.3, 4.6.4).
  var isCheck: Bool { self == .reachabilityCheck || self == .applicationCheck }
}
