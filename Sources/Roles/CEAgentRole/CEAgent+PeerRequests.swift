import Messages
import RoleKit

/// The user at the device asks for a connection to a device in another home. Only who is at the device may: these
/// requests come from the device's own address (docs/decisions/0026).
extension CEAgent {
  /// Connections that are shown, and those among them that may be under way.
  static let peerLimit = 32
  static let openPeerLimit = 16

  /// Whether a request came from the device itself: nobody else can have its address.
  static func isAtTheDevice(_ from: Endpoint, _ local: Endpoint) -> Bool { from.address == local.address }

  /// `POST /peer-connections` `{peer: {homeId, agentId}, application, localPort?}`: 202, and the connection is begun.
  mutating func askPeer(_ served: ServedRequest, bits: inout RandomBits) throws(Refusal) -> ServedOutcome {
    let body = try front.object(in: served.request)
    let peer: PeerName
    let application: String
    var port: UInt16?
    do throws(FieldFault) {
      peer = try PeerName(body["peer"])
      application = try body["application"].text(1...64)
      if !body["localPort"].isAbsent { port = try body["localPort"].port() }
      guard peer.agentId != settings.agentId else { throw body["peer"].fault("is this device itself") }
    } catch {
      throw Refusal(error)
    }
    guard let configurator = currentConfigurator else {
      throw Refusal(.refused, "the device is not registered with a configurator yet")
    }
    let open = peers.filter { !$0.isEnded }
    guard open.count < Self.openPeerLimit else {
      throw Refusal(.tooManyRequests, "there are \(open.count) connections to other homes already")
    }
    guard !open.contains(where: { $0.peer == peer && $0.application == application }) else {
      throw Refusal(.refused, "this connection is there or asked for already")
    }
    let localPort = port ?? freePort(bits: &bits)
    guard !open.contains(where: { $0.local.port == localPort }) else {
      throw Refusal(body["localPort"].fault("is in use by another connection"))
    }
    lastPeer += 1
    var connection = PeerConnection(
      number: lastPeer, peer: peer, application: application, local: Endpoint(configurator.ownAddress, localPort),
      correlation: served.correlation ?? bits.uuid(), step: .ended(reason: ""))
    // 4.5 steps 1 and 3.
    let (errand, asked) = ask(configurator, for: connection, bits: &bits)
    connection.step = .asking(errand)
    peers.append(connection)
    if peers.count > Self.peerLimit, let old = peers.firstIndex(where: \.isEnded) { peers.remove(at: old) }
    return ServedOutcome(
      .json(202, connection.json(at: served.now)), then: [.openDatagrams(port: localPort)] + asked)
  }

  /// A port of the dynamic range (RFC 6335 clause 6) that no connection has.
  private func freePort(bits: inout RandomBits) -> UInt16 {
    while true {
      let port = UInt16(bits.number(in: 49_152...65_535))
      if !peers.contains(where: { $0.local.port == port && !$0.isEnded }) { return port }
    }
  }

  /// `GET /peer-connections`: what became of them, the newest last.
  func listPeers(at now: Moment) -> HTTPResponse {
    .json(200, ["connections": .array(peers.map { $0.json(at: now) })])
  }

  /// `peer-connect`.
  private mutating func ask(
    _ configurator: Candidate, for connection: PeerConnection, bits: inout RandomBits
  ) -> (Courier<PeerErrand>.Errand, [Effect]) {
    var request = HTTPRequest.json(
      "POST", "/connections",
      [
        "peer": connection.peer.json, "application": .string(connection.application),
        "localPort": .int(Int(connection.local.port)),
      ])
    request.bearerToken = memory.token(for: configurator.configuratorId)
    request.idempotencyKey = bits.uuid()
    request.correlation = connection.correlation
    let (errand, effects) = peerCourier.send(
      request, to: configurator.endpoint, for: .connect(connection.number), patience: .longHeld)
    let report = Report(
      .info, "peer-asked", "\(connection.application) of \(connection.peer.agentId) in \(connection.peer.homeId)")
    return (errand, effects + [.report(report)])
  }

  /// `peer-connect-reply`.
  mutating func peerConnected(
    _ number: Int, _ ending: Courier<PeerErrand>.Ending, at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    guard let index = peers.firstIndex(where: { $0.number == number }), case .asking = peers[index].step else {
      return []
    }
    switch ending {
    case .failed(let failure): return endPeer(number, "no answer from the configurator: \(failure)")
    case .answered(let response) where response.status == 200:
      do throws(FieldFault) {
        guard let json = response.json else { throw FieldFault("", "is no JSON") }
        return openSession(number, try PeerGrant(BodyField(json)), at: now, bits: &bits)
      } catch {
        return endPeer(number, "the configurator's reply can't be used: \(error)")
      }
    case .answered(let response):
      return endPeer(number, "the configurator said \(Problem(response)?.description ?? "status \(response.status)")")
    }
  }
}
