import Messages
import RoleKit

/// 4.5 steps 1 to 4: an agent asks for a connection to an agent in another home, and the configurator negotiates it with
/// the service server (profile section 6).
extension Configurator {
  /// Wishes of agents that are held at once.
  static let wishLimit = 64

  // MARK: Steps 1 and 3

  /// `peer-connect`. The reply is held until the peer's half has come.
  mutating func connectPeer(_ served: ServedRequest, bits: inout RandomBits) throws(Refusal) -> Served {
    guard case .agent(let agentId) = try identify(served.request), let record = records[agentId] else {
      throw Refusal(.forbidden, "only an agent may ask for a connection")
    }
    let body = try front.object(in: served.request)
    let wish: PeerWish
    do throws(FieldFault) {
      wish = PeerWish(
        agentId: agentId, peer: try PeerName(body["peer"]), application: try body["application"].text(),
        correlation: served.correlation, step: .probing)
      _ = try body["localPort"].port()
      guard wish.peer.agentId != agentId || wish.peer.homeId != settings.server?.homeId else {
        throw body["peer"].fault("is the asking agent itself")
      }
    } catch {
      throw Refusal(error)
    }
    guard record.allows(wish.peer, for: wish.application) else {
      throw Refusal(.forbidden, "\(wish.peer.agentId) of \(wish.peer.homeId) is not among the allowed peers")
    }
    guard settings.server != nil else { throw Refusal(.refused, "this home has no service server") }
    guard wishes.count < Configurator.wishLimit else {
      throw Refusal(.tooManyRequests, "\(wishes.count) connections are asked for already")
    }
    heldReplies.hold(served)
    wishes[served.exchange] = wish
    let timer = TimerName(Timer.peerWish, String(served.exchange.number))
    return .held(effects: [.arm(timer, after: .seconds(PeerWish.patience))] + learnNAT(at: served.now, bits: &bits))
  }

  /// It is known how the gateway maps and filters: whoever waited for that goes on.
  mutating func natFound(_ finding: NATFinding, bits: inout RandomBits) -> [Effect] {
    let ready = wishes.filter { if case .probing = $0.value.step { true } else { false } }
    return ready.sorted { $0.key.number < $1.key.number }.flatMap { negotiate($0.key, finding, bits: &bits) }
  }

  // MARK: Steps 2 and 4

  /// `peer-negotiate`.
  private mutating func negotiate(_ exchange: Exchange, _ finding: NATFinding, bits: inout RandomBits) -> [Effect] {
    guard let wish = wishes[exchange], let server = settings.server else { return [] }
    var request = HTTPRequest.json(
      "POST", "/v1/peer-connections",
      [
        "homeId": .string(server.homeId), "agentId": .string(wish.agentId), "peer": wish.peer.json,
        "application": .string(wish.application), "natMapping": .string(finding.mapping.rawValue),
        "natFiltering": .string(finding.filtering.rawValue),
      ])
    request.bearerToken = server.homeToken
    request.idempotencyKey = bits.uuid()
    request.correlation = wish.correlation
    let (errand, effects) = courier.send(request, to: server.endpoint, for: .peerNegotiate(exchange))
    wishes[exchange]?.step = .negotiating(errand)
    return effects
  }

  /// `peer-negotiate-reply`: the session, or that the other half is awaited.
  mutating func peerNegotiateEnded(
    _ exchange: Exchange, _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    guard let wish = wishes[exchange], case .negotiating(errand) = wish.step else {
      return unexpected("peer-negotiate-reply for a connection that nobody waits for")
    }
    switch ending {
    case .answered(let response) where response.status == 202:
      wishes[exchange]?.step = .waiting
      return []
    case .answered(let response) where response.status == 200:
      guard let session = response.json, let record = session.session(of: wish.agentId) else {
        return refuseWish(exchange, .refused, "the server's session cannot be used", at: now)
      }
      return hand(session, record, to: exchange, at: now)
    case .answered(let response):
      let problem = Problem(response).map { "\($0)" } ?? "status \(response.status)"
      // 503 after all tries: the peer's half is there, and its configurator is not.
      let isTransient = response.status >= 500 || response.status == 429
      return refuseWish(exchange, isTransient ? .configuratorTimeout : .refused, "the server said \(problem)", at: now)
    case .failed(let failure):
      return refuseWish(exchange, .configuratorTimeout, "the server does not answer: \(failure)", at: now)
    }
  }

