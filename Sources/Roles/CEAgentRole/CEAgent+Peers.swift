import Messages
import RoleKit

/// 4.5 steps 5 to 7: the agent joins its session, is found by its peer and finds it, and they exchange data (profile
/// section 6).
extension CEAgent {
  private func place(of number: Int) -> Int? { peers.firstIndex { $0.number == number && !$0.isEnded } }

  /// Changes an open session in place.
  private mutating func with<Result>(
    _ number: Int, _ change: (inout OpenSession) -> Result
  ) -> Result? {
    guard let index = place(of: number), case .open(var session) = peers[index].step else { return nil }
    let result = change(&session)
    peers[index].step = .open(session)
    return result
  }

  private func session(_ number: Int) -> OpenSession? { place(of: number).flatMap { peers[$0].session } }

  private func timer(_ name: String, _ number: Int) -> TimerName { TimerName(name, String(number)) }

  // MARK: Step 5: the agent's own addresses

  /// The session is there: the agent learns its address from the server's STUN.
  mutating func openSession(
    _ number: Int, _ grant: PeerGrant, at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    guard let index = place(of: number), let transaction = STUNTransactionID(bits.octets(12)) else { return [] }
    let left = grant.expires - now.wall
    guard left > 0 else { return endPeer(number, "the session has expired") }
    let session = OpenSession(
      grant: grant, reflexive: .asking(STUNRequest(STUNMessage(.request, transaction: transaction))),
      pairs: CandidatePairs(grant), candidates: [PeerCandidate(.host, peers[index].local)],
      transfer: PeerTransfer(grant.role))
    peers[index].step = .open(session)
    return [
      .report(Report(.info, "peer-session", "\(grant.sessionId), \(grant.role.rawValue)")),
      .arm(timer(Timer.peerEnd, number), after: .milliseconds(UInt64(left))),
      .arm(timer(Timer.peerJoin, number), after: OpenSession.stunPatience),
    ] + bindingAgain(number)
  }

  /// `stun-binding`: sent now, and again by RFC 8489 clause 6.2.1.
  private mutating func bindingAgain(_ number: Int) -> [Effect] {
    guard let index = place(of: number), case .open(var session) = peers[index].step,
      case .asking(var request) = session.reflexive
    else { return [] }
    let local = peers[index].local
    defer { peers[index].step = .open(session) }
    switch request.next() {
    case .send(let pause):
      session.reflexive = .asking(request)
      return [
        .datagram(request.octets, from: local, to: session.grant.stun),
        .arm(timer(Timer.peerBinding, number), after: .milliseconds(UInt64(pause))),
      ]
    case .giveUp:
      session.reflexive = .unknown
      return [.report(Report(.warning, "peer-stun", "no answer from \(session.grant.stun)"))]
    }
  }

  private mutating func bindingAnswered(_ number: Int, _ message: STUNMessage, bits: inout RandomBits) -> [Effect] {
    let host = place(of: number).map { peers[$0].local }
    with(number) { session in
      guard message.messageClass == .success, let mapped = message.reflexiveAddress else {
        session.reflexive = .unknown
        return
      }
      session.reflexive = .known(mapped)
      // Without a translation it is the host's own, which is offered already.
      if mapped != host { session.candidates.append(PeerCandidate(.srflx, mapped)) }
    }
    return [.disarm(timer(Timer.peerBinding, number))] + join(number, bits: &bits)
  }

  // MARK: Step 5: the peer's addresses

  /// `session-join`: offers what the server does not have yet, and waits for the peer's.
  private mutating func join(_ number: Int, bits: inout RandomBits) -> [Effect] {
    guard let index = place(of: number), case .open(var session) = peers[index].step else { return [] }
    let offer = session.candidates[session.offered...]
    guard !offer.isEmpty || session.remote == nil else { return [] }
    // A poll that is held brings what the peer offers meanwhile; more of ours must not wait for it.
    if case .polling = session.joining, offer.isEmpty { return [] }
    var request = HTTPRequest.json(
      "POST", "/v1/sessions/\(session.grant.sessionId)/candidates",
      ["candidates": .array(offer.map(\.json))])
    request.bearerToken = session.grant.token
    request.idempotencyKey = bits.uuid()
    request.correlation = peers[index].correlation
    session.offered = session.candidates.count
    let (errand, effects) = peerCourier.send(
      request, to: session.grant.server, for: .join(number, offers: offer.count), patience: .held)
    session.joining = .polling(errand)
    peers[index].step = .open(session)
    return [.disarm(timer(Timer.peerJoin, number))] + effects
  }

