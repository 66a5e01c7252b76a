import Messages
import RoleKit

/// 4.4: a mobile device connects to a CE device of this home (profile section 5).
extension Configurator {
  /// Connections that are held at once.
  static let connectionLimit = 256

  // MARK: Step 2

  /// A `request` of kind `control` (4.4 step 2).
  mutating func takeControl(
    _ requestId: String, _ data: BodyField, saving rows: [Row], at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    var connection: RemoteConnection
    do throws(FieldFault) {
      let expires = data["expires"]
      guard let end = ProfileTime.milliseconds(rfc3339: try expires.text()) else { throw expires.fault("is no time") }
      guard end > now.wall else { throw expires.fault("has passed") }
      connection = RemoteConnection(
        connectionId: try data["connectionId"].uuid(), requestId: requestId, agentId: try data["agentId"].uuid(),
        application: try data["application"].text(1...64), token: try data["connectionToken"].text(), expires: end,
        deadline: now.wall + millisecondsLeft(of: requestId, at: now), correlation: data["correlation"].value?.string,
        step: .interrupted)
    } catch {
      return refuse(requestId, .refused, "the control cannot be read: \(error)", saving: rows, at: now)
    }
    guard let record = records[connection.agentId], record.isLive(at: now) else {
      return refuse(requestId, .noAgent, "\(connection.agentId) is not registered", saving: rows, at: now)
    }
    if let known = connections[connection.connectionId], !known.isInterrupted {
      return refuse(requestId, .refused, "\(connection.connectionId) is there already", saving: rows, at: now)
    }
    guard connections.count < Configurator.connectionLimit || connections[connection.connectionId] != nil else {
      return refuse(requestId, .refused, "\(connections.count) connections are open", saving: rows, at: now)
    }
    connections[connection.connectionId] = connection
    var rows = rows + [ConfiguratorTables.row(connection: connection)]
    if let handled = handled[requestId] { rows.append(ConfiguratorTables.row(request: requestId, handled)) }
    return [.save(rows), armDeadline(of: connection, at: now), armEnd(of: connection, at: now)]
      + sendControl(connection.connectionId, record, bits: &bits)
  }

  private func armDeadline(of connection: RemoteConnection, at now: Moment) -> Effect {
    arm(Timer.connectionDeadline, connection.connectionId, connection.deadline, now)
  }

  private func armEnd(of connection: RemoteConnection, at now: Moment) -> Effect {
    arm(Timer.connectionEnd, connection.connectionId, connection.expires, now)
  }

  private func arm(_ name: String, _ key: String, _ wall: Int64, _ now: Moment) -> Effect {
    .arm(TimerName(name, key), after: .milliseconds(UInt64(max(0, wall - now.wall))))
  }

  // MARK: Step 3

  /// `control`.
  private mutating func sendControl(
    _ connectionId: String, _ record: AgentRecord, bits: inout RandomBits
  ) -> [Effect] {
    guard let connection = connections[connectionId], let endpoint = record.registration.configurationURL.endpoint
    else { return unexpected("a control for \(connectionId), which is gone") }
    var request = HTTPRequest.json(
      "POST", "/connections",
      [
        "connectionId": .string(connectionId), "application": .string(connection.application),
        "connectionToken": .string(connection.token), "expires": .string(ProfileTime.rfc3339(connection.expires)),
      ])
    request.bearerToken = record.controlToken
    request.idempotencyKey = bits.uuid()
    request.correlation = connection.correlation
    let (errand, effects) = courier.send(request, to: endpoint, for: .control(connectionId))
    connections[connectionId]?.step = .controlling(errand)
    return effects
  }

  /// `control-reply` (4.4 step 3).
  mutating func controlEnded(
    _ connectionId: String, _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    guard let connection = connections[connectionId], case .controlling(errand) = connection.step else {
      return unexpected("control-reply for \(connectionId), which waits for none")
    }
    switch ending {
    case .answered(let response) where response.status == 200:
      return controlled(connection, response, at: now)
    case .answered(let response) where response.status == 401 && isFresh(connection.agentId, at: now):
      connections[connectionId]?.step = .pausing
      return [.arm(TimerName(Timer.controlAgain, connectionId), after: Configurator.unauthorizedPause)]
    case .answered(let response):
      let problem = Problem(response)
      let passedOn: [ProblemName] = [.noApplication, .applicationDisabled]
      let name = problem?.name.flatMap { passedOn.contains($0) ? $0 : nil } ?? .refused
      return fail(connectionId, name, problem.map { "\($0)" } ?? "status \(response.status)", at: now)
    case .failed(let failure): return fail(connectionId, .noAgent, "no control-reply: \(failure)", at: now)
    }
  }

  private func isFresh(_ agentId: String, at now: Moment) -> Bool {
    work[agentId]?.repliedAt.map { now.monotonic < $0 + Configurator.unauthorizedGrace } ?? false
  }

  mutating func controlAgain(_ connectionId: String, bits: inout RandomBits) -> [Effect] {
    guard let connection = connections[connectionId], case .pausing = connection.step,
      let record = records[connection.agentId]
    else { return unexpected("another control for \(connectionId), which is gone or busy") }
    return sendControl(connectionId, record, bits: &bits)
  }

