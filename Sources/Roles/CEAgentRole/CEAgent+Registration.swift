import Messages
import RoleKit

/// Why a `register` is sent (profile section 3).
enum Reason: String, Sendable, Hashable {
  case newDevice = "new-device"
  case connectionChange = "connection-change"
  case refresh
}

/// A `register` under way.
struct Attempt: Sendable, Hashable {
  var candidate: Candidate
  var reason: Reason
  var correlation: String
}

/// A registration that holds.
struct Registration: Sendable, Hashable {
  var candidate: Candidate
  /// Seconds, as the configurator said.
  var lifetime: Int
  /// The service server's revision that was last applied; `nil` where there is none.
  var revision: Int?
}

extension CEAgent {
  /// Seconds to the next search after a `register` that was refused, and after one that had no answer.
  static let refusedPause: UInt64 = .seconds(60)
  static let unansweredPause: UInt64 = .seconds(5)

  /// 4.2 step 3, 4.3 step 4: the agent registers its information.
  mutating func register(
    with candidate: Candidate, correlation: String, at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    // At another configurator the device is new, even if the network changed under way.
    let reason = registeredSinceStart == candidate.configuratorId ? Reason.connectionChange : .newDevice
    let attempt = Attempt(candidate: candidate, reason: reason, correlation: correlation)
    phase = .registering(attempt)
    let found = withdraw(.noConfigurator) + withdraw(.wrongSubnet) + [.disarm(Timer.searchNext)]
    return found + send(attempt, bits: &bits).effects
  }

  /// 4.2 step 3 again, at half the lifetime and without a search.
  mutating func refresh(_ registration: Registration, at now: Moment, bits: inout RandomBits) -> [Effect] {
    let attempt = Attempt(candidate: registration.candidate, reason: .refresh, correlation: bits.uuid())
    let (errand, effects) = send(attempt, bits: &bits)
    phase = .refreshing(registration, errand)
    return effects
  }

  private mutating func send(
    _ attempt: Attempt, bits: inout RandomBits
  ) -> (errand: Courier<Attempt>.Errand, effects: [Effect]) {
    let id = attempt.candidate.configuratorId
    let body = registerBody(for: attempt)
    // The register that had no answer is repeated with its key; another body needs a new one.
    let key: String
    if let last = memory.unanswered, last.configuratorId == id, last.body == body {
      key = last.key
    } else {
      key = bits.uuid()
    }
    let rows = memory.asked(AgentMemory.Unanswered(configuratorId: id, key: key, body: body))
    var request = HTTPRequest.json("PUT", "/agents/\(settings.agentId)", body)
    request.idempotencyKey = key
    request.correlation = attempt.correlation
    request.bearerToken = memory.token(for: id)
    let (errand, effects) = courier.send(request, to: attempt.candidate.endpoint, for: attempt)
    let report = Report(
      .info, "registering", "register (\(attempt.reason.rawValue)) with \(id) at \(attempt.candidate.endpoint)")
    return (errand, saving(rows) + effects + [.report(report)])
  }

  func saving(_ rows: [Row]) -> [Effect] { rows.isEmpty ? [] : [.save(rows)] }

  /// The `register` body: what the device is, how it is connected, what it offers, where it is configured.
  private func registerBody(for attempt: Attempt) -> JSONValue {
    let configurationURL = HTTPURL(
      host: attempt.candidate.ownAddress.description, port: settings.httpPort, target: "/configuration")
    return [
      "agentId": .string(settings.agentId), "reason": .string(attempt.reason.rawValue), "device": settings.device,
      "interfaces": .array(interfaces.map(describe)), "applications": .array(settings.applications.map(describe)),
      "configurationURL": .string(configurationURL.description), "lifetime": .int(settings.lifetime),
    ]
  }

  private func describe(_ interface: InterfaceState) -> JSONValue {
    // IANAifType: 6 ethernetCsmacd, 24 softwareLoopback.
    var result: JSONValue = ["name": .string(interface.name), "ifType": interface.macAddress == nil ? 24 : 6]
    if let mac = interface.macAddress { result["macAddress"] = .text(mac) }
    result["ipAddresses"] = .array(interface.addresses.map { .text($0) })
    result["defaultGateway"] = .text(interface.defaultGateway)
    result["dnsServers"] = .array(interface.dnsServers.map { .text($0) })
    return result
  }

  private func describe(_ application: CEAgentSettings.Application) -> JSONValue {
    [
      "name": .string(application.name), "protocol": .string(application.transport.rawValue),
      "port": .int(memory.document.port(of: application)), "remoteAccess": .bool(application.remoteAccess),
    ]
  }

