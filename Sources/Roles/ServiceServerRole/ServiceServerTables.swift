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
public enum ServiceServerTables {
  public static let homes = "homes"
  public static let agents = "agents"
  public static let configurations = "configurations"
  public static let requests = "requests"

  /// Every table, in the order in which rows are read back.
  public static let all = [homes, agents, configurations, requests]

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

  /// A stored fact, read back.
  enum Fact: Sendable {
    case home(String, HomeTokens)
    case agent(String, of: String, RegisteredAgent)
    case configuration(StoredConfiguration, agent: String, of: String)
    case request(HomeRequest, of: String)
  }

  /// `nil` where the row is of no known table or its document lacks something.
  static func fact(_ row: Row) -> Fact? {
    guard let value = row.value else { return nil }
    if row.table == homes {
      guard let homeToken = value["homeToken"]?.string, let userToken = value["userToken"]?.string else { return nil }
      return .home(row.key, HomeTokens(homeToken: homeToken, userToken: userToken))
    }
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
    default: return nil
    }
  }
}
