import Messages
import RoleKit

/// 4.2 step 4, 4.3 step 5: the configurator registers the agent's information with the service server (profile
/// section 4).
extension Configurator {
  /// A request to the server below the home's own path.
  func serverRequest(_ method: String, _ path: String, body: JSONValue? = nil, correlation: String?) -> HTTPRequest? {
    guard let server = settings.server else { return nil }
    let target = "/v1/homes/\(server.homeId)\(path)"
    var request = body.map { HTTPRequest.json(method, target, $0) } ?? HTTPRequest(method, target)
    request.bearerToken = server.homeToken
    request.correlation = correlation
    return request
  }

  /// Begins the work for an agent that is idle: at a registration, when the server comes back, or at its request.
  mutating func begin(_ agentId: String, _ scope: AgentWork.Scope) -> [Effect] {
    guard let record = records[agentId], case .idle = work[agentId]?.step ?? .idle else {
      return unexpected("work for \(agentId), which is busy or gone")
    }
    if record.owed.serverRegistration { return registerAtServer(record, scope) }
    if record.owed.configuration || work[agentId]?.requests.isEmpty == false { return requestConfiguration(agentId) }
    work[agentId]?.step = .idle
    return []
  }

  /// `server-register`: at every `register`, refresh included, once its reply is written.
  private mutating func registerAtServer(_ record: AgentRecord, _ scope: AgentWork.Scope) -> [Effect] {
    let agentId = record.agentId
    var body = record.registration.body
    body["configuratorId"] = .string(settings.configuratorId)
    body["revision"] = record.applied.map { .int($0.revision) } ?? .null
    // The server is told the lifetime that holds.
    body["lifetime"] = .int(min(max(record.lifetime, 60), 86_400))
    let correlation = work[agentId]?.correlation
    guard let server = settings.server,
      let request = serverRequest("PUT", "/agents/\(agentId)", body: body, correlation: correlation)
    else { return unexpected("a server registration without a server") }
    let (errand, effects) = courier.send(request, to: server.endpoint, for: .serverRegister(agentId))
    work[agentId, default: AgentWork()].step = .registering(errand, scope)
    return effects
  }

  mutating func serverRegisterEnded(
    _ agentId: String, _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    guard case .registering(errand, let scope) = work[agentId]?.step, var record = records[agentId] else {
      return unexpected("server-register-reply for \(agentId), which is not being registered")
    }
    switch ending {
    case .answered(let response) where response.status == 200 || response.status == 201:
      record.owed.serverRegistration = false
      let revision = response.json?["revision"]?.int
      // A refresh leads on to steps 5 to 7 only where an update has been missed.
      let isMissed =
        scope == .refresh && settings.configurationPull && revision != nil && revision != record.applied?.revision
        && revision != record.refusedRevision
      if isMissed { record.owed.configuration = true }
      records[agentId] = record
      let save = Effect.save([ConfiguratorTables.row(registration: record)])
      if record.owed.configuration || work[agentId]?.requests.isEmpty == false {
        return [save] + requestConfiguration(agentId)
      }
      return [save] + finish(agentId, nil, at: now)
    case .answered(let response):
      // A body that it refuses it will refuse again; a home that it does not know (yet), or a full or failing server,
      // is another matter: that stays owed until the stream opens.
      if response.status < 500, ![401, 403, 404, 429].contains(response.status) { record.owed = AgentRecord.Owed() }
      records[agentId] = record
      let problem = Problem(response).map { "\($0)" } ?? "status \(response.status)"
      return [
        .save([ConfiguratorTables.row(registration: record)]),
        .report(Report(.warning, "server-register-refused", "\(agentId): \(problem)")),
      ] + finish(agentId, .refused, at: now)
    case .failed(let failure):
      return [.report(Report(.warning, "server-unreachable", "\(agentId) is not registered there: \(failure)"))]
        + finish(agentId, .refused, at: now)
    }
  }

  // MARK: server-deregister

  mutating func sendDeregistration(of agentId: String, correlation: String?) -> [Effect] {
    guard let server = settings.server,
      let request = serverRequest("DELETE", "/agents/\(agentId)", correlation: correlation)
    else { return [] }
    return courier.send(request, to: server.endpoint, for: .serverDeregister(agentId)).effects
  }

  mutating func serverDeregisterEnded(_ agentId: String, _ ending: Courier<Purpose>.Ending) -> [Effect] {
    switch ending {
    case .failed(let failure):
      return [.report(Report(.warning, "server-unreachable", "\(agentId) is still registered there: \(failure)"))]
    case .answered(let response) where response.status >= 500 || response.status == 429:
      return [
        .report(Report(.warning, "server-unreachable", "\(agentId) is still registered there: \(response.status)"))
      ]
    case .answered(let response):
      owedDeregistrations.remove(agentId)
      let save = Effect.save([Row(ConfiguratorTables.owedDeregistrations, agentId, nil)])
      guard response.status != 204, response.status != 404 else { return [save] }
      return [save, .report(Report(.warning, "server-deregister-refused", "\(agentId): status \(response.status)"))]
    }
  }

  /// The server has come (back): what could not be told it is told now.
  mutating func catchUp(at now: Moment) -> [Effect] {
    var effects: [Effect] = []
    for agentId in owedDeregistrations.sorted()
    where !courier.errands.contains(where: { $0.purpose == .serverDeregister(agentId) }) {
      effects += sendDeregistration(of: agentId, correlation: nil)
    }
    for (agentId, record) in records.sorted(by: { $0.key < $1.key })
    where !record.owed.isNothing && record.isLive(at: now) {
      guard case .idle = work[agentId]?.step ?? .idle else { continue }
      effects += begin(agentId, .whole)
    }
    return effects
  }
}
