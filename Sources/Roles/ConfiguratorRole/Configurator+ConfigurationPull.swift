import Messages
import RoleKit

/// 4.2 steps 5 to 7, 4.3 steps 6 to 8: the configurator asks the server for the configuration and configures the device
/// (profile sections 3 and 4).
extension Configurator {
  /// How long after a `register-reply` an agent may not have read its token yet, in ns.
  static let unauthorizedGrace: UInt64 = .seconds(2)
  static let unauthorizedPause: UInt64 = .milliseconds(250)
  /// How often a document may change under our hands before we give up.
  static let staleLimit = 3

  // MARK: Steps 5 and 6

  /// `configuration-request`, with the revision that was applied last.
  mutating func requestConfiguration(_ agentId: String) -> [Effect] {
    guard let record = records[agentId], let server = settings.server,
      var request = serverRequest(
        "GET", "/agents/\(agentId)/configuration", correlation: work[agentId]?.correlation)
    else { return unexpected("a configuration request for \(agentId), which is gone") }
    request.fields["If-None-Match"] = record.applied.map { EntityTag.write(revision: $0.revision) }
    let (errand, effects) = courier.send(request, to: server.endpoint, for: .configurationRequest(agentId))
    work[agentId, default: AgentWork()].step = .pulling(errand)
    return effects
  }

  /// `configuration-reply`: 200 leads to step 7, 304 and 404 end the sequence here.
  mutating func configurationRequestEnded(
    _ agentId: String, _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    guard case .pulling(errand) = work[agentId]?.step, records[agentId] != nil else {
      return unexpected("configuration-reply for \(agentId), which waits for none")
    }
    switch ending {
    case .answered(let response) where response.status == 200:
      guard let document = response.json, document.object != nil,
        let revision = response.fields["ETag"].flatMap(EntityTag.revision)
      else {
        let report = Report(
          .error, "configuration-unreadable", "\(agentId): expected a JSON object with an ETag such as \"1\"")
        return [.report(report)] + settle(agentId, .refused, at: now)
      }
      return approach(agentId, AgentWork.Wanted(revision: revision, document: document), at: now)
    case .answered(let response) where response.status == 304: return settle(agentId, nil, at: now)
    case .answered(let response) where response.status == 404: return settle(agentId, .noConfiguration, at: now)
    case .answered(let response):
      let problem = Problem(response).map { "\($0)" } ?? "status \(response.status)"
      let report = Effect.report(Report(.warning, "configuration-request-refused", "\(agentId): \(problem)"))
      // A server that is busy or broken is asked again when it is back.
      if response.status >= 500 || response.status == 429 { return [report] + finish(agentId, .refused, at: now) }
      return [report] + settle(agentId, .refused, at: now)
    case .failed(let failure):
      return [.report(Report(.warning, "server-unreachable", "no configuration for \(agentId): \(failure)"))]
        + finish(agentId, .refused, at: now)
    }
  }

  // MARK: Step 7

  /// Goes for the wanted document: reads the agent's where it is not known, else sends what differs.
  private mutating func approach(_ agentId: String, _ wanted: AgentWork.Wanted, at now: Moment) -> [Effect] {
    guard let record = records[agentId] else { return unexpected("a configuration for \(agentId), which is gone") }
    guard let known = record.known else { return read(record, wanted) }
    guard
      let patch = DocumentPatch.patch(
        from: known.document, to: wanted.document, previous: record.applied?.document)
    else { return applied(agentId, wanted, known, at: now) }
    var request = agentRequest("PATCH", record)
    request.fields["Content-Type"] = ProfileNames.mergePatchType
    request.fields["If-Match"] = known.etag ?? "*"
    request.body = patch.octets
    return send(request, to: record, for: .configure(agentId)) { .configuring($0, wanted) }
  }

  /// `configuration-read`.
  private mutating func read(_ record: AgentRecord, _ wanted: AgentWork.Wanted) -> [Effect] {
    send(agentRequest("GET", record), to: record, for: .configurationRead(record.agentId)) { .reading($0, wanted) }
  }

  private func agentRequest(_ method: String, _ record: AgentRecord) -> HTTPRequest {
    agentRequest(method, record, correlation: work[record.agentId]?.correlation)
  }

  /// A request for the agent's document.
  func agentRequest(_ method: String, _ record: AgentRecord, correlation: String?) -> HTTPRequest {
    var request = HTTPRequest(method, record.registration.configurationURL.target)
    request.bearerToken = record.controlToken
    request.correlation = correlation
    return request
  }

  private mutating func send(
    _ request: HTTPRequest, to record: AgentRecord, for purpose: Purpose,
    then step: (Courier<Purpose>.Errand) -> AgentWork.Step
  ) -> [Effect] {
    guard let endpoint = record.registration.configurationURL.endpoint else {
      return unexpected("\(record.agentId) has no address")
    }
    let (errand, effects) = courier.send(request, to: endpoint, for: purpose)
    work[record.agentId, default: AgentWork()].step = step(errand)
    return effects
  }