  /// A `request` of kind `peer-connection`: the other half has come to the one that waits.
  mutating func takePeerConnection(
    _ requestId: String, _ data: JSONValue, saving rows: [Row], at now: Moment
  ) -> [Effect] {
    let agentId = data["agentId"]?.string
    let peer = data["peer"].flatMap { try? PeerName(BodyField($0)) }
    let waiting = wishes.filter {
      $0.value.agentId == agentId && $0.value.peer == peer && $0.value.application == data["application"]?.string
        && heldReplies.contains($0.key)
    }
    guard let exchange = waiting.keys.min(by: { $0.number < $1.number }), let session = data["session"],
      let record = session.session(of: agentId ?? "")
    else {
      return refuse(requestId, .noSession, "\(agentId ?? "no agent") waits for no such peer", saving: rows, at: now)
    }
    let (more, effects) = answer([requestId], problem: nil, at: now)
    return [.save(rows + more)] + hand(session, record, to: exchange, at: now) + effects
  }

  /// `peer-connect-reply` with the session.
  private mutating func hand(
    _ session: JSONValue, _ record: AgentSession, to exchange: Exchange, at now: Moment
  ) -> [Effect] {
    var record = record
    record.correlation = wishes[exchange]?.correlation
    sessions[record.sessionId] = record
    return [.save([ConfiguratorTables.row(session: record)])]
      + endWish(exchange, with: .json(200, session), at: now)
      + [
        armExpiry(of: record, at: now),
        .report(Report(.info, "session", "\(record.sessionId) for \(record.agentId)")),
      ]
  }

  private mutating func refuseWish(
    _ exchange: Exchange, _ problem: ProblemName, _ reason: String, at now: Moment
  ) -> [Effect] {
    let agentId = wishes[exchange]?.agentId ?? ""
    return endWish(exchange, with: Problem(problem, reason).response, at: now)
      + [.report(Report(.notice, "peer-refused", "\(agentId): \(reason)"))]
  }

  private mutating func endWish(_ exchange: Exchange, with response: HTTPResponse, at now: Moment) -> [Effect] {
    guard let wish = wishes.removeValue(forKey: exchange) else { return [] }
    let stopped: [Effect] = if case .negotiating(let errand) = wish.step { courier.cancel(errand) } else { [] }
    return stopped + heldReplies.answer(exchange, with: response, in: &idempotency, at: now)
      + [.disarm(TimerName(Timer.peerWish, String(exchange.number)))]
  }

  /// 30 s have passed, and the peer has not asked for us.
  mutating func wishOverdue(_ timer: TimerName, at now: Moment) -> [Effect] {
    guard let exchange = UInt64(timer.key).map({ Exchange($0) }), wishes[exchange] != nil else {
      return unexpected("the end of a peer-connect that was answered")
    }
    return refuseWish(exchange, .configuratorTimeout, "the peer has not asked for this connection", at: now)
  }

  /// The agent that asked has gone. It may come back and ask again; this wish is nobody's.
  mutating func leaveWish(_ exchange: Exchange, at now: Moment) -> [Effect] {
    guard wishes[exchange] != nil else { return [] }
    return refuseWish(exchange, .configuratorTimeout, "the agent went before its reply", at: now)
  }
}

extension AgentRecord {
  /// Whether the agent's configuration lets it have this peer (profile section 3): absent, anyone; `[]`, nobody.
  func allows(_ peer: PeerName, for application: String) -> Bool {
    let document = known?.document ?? applied?.document
    guard let list = document?["applications"]?[application]?["allowedPeers"]?.array else { return true }
    return list.contains { $0["homeId"]?.string == peer.homeId && $0["agentId"]?.string == peer.agentId }
  }
}

extension JSONValue {
  /// What a session object of the server says to a configurator; the rest is for the agent.
  fileprivate func session(of agentId: String) -> AgentSession? {
    guard let sessionId = self["sessionId"]?.string, Identifier.isUUID(sessionId),
      let expires = self["expires"]?.string.flatMap({ ProfileTime.milliseconds(rfc3339: $0) })
    else { return nil }
    return AgentSession(sessionId: sessionId, agentId: agentId, expires: expires)
  }
}
