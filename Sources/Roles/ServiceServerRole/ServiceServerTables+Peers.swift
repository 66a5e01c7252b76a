import Messages
import RoleKit

/// Rows of Sequence 4: halves that wait, and sessions.
extension ServiceServerTables {
  static func row(waiting name: String, _ waiting: WaitingHalf) -> Row {
    Row(waitingHalves, name, ["half": value(waiting.half), "lapsesAt": .int(waiting.lapsesAt)])
  }

  static func row(session: PeerSession) -> Row {
    Row(
      sessions, session.sessionId,
      [
        "checkKey": .string(session.checkKey), "requestId": .string(session.requestId),
        "expires": .int(session.expires), "isOver": .bool(session.isOver),
        "controlling": value(session.controlling), "controlled": value(session.controlled),
      ])
  }

  private static func value(_ half: PeerHalf) -> JSONValue {
    var value: JSONObject = [
      "homeId": .string(half.agent.homeId), "agentId": .string(half.agent.agentId), "peer": half.peer.json,
      "application": .string(half.application), "natMapping": .string(half.natMapping.rawValue),
      "natFiltering": .string(half.natFiltering.rawValue),
    ]
    if let key = half.key { value["key"] = .string(key) }
    if let correlation = half.correlation { value["correlation"] = .string(correlation) }
    return .object(value)
  }

  private static func value(_ side: PeerSession.Side) -> JSONValue {
    [
      "half": value(side.half), "token": .string(side.token), "candidates": .array(side.candidates.map(\.json)),
    ]
  }

  static func waitingHalf(_ value: JSONValue) -> WaitingHalf? {
    guard let half = value["half"].flatMap(ServiceServerTables.half), let lapsesAt = value["lapsesAt"]?.int else {
      return nil
    }
    return WaitingHalf(half: half, lapsesAt: Int64(lapsesAt))
  }

  static func session(_ value: JSONValue, sessionId: String) -> PeerSession? {
    guard let checkKey = value["checkKey"]?.string, let requestId = value["requestId"]?.string,
      let expires = value["expires"]?.int, let isOver = value["isOver"]?.bool,
      let controlling = value["controlling"].flatMap(ServiceServerTables.side),
      let controlled = value["controlled"].flatMap(side)
    else { return nil }
    return PeerSession(
      sessionId: sessionId, checkKey: checkKey, requestId: requestId, expires: Int64(expires), isOver: isOver,
      controlling: controlling, controlled: controlled)
  }

  private static func half(_ value: JSONValue) -> PeerHalf? {
    guard let agent = ServiceServerTables.agent(value), let peer = value["peer"].flatMap(ServiceServerTables.agent),
      let application = value["application"]?.string,
      let mapping = value["natMapping"]?.string.flatMap(NATBehaviourWord.init),
      let filtering = value["natFiltering"]?.string.flatMap(NATBehaviourWord.init)
    else { return nil }
    return PeerHalf(
      agent: agent, peer: peer, application: application, natMapping: mapping, natFiltering: filtering,
      key: value["key"]?.string, correlation: value["correlation"]?.string)
  }

  private static func agent(_ value: JSONValue) -> PeerAgent? {
    guard let homeId = value["homeId"]?.string, let agentId = value["agentId"]?.string else { return nil }
    return PeerAgent(homeId: homeId, agentId: agentId)
  }

  private static func side(_ value: JSONValue) -> PeerSession.Side? {
    guard let half = value["half"].flatMap(ServiceServerTables.half), let token = value["token"]?.string,
      let candidates = value["candidates"]?.array
    else { return nil }
    return PeerSession.Side(
      half: half, token: token, candidates: candidates.compactMap { try? PeerCandidate(BodyField($0)) })
  }
}
