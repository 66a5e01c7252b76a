import Messages
import RoleKit

/// 4.2 step 3, 4.3 step 4: the agent registers its information (profile section 3).
extension Configurator {
  /// `register` and `register-reply`.
  mutating func register(_ served: ServedRequest, bits: inout RandomBits) throws(Refusal) -> ServedOutcome {
    let agentId = served["agentId"]
    let body = try front.object(in: served.request)
    let registration: AgentRegistration
    do throws(FieldFault) {
      registration = try AgentRegistration(body, agentId: agentId)
      // Whoever registers speaks for its own address only: nobody can have somebody else configured.
      guard registration.configurationURL.address == served.from.address else {
        throw body["configurationURL"].fault("is not on \(served.from.address), where the request came from")
      }
    } catch {
      throw Refusal(error)
    }
    guard let known = records[agentId] else { return try registerNew(registration, served, bits: &bits) }
    guard let token = served.request.bearerToken, token.equalsSecret(known.controlToken),
      known.registration.serialNumber == registration.serialNumber
    else { return try registerAgain(known, served) }

    farewells.remove(agentId)
    var record = known
    record.registration = registration
    record.registeredAt = served.now.wall
    record.lifetime = lifetime(for: registration)
    // A device that has started anew is asked for its document before it is configured: it may have another one.
    if registration.reason == .newDevice { record.known = nil }
    owe(&record, for: registration.reason)
    return registered(record, status: 200, served)
  }

  /// 201: an agentId that is not known, whatever token it carries.
  private mutating func registerNew(
    _ registration: AgentRegistration, _ served: ServedRequest, bits: inout RandomBits
  ) throws(Refusal) -> ServedOutcome {
    guard records.count < Configurator.recordLimit else {
      throw Refusal(.tooManyRequests, "there are \(records.count) records already")
    }
    var record = AgentRecord(
      registration: registration, controlToken: bits.token(), registeredAt: served.now.wall,
      lifetime: lifetime(for: registration))
    owe(&record, for: .newDevice)
    if let key = served.request.idempotencyKey {
      record.first = AgentRecord.FirstAnswer(
        key: key, token: served.request.bearerToken, digest: IdempotencyCache.Digest(served.request.body), status: 201,
        body: answer(for: record))
    }
    return registered(record, status: 201, served)
  }

  /// A known agentId with another serial number or without its token: the repeat of the first registration, whose
  /// answer may have been lost, or 409 until an operator removes the record.
  private mutating func registerAgain(
    _ record: AgentRecord, _ served: ServedRequest
  ) throws(Refusal) -> ServedOutcome {
    guard let first = record.first, first.key == served.request.idempotencyKey,
      first.token == served.request.bearerToken
    else {
      throw Refusal(
        .agentConflict, "\(record.agentId) is registered with another serial number, or its token is missing")
    }
    guard first.digest == IdempotencyCache.Digest(served.request.body) else {
      throw Refusal(.invalidField, "this Idempotency-Key came with another body before")
    }
    let stopped = registerRepeated(served)
    return ServedOutcome(.json(first.status, first.body), then: stopped)
  }

  /// A `register` that was answered before: its first reply was late or lost, and what is owed begins with this one.
  /// What was tried in between, the agent had no token for.
  mutating func registerRepeated(_ served: ServedRequest) -> [Effect] {
    guard let record = records[served["agentId"]] else { return [] }
    let agentId = record.agentId
    switch work[agentId]?.step ?? .idle {
    case .awaitingReply(_, let scope):
      work[agentId]?.step = .awaitingReply(served.exchange, scope)
      return []
    case .idle, .registering, .pulling, .reading, .configuring, .pausing:
      guard !record.owed.isNothing else { return [] }
      let stopped = stopWork(for: agentId)
      work[agentId, default: AgentWork()].step = .awaitingReply(served.exchange, .whole)
      return stopped
    }
  }

  private func lifetime(for registration: AgentRegistration) -> Int {
    min(max(registration.lifetime, settings.lifetimes.lowerBound), settings.lifetimes.upperBound)
  }

  private func owe(_ record: inout AgentRecord, for reason: AgentRegistration.Reason) {
    guard settings.server != nil, settings.serverRegistration else {
      record.owed = AgentRecord.Owed()
      return
    }
    record.owed.serverRegistration = true
    if settings.configurationPull, reason != .refresh { record.owed.configuration = true }
  }