  private mutating func joined(
    _ number: Int, _ errand: Courier<PeerErrand>.Errand, _ ending: Courier<PeerErrand>.Ending, at now: Moment,
    bits: inout RandomBits
  ) -> [Effect] {
    guard let session = session(number) else { return [] }
    if case .polling(errand) = session.joining { with(number) { $0.joining = .idle } }
    switch ending {
    case .answered(let response) where response.status == 200:
      let items = response.json?["candidates"]?.array ?? []
      let candidates = items.compactMap { try? PeerCandidate(BodyField($0)) }
      let isNew = candidates.count > session.peerCandidates.count
      let learnt = learn(number, candidates, at: now, bits: &bits)
      if isNew { return learnt + join(number, bits: &bits) }
      // A server that does not hold the reply shall not be asked all the time.
      return learnt + [.arm(timer(Timer.peerJoin, number), after: .milliseconds(200))]
    case .answered(let response) where [401, 403, 404].contains(response.status):
      // A connection that stands needs the server no more.
      guard session.remote == nil else { return [] }
      return endPeer(number, "the server said \(Problem(response)?.description ?? "status \(response.status)")")
    case .answered, .failed:
      // What was offered may not have arrived; it is all offered again.
      with(number) { $0.offered = 0 }
      return [
        .report(Report(.warning, "peer-join", "the server does not let us join: \(ending)")),
        .arm(timer(Timer.peerJoin, number), after: .seconds(2)),
      ]
    }
  }

  private mutating func learn(
    _ number: Int, _ candidates: [PeerCandidate], at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    guard let before = session(number) else { return [] }
    let isNew =
      with(number) { session in
        session.peerCandidates = Array(candidates.prefix(CandidatePairs.candidateLimit))
        return session.pairs.learn(session.peerCandidates.map(\.endpoint), at: now)
      } ?? false
    guard isNew, before.remote == nil else { return [] }
    // 4.5 step 6 is due 3 s after the first candidate; at once where checks are bound to miss.
    let patience = before.grant.isHopeless ? 0 : OpenSession.mapPatience
    let first: [Effect] =
      before.peerCandidates.isEmpty ? [.arm(timer(Timer.peerMap, number), after: patience)] : []
    return first + checkRound(number, at: now, bits: &bits)
  }

  // MARK: Step 6: a mapped port

  /// `peer-map`: no check got through.
  private mutating func askMapping(_ number: Int, bits: inout RandomBits) -> [Effect] {
    guard let index = place(of: number), let session = session(number), session.remote == nil,
      case .notAsked = session.mapping, let configurator = currentConfigurator
    else { return [] }
    var request = HTTPRequest.json(
      "POST", "/connections/\(session.grant.sessionId)/mapping", ["localPort": .int(Int(peers[index].local.port))])
    request.bearerToken = memory.token(for: configurator.configuratorId)
    request.idempotencyKey = bits.uuid()
    request.correlation = peers[index].correlation
    let (errand, effects) = peerCourier.send(request, to: configurator.endpoint, for: .map(number), patience: .held)
    with(number) { $0.mapping = .asked(errand) }
    return effects
  }

