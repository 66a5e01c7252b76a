import Messages
import RoleKit

/// The event stream to the service server: our own outbound connection, so that it passes any NAT (profile section 4).
enum RequestStream: Sendable, Hashable {
  /// There is no server, or we are stopping.
  case off
  case connecting(Call, failures: Int)
  case open(Call)
  case pausing(failures: Int)
}

extension Configurator {
  /// How long a request's outcome is remembered, in ms, and how many are at most.
  static let handledLifetime: Int64 = 600_000
  static let handledLimit = 1024

  // MARK: The connection

  mutating func openStream() -> [Effect] {
    let failures: Int
    switch stream {
    case .off: failures = 0
    case .pausing(let count): failures = count
    case .connecting, .open: return unexpected("a second stream")
    }
    guard let server = settings.server, var request = serverRequest("GET", "/requests", correlation: nil) else {
      return streamSettled("there is no service server")
    }
    request.fields["Accept"] = ProfileNames.eventStreamType
    let call = courier.newCall()
    stream = .connecting(call, failures: failures)
    return [.subscribe(call, request, to: server.endpoint, timeout: Patience.ordinary.timeout)]
  }

  mutating func streamAnswered(
    _ call: Call, _ response: HTTPResponse, at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    guard case .connecting(call, let failures) = stream else {
      return unexpected("an answer to call \(call.number), which was given up: \(response.status)")
    }
    let type = response.fields["Content-Type"]?.prefix { $0 != ";" && $0 != " " }.lowercased()
    guard response.status == 200, type == ProfileNames.eventStreamType else {
      let reason = Problem(response).map { "\($0)" } ?? "status \(response.status), \(type ?? "no type")"
      return (response.status == 200 ? [.cancel(call)] : []) + pause(failures: failures, reason, bits: &bits)
    }
    stream = .open(call)
    return streamSettled("the stream is open") + catchUp(at: now) + confirmResults(at: now)
  }

  mutating func streamEnded(_ call: Call, _ failure: Failure?, bits: inout RandomBits) -> [Effect] {
    let reason = failure.map { "\($0)" } ?? "the server closed it"
    switch stream {
    case .connecting(call, let failures): return pause(failures: failures, reason, bits: &bits)
    case .open(call): return pause(failures: 0, reason, bits: &bits)
    case .connecting, .open, .pausing, .off:
      return unexpected("the end of call \(call.number), which was given up: \(reason)")
    }
  }

  /// The next attempt follows after 0.5, 1, 2, 4 and from then on 5 s, each +-20 %.
  private mutating func pause(failures: Int, _ reason: String, bits: inout RandomBits) -> [Effect] {
    stream = .pausing(failures: min(failures + 1, 8))
    let base: UInt64 = min(500_000 << UInt64(min(failures, 8)), 5_000_000)
    let pause = bits.number(in: base * 4 / 5...base * 6 / 5) * 1000
    return streamSettled("no stream: \(reason)") + [
      .report(Report(.notice, "stream-lost", "\(reason); next attempt in \(pause / 1_000_000) ms")),
      .arm(TimerName(Timer.stream), after: pause),
    ]
  }

  /// A server that does not answer may be gone without having closed the stream: a new one is asked for, on which
  /// it tells what we missed and we tell what we owe.
  mutating func distrustStream(_ ending: Courier<Purpose>.Ending, bits: inout RandomBits) -> [Effect] {
    guard case .failed(let failure) = ending, case .open(let call) = stream else { return [] }
    if case .storage = failure { return [] }
    return [.cancel(call)] + pause(failures: 0, "the server does not answer: \(failure)", bits: &bits)
  }

  private mutating func streamSettled(_ text: String) -> [Effect] {
    guard !isStreamSettled else { return [] }
    isStreamSettled = true
    return [.report(Report(.info, "stream-settled", text))]
  }

