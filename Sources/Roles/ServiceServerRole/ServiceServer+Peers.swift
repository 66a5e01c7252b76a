import Messages
import RoleKit

/// Connections between two homes: the server's side of 4.5 steps 2, 4 and 5 (profile section 6).
extension ServiceServer {
  /// Milliseconds for which a half waits for the other one.
  static let halfLifetime: Int64 = 30_000
  /// Halves of one home that may wait at once, and sessions that there may be at once.
  static let halfLimit = 64
  static let sessionLimit = 4096

  // MARK: Steps 2 and 4: two halves meet

  /// `peer-negotiate`: the first half gets 202, the second one 200 with its session.
  mutating func negotiatePeers(_ served: ServedRequest, bits: inout RandomBits) throws(Refusal) -> ServedOutcome {
    let half = try readHalf(served)
    if let again = answeredBefore(half, served) { return again }
    guard let home = homes[half.agent.homeId] else { throw Refusal(.noHome, "there is no home \(half.agent.homeId)") }
    if let first = waitingHalves[half.counterpart] { return try match(first.half, half, served, bits: &bits) }
    // The other half is told of by an event: without a stream nobody would hear of it.
    guard !home.streams.isEmpty else { throw offline(half.agent.homeId) }
    guard waitingHalves.values.filter({ $0.half.agent.homeId == half.agent.homeId }).count < ServiceServer.halfLimit
    else { throw Refusal(.tooManyRequests, "\(ServiceServer.halfLimit) connections of this home wait already") }
    let waiting = WaitingHalf(half: half, lapsesAt: served.now.wall + ServiceServer.halfLifetime)
    waitingHalves[half.name] = waiting
    return ServedOutcome(
      .json(202, ["state": "waiting"]), rows: [ServiceServerTables.row(waiting: half.name, waiting)],
      then: [.arm(TimerName(Timer.peerHalf, half.name), after: .milliseconds(UInt64(ServiceServer.halfLifetime)))])
  }

  private func readHalf(_ served: ServedRequest) throws(Refusal) -> PeerHalf {
    let body = try front.object(in: served.request)
    let half: PeerHalf
    do throws(FieldFault) {
      half = PeerHalf(
        agent: try agent(body), peer: try agent(try body["peer"].object()), application: try body["application"].text(),
        natMapping: try body["natMapping"].word(NATBehaviourWord.self),
        natFiltering: try body["natFiltering"].word(NATBehaviourWord.self), key: served.request.idempotencyKey,
        correlation: served.correlation)
      guard half.agent != half.peer else { throw body["peer"].fault("is the asking agent itself") }
    } catch {
      throw Refusal(error)
    }
    guard try identify(served.request) == .configurator(ofHome: half.agent.homeId) else {
      throw Refusal(.forbidden, "the token is not that of \(half.agent.homeId)'s configurator")
    }
    return half
  }

  private func agent(_ field: BodyField) throws(FieldFault) -> PeerAgent {
    let homeId = try field["homeId"].text()
    guard Identifier.isHomeId(homeId) else { throw field["homeId"].fault("is not 1 to 64 of a-z, 0-9 and -") }
    return PeerAgent(homeId: homeId, agentId: try field["agentId"].uuid())
  }

  /// The answer to the repeat of a request that was answered before a restart, which the cache does not survive.
  private func answeredBefore(_ half: PeerHalf, _ served: ServedRequest) -> ServedOutcome? {
    guard half.key != nil else { return nil }
    if waitingHalves[half.name]?.half.key == half.key { return ServedOutcome(.json(202, ["state": "waiting"])) }
    for session in sessions.values where !session.isOver {
      let (first, second) = (session.controlling.half, session.controlled.half)
      if first.key == half.key, first.name == half.name { return ServedOutcome(.json(202, ["state": "waiting"])) }
      if second.key == half.key, second.name == half.name {
        return ServedOutcome(.json(200, told(session, to: .controlled, at: served.to)))
      }
    }
    return nil
  }

