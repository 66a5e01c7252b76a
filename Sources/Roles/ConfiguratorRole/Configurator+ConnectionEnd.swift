import Messages
import RoleKit

/// How a connection ends: by its mobile device, by its time, or since it came to nothing (profile section 5).
extension Configurator {
  /// A `request` of kind `disconnect`.
  mutating func takeDisconnect(
    _ requestId: String, _ data: BodyField, saving rows: [Row], at now: Moment
  ) -> [Effect] {
    guard let connectionId = data["connectionId"].value?.string else {
      return refuse(requestId, .refused, "a disconnect without connectionId", saving: rows, at: now)
    }
    guard connections[connectionId] != nil else {
      // It has ended already.
      let (more, effects) = conclude(
        requestId, ["result": "ok"], correlation: data["correlation"].value?.string, at: now)
      return [.save(rows + more)] + effects
    }
    connections[connectionId]?.correlation = data["correlation"].value?.string
    connections[connectionId]?.disconnects.append(requestId)
    var rows = rows
    if let handled = handled[requestId] { rows.append(ConfiguratorTables.row(request: requestId, handled)) }
    return [.save(rows)] + endConnection(connectionId, at: now)
  }

  /// First the agent forgets the token, then the mapping goes.
  mutating func endConnection(_ connectionId: String, at now: Moment) -> [Effect] {
    guard let connection = connections[connectionId], !connection.isEnding else { return [] }
    var effects: [Effect] = [
      .disarm(TimerName(Timer.connectionDeadline, connectionId)), .disarm(TimerName(Timer.controlAgain, connectionId)),
    ]
    if case .controlling(let errand) = connection.step { effects += courier.cancel(errand) }
    guard let record = records[connection.agentId], let endpoint = record.registration.configurationURL.endpoint else {
      return effects + unmap(connectionId, at: now)
    }
    var request = HTTPRequest("DELETE", "/connections/\(connectionId)")
    request.bearerToken = record.controlToken
    request.correlation = connection.correlation
    let (errand, sent) = courier.send(request, to: endpoint, for: .connectionEnd(connectionId))
    connections[connectionId]?.step = .endingAtAgent(errand)
    return effects + sent
  }

  /// `connection-end-reply`. An agent that is not there forgets the token at its end.
  mutating func connectionEndEnded(
    _ connectionId: String, _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    guard case .endingAtAgent(errand) = connections[connectionId]?.step else {
      return unexpected("connection-end-reply for \(connectionId), which is gone")
    }
    var effects: [Effect] = []
    switch ending {
    case .answered(let response) where [204, 404].contains(response.status): break
    case .answered(let response):
      effects.append(.report(Report(.warning, "connection-end-refused", "\(connectionId): status \(response.status)")))
    case .failed(let failure):
      effects.append(.report(Report(.warning, "agent-unreachable", "\(connectionId) is not ended there: \(failure)")))
    }
    return effects + unmap(connectionId, at: now)
  }

  private mutating func unmap(_ connectionId: String, at now: Moment) -> [Effect] {
    connections[connectionId]?.step = .unmapping
    return removeMapping(of: .connection(connectionId), at: now)
  }

  /// The mapping is gone, or there was none: so is the connection.
  mutating func connectionUnmapped(_ connectionId: String, at now: Moment) -> [Effect] {
    guard let connection = connections[connectionId], case .unmapping = connection.step else { return [] }
    return forget(connection, at: now)
  }

  private mutating func forget(_ connection: RemoteConnection, at now: Moment) -> [Effect] {
    connections[connection.connectionId] = nil
    var rows = [ConfiguratorTables.row(noConnection: connection.connectionId)]
    var effects: [Effect] = [Timer.connectionEnd, Timer.connectionDeadline].map {
      .disarm(TimerName($0, connection.connectionId))
    }
    for requestId in connection.disconnects {
      let (more, sent) = conclude(requestId, ["result": "ok"], correlation: connection.correlation, at: now)
      rows += more
      effects += sent
    }
    return [.save(rows), .report(Report(.info, "connection-ended", connection.connectionId))] + effects
  }

  /// At `expires` mapping and token go by themselves.
  mutating func connectionExpired(_ connectionId: String, at now: Moment) -> [Effect] {
    guard let connection = connections[connectionId] else {
      return unexpected("the end of \(connectionId), which is gone")
    }
    var effects: [Effect] = []
    switch connection.step {
    case .controlling(let errand), .endingAtAgent(let errand): effects += courier.cancel(errand)
    case .pausing, .mapping, .reporting, .interrupted, .open, .unmapping: break
    }
    return effects + forget(connection, at: now) + mappingExpired(.connection(connectionId), at: now)
  }

  /// The agent has gone, or has another address: what led to it leads nowhere, or to somebody else.
  mutating func dropConnections(of agentId: String, movedTo address: IPAddress? = nil, at now: Moment) -> [Effect] {
    let lost = connections.values.filter { connection in
      guard connection.agentId == agentId, !connection.isEnding else { return false }
      guard let address else { return true }
      return connection.endpoint.map { $0.endpoint.address != address } ?? false
    }
    return lost.map(\.connectionId).sorted().flatMap { endConnection($0, at: now) }
  }

  // MARK: After a restart

  /// Takes up what an earlier run of ours left.
  mutating func resumeConnections(at now: Moment) -> [Effect] {
    var effects: [Effect] = []
    for connection in connections.values.sorted(by: { $0.connectionId < $1.connectionId }) {
      let ends = TimerName(Timer.connectionEnd, connection.connectionId)
      effects.append(.arm(ends, after: .milliseconds(UInt64(max(0, connection.expires - now.wall)))))
      guard case .interrupted = connection.step else { continue }
      let deadline = TimerName(Timer.connectionDeadline, connection.connectionId)
      effects.append(.arm(deadline, after: .milliseconds(UInt64(max(0, connection.deadline - now.wall)))))
    }
    for (owner, work) in mappings {
      if case .check = owner, case .held(let held) = work.step { mappings[owner]?.step = .owingDeletion(held) }
      guard case .connection(let connectionId) = owner, connections[connectionId] == nil,
        case .held(let held) = work.step
      else { continue }
      mappings[owner]?.step = .owingDeletion(held)
      effects.append(
        .arm(
          TimerName(Timer.mappingEnd, owner.text), after: .milliseconds(UInt64(max(0, work.expires - now.wall)))))
    }
    return effects
  }
}