  private mutating func mapped(
    _ number: Int, _ ending: Courier<PeerErrand>.Ending, bits: inout RandomBits
  ) -> [Effect] {
    let reason: String
    switch ending {
    case .answered(let response) where response.status == 200:
      if let address = response.json?["address"]?.string.flatMap({ IPAddress($0) }),
        let port = response.json?["port"]?.int.flatMap({ UInt16(exactly: $0) }), port > 0
      {
        let endpoint = Endpoint(address, port)
        with(number) { session in
          session.mapping = .mapped(endpoint)
          session.candidates.append(PeerCandidate(.mapped, endpoint))
        }
        return [.report(Report(.info, "peer-mapped", "\(endpoint)"))] + join(number, bits: &bits)
      }
      reason = "the reply names no address and port"
    case .answered(let response): reason = Problem(response)?.description ?? "status \(response.status)"
    case .failed(let failure): reason = "\(failure)"
    }
    with(number) { $0.mapping = .refused(reason) }
    return [.report(Report(.warning, "peer-map-refused", reason))]
  }

  // MARK: Step 7: checks and data

  /// One check to each candidate, and the next round in 100 ms.
  private mutating func checkRound(_ number: Int, at now: Moment, bits: inout RandomBits) -> [Effect] {
    guard let index = place(of: number), case .open(var session) = peers[index].step else { return [] }
    let checks = session.pairs.round(at: now, bits: &bits)
    peers[index].step = .open(session)
    guard !checks.isEmpty else {
      guard session.remote == nil else { return [] }
      return [.report(Report(.notice, "peer-unreached", "\(session.grant.sessionId): no check got through so far"))]
    }
    return send(checks, from: peers[index].local)
      + [.arm(timer(Timer.peerCheck, number), after: CandidatePairs.interval)]
  }

  private func send(_ datagrams: [CandidatePairs.Datagram], from local: Endpoint) -> [Effect] {
    datagrams.map { .datagram($0.octets, from: local, to: $0.to) }
  }

  /// A datagram came to one of our sockets.
  mutating func peerHeard(
    _ octets: [UInt8], from: Endpoint, to local: Endpoint, at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    guard let index = peers.firstIndex(where: { $0.local.port == local.port && !$0.isEnded }),
      case .open(let session) = peers[index].step
    else { return dropped("a datagram from \(from) to \(local): nobody waits for it") }
    let number = peers[index].number
    if PeerTransfer.isLikely(octets) {
      let taken = dataHeard(number, octets, from: from, local: local)
      guard !session.pairs.checked.contains(from) else { return taken }
      var pairs = session.pairs
      let check = pairs.hearData(from: from, at: now, bits: &bits)
      with(number) { $0.pairs = pairs }
      return taken + send(check.map { [$0] } ?? [], from: local)
    }
    let message: STUNMessage
    do {
      message = try STUNMessage(parsing: octets)
    } catch {
      return dropped("a datagram from \(from): \(error)")
    }
    if case .asking(let request) = session.reflexive, from == session.grant.stun, request.isAnswered(by: message) {
      return bindingAnswered(number, message, bits: &bits)
    }
    var pairs = session.pairs
    let heard = pairs.hear(message, from: from, at: now, bits: &bits)
    with(number) { $0.pairs = pairs }
    switch heard {
    case .ignored(let reason): return dropped("a STUN message from \(from): \(reason)")
    case .check(let datagrams): return send(datagrams, from: local)
    case .checked(let endpoint):
      guard session.remote == nil else { return [] }
      return pairChecked(number, endpoint)
    }
  }

  private func dropped(_ what: String) -> [Effect] { [.report(Report(.debug, "ignored", what))] }

  /// The first pair is checked: no more checks, no more polls; data goes out.
  private mutating func pairChecked(_ number: Int, _ remote: Endpoint) -> [Effect] {
    var effects: [Effect] = [.disarm(timer(Timer.peerCheck, number)), .disarm(timer(Timer.peerMap, number))]
    // What the peer will offer is not needed; what we offer may be.
    effects += peerCourier.cancel { $0 == .join(number, offers: 0) }
    with(number) { $0.joining = .idle }
    effects.append(.report(Report(.info, "peer-checked", "\(remote)")))
    return effects + dataRound(number)
  }

