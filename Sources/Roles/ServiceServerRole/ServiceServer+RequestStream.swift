import Messages
import RoleKit

/// Event streams, the requests that travel on them, and their results (profile section 4).
extension ServiceServer {
  /// Nanoseconds between two comment lines.
  static let commentInterval: UInt64 = .seconds(15)

  /// `request-stream`: every new stream begins with all requests that are open, oldest first, whatever
  /// `Last-Event-ID` says.
  mutating func openStream(_ served: ServedRequest) throws(Refusal) -> [Effect] {
    let homeId = served["homeId"]
    guard let home = homes[homeId], home.streams.count < ServiceServer.streamLimit else {
      throw Refusal(.tooManyRequests, "the home has \(ServiceServer.streamLimit) streams open already")
    }
    homes[homeId]?.streams.append(served.exchange)
    let head = HTTPResponse(
      200,
      fields: [
        "Content-Type": ProfileNames.eventStreamType, "Cache-Control": "no-store",
      ])
    return [.openStream(served.exchange, head.repeating(correlation: served.correlation))]
      + home.openRequests.map { .event(served.exchange, $0.event) }
      + [armComment(served.exchange)]
  }

  /// A comment line every 15 s keeps address translators and time-outs at bay.
  func comment(_ timer: TimerName) -> [Effect] {
    guard let number = UInt64(timer.key), homes.values.contains(where: { $0.streams.contains(Exchange(number)) }) else {
      return [.report(Report(.debug, "ignored", "a comment for a stream that has ended"))]
    }
    return [.comment(Exchange(number), "still here"), armComment(Exchange(number))]
  }

  private func armComment(_ stream: Exchange) -> Effect {
    .arm(TimerName(Timer.comment, String(stream.number)), after: ServiceServer.commentInterval)
  }

  mutating func leaveStream(_ stream: Exchange) -> [Effect] {
    for (homeId, home) in homes where home.streams.contains(stream) {
      homes[homeId]?.streams.removeAll { $0 == stream }
      return [.disarm(TimerName(Timer.comment, String(stream.number)))]
    }
    return []
  }

  func close(_ stream: Exchange) -> [Effect] {
    [.close(stream), .disarm(TimerName(Timer.comment, String(stream.number)))]
  }

  /// A request that was put to a home's configurator.
  struct Asked: Sendable {
    var requestId: String
    var rows: [Row]
    var effects: [Effect]
  }

  /// Puts a request to a home's configurator: stored first, then sent on every stream of the home.
  ///
  /// - Throws: 429 where too many are open.
  mutating func ask(
    _ kind: RequestKind, of homeId: String, agent agentId: String, details: JSONObject, correlation: String?,
    at now: Moment, bits: inout RandomBits
  ) throws(Refusal) -> Asked {
    guard let home = homes[homeId], home.requests.count < ServiceServer.requestLimit else {
      throw Refusal(.tooManyRequests, "too many requests to the configurator of \(homeId) are open")
    }
    lastRequest += 1
    let request = HomeRequest(
      requestId: bits.uuid(), number: lastRequest, kind: kind, agentId: agentId,
      deadline: now.wall + kind.allowance, details: details, correlation: correlation)
    homes[homeId]?.requests[request.requestId] = request
    let deadline = TimerName(Timer.deadline, request.requestId)
    return Asked(
      requestId: request.requestId, rows: [ServiceServerTables.row(request: request, of: homeId)],
      effects: home.streams.map { .event($0, request.event) }
        + [.arm(deadline, after: .milliseconds(UInt64(kind.allowance)))])
  }

  /// `request-result`: 204, a repeat too; 404 where no such request is open.
  mutating func takeResult(_ served: ServedRequest, bits: inout RandomBits) throws(Refusal) -> ServedOutcome {
    let (homeId, requestId) = (served["homeId"], served["requestId"])
    let body = try front.object(in: served.request)
    enum Result: String, CaseIterable { case ok, degraded, failed }
    let result: Result
    do throws(FieldFault) {
      result = try body["result"].word(Result.self)
      if !body["problem"].isAbsent { _ = try body["problem"].text() }
    } catch {
      throw Refusal(error)
    }
    guard var request = homes[homeId]?.requests[requestId] else { throw noRequest(requestId) }
    guard case .open = request.state else { return ServedOutcome(HTTPResponse(204)) }
    guard request.deadline > served.now.wall else { throw noRequest(requestId) }
    if request.kind == .control, result != .failed {
      do throws(FieldFault) { try checkControlled(body) } catch { throw Refusal(error) }
    }
    if request.kind.isCheck, body["problem"].isAbsent {
      do throws(FieldFault) { try checkFound(body) } catch { throw Refusal(error) }
    }
    request.state = .answered(body.value ?? [:])
    homes[homeId]?.requests[requestId] = request
    let problem = body["problem"].value?.string.map { ", \($0)" } ?? ""
    let remembered = request.deadline + ServiceServer.resultLifetime - served.now.wall
    let (rows, effects) = finished(request, body.value ?? [:], of: homeId, at: served.now, bits: &bits)
    return ServedOutcome(
      HTTPResponse(204), rows: [ServiceServerTables.row(request: request, of: homeId)] + rows,
      then: [
        .arm(TimerName(Timer.deadline, requestId), after: .milliseconds(UInt64(remembered))),
        .report(
          Report(
            .info, "request-result", "\(homeId): \(request.kind.rawValue) \(requestId): \(result.rawValue)\(problem)")),
      ] + effects)
  }

  /// What follows from a result, by the kind of its request.
  private mutating func finished(
    _ request: HomeRequest, _ result: JSONValue, of homeId: String, at now: Moment, bits: inout RandomBits
  ) -> (rows: [Row], effects: [Effect]) {
    switch request.kind {
    case .control: controlled(request, result, of: homeId, at: now, bits: &bits)
    case .disconnect: disconnected(request, result, of: homeId)
    case .peerConnection:
      peersAnswered(request.requestId, isFailed: result["result"] == "failed", at: now)
    case .reachabilityCheck, .applicationCheck: ([], checked(request, result, at: now))
    case .configurationChanged: ([], [])
    }
  }

  /// The deadline of an open request has passed, or an answered one was remembered long enough.
  mutating func passDeadline(of requestId: String, at now: Moment) -> [Effect] {
    for (homeId, home) in homes {
      guard let request = home.requests[requestId] else { continue }
      homes[homeId]?.requests[requestId] = nil
      let report = Report(
        .warning, "request-overdue",
        "\(homeId): \(request.kind.rawValue) \(requestId) for \(request.agentId): no result")
      let forgotten = Row(ServiceServerTables.requests, requestId, nil)
      guard request.state == .open else { return [.save([forgotten])] }
      let (rows, effects) = overdue(request, of: homeId, at: now)
      return [.save([forgotten] + rows), .report(report)] + effects
    }
    return [.report(Report(.debug, "ignored", "the deadline of a request that is gone: \(requestId)"))]
  }

  /// What follows where no result came in time.
  private mutating func overdue(
    _ request: HomeRequest, of homeId: String, at now: Moment
  ) -> (rows: [Row], effects: [Effect]) {
    switch request.kind {
    case .control: ([], controlOverdue(request, at: now))
    case .disconnect: disconnected(request, nil, of: homeId)
    case .reachabilityCheck, .applicationCheck: ([], checkOverdue(request, at: now))
    case .peerConnection, .configurationChanged: ([], [])
    }
  }
}
