import Messages
import RoleKit

/// 4.5 step 6: where checks alone do not reach the peer, the configurator has the gateway map a port and tells the CE
/// device of it (profile section 6).
extension Configurator {
  /// Milliseconds that a mapping is asked for.
  static let peerLease: Int64 = 300_000

  /// `peer-map`. The reply is held until the gateway and the device have answered.
  mutating func mapPeer(_ served: ServedRequest) throws(Refusal) -> Served {
    let sessionId = served["sessionId"]
    guard case .agent(let agentId) = try identify(served.request), let record = records[agentId] else {
      throw Refusal(.forbidden, "only an agent may ask for a mapped port")
    }
    let body = try front.object(in: served.request)
    let port: UInt16
    do throws(FieldFault) { port = try body["localPort"].port() } catch { throw Refusal(error) }
    guard let session = sessions[sessionId], !session.isOver(at: served.now) else {
      throw Refusal(.noSession, "there is no session \(sessionId.prefix(64))")
    }
    guard session.agentId == agentId else { throw Refusal(.forbidden, "the session is another agent's") }
    if let mapped = session.mapped, case .idle = session.step { return .answered(ServedOutcome(answer(mapped))) }
    guard case .idle = session.step else { throw Refusal(.refused, "a port is being mapped for this session") }
    guard let client = record.registration.configurationURL.address else {
      throw Refusal(.gatewayRefused, "the agent has no address")
    }
    heldReplies.hold(served)
    sessions[sessionId]?.step = .mapping(served.exchange)
    sessions[sessionId]?.correlation = served.correlation
    return .held(
      effects: requestMapping(
        for: .session(sessionId), .udp, to: Endpoint(client, port), until: served.now.wall + Configurator.peerLease,
        correlation: served.correlation, at: served.now))
  }

  private func answer(_ mapped: Endpoint) -> HTTPResponse {
    .json(200, ["address": .text(mapped.address), "port": .int(Int(mapped.port))])
  }

  /// `map-port-reply`: the device is told of the address that it has now.
  mutating func sessionMapped(_ sessionId: String, _ outcome: MappingOutcome, at now: Moment) -> [Effect] {
    guard case .mapping(let exchange) = sessions[sessionId]?.step else {
      return unexpected("a mapping for the session \(sessionId), which asked for none")
    }
    switch outcome {
    case .mapped(let endpoint, _):
      sessions[sessionId]?.mapped = endpoint
      guard let session = sessions[sessionId] else { return [] }
      return [.save([ConfiguratorTables.row(session: session)])] + configure(session, for: exchange, at: now)
    case .notNeeded: return endMapping(sessionId, exchange, "there is no gateway that could map a port", at: now)
    case .refused(let reason): return endMapping(sessionId, exchange, reason, at: now)
    }
  }

  private mutating func endMapping(
    _ sessionId: String, _ exchange: Exchange?, _ reason: String, at now: Moment
  ) -> [Effect] {
    sessions[sessionId]?.step = .idle
    let report = Effect.report(Report(.warning, "peer-map", "\(sessionId): \(reason)"))
    guard let exchange else { return [report] }
    let response = Problem(.gatewayRefused, reason).response
    return [report] + heldReplies.answer(exchange, with: response, in: &idempotency, at: now)
  }

  // MARK: configure

  /// Brings the device's document to what it shall say of the session: the mapped address, or, at its end, nothing.
  private mutating func configure(_ session: AgentSession, for exchange: Exchange?, at now: Moment) -> [Effect] {
    guard let record = records[session.agentId], let endpoint = record.registration.configurationURL.endpoint else {
      return settled(session.sessionId, exchange, at: now)
    }
    guard let known = record.known else {
      let request = agentRequest("GET", record, correlation: session.correlation)
      let (errand, effects) = courier.send(request, to: endpoint, for: .sessionRead(session.sessionId))
      sessions[session.sessionId]?.step = .reading(errand, exchange)
      return effects
    }
    guard let patch = session.patch(for: known.document, at: now) else {
      return settled(session.sessionId, exchange, at: now)
    }
    var request = agentRequest("PATCH", record, correlation: session.correlation)
    request.fields["Content-Type"] = ProfileNames.mergePatchType
    request.fields["If-Match"] = known.etag ?? "*"
    request.body = patch.octets
    let (errand, effects) = courier.send(request, to: endpoint, for: .sessionConfigure(session.sessionId))
    sessions[session.sessionId]?.step = .configuring(errand, exchange)
    return effects
  }