  /// Two halves make a session and are used up by it.
  private mutating func match(
    _ first: PeerHalf, _ second: PeerHalf, _ served: ServedRequest, bits: inout RandomBits
  ) throws(Refusal) -> ServedOutcome {
    guard homes[first.agent.homeId]?.streams.isEmpty == false else { throw offline(first.agent.homeId) }
    guard sessions.count < ServiceServer.sessionLimit else {
      throw Refusal(.tooManyRequests, "too many connections are being made")
    }
    var session = PeerSession(
      sessionId: bits.uuid(), checkKey: bits.token(), requestId: "", expires: served.now.wall + PeerSession.lifetime,
      controlling: PeerSession.Side(half: first, token: bits.token()),
      controlled: PeerSession.Side(half: second, token: bits.token()))
    let asked = try ask(
      .peerConnection, of: first.agent.homeId, agent: first.agent.agentId,
      details: [
        "peer": first.peer.json, "application": .string(first.application),
        "session": told(session, to: .controlling, at: served.to),
      ], correlation: first.correlation ?? served.correlation, at: served.now, bits: &bits)
    session.requestId = asked.requestId
    sessions[session.sessionId] = session
    waitingHalves[first.name] = nil
    let rows = [Row(ServiceServerTables.waitingHalves, first.name, nil), ServiceServerTables.row(session: session)]
    return ServedOutcome(
      .json(200, told(session, to: .controlled, at: served.to)), rows: rows + asked.rows,
      then: asked.effects + [
        .disarm(TimerName(Timer.peerHalf, first.name)),
        .arm(TimerName(Timer.session, session.sessionId), after: .milliseconds(UInt64(PeerSession.lifetime))),
        .report(Report(.info, "session", "\(session.sessionId): \(first.name)")),
      ])
  }

  /// The server is where the request came in: whatever name the configurator knows it by, the agent gets an address.
  private func told(_ session: PeerSession, to role: PeerSession.Role, at own: Endpoint) -> JSONValue {
    session.json(for: role, stun: Endpoint(own.address, settings.stun.port), server: own)
  }

  /// 30 s have passed, and the other half has not come.
  mutating func lapseHalf(_ name: String) -> [Effect] {
    guard waitingHalves.removeValue(forKey: name) != nil else {
      return [.report(Report(.debug, "ignored", "the end of a half that is gone: \(name)"))]
    }
    return [
      .save([Row(ServiceServerTables.waitingHalves, name, nil)]),
      .report(Report(.notice, "half-lapsed", "\(name): the other half has not come")),
    ]
  }

  /// The result of a `peer-connection`: an agent that waits no longer has left its session to nobody.
  mutating func peersAnswered(_ requestId: String, isFailed: Bool, at now: Moment) -> (rows: [Row], effects: [Effect]) {
    guard isFailed, let session = sessions.values.first(where: { $0.requestId == requestId }), !session.isOver else {
      return ([], [])
    }
    return end(session.sessionId, because: "the agent that asked first waits no longer", at: now)
  }

  // MARK: Step 5: the agents ask for the connection

  /// `session-join`: takes candidates, and answers when the peer has one that this half does not know.
  mutating func joinSession(_ served: ServedRequest) throws(Refusal) -> Served {
    let sessionId = served["sessionId"]
    guard var session = sessions[sessionId], !session.isOver, session.expires > served.now.wall,
      let role = served.request.bearerToken.flatMap(session.role)
    else { throw Refusal(.noSession, "the session \(sessionId.prefix(64)) has ended") }
    let field = try front.object(in: served.request)["candidates"]
    var offered = session[role].candidates
    do throws(FieldFault) {
      for item in try field.items(atMost: PeerSession.candidateLimit) {
        let candidate = try PeerCandidate(item)
        if !offered.contains(candidate) { offered.append(candidate) }
      }
      guard offered.count <= PeerSession.candidateLimit else {
        throw field.fault("makes \(offered.count) candidates in all, expected \(PeerSession.candidateLimit) at most")
      }
    } catch {
      throw Refusal(error)
    }
    let isMore = offered.count > session[role].candidates.count
    session[role].candidates = offered
    var effects: [Effect] = []
    if isMore {
      for poll in session[role.other].polls { effects += answer(poll, with: session, for: role.other, at: served.now) }
      if !session[role.other].polls.isEmpty { session[role.other].told = offered.count }
      session[role.other].polls = []
    }
    let rows = isMore ? [ServiceServerTables.row(session: session)] : []
    defer { sessions[sessionId] = session }
    let theirs = session[role.other].candidates
    guard theirs.count > session[role].told else {
      session[role].polls.append(served.exchange)
      heldReplies.hold(served)
      let timer = TimerName(Timer.sessionJoin, "\(sessionId)/\(served.exchange.number)")
      return .held(rows: rows, effects: effects + [.arm(timer, after: ServiceServer.joinPatience)])
    }
    session[role].told = theirs.count
    return .answered(ServedOutcome(candidates(theirs), rows: rows, then: effects))
  }