  private mutating func controlled(
    _ connection: RemoteConnection, _ response: HTTPResponse, at now: Moment
  ) -> [Effect] {
    let connectionId = connection.connectionId
    let endpoint: ApplicationEndpoint
    do throws(FieldFault) {
      endpoint = try ApplicationEndpoint(BodyField(response.json ?? .null))
    } catch {
      return fail(connectionId, .refused, "the control-reply cannot be used: \(error)", at: now)
    }
    // Whoever answers speaks for its own address only: nobody can have a port mapped to somebody else.
    guard records[connection.agentId]?.registration.configurationURL.address == endpoint.endpoint.address else {
      return fail(connectionId, .refused, "\(endpoint.endpoint) is not the agent's own address", at: now)
    }
    connections[connectionId]?.endpoint = endpoint
    connections[connectionId]?.step = .mapping
    // 4.4 step 4, if needed.
    return [.save([ConfiguratorTables.row(connection: connections[connectionId] ?? connection)])]
      + requestMapping(
        for: .connection(connectionId), endpoint.transport, to: endpoint.endpoint, until: connection.expires,
        correlation: connection.correlation, at: now)
  }

  // MARK: Step 5

  /// The gateway has answered, or none was needed: the result goes to the server (4.4 step 5).
  mutating func connectionMapped(_ connectionId: String, _ outcome: MappingOutcome, at now: Moment) -> [Effect] {
    guard let connection = connections[connectionId], case .mapping = connection.step,
      var endpoint = connection.endpoint
    else { return unexpected("a mapping for \(connectionId), which waits for none") }
    var lifetime = Int(max(0, connection.expires - now.wall) / 1000)
    switch outcome {
    case .notNeeded: break
    case .mapped(let external, let lease):
      endpoint.endpoint = external
      lifetime = min(lifetime, lease)
    case .refused(let reason): return fail(connectionId, .gatewayRefused, reason, at: now)
    }
    connections[connectionId]?.step = .reporting
    let (rows, effects) = conclude(
      connection.requestId, ["result": "ok", "endpoint": endpoint.json, "lifetime": .int(lifetime)],
      correlation: connection.correlation, at: now)
    return [.save(rows)] + effects
  }

  /// The connection comes to nothing: the server is told, and what there is of it goes.
  private mutating func fail(
    _ connectionId: String, _ problem: ProblemName, _ reason: String, at now: Moment
  ) -> [Effect] {
    guard let connection = connections[connectionId] else { return [] }
    let (rows, effects) = conclude(
      connection.requestId, ["result": "failed", "problem": .string(problem.rawValue)],
      correlation: connection.correlation, at: now)
    return [.save(rows), .report(Report(.warning, "connection-refused", "\(connectionId): \(reason)"))] + effects
      + endConnection(connectionId, at: now)
  }

  /// The server has taken the result of a control, or has given it up.
  mutating func controlReported(_ requestId: String, _ ending: Courier<Purpose>.Ending, at now: Moment) -> [Effect] {
    guard let connection = connections.values.first(where: { $0.requestId == requestId }), !connection.isEnding else {
      return []
    }
    switch ending {
    case .answered(let response) where response.status == 204:
      connections[connection.connectionId]?.step = .open
      return [
        .save([ConfiguratorTables.row(connection: connections[connection.connectionId] ?? connection)]),
        .disarm(TimerName(Timer.connectionDeadline, connection.connectionId)),
        .report(Report(.info, "connection-open", "\(connection.connectionId): \(connection.application)")),
      ]
    case .answered(let response) where response.status == 404 || response.status == 422:
      return endConnection(connection.connectionId, at: now)
    // It may ask again on the next stream; the deadline ends what it does not.
    case .answered, .failed:
      return connection.deadline > now.wall ? [] : endConnection(connection.connectionId, at: now)
    }
  }

  /// The server has come (back). Where it took a result and we did not hear so, before a crash or a loss, it does not
  /// ask again: such results are told once more, which changes nothing there, and its answer decides.
  mutating func confirmResults(at now: Moment) -> [Effect] {
    var effects: [Effect] = []
    for connection in connections.values.sorted(by: { $0.connectionId < $1.connectionId }) {
      switch connection.step {
      case .interrupted, .reporting: break
      case .controlling, .pausing, .mapping, .open, .endingAtAgent, .unmapping: continue
      }
      guard case .answered(let result) = handled[connection.requestId]?.state else { continue }
      guard result["result"]?.string == "ok" else {
        // It came to nothing, and the crash was faster than its end.
        effects += endConnection(connection.connectionId, at: now)
        continue
      }
      connections[connection.connectionId]?.step = .reporting
      effects += sendResult(connection.requestId, result, correlation: connection.correlation)
    }
    return effects
  }

  /// The deadline of a control has passed, and the server has not taken its result: nobody knows of the connection.
  mutating func connectionOverdue(_ connectionId: String, at now: Moment) -> [Effect] {
    guard let connection = connections[connectionId] else {
      return unexpected("the deadline of \(connectionId), which is gone")
    }
    switch connection.step {
    case .open, .endingAtAgent, .unmapping: return unexpected("the deadline of \(connectionId), which was kept")
    // The server may have taken the result already: its answer decides.
    case .reporting where courier.errands.contains(where: { $0.purpose == .requestResult(connection.requestId) }):
      return []
    case .controlling, .pausing, .mapping, .reporting, .interrupted: break
    }
    let (rows, effects) = conclude(
      connection.requestId, ["result": "failed", "problem": .string(ProblemName.configuratorTimeout.rawValue)],
      correlation: connection.correlation, at: now)
    let report = Report(.warning, "connection-overdue", "\(connectionId): not there in time")
    return (rows.isEmpty ? [] : [.save(rows)]) + [.report(report)] + effects + endConnection(connectionId, at: now)
  }
}
