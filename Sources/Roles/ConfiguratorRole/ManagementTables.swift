import Messages
import RoleKit

/// The tables of the management database that clause 5 asks of a configurator. Every row is a JSON document under a
/// text key.
///
/// | table | key | document |
/// |---|---|---|
/// | `agents` | agentId | `{body, controlToken, registeredAt, lifetime, first?: {key, token?, digest, status, body}, owed: [...]}`: the registration; times in ms since 1970, lifetime in s |
/// | `applied_configurations` | agentId | `{applied?: {revision, document}, known?: {document, etag?}, refusedRevision?}`: what the server wanted and what the agent has |
/// | `handled_requests` | requestId | `{agentId, receivedAt, result?}`: requests of the server; the result as it was sent |
/// | `owed_deregistrations` | agentId | `{}`: removals that the server has not heard of yet |
/// | `connections` | connectionId | `{requestId, agentId, application, connectionToken, expires, deadline, isOpen, endpoint?, correlation?}`: connections of mobile devices; times in ms since 1970 |
/// | `port_mappings` | owner | `{transport, client, external, gateway, expires, isPermanent}`: what a gateway holds for us; the owner is `connection/` and a connectionId, or `session/` and a sessionId, or `check/` and a requestId |
/// | `htip_frames` | Chassis ID and Port ID | `{frame, source, heardAt, expires}`: what HTIP told, as octets in hexadecimal; times in ms since 1970 |
/// | `sessions` | sessionId | `{agentId, expires, mapped?: {address, port}}`: connections to other homes; the time in ms since 1970 |
/// | `findings` | agentId | `{results: [{requestId, at, kind, result, findings, checks}]}`: the newest 20 results of checks, newest last; `at` in ms since 1970 |
public enum ConfiguratorTables {
  public static let agents = "agents"
  public static let appliedConfigurations = "applied_configurations"
  public static let handledRequests = "handled_requests"
  public static let owedDeregistrations = "owed_deregistrations"
  public static let connections = "connections"
  public static let portMappings = "port_mappings"
  public static let findings = "findings"

  public static let sessions = "sessions"
  public static let htipFrames = "htip_frames"

  /// Every table.
  public static let all = [
    agents, appliedConfigurations, handledRequests, owedDeregistrations, connections, portMappings, sessions,
    htipFrames, findings,
  ]

  static func row(registration record: AgentRecord) -> Row {
    var value: JSONObject = [
      "body": record.registration.body, "controlToken": .string(record.controlToken),
      "registeredAt": .int(record.registeredAt), "lifetime": .int(record.lifetime),
    ]
    if let first = record.first {
      var answer: JSONObject = [
        "key": .string(first.key), "digest": .string(first.digest.text), "status": .int(first.status),
        "body": first.body,
      ]
      if let token = first.token { answer["token"] = .string(token) }
      value["first"] = .object(answer)
    }
    var owed: [JSONValue] = []
    if record.owed.serverRegistration { owed.append("server-register") }
    if record.owed.configuration { owed.append("configuration-request") }
    value["owed"] = .array(owed)
    return Row(agents, record.agentId, .object(value))
  }

  static func row(configuration record: AgentRecord) -> Row {
    var value = JSONObject()
    if let applied = record.applied {
      value["applied"] = ["revision": .int(applied.revision), "document": applied.document]
    }
    if let known = record.known {
      var document: JSONObject = ["document": known.document]
      if let etag = known.etag { document["etag"] = .string(etag) }
      value["known"] = .object(document)
    }
    if let refused = record.refusedRevision { value["refusedRevision"] = .int(refused) }
    return Row(appliedConfigurations, record.agentId, value.isEmpty ? JSONValue?.none : .object(value))
  }

  static func row(request requestId: String, _ handled: HandledRequest) -> Row {
    var value: JSONObject = [
      "agentId": handled.agentId.map { .string($0) } ?? .null, "receivedAt": .int(handled.receivedAt),
    ]
    if case .answered(let result) = handled.state { value["result"] = result }
    return Row(handledRequests, requestId, .object(value))
  }

  /// The registration in a row; `nil` where the document lacks something.
  static func record(_ row: Row) -> AgentRecord? {
    guard let value = row.value, let body = value["body"],
      let registration = try? AgentRegistration(BodyField(body), agentId: row.key),
      let controlToken = value["controlToken"]?.string, let registeredAt = value["registeredAt"]?.int,
      let lifetime = value["lifetime"]?.int
    else { return nil }
    var record = AgentRecord(
      registration: registration, controlToken: controlToken, registeredAt: Int64(registeredAt), lifetime: lifetime)
    if let first = value["first"], let key = first["key"]?.string, let status = first["status"]?.int,
      let digest = first["digest"]?.string.flatMap(IdempotencyCache.Digest.init(text:)), let body = first["body"]
    {
      record.first = AgentRecord.FirstAnswer(
        key: key, token: first["token"]?.string, digest: digest, status: status, body: body)
    }
    let owed = value["owed"]?.array ?? []
    record.owed = AgentRecord.Owed(
      serverRegistration: owed.contains("server-register"), configuration: owed.contains("configuration-request"))
    return record
  }

  /// Adds what a row of `applied_configurations` tells.
  static func restore(_ value: JSONValue, into record: inout AgentRecord) {
    if let applied = value["applied"], let revision = applied["revision"]?.int, let document = applied["document"] {
      record.applied = AgentRecord.Applied(revision: revision, document: document)
    }
    if let known = value["known"], let document = known["document"] {
      record.known = AgentRecord.Known(document: document, etag: known["etag"]?.string)
    }
    record.refusedRevision = value["refusedRevision"]?.int
  }

  static func row(session: AgentSession) -> Row {
    var value: JSONObject = ["agentId": .string(session.agentId), "expires": .int(session.expires)]
    if let mapped = session.mapped {
      value["mapped"] = ["address": .text(mapped.address), "port": .int(Int(mapped.port))]
    }
    return Row(sessions, session.sessionId, .object(value))
  }

  static func session(_ row: Row) -> AgentSession? {
    guard let value = row.value, let agentId = value["agentId"]?.string, let expires = value["expires"]?.int else {
      return nil
    }
    var session = AgentSession(sessionId: row.key, agentId: agentId, expires: Int64(expires))
    if let mapped = value["mapped"], let address = mapped["address"]?.string.flatMap({ IPAddress($0) }),
      let port = mapped["port"]?.int.flatMap({ UInt16(exactly: $0) })
    {
      session.mapped = Endpoint(address, port)
    }
    return session
  }

  static func handled(_ row: Row) -> HandledRequest? {
    guard let value = row.value, let receivedAt = value["receivedAt"]?.int else { return nil }
    return HandledRequest(
      agentId: value["agentId"]?.string, receivedAt: Int64(receivedAt),
      state: value["result"].map { .answered($0) } ?? .interrupted)
  }
}

/// A request of the server that was taken up, so that it is done once however often it comes.
struct HandledRequest: Sendable, Hashable {
  enum State: Sendable, Hashable {
    /// In work until `giveUpAt` (nanoseconds), after which nobody waits for the result.
    case inWork(giveUpAt: UInt64)
    /// In work when the program ended: it is taken up again when it comes again.
    case interrupted
    /// The body of the `request-result`.
    case answered(JSONValue)
  }

  var agentId: String?
  /// Milliseconds since 1970.
  var receivedAt: Int64
  var state: State
}