  private func answer(for record: AgentRecord) -> JSONValue {
    [
      "configuratorId": .string(settings.configuratorId), "agentId": .string(record.agentId),
      "lifetime": .int(record.lifetime), "revision": record.applied.map { .int($0.revision) } ?? .null,
      "controlToken": .string(record.controlToken),
    ]
  }

  /// Adopts the record. What follows from it waits until the reply is written (4.2 step 4 comes after step 3).
  private mutating func registered(_ record: AgentRecord, status: Int, _ served: ServedRequest) -> ServedOutcome {
    let agentId = record.agentId
    let isNew = records[agentId] == nil
    records[agentId] = record
    let stopped = stopWork(for: agentId)
    var work = work[agentId] ?? AgentWork()
    work.repliedAt = nil
    work.correlation = served.correlation
    work.requests += work.laterRequests
    work.laterRequests = []
    work.step = .awaitingReply(
      served.exchange, record.registration.reason == .refresh && !record.owed.configuration ? .refresh : .whole)
    self.work[agentId] = work
    var rows = [ConfiguratorTables.row(registration: record), ConfiguratorTables.row(configuration: record)]
    var effects = stopped
    if let address = record.registration.configurationURL.address {
      effects += dropConnections(of: agentId, movedTo: address, at: served.now)
    }
    if owedDeregistrations.remove(agentId) != nil {
      rows.append(Row(ConfiguratorTables.owedDeregistrations, agentId, nil))
      effects += courier.cancel { $0 == .serverDeregister(agentId) }
    }
    let kind = isNew ? "new" : record.registration.reason.rawValue
    effects.append(.report(Report(.info, "registered", "\(agentId): \(kind), \(record.registration.configurationURL)")))
    return ServedOutcome(.json(status, answer(for: record)), rows: rows, then: effects)
  }

  /// Ends what is under way for an agent.
  mutating func stopWork(for agentId: String) -> [Effect] {
    guard let step = work[agentId]?.step else { return [] }
    work[agentId]?.step = .idle
    switch step {
    case .idle, .awaitingReply: return []
    case .pausing: return [.disarm(TimerName(Timer.unauthorized, agentId))]
    case .registering(let errand, _), .pulling(let errand), .reading(let errand, _), .configuring(let errand, _):
      return courier.cancel(errand)
    }
  }

  // MARK: After the reply

  /// The `register-reply` was written: from here on the agent and the server may be spoken to.
  mutating func replied(_ exchange: Exchange, at now: Moment) -> [Effect] {
    guard let (agentId, scope) = awaiting(exchange) else { return [] }
    work[agentId]?.repliedAt = now.monotonic
    work[agentId]?.step = .idle
    return begin(agentId, scope)
  }

  /// The caller went before its reply was written: it will register again, and the work waits for that.
  mutating func callerLeft(_ exchange: Exchange) -> [Effect] {
    idempotency.leave(exchange)
    heldReplies.leave(exchange)
    guard let (agentId, _) = awaiting(exchange) else { return [] }
    work[agentId]?.step = .idle
    return [.report(Report(.notice, "reply-lost", "\(agentId) went before its register-reply was written"))]
  }

  private func awaiting(_ exchange: Exchange) -> (String, AgentWork.Scope)? {
    for (agentId, work) in work {
      if case .awaitingReply(exchange, let scope) = work.step { return (agentId, scope) }
    }
    return nil
  }

  // MARK: deregister

  /// `deregister` by the agent, or the removal of a record by an operator: both forget the token.
  mutating func deregister(_ served: ServedRequest) throws(Refusal) -> ServedOutcome {
    let agentId = served["agentId"]
    guard records.removeValue(forKey: agentId) != nil else { throw noAgent(agentId) }
    var effects = stopWork(for: agentId)
    var rows = [
      Row(ConfiguratorTables.agents, agentId, nil), Row(ConfiguratorTables.appliedConfigurations, agentId, nil),
    ]
    if let work = work.removeValue(forKey: agentId) {
      let (more, results) = answer(work.requests + work.laterRequests, problem: .noAgent, at: served.now)
      rows += more
      effects += results
    }
    if settings.server != nil, settings.serverRegistration {
      owedDeregistrations.insert(agentId)
      rows.append(Row(ConfiguratorTables.owedDeregistrations, agentId, [:]))
      effects += sendDeregistration(of: agentId, correlation: served.correlation)
    }
    effects += dropConnections(of: agentId, at: served.now)
    effects.append(.report(Report(.info, "deregistered", agentId)))
    return ServedOutcome(HTTPResponse(204), rows: rows, then: effects)
  }
}
