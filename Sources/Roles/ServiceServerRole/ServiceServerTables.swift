import Messages
import RoleKit

/// The tables of the service server's store. Every row is a JSON document under a text key.
///
/// | table | key | document |
/// |---|---|---|
/// | `homes` | homeId | `{homeToken, userToken}` |
/// | `agents` | homeId/agentId | `{homeId, agentId, body, registeredAt, lifetime}`; times in ms since 1970, lifetime in s |
/// | `configurations` | homeId/agentId | `{homeId, agentId, revision, document}` |
/// | `requests` | requestId | `{homeId, requestId, number, kind, agentId, deadline, details, correlation?, result?}` |
/// | `connections` | connectionId | `{homeId, connectionId, agentId, application, endpoint, expires, ending?}`; the time in ms since 1970, `ending` the requestId of the `disconnect` |
/// | `waiting_halves` | the half's name | `{half, lapsesAt}`: half of a connection between homes that waits for the other |
/// | `sessions` | sessionId | `{checkKey, requestId, expires, isOver, controlling, controlled}`; a side is `{half, token, candidates}`, a half `{homeId, agentId, peer, application, natMapping, natFiltering, key?, correlation?}` |
public enum ServiceServerTables {
  public static let homes = "homes"
  public static let agents = "agents"
  public static let configurations = "configurations"
  public static let requests = "requests"
  public static let connections = "connections"
  public static let waitingHalves = "waiting_halves"
  public static let sessions = "sessions"

  /// Every table, in the order in which rows are read back.
  public static let all = [homes, agents, configurations, requests, connections, waitingHalves, sessions]

  static func row(home homeId: String, _ tokens: HomeTokens) -> Row {
    Row(homes, homeId, ["homeToken": .string(tokens.homeToken), "userToken": .string(tokens.userToken)])
  }

  /// `nil` deletes the row.
  static func row(agent agentId: String, of homeId: String, _ agent: RegisteredAgent?) -> Row {
    Row(
      agents, "\(homeId)/\(agentId)",
      agent.map {
        [
          "homeId": .string(homeId), "agentId": .string(agentId), "body": $0.body,
          "registeredAt": .int($0.registeredAt),
          "lifetime": .int($0.lifetime),
        ]
      })
  }

  static func row(configuration: StoredConfiguration, agent agentId: String, of homeId: String) -> Row {
    Row(
      configurations, "\(homeId)/\(agentId)",
      [
        "homeId": .string(homeId), "agentId": .string(agentId), "revision": .int(configuration.revision),
        "document": configuration.document,
      ])
  }

  static func row(request: HomeRequest, of homeId: String) -> Row {
    var value: JSONObject = [
      "homeId": .string(homeId), "requestId": .string(request.requestId), "number": .int(request.number),
      "kind": .string(request.kind.rawValue), "agentId": .string(request.agentId), "deadline": .int(request.deadline),
      "details": .object(request.details),
    ]
    if let correlation = request.correlation { value["correlation"] = .string(correlation) }
    if case .answered(let result) = request.state { value["result"] = result }
    return Row(requests, request.requestId, .object(value))
  }

  /// `nil` deletes the row.
  static func row(connection connectionId: String, of homeId: String, _ connection: MobileConnection?) -> Row {
    Row(
      connections, connectionId,
      connection.map {
        var value: JSONObject = [
          "homeId": .string(homeId), "connectionId": .string(connectionId), "agentId": .string($0.agentId),
          "application": .string($0.application), "endpoint": $0.endpoint, "expires": .int($0.expires),
        ]
        if case .ending(let requestId) = $0.state { value["ending"] = .string(requestId) }
        return .object(value)
      })
  }

  /// A stored fact, read back.
  enum Fact: Sendable {
    case home(String, HomeTokens)
    case agent(String, of: String, RegisteredAgent)
    case configuration(StoredConfiguration, agent: String, of: String)
    case request(HomeRequest, of: String)
    case connection(MobileConnection, of: String)
    case waitingHalf(WaitingHalf)
    case session(PeerSession)
  }

  /// `nil` where the row is of no known table or its document lacks something.
  static func fact(_ row: Row) -> Fact? {
    guard let value = row.value else { return nil }
    if row.table == homes {
      guard let homeToken = value["homeToken"]?.string, let userToken = value["userToken"]?.string else { return nil }
      return .home(row.key, HomeTokens(homeToken: homeToken, userToken: userToken))
    }
    if row.table == waitingHalves { return waitingHalf(value).map { .waitingHalf($0) } }
    if row.table == sessions { return session(value, sessionId: row.key).map { .session($0) } }
    guard let homeId = value["homeId"]?.string, let agentId = value["agentId"]?.string else { return nil }
    switch row.table {
    case agents:
      guard let body = value["body"], let registeredAt = value["registeredAt"]?.int,
        let lifetime = value["lifetime"]?.int
      else { return nil }
      return .agent(
        agentId, of: homeId,
        RegisteredAgent(body: body, registeredAt: Int64(registeredAt), lifetime: lifetime))
    case configurations:
      guard let revision = value["revision"]?.int, let document = value["document"] else { return nil }
      return .configuration(StoredConfiguration(revision: revision, document: document), agent: agentId, of: homeId)
    case requests:
      guard let requestId = value["requestId"]?.string, let number = value["number"]?.int,
        let kind = value["kind"]?.string.flatMap(RequestKind.init), let deadline = value["deadline"]?.int,
        let details = value["details"]?.object
      else { return nil }
      return .request(
        HomeRequest(
          requestId: requestId, number: number, kind: kind, agentId: agentId, deadline: Int64(deadline),
          details: details, correlation: value["correlation"]?.string,
          state: value["result"].map { .answered($0) } ?? .open),
        of: homeId)
    case connections:
      guard let connectionId = value["connectionId"]?.string, let application = value["application"]?.string,
        let endpoint = value["endpoint"], let expires = value["expires"]?.int
      else { return nil }
      return .connection(
        MobileConnection(
          connectionId: connectionId, agentId: agentId, application: application, endpoint: endpoint,
          expires: Int64(expires), state: value["ending"]?.string.map { .ending(requestId: $0) } ?? .open),
        of: homeId)
    default: return nil
    }
  }
}