  mutating func closeStream() -> [Effect] {
    defer { stream = .off }
    switch stream {
    case .connecting(let call, _), .open(let call): return [.cancel(call)]
    case .pausing: return [.disarm(TimerName(Timer.stream))]
    case .off: return []
    }
  }

  // MARK: Requests

  /// A request of the server. It comes at least once and is done once, also across our restarts.
  mutating func streamed(
    _ call: Call, _ event: ServerSentEvent, at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    guard case .open(call) = stream else { return unexpected("an event on a stream that was given up") }
    guard let data = try? JSONValue(parsing: event.data), let requestId = data["requestId"]?.string,
      Identifier.isUUID(requestId), let kind = data["kind"]?.string ?? event.event
    else {
      return [.report(Report(.warning, "ignored", "an event without requestId and kind: \(event.data.prefix(200))"))]
    }
    switch handled[requestId]?.state {
    case .inWork: return unexpected("request \(requestId) again, which is in work")
    case .answered(let result): return sendResult(requestId, result, correlation: data["correlation"]?.string)
    case .interrupted, nil: break
    }
    let agentId = data["agentId"]?.string
    handled[requestId] = HandledRequest(
      agentId: agentId, receivedAt: now.wall, state: .inWork(giveUpAt: now.monotonic + allowance(data, at: now)))
    let rows = forgetOldRequests(at: now)
    switch kind {
    case "configuration-changed": return takeConfigurationChanged(requestId, data, saving: rows, at: now)
    case "control": return takeControl(requestId, BodyField(data), saving: rows, at: now, bits: &bits)
    case "disconnect": return takeDisconnect(requestId, BodyField(data), saving: rows, at: now)
    case "peer-connection": return takePeerConnection(requestId, data, saving: rows, at: now)
    case "reachability-check":
      return takeCheck(.reachability, requestId, BodyField(data), saving: rows, at: now, bits: &bits)
    case "application-check":
      return takeCheck(.application, requestId, BodyField(data), saving: rows, at: now, bits: &bits)
    default: return refuse(requestId, .refused, "\(kind) is not supported", saving: rows, at: now)
    }
  }

  /// A `request` of kind `configuration-changed`: Sequence 1 steps 5 to 7, then the result.
  private mutating func takeConfigurationChanged(
    _ requestId: String, _ data: JSONValue, saving rows: [Row], at now: Moment
  ) -> [Effect] {
    let agentId = data["agentId"]?.string
    var rows = rows
    guard settings.serverRegistration, settings.configurationPull else {
      return refuse(requestId, .refused, "configurations are not asked for here", saving: rows, at: now)
    }
    guard let agentId, var record = records[agentId], record.isLive(at: now) else {
      return refuse(requestId, .noAgent, "\(agentId ?? "no agent") is not registered", saving: rows, at: now)
    }
    record.owed.configuration = true
    records[agentId] = record
    if let request = handled[requestId] { rows.append(ConfiguratorTables.row(request: requestId, request)) }
    rows.append(ConfiguratorTables.row(registration: record))
    var work = work[agentId] ?? AgentWork()
    switch work.step {
    case .idle:
      work.requests.append(requestId)
      work.correlation = data["correlation"]?.string
      self.work[agentId] = work
      return [.save(rows)] + begin(agentId, .whole)
    case .awaitingReply, .registering: work.requests.append(requestId)
    // What is on its way now may be the document before the change.
    case .pulling, .reading, .configuring, .pausing: work.laterRequests.append(requestId)
    }
    self.work[agentId] = work
    return [.save(rows)]
  }

  /// Nanoseconds that the server waits for the result, where its clock and ours agree so far that it can be told; else
  /// 60 s. The server alone decides: it answers `no-request` to a result that came too late.
  private func allowance(_ data: JSONValue, at now: Moment) -> UInt64 {
    let deadline = data["deadline"]?.string.flatMap { ProfileTime.milliseconds(rfc3339: $0) }
    guard let left = deadline.map({ $0 - now.wall }), (1...120_000).contains(left) else { return .seconds(60) }
    return .milliseconds(UInt64(left))
  }