  mutating func configurationReadEnded(
    _ agentId: String, _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    guard case .reading(errand, let wanted) = work[agentId]?.step, records[agentId] != nil else {
      return unexpected("an agent's document of \(agentId), which nobody asked for")
    }
    guard case .answered(let response) = ending, response.status == 200 else {
      return deviceFailed(agentId, wanted, ending, at: now)
    }
    guard let document = response.json, document.object != nil else {
      return [.report(Report(.warning, "configuration-unreadable", "\(agentId): its document is no JSON object"))]
        + settle(agentId, .refused, at: now)
    }
    records[agentId]?.known = AgentRecord.Known(document: document, etag: response.fields["ETag"])
    return approach(agentId, wanted, at: now)
  }

  /// `configure-reply`.
  mutating func configureEnded(
    _ agentId: String, _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    guard case .configuring(errand, var wanted) = work[agentId]?.step, records[agentId] != nil else {
      return unexpected("configure-reply of \(agentId), which was not configured")
    }
    guard case .answered(let response) = ending else { return deviceFailed(agentId, wanted, ending, at: now) }
    switch response.status {
    case 200:
      guard let document = response.json, document.object != nil else {
        // It says that it took the patch; what it has now is read before the next one.
        return [.report(Report(.warning, "configuration-unreadable", "\(agentId): its reply holds no document"))]
          + applied(agentId, wanted, nil, at: now)
      }
      var effects: [Effect] = []
      if let rest = DocumentPatch.patch(from: document, to: wanted.document, previous: nil) {
        effects.append(.report(Report(.warning, "configuration-differs", "\(agentId) answered 200 without \(rest)")))
      }
      return effects
        + applied(agentId, wanted, AgentRecord.Known(document: document, etag: response.fields["ETag"]), at: now)
    case 412 where wanted.staleTries < Configurator.staleLimit:
      wanted.staleTries += 1
      records[agentId]?.known = nil
      guard let record = records[agentId] else { return [] }
      return read(record, wanted)
    default: return deviceFailed(agentId, wanted, ending, at: now)
    }
  }

  /// The agent did not do as it was asked. That is told and changes nothing of its state.
  private mutating func deviceFailed(
    _ agentId: String, _ wanted: AgentWork.Wanted, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    switch ending {
    case .answered(let response):
      if response.status == 401, let repliedAt = work[agentId]?.repliedAt,
        now.monotonic < repliedAt + Configurator.unauthorizedGrace
      {
        work[agentId]?.step = .pausing(wanted)
        return [.arm(TimerName(Timer.unauthorized, agentId), after: Configurator.unauthorizedPause)]
      }
      let problem = Problem(response)
      records[agentId]?.known = nil
      if response.status == 422 { records[agentId]?.refusedRevision = wanted.revision }
      let text = problem.map { "\($0)" } ?? "status \(response.status)"
      let report = Effect.report(
        Report(.warning, "configuration-refused", "\(agentId), revision \(wanted.revision): \(text)"))
      // The agent has not got its token: its register-reply was late or lost. The work stays owed until it registers
      // again.
      if response.status == 401 { return [report] + finish(agentId, .unauthorized, at: now) }
      return [report] + settle(agentId, problem?.name ?? .refused, at: now)
    case .failed(let failure):
      // Owed as before: it is tried again when the agent registers next, or the server comes back.
      records[agentId]?.known = nil
      return [.report(Report(.warning, "agent-unreachable", "\(agentId) is not configured: \(failure)"))]
        + finish(agentId, .noAgent, at: now)
    }
  }

  /// Another try after a 401.
  mutating func tryAgain(_ agentId: String) -> [Effect] {
    guard case .pausing(let wanted) = work[agentId]?.step, let record = records[agentId] else {
      return unexpected("another try for \(agentId), which is gone or busy")
    }
    // The document is asked for again, so that the way from here on is the one way.
    return read(record, wanted)
  }

  /// The agent has what the server wants.
  private mutating func applied(
    _ agentId: String, _ wanted: AgentWork.Wanted, _ known: AgentRecord.Known?, at now: Moment
  ) -> [Effect] {
    records[agentId]?.applied = AgentRecord.Applied(revision: wanted.revision, document: wanted.document)
    records[agentId]?.known = known
    records[agentId]?.refusedRevision = nil
    return [.report(Report(.info, "configured", "\(agentId): revision \(wanted.revision)"))]
      + settle(agentId, nil, at: now)
  }

  // MARK: The end

  /// Steps 5 to 7 came to an end for good: nothing is owed any more.
  private mutating func settle(_ agentId: String, _ problem: ProblemName?, at now: Moment) -> [Effect] {
    records[agentId]?.owed.configuration = false
    guard let record = records[agentId] else { return [] }
    return [
      .save([ConfiguratorTables.row(registration: record), ConfiguratorTables.row(configuration: record)])
    ] + finish(agentId, problem, at: now)
  }

  /// The work is over: answers the requests that it was done for, and takes up those that came meanwhile.
  mutating func finish(_ agentId: String, _ problem: ProblemName?, at now: Moment) -> [Effect] {
    guard var work = work[agentId] else { return [] }
    let (rows, effects) = answer(work.requests, problem: problem, at: now)
    work.step = .idle
    work.requests = work.laterRequests
    work.laterRequests = []
    self.work[agentId] = work
    return (rows.isEmpty ? [] : [.save(rows)]) + effects
      + (work.requests.isEmpty ? [] : requestConfiguration(agentId))
  }
}
