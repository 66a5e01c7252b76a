import Messages
import RoleKit

/// What the agent keeps across restarts, and the rows in which it does.
struct AgentMemory: Sendable {
  /// A `register` whose answer never came: it is repeated with the same key, so that a configurator that took it
  /// without our hearing of it gives the same answer again, token included (profile section 3).
  struct Unanswered: Sendable, Hashable {
    var configuratorId: String
    var key: String
    var body: JSONValue
  }

  /// The control token of each configurator that the agent registered with, oldest registration first.
  private(set) var tokens: [(configuratorId: String, token: String)] = []
  /// The configurator that the agent registered with last.
  private(set) var lastConfigurator: String?
  private(set) var unanswered: Unanswered?
  var document = ConfigurationDocument()
  /// Connections from outside, by connectionId.
  private(set) var connections: [String: GrantedConnection] = [:]

  /// More configurators than any home has; the one registered with longest ago is forgotten first.
  static let tokenLimit = 32

  private static let tokenTable = "token"
  private static let agentTable = "agent"
  private static let connectionTable = "connection"
  fileprivate static let tables = [tokenTable, agentTable, connectionTable]

  init() {}

  /// Reads the rows of an earlier run; rows of another shape are left out.
  init(rows: [Row]) {
    var found: [(configuratorId: String, token: String, order: Int)] = []
    for row in rows {
      switch (row.table, row.key) {
      case (Self.tokenTable, let id):
        guard let token = row.value?["token"]?.string else { continue }
        found.append((id, token, row.value?["order"]?.int ?? 0))
      case (Self.agentTable, "configurator"): lastConfigurator = row.value?["configuratorId"]?.string
      case (Self.agentTable, "unanswered"):
        guard let id = row.value?["configuratorId"]?.string, let key = row.value?["key"]?.string,
          let body = row.value?["body"]
        else { continue }
        unanswered = Unanswered(configuratorId: id, key: key, body: body)
      case (Self.agentTable, "configuration"):
        guard let content = row.value?["document"], content.object != nil, let version = row.value?["version"]?.int
        else { continue }
        document = ConfigurationDocument(content: content, version: version)
      case (Self.connectionTable, let id):
        guard let value = row.value, let connection = try? GrantedConnection(BodyField(value)) else { continue }
        connections[id] = connection
      default: continue
      }
    }
    tokens = found.sorted { ($0.order, $0.configuratorId) < ($1.order, $1.configuratorId) }.map { ($0.0, $0.1) }
    nextOrder = (found.map(\.order).max() ?? 0) + 1
  }

  private var nextOrder = 1

  func token(for configuratorId: String) -> String? { tokens.first { $0.configuratorId == configuratorId }?.token }

  /// The only configurator that the agent may register with before its fourth search: the one that it registered with
  /// last, while it holds that one's token (profile section 2).
  var known: String? { lastConfigurator.flatMap { token(for: $0) == nil ? nil : $0 } }

  mutating func registered(with id: String, token: String) -> [Row] {
    let unchanged = lastConfigurator == id && self.token(for: id) == token && unanswered == nil
    if unchanged { return [] }
    tokens.removeAll { $0.configuratorId == id }
    tokens.append((id, token))
    lastConfigurator = id
    var rows = [
      Row(Self.tokenTable, id, ["token": .string(token), "order": .int(nextOrder)]),
      Row(Self.agentTable, "configurator", ["configuratorId": .string(id)]),
    ]
    nextOrder += 1
    while tokens.count > Self.tokenLimit { rows.append(Row(Self.tokenTable, tokens.removeFirst().configuratorId, nil)) }
    return rows + answered()
  }

  mutating func deregistered(from id: String) -> [Row] {
    tokens.removeAll { $0.configuratorId == id }
    var rows = [Row(Self.tokenTable, id, nil)]
    if lastConfigurator == id {
      lastConfigurator = nil
      rows.append(Row(Self.agentTable, "configurator", nil))
    }
    return rows
  }

  /// Remembers a `register` that goes out. With a token a repeat needs no key, so only one without is made durable.
  mutating func asked(_ register: Unanswered) -> [Row] {
    if unanswered == register { return [] }
    unanswered = register
    guard token(for: register.configuratorId) == nil else { return [] }
    return [
      Row(
        Self.agentTable, "unanswered",
        ["configuratorId": .string(register.configuratorId), "key": .string(register.key), "body": register.body])
    ]
  }

  /// Forgets the `register` that went out, since its answer came.
  mutating func answered() -> [Row] {
    guard unanswered != nil else { return [] }
    unanswered = nil
    return [Row(Self.agentTable, "unanswered", nil)]
  }

  /// Holds a connection; one of the same connectionId is replaced.
  mutating func grant(_ connection: GrantedConnection) -> Row {
    connections[connection.connectionId] = connection
    return Row(
      Self.connectionTable, connection.connectionId,
      [
        "connectionId": .string(connection.connectionId), "application": .string(connection.application),
        "connectionToken": .string(connection.token), "expires": .string(ProfileTime.rfc3339(connection.expires)),
      ])
  }

  mutating func revoke(_ connectionId: String) -> Row {
    connections[connectionId] = nil
    return Row(Self.connectionTable, connectionId, nil)
  }

  func configurationRow() -> Row {
    Row(
      Self.agentTable, "configuration",
      ["document": document.content, "version": .int(document.version)])
  }
}

extension CEAgent {
  /// The tables of the agent's store, in the order in which they came to be; each row is a JSON document under a key.
  ///
  /// | table | key | document |
  /// |---|---|---|
  /// | `token` | configuratorId | `{token, order}`: the control token, and when it came among the others |
  /// | `agent` | `configurator` | `{configuratorId}`: whom the agent registered with last |
  /// | `agent` | `unanswered` | `{configuratorId, key, body}`: a first `register` whose answer never came |
  /// | `agent` | `configuration` | `{document, version}`: the configuration document |
  /// | `connection` | connectionId | `{connectionId, application, connectionToken, expires}`: as `control` told it |
  public static let tables = AgentMemory.tables
}