  /// Offers an input to the courier, and acts where a `register` ended by it.
  mutating func courierTook(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    switch courier.handle(input, at: now, bits: &bits) {
    case .notMine: return ignored(input, "nothing awaits it")
    case .working(let effects): return effects
    case .ended(_, let attempt, .failed(let failure)):
      return unregistered(
        attempt, "No answer from \(attempt.candidate.endpoint): \(failure).", after: Self.unansweredPause, at: now)
    case .ended(_, let attempt, .answered(let response)):
      return registerAnswered(attempt, response, at: now)
    }
  }

  private mutating func registerAnswered(
    _ attempt: Attempt, _ response: HTTPResponse, at now: Moment
  ) -> [Effect] {
    do throws(FieldFault) {
      guard response.status == 200 || response.status == 201 else {
        let problem = Problem(response)?.description ?? "status \(response.status)"
        // A 429 or 5xx is not remembered under the key, so it may be used once more.
        let rows = response.status == 429 || response.status >= 500 ? [] : memory.answered()
        return saving(rows)
          + unregistered(attempt, "The configurator said \(problem).", after: Self.refusedPause, at: now)
      }
      guard let json = response.json, json.object != nil else { throw FieldFault("", "is no JSON object") }
      let body = BodyField(json)
      guard try body["configuratorId"].uuid() == attempt.candidate.configuratorId else {
        throw body["configuratorId"].fault("is not the discovered \(attempt.candidate.configuratorId)")
      }
      guard try body["agentId"].uuid() == settings.agentId else { throw body["agentId"].fault("is not ours") }
      let lifetime = try body["lifetime"].int(1...86_400)
      let revision = body["revision"].isAbsent ? nil : try body["revision"].int(1...Int.max)
      let token = try body["controlToken"].text()
      return registered(
        attempt, Registration(candidate: attempt.candidate, lifetime: lifetime, revision: revision), token: token)
    } catch {
      return saving(memory.answered())
        + unregistered(
          attempt, "The configurator's reply can't be used: \(error).", after: Self.refusedPause, at: now)
    }
  }

  private mutating func registered(_ attempt: Attempt, _ registration: Registration, token: String) -> [Effect] {
    let rows = memory.registered(with: attempt.candidate.configuratorId, token: token)
    phase = .registered(registration)
    registeredSinceStart = attempt.candidate.configuratorId
    let fresh = attempt.reason == .refresh ? [] : withdraw(.configurationRefused)
    return saving(rows) + withdraw(.registrationRefused) + fresh + [
      .arm(Timer.refresh, after: .seconds(Double(registration.lifetime) / 2)),
      .report(
        Report(
          .info, "registered",
          "with \(attempt.candidate.configuratorId) for \(registration.lifetime) s (\(attempt.reason.rawValue))")),
    ]
  }

  /// A `register` failed: the user is told, and a new search follows.
  private mutating func unregistered(
    _ attempt: Attempt, _ detail: String, after pause: UInt64, at now: Moment
  ) -> [Effect] {
    phase = .refused
    return show(.registrationRefused, detail, at: now) + [.arm(Timer.again, after: pause)]
  }

  /// The `deregister` that a stop sends where the settings ask for it: one try, since a stop may not take long.
  mutating func deregistration(bits: inout RandomBits) -> (Call, configuratorId: String, [Effect])? {
    let registration: Registration
    switch phase {
    case .registered(let held), .refreshing(let held, _): registration = held
    default: return nil
    }
    let id = registration.candidate.configuratorId
    guard settings.deregistersOnStop, let token = memory.token(for: id) else { return nil }
    var request = HTTPRequest("DELETE", "/agents/\(settings.agentId)")
    request.bearerToken = token
    request.correlation = bits.uuid()
    let call = courier.newCall()
    return (
      call, id,
      [.call(call, request, to: registration.candidate.endpoint, timeout: .milliseconds(300))]
    )
  }

  /// The goodbye was answered or not; either way the agent stops.
  mutating func left(_ configuratorId: String, by input: Input) -> [Effect] {
    phase = .stopped
    switch input {
    // 401 and 404 say that the configurator knows us no more: done as well.
    case .answered(_, let response) where [204, 200, 401, 404].contains(response.status):
      return saving(memory.deregistered(from: configuratorId)) + [.exit(0)]
    case .answered(_, let response):
      return [.report(Report(.warning, "deregister", "the configurator answered \(response.status)")), .exit(0)]
    case .failed(_, let failure):
      return [.report(Report(.warning, "deregister", "\(failure)")), .exit(0)]
    default: return ignored(input, "the agent has stopped") + [.exit(0)]
    }
  }
}