  private mutating func dataRound(_ number: Int) -> [Effect] {
    guard let index = place(of: number), case .open(var session) = peers[index].step, let remote = session.remote
    else { return [] }
    let datagrams = session.transfer.round()
    peers[index].step = .open(session)
    guard !datagrams.isEmpty else {
      let transfer = session.transfer
      return [
        .report(
          Report(
            transfer.lost == 0 ? .info : .warning, "peer-data",
            "\(transfer.acknowledged) of \(transfer.sent) datagrams acknowledged, \(transfer.repeats) repeats, "
              + "\(transfer.lost) lost; \(transfer.received) received"))
      ]
    }
    return datagrams.map { .datagram($0, from: peers[index].local, to: remote) }
      + [.arm(timer(Timer.peerData, number), after: PeerTransfer.pause)]
  }

  /// `peer-data`: taken from checked addresses only.
  private mutating func dataHeard(
    _ number: Int, _ octets: [UInt8], from: Endpoint, local: Endpoint
  ) -> [Effect] {
    let received = with(number) { session -> PeerTransfer.Received in
      guard session.pairs.checked.contains(from) else {
        session.dropped += 1
        return .ignored("it comes from no address that was checked")
      }
      return session.transfer.receive(octets)
    }
    switch received {
    case .data(let acknowledgement): return [.datagram(acknowledgement, from: local, to: from)]
    case .acknowledged, nil: return []
    case .ignored(let reason): return dropped("peer data from \(from): \(reason)")
    }
  }

  // MARK: What else happens

  mutating func peerFired(_ timer: TimerName, at now: Moment, bits: inout RandomBits) -> [Effect]? {
    guard let number = Int(timer.key) else { return nil }
    switch timer.name {
    case Timer.peerBinding: return bindingAgain(number)
    case Timer.peerJoin: return join(number, bits: &bits)
    case Timer.peerCheck: return checkRound(number, at: now, bits: &bits)
    case Timer.peerMap: return askMapping(number, bits: &bits)
    case Timer.peerData: return dataRound(number)
    case Timer.peerEnd: return endPeer(number, "the session has expired")
    default: return nil
    }
  }

  /// Offers an input to the errands of connections; `nil` where it belongs to none.
  mutating func peersTook(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect]? {
    switch peerCourier.handle(input, at: now, bits: &bits) {
    case .notMine: return nil
    case .working(let effects): return effects
    case .ended(_, .connect(let number), let ending): return peerConnected(number, ending, at: now, bits: &bits)
    case .ended(let errand, .join(let number, _), let ending):
      return joined(number, errand, ending, at: now, bits: &bits)
    case .ended(_, .map(let number), let ending): return mapped(number, ending, bits: &bits)
    }
  }

  /// Ends a connection, for good; its socket goes.
  mutating func endPeer(_ number: Int, _ reason: String) -> [Effect] {
    guard let index = place(of: number) else { return [] }
    let connection = peers[index]
    peers[index].last = connection.session
    peers[index].step = .ended(reason: reason)
    let names = [
      Timer.peerBinding, Timer.peerJoin, Timer.peerCheck, Timer.peerMap, Timer.peerData, Timer.peerEnd,
    ]
    return peerCourier.cancel { $0.number == number }
      + names.map { .disarm(timer($0, number)) }
      + [
        .closeDatagrams(port: connection.local.port),
        .report(Report(.notice, "peer-ended", "\(connection.peer.agentId): \(reason)")),
      ]
  }

  /// The port of a connection could not be had; `nil` where it is none's.
  mutating func peerPortRefused(_ port: UInt16, _ failure: Failure) -> [Effect]? {
    guard let connection = peers.first(where: { $0.local.port == port && !$0.isEnded }) else { return nil }
    return endPeer(connection.number, "UDP port \(port) cannot be had: \(failure)")
  }

  /// Connections from an address that the device has lost end.
  mutating func reviewPeers() -> [Effect] {
    let own = interfaces.flatMap { $0.addresses.map(\.address) }
    return peers.filter { !$0.isEnded && !own.contains($0.local.address) }.flatMap {
      endPeer($0.number, "the device has lost the address \($0.local.address)")
    }
  }
}

extension PeerErrand {
  var number: Int {
    switch self {
    case .connect(let number), .join(let number, _), .map(let number): number
    }
  }
}
