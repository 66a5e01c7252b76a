import Messages
import RoleKit

/// A connection of a mobile device to a CE device, as its home's configurator has set it up.
struct MobileConnection: Sendable, Hashable {
  enum State: Sendable, Hashable {
    case open
    /// The mobile device has ended it, and this request tells the configurator so.
    case ending(requestId: String)
  }

  var connectionId: String
  var agentId: String
  var application: String
  /// `{address, port, protocol}`, where the mobile device finds the application.
  var endpoint: JSONValue
  /// Milliseconds since 1970.
  var expires: Int64
  var state: State = .open
}

/// A `connect` whose reply is held until its request to the configurator comes to an end.
struct HeldConnect: Sendable, Hashable {
  var exchange: Exchange
  var correlation: String?
  /// Whether the same request may come again and get the same answer.
  var isRepeatable: Bool
  /// The caller has hung up.
  var isAbandoned = false
}

/// 4.4: a mobile device outside the home connects to a CE device (profile section 5).
extension ServiceServer {
  /// Connections of one home that are open or asked for at once.
  static let connectionLimit = 256

  // MARK: Step 1

  /// `connect` (4.4 step 1), which leads to step 2 at once: a `request` of kind `control`. The reply is held.
  mutating func connect(_ served: ServedRequest, bits: inout RandomBits) throws(Refusal) -> Served {
    let homeId = served["homeId"]
    let body = try front.object(in: served.request)
    let agentId: String
    let application: String
    do throws(FieldFault) {
      agentId = try body["agentId"].uuid()
      application = try body["application"].text(1...64)
    } catch {
      throw Refusal(error)
    }
    guard let home = homes[homeId], home.agents[agentId]?.isLive(at: served.now) == true else { throw noAgent(agentId) }
    guard !home.streams.isEmpty else { throw offline(homeId) }
    guard home.connections.count + held.count < ServiceServer.connectionLimit else {
      throw Refusal(.tooManyRequests, "the home has \(ServiceServer.connectionLimit) connections already")
    }
    let details: JSONObject = [
      "application": .string(application), "connectionId": .string(bits.uuid()),
      "connectionToken": .string(bits.token()),
      "expires": .string(ProfileTime.rfc3339(served.now.wall + Int64(settings.connectionLifetime) * 1000)),
    ]
    // 4.4 step 2.
    let asked = try ask(
      .control, of: homeId, agent: agentId, details: details, correlation: served.correlation, at: served.now,
      bits: &bits)
    held[asked.requestId] = HeldConnect(
      exchange: served.exchange, correlation: served.correlation, isRepeatable: served.request.idempotencyKey != nil)
    return .held(rows: asked.rows, effects: asked.effects)
  }

  func offline(_ homeId: String) -> Refusal {
    Refusal(.configuratorOffline, "the configurator of \(homeId) has no stream open")
  }

  // MARK: Step 5

  /// What is asked of a `request-result` for a `control` beyond the rules for all results.
  func checkControlled(_ body: BodyField) throws(FieldFault) {
    enum Transport: String, CaseIterable { case tcp, udp }
    let endpoint = body["endpoint"]
    _ = try endpoint["address"].address()
    _ = try endpoint["port"].port()
    _ = try endpoint["protocol"].word(Transport.self)
    if !body["lifetime"].isAbsent { _ = try body["lifetime"].int(0...Int(Int32.max)) }
  }

  /// 4.4 steps 5 and 6: the configurator has answered; the mobile device is told.
  mutating func controlled(
    _ request: HomeRequest, _ result: JSONValue, of homeId: String, at now: Moment, bits: inout RandomBits
  ) -> (rows: [Row], effects: [Effect]) {
    guard result["result"]?.string != "failed" else {
      let problem = result["problem"]?.string.flatMap { ProblemName(rawValue: $0) } ?? .refused
      return ([], answerConnect(request.requestId, connectRefusal(problem, request).response, at: now))
    }
    guard let connectionId = request.details["connectionId"]?.string,
      let token = request.details["connectionToken"]?.string,
      let wished = request.details["expires"]?.string.flatMap({ ProfileTime.milliseconds(rfc3339: $0) })
    else { return ([], [.report(Report(.error, "ignored", "the control \(request.requestId) lacks its connection"))]) }
    // The mapping's lease bounds the connection.
    let lease = result["lifetime"]?.int.map { now.wall + Int64($0) * 1000 } ?? wished
    let connection = MobileConnection(
      connectionId: connectionId, agentId: request.agentId, application: request.details["application"]?.string ?? "",
      endpoint: result["endpoint"] ?? [:], expires: min(wished, lease))
    guard let caller = held[request.requestId], caller.isRepeatable || !caller.isAbandoned else {
      // Whoever asked has gone and will not ask with the same key: nobody can use the connection.
      held[request.requestId] = nil
      return abandon(connection, request, of: homeId, at: now, bits: &bits)
    }
    homes[homeId]?.connections[connectionId] = connection
    let reply = HTTPResponse.json(
      201,
      [
        "connectionId": .string(connectionId), "endpoint": connection.endpoint, "connectionToken": .string(token),
        "expires": .string(ProfileTime.rfc3339(connection.expires)),
      ])
    return (
      [ServiceServerTables.row(connection: connectionId, of: homeId, connection)],
      answerConnect(request.requestId, reply, at: now) + [armExpiry(of: connection, at: now)]
    )
  }