  mutating func sessionReadEnded(
    _ sessionId: String, _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    guard let session = sessions[sessionId], case .reading(errand, let exchange) = session.step else {
      return unexpected("an agent's document for the session \(sessionId), which asked for none")
    }
    guard case .answered(let response) = ending, response.status == 200, let document = response.json,
      document.object != nil
    else { return endMapping(sessionId, exchange, "the device's document cannot be read: \(ending)", at: now) }
    records[session.agentId]?.known = AgentRecord.Known(document: document, etag: response.fields["ETag"])
    return configure(session, for: exchange, at: now)
  }

  mutating func sessionConfigureEnded(
    _ sessionId: String, _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    guard let session = sessions[sessionId], case .configuring(errand, let exchange) = session.step else {
      return unexpected("configure-reply for the session \(sessionId), which configured nothing")
    }
    switch ending {
    case .answered(let response) where response.status == 200:
      records[session.agentId]?.known = response.json.flatMap { document in
        document.object == nil ? nil : AgentRecord.Known(document: document, etag: response.fields["ETag"])
      }
      let rows = records[session.agentId].map { [ConfiguratorTables.row(configuration: $0)] } ?? []
      return (rows.isEmpty ? [] : [.save(rows)]) + settled(sessionId, exchange, at: now)
    case .answered(let response) where response.status == 412 && session.staleTries < Configurator.staleLimit:
      records[session.agentId]?.known = nil
      sessions[sessionId]?.staleTries += 1
      return sessions[sessionId].map { configure($0, for: exchange, at: now) } ?? []
    case .answered(let response):
      records[session.agentId]?.known = nil
      let problem = Problem(response).map { "\($0)" } ?? "status \(response.status)"
      return endMapping(sessionId, exchange, "the device refused its mapped address: \(problem)", at: now)
    case .failed(let failure):
      records[session.agentId]?.known = nil
      return endMapping(sessionId, exchange, "the device does not answer: \(failure)", at: now)
    }
  }

  /// The device's document says what it shall: `peer-map-reply`, or the end of a session that is over.
  private mutating func settled(_ sessionId: String, _ exchange: Exchange?, at now: Moment) -> [Effect] {
    sessions[sessionId]?.step = .idle
    sessions[sessionId]?.staleTries = 0
    guard let session = sessions[sessionId] else { return [] }
    let replies = exchange.map { exchange in
      session.mapped.map { heldReplies.answer(exchange, with: answer($0), in: &idempotency, at: now) } ?? []
    }
    return (replies ?? []) + (session.isOver(at: now) ? forget(session) : [])
  }

  // MARK: The end of a session

  func armExpiry(of session: AgentSession, at now: Moment) -> Effect {
    .arm(
      TimerName(Timer.sessionEnd, session.sessionId),
      after: .milliseconds(UInt64(max(0, session.expires - now.wall))))
  }

  /// The session has expired: the device's document loses what it held of it.
  mutating func sessionExpired(_ sessionId: String, at now: Moment) -> [Effect] {
    guard let session = sessions[sessionId] else { return unexpected("the end of the session \(sessionId)") }
    guard session.mapped != nil else { return forget(session) }
    switch session.step {
    case .idle: return configure(session, for: nil, at: now)
    // What is under way is let end first.
    case .mapping, .reading, .configuring: return [.arm(TimerName(Timer.sessionEnd, sessionId), after: .seconds(1))]
    }
  }

  private mutating func forget(_ session: AgentSession) -> [Effect] {
    sessions[session.sessionId] = nil
    return [
      .save([Row(ConfiguratorTables.sessions, session.sessionId, nil)]),
      .report(Report(.info, "session-ended", "\(session.sessionId) of \(session.agentId)")),
    ]
  }

  /// What is left of the sessions of an earlier run.
  func resumeSessions(at now: Moment) -> [Effect] { sessions.values.map { armExpiry(of: $0, at: now) } }
}