  /// Milliseconds until the result of a request in work comes too late.
  func millisecondsLeft(of requestId: String, at now: Moment) -> Int64 {
    guard case .inWork(let giveUpAt) = handled[requestId]?.state, giveUpAt > now.monotonic else { return 0 }
    return Int64((giveUpAt - now.monotonic) / 1_000_000)
  }

  mutating func refuse(
    _ requestId: String, _ problem: ProblemName, _ reason: String, saving rows: [Row], at now: Moment
  ) -> [Effect] {
    let (more, effects) = answer([requestId], problem: problem, at: now)
    return [.save(rows + more), .report(Report(.warning, "request-refused", "\(requestId): \(reason)"))] + effects
  }

  /// `request-result` for requests that have come to an end, as rows to store and calls to make.
  mutating func answer(
    _ requestIds: [String], problem: ProblemName?, at now: Moment
  ) -> (rows: [Row], effects: [Effect]) {
    var rows: [Row] = []
    var effects: [Effect] = []
    let result: JSONValue = problem.map { ["result": "failed", "problem": .string($0.rawValue)] } ?? ["result": "ok"]
    for requestId in requestIds {
      let correlation = handled[requestId]?.agentId.flatMap { work[$0]?.correlation }
      let (row, sent) = conclude(requestId, result, correlation: correlation, at: now)
      rows += row
      effects += sent
    }
    return (rows, effects)
  }

  /// `request-result` for a request that is in work, as the row to store and the call to make.
  mutating func conclude(
    _ requestId: String, _ result: JSONValue, correlation: String?, at now: Moment
  ) -> (rows: [Row], effects: [Effect]) {
    guard var request = handled[requestId], case .inWork(let giveUpAt) = request.state else { return ([], []) }
    request.state = .answered(result)
    handled[requestId] = request
    let row = ConfiguratorTables.row(request: requestId, request)
    guard now.monotonic <= giveUpAt else {
      return ([row], [.report(Report(.warning, "request-overdue", "\(requestId): \(result), too late to be told"))])
    }
    return ([row], sendResult(requestId, result, correlation: correlation))
  }

  mutating func sendResult(_ requestId: String, _ result: JSONValue, correlation: String?) -> [Effect] {
    guard let server = settings.server,
      !courier.errands.contains(where: { $0.purpose == .requestResult(requestId) }),
      let request = serverRequest("POST", "/requests/\(requestId)/result", body: result, correlation: correlation)
    else { return unexpected("a result for \(requestId) that is on its way already") }
    return courier.send(request, to: server.endpoint, for: .requestResult(requestId)).effects
  }

  func requestResultEnded(_ requestId: String, _ ending: Courier<Purpose>.Ending) -> [Effect] {
    switch ending {
    case .answered(let response) where response.status == 204: return []
    case .answered(let response):
      let problem = Problem(response).map { "\($0)" } ?? "status \(response.status)"
      return [.report(Report(.warning, "result-refused", "\(requestId): \(problem)"))]
    case .failed(let failure):
      // The server asks again on the next stream, and gets the same result then.
      return [.report(Report(.warning, "server-unreachable", "the result of \(requestId): \(failure)"))]
    }
  }

  private mutating func forgetOldRequests(at now: Moment) -> [Row] {
    var old = handled.filter { $0.value.receivedAt + Configurator.handledLifetime <= now.wall }.map(\.key)
    if handled.count - old.count > Configurator.handledLimit {
      let rest = handled.filter { !old.contains($0.key) }.sorted { $0.value.receivedAt < $1.value.receivedAt }
      old += rest.prefix(handled.count - old.count - Configurator.handledLimit).map(\.key)
    }
    for requestId in old { handled[requestId] = nil }
    return old.sorted().map { Row(ConfiguratorTables.handledRequests, $0, nil) }
  }
}