  private func connectRefusal(_ problem: ProblemName, _ request: HomeRequest) -> Refusal {
    let application = (request.details["application"]?.string ?? "").prefix(64)
    switch problem {
    case .noAgent: return Refusal(.noAgent, "the agent \(request.agentId) is not to be reached in its home")
    case .noApplication: return Refusal(.noApplication, "the agent has no application \(application)")
    case .applicationDisabled: return Refusal(.applicationDisabled, "\(application) may not be reached from outside")
    case .gatewayRefused: return Refusal(.gatewayRefused, "the home gateway gave no port")
    default: return Refusal(.refused, "the configurator refused: \(problem.rawValue)")
    }
  }

  /// 4.4 step 6, `connect-reply`: to whoever asked, and to those who asked with the same key meanwhile.
  private mutating func answerConnect(_ requestId: String, _ response: HTTPResponse, at now: Moment) -> [Effect] {
    guard let caller = held.removeValue(forKey: requestId) else {
      return [.report(Report(.notice, "caller-left", "nobody waits for the connection of \(requestId)"))]
    }
    let waiting = idempotency.settle(caller.exchange, with: response, at: now)
    return [.reply(caller.exchange, response.repeating(correlation: caller.correlation))]
      + waiting.map { .reply($0, response) }
  }

  /// No result came in time: 504.
  mutating func controlOverdue(_ request: HomeRequest, at now: Moment) -> [Effect] {
    let refusal = Refusal(.configuratorTimeout, "the configurator gave no result in \(RequestKind.control.seconds) s")
    return answerConnect(request.requestId, refusal.response, at: now)
  }

  /// The caller of a held `connect` has hung up. With a key it may come again, without one nobody can.
  mutating func leaveConnect(_ exchange: Exchange) {
    for (requestId, caller) in held where caller.exchange == exchange { held[requestId]?.isAbandoned = true }
  }

  /// Ends a connection that nobody was told of.
  private mutating func abandon(
    _ connection: MobileConnection, _ request: HomeRequest, of homeId: String, at now: Moment, bits: inout RandomBits
  ) -> (rows: [Row], effects: [Effect]) {
    let report = Effect.report(
      Report(.notice, "caller-left", "the connection \(connection.connectionId) is ended: nobody waits for it"))
    let details: JSONObject = ["connectionId": .string(connection.connectionId)]
    guard
      let asked = try? ask(
        .disconnect, of: homeId, agent: connection.agentId, details: details, correlation: request.correlation, at: now,
        bits: &bits)
    else { return ([], [report]) }
    return (asked.rows, [report] + asked.effects)
  }

  // MARK: The end

  /// `disconnect`: 204 at once; the configurator is told by a `request` of kind `disconnect`.
  mutating func disconnect(_ served: ServedRequest, bits: inout RandomBits) throws(Refusal) -> ServedOutcome {
    let (homeId, connectionId) = (served["homeId"], served["connectionId"])
    guard let home = homes[homeId], var connection = home.connections[connectionId] else {
      throw noConnection(connectionId)
    }
    if case .ending = connection.state { return ServedOutcome(HTTPResponse(204)) }
    guard !home.streams.isEmpty else { throw offline(homeId) }
    let asked = try ask(
      .disconnect, of: homeId, agent: connection.agentId, details: ["connectionId": .string(connectionId)],
      correlation: served.correlation, at: served.now, bits: &bits)
    connection.state = .ending(requestId: asked.requestId)
    homes[homeId]?.connections[connectionId] = connection
    return ServedOutcome(
      HTTPResponse(204), rows: asked.rows + [ServiceServerTables.row(connection: connectionId, of: homeId, connection)],
      then: asked.effects)
  }

  func noConnection(_ connectionId: String) -> Refusal {
    .notFound("there is no connection \(connectionId.prefix(64))")
  }

  /// The configurator has ended a connection, or could not: then it may be ended again.
  mutating func disconnected(
    _ request: HomeRequest, _ result: JSONValue?, of homeId: String
  ) -> (rows: [Row], effects: [Effect]) {
    guard let connectionId = request.details["connectionId"]?.string,
      var connection = homes[homeId]?.connections[connectionId],
      connection.state == .ending(requestId: request.requestId)
    else { return ([], []) }
    if let result, result["result"]?.string != "failed" {
      homes[homeId]?.connections[connectionId] = nil
      return (
        [ServiceServerTables.row(connection: connectionId, of: homeId, nil)],
        [.disarm(TimerName(Timer.connectionEnd, connectionId))]
      )
    }
    connection.state = .open
    homes[homeId]?.connections[connectionId] = connection
    return ([ServiceServerTables.row(connection: connectionId, of: homeId, connection)], [])
  }

  /// At `expires` mapping and token go by themselves; the server forgets the connection.
  mutating func connectionExpired(_ connectionId: String) -> [Effect] {
    for (homeId, home) in homes where home.connections[connectionId] != nil {
      homes[homeId]?.connections[connectionId] = nil
      return [
        .save([ServiceServerTables.row(connection: connectionId, of: homeId, nil)]),
        .report(Report(.info, "connection-expired", "\(homeId): \(connectionId)")),
      ]
    }
    return [.report(Report(.debug, "ignored", "the end of a connection that is gone: \(connectionId)"))]
  }

  func armExpiry(of connection: MobileConnection, at now: Moment) -> Effect {
    .arm(
      TimerName(Timer.connectionEnd, connection.connectionId),
      after: .milliseconds(UInt64(max(0, connection.expires - now.wall))))
  }
}