  /// Nanoseconds for which a `session-join` is held.
  static let joinPatience: UInt64 = .seconds(10)

  private func candidates(_ list: [PeerCandidate]) -> HTTPResponse {
    .json(200, ["candidates": .array(list.map(\.json))])
  }

  private mutating func answer(
    _ poll: Exchange, with session: PeerSession, for role: PeerSession.Role, at now: Moment
  ) -> [Effect] {
    [.disarm(TimerName(Timer.sessionJoin, "\(session.sessionId)/\(poll.number)"))]
      + heldReplies.answer(poll, with: candidates(session[role.other].candidates), in: &idempotency, at: now)
  }

  /// A `session-join` was held long enough: it is answered as it stands.
  mutating func endPoll(_ timer: TimerName, at now: Moment) -> [Effect] {
    let parts = timer.key.split(separator: "/")
    guard parts.count == 2, let number = UInt64(parts[1]) else { return [] }
    return endPoll(Exchange(number), of: String(parts[0]), at: now)
  }

  /// The caller of a held `session-join` has gone. Nothing that it was not told is lost: there was nothing.
  mutating func leavePolls(_ exchange: Exchange, at now: Moment) -> [Effect] {
    sessions.filter { $0.value.controlling.polls.contains(exchange) || $0.value.controlled.polls.contains(exchange) }
      .flatMap { endPoll(exchange, of: $0.key, at: now) }
  }

  private mutating func endPoll(_ poll: Exchange, of sessionId: String, at now: Moment) -> [Effect] {
    guard let session = sessions[sessionId] else { return [] }
    for role in [PeerSession.Role.controlling, .controlled] where session[role].polls.contains(poll) {
      sessions[sessionId]?[role].polls.removeAll { $0 == poll }
      return answer(poll, with: session, for: role, at: now)
    }
    return [.report(Report(.debug, "ignored", "the end of a session-join that was answered"))]
  }

  // MARK: The end

  /// The session's time is over; or, once it was, it is not remembered any longer.
  mutating func sessionFired(_ sessionId: String, at now: Moment) -> [Effect] {
    guard let session = sessions[sessionId] else {
      return [.report(Report(.debug, "ignored", "the end of a session that is gone: \(sessionId)"))]
    }
    if session.isOver {
      sessions[sessionId] = nil
      return [.save([Row(ServiceServerTables.sessions, sessionId, nil)])]
    }
    let (rows, effects) = end(sessionId, because: "its time is over", at: now)
    return [.save(rows)] + effects
  }

  /// Its tokens open nothing from here on, and are known for a while so that their holders hear 404 and not 401.
  private mutating func end(
    _ sessionId: String, because reason: String, at now: Moment
  ) -> (rows: [Row], effects: [Effect]) {
    guard var session = sessions[sessionId] else { return ([], []) }
    let polls = session.controlling.polls + session.controlled.polls
    let refusal = Refusal(.noSession, "the session \(sessionId) has ended: \(reason)")
    var effects: [Effect] = []
    for poll in polls {
      effects.append(.disarm(TimerName(Timer.sessionJoin, "\(sessionId)/\(poll.number)")))
      effects += heldReplies.answer(poll, with: refusal.response, in: &idempotency, at: now)
    }
    session.isOver = true
    session.controlling.polls = []
    session.controlled.polls = []
    sessions[sessionId] = session
    return (
      [ServiceServerTables.row(session: session)],
      effects + [
        .arm(TimerName(Timer.session, sessionId), after: .milliseconds(UInt64(ServiceServer.resultLifetime))),
        .report(Report(.info, "session-ended", "\(sessionId): \(reason)")),
      ]
    )
  }
}
