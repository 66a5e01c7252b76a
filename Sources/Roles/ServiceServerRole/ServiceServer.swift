import Messages
import RoleKit

/// The service server of clause 3.5: it holds homes, their agents and the configurations that operators want, and asks
/// things of the homes' configurators over the event streams that these keep open.
public struct ServiceServer: Role {
  /// Homes, and agents, configurations, requests and streams of one home, that are taken at most.
  static let homeLimit = 1024
  static let agentLimit = 256
  static let configurationLimit = 1024
  static let requestLimit = 256
  static let streamLimit = 8
  /// How long an answered request is remembered, in ms.
  static let resultLifetime: Int64 = 600_000

  let settings: ServiceServerSettings
  let front: HTTPFront
  var idempotency = IdempotencyCache()
  var heldReplies = HeldReplies()
  var homes: [String: Home] = [:]
  /// Halves of connections between homes that wait for the other half, by their names.
  var waitingHalves: [String: WaitingHalf] = [:]
  var sessions: [String: PeerSession] = [:]
  /// The number of the newest request.
  var lastRequest = 0
  /// Replies that wait for the result of a `control`, by its requestId.
  var held: [String: HeldConnect] = [:]
  /// Checks that an operator waits for, by requestId, and probes under way.
  var heldChecks: [String: HeldCheck] = [:]
  var probes: [Call: OpenProbe] = [:]
  var lastCall: UInt64 = 0

  public init(settings: ServiceServerSettings) {
    self.settings = settings
    front = HTTPFront(hostNames: settings.hostNames)
    for (homeId, tokens) in settings.homes { homes[homeId] = Home(tokens: tokens) }
  }

  public mutating func handle(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    switch input {
    case .started(let rows, _): return restore(rows, at: now) + stunSockets + [.ready]
    case .requested(let exchange, let request, let from, let to):
      return serve(request, as: exchange, from: from, to: to, at: now, bits: &bits)
    case .callerLeft(let exchange):
      idempotency.leave(exchange)
      leaveConnect(exchange)
      heldReplies.leave(exchange)
      return leaveStream(exchange) + leavePolls(exchange, at: now)
    case .replied: return []
    case .fired(let timer): return fired(timer, at: now)
    case .commitFailed(let failure, let lost): return undone(lost, failure)
    case .stopping: return homes.values.flatMap(\.streams).map { .close($0) } + [.exit(0)]
    case .interface: return []
    case .datagram(let octets, let from, let to):
      count(binding: octets)
      return answerSTUN(octets, from: from, to: to)
    case .portRefused(let port, let failure):
      return [.report(Report(.error, "port-refused", "port \(port) is not open, nobody is answered there: \(failure)"))]
    case .frame, .neighbours, .bridge: return [.report(Report(.debug, "ignored", "the server is on no link"))]
    case .answered(let call, let response):
      return probeEnded(call, .success(response), at: now) ?? unexpected(input)
    case .failed(let call, let failure):
      return probeEnded(call, .failure(failure), at: now) ?? unexpected(input)
    case .echoed, .streamed, .ended, .ssdp, .mapped, .counted: return unexpected(input)
    }
  }

  private func unexpected(_ input: Input) -> [Effect] {
    [.report(Report(.warning, "ignored", "unexpected input: \(ServiceServer.name(of: input))"))]
  }

  private mutating func fired(_ timer: TimerName, at now: Moment) -> [Effect] {
    switch timer.name {
    case Timer.comment: return comment(timer)
    case Timer.deadline: return passDeadline(of: timer.key, at: now)
    case Timer.connectionEnd: return connectionExpired(timer.key)
    case Timer.peerHalf: return lapseHalf(timer.key)
    case Timer.sessionJoin: return endPoll(timer, at: now)
    case Timer.session: return sessionFired(timer.key, at: now)
    default: return [.report(Report(.warning, "ignored", "a timer that nobody armed: \(timer.name)"))]
    }
  }

  /// The store failed: a request gets 503, anything else is taken up again in a second.
  private func undone(_ lost: Input, _ failure: Failure) -> [Effect] {
    let report = Effect.report(Report(.error, "storage-unavailable", "nothing was changed: \(failure)"))
    switch lost {
    case .started: return [report, .exit(1)]
    case .requested(let exchange, let request, _, _):
      let refusal = Refusal(.storageUnavailable, "the store failed, and nothing was changed: \(failure)")
      return [.reply(exchange, refusal.response.repeating(correlation: request.correlation)), report]
    case .fired(let timer): return [.arm(timer, after: .seconds(1)), report]
    default: return [report]
    }
  }

  /// Rebuilds the state from what was committed, and forgets what is overdue.
  private mutating func restore(_ rows: [Row], at now: Moment) -> [Effect] {
    var effects: [Effect] = []
    var overdue: [Row] = []
    // Homes first: everything else belongs to one.
    for row in rows where row.table == ServiceServerTables.homes {
      guard case .home(let homeId, let tokens) = ServiceServerTables.fact(row) else {
        effects.append(unreadable(row))
        continue
      }
      homes[homeId] = Home(tokens: tokens)
    }
    for row in rows where row.table != ServiceServerTables.homes {
      switch ServiceServerTables.fact(row) {
      case .agent(let agentId, let homeId, let agent) where homes[homeId] != nil:
        homes[homeId]?.agents[agentId] = agent
      case .configuration(let configuration, let agentId, let homeId) where homes[homeId] != nil:
        homes[homeId]?.configurations[agentId] = configuration
      case .request(let request, let homeId) where homes[homeId] != nil:
        lastRequest = max(lastRequest, request.number)
        let end = request.deadline + (request.state == .open ? 0 : ServiceServer.resultLifetime)
        if end <= now.wall {
          overdue.append(Row(row.table, row.key, nil))
        } else {
          homes[homeId]?.requests[request.requestId] = request
          effects.append(
            .arm(TimerName(Timer.deadline, request.requestId), after: .milliseconds(UInt64(end - now.wall))))
        }
      case .connection(let connection, let homeId) where homes[homeId] != nil:
        guard connection.expires > now.wall else {
          overdue.append(Row(row.table, row.key, nil))
          continue
        }
        homes[homeId]?.connections[connection.connectionId] = connection
        effects.append(armExpiry(of: connection, at: now))
      case .waitingHalf(let waiting):
        if waiting.lapsesAt <= now.wall {
          overdue.append(Row(row.table, row.key, nil))
        } else {
          waitingHalves[row.key] = waiting
          effects.append(
            .arm(TimerName(Timer.peerHalf, row.key), after: .milliseconds(UInt64(waiting.lapsesAt - now.wall))))
        }
      case .session(let session):
        let end = session.expires + (session.isOver ? ServiceServer.resultLifetime : 0)
        sessions[session.sessionId] = session
        effects.append(
          .arm(TimerName(Timer.session, session.sessionId), after: .milliseconds(UInt64(max(0, end - now.wall)))))
      default: effects.append(unreadable(row))
      }
    }
    return (overdue.isEmpty ? [] : [.save(overdue)]) + effects
  }

  private func unreadable(_ row: Row) -> Effect {
    .report(
      Report(
        .error, "row-unreadable",
        "table \(row.table), key \(row.key): left as it is and not used (its document is not understood, or its home has no tokens)"
      ))
  }

  /// Names of timers.
  enum Timer {
    /// A comment line on a stream; the key is the exchange's number.
    static let comment = "stream-comment"
    /// The end of a request; the key is its requestId.
    static let deadline = "request-deadline"
    /// The end of a mobile device's connection; the key is its connectionId.
    static let connectionEnd = "connection-end"
    /// The end of a half that waits; the key is its name.
    static let peerHalf = "peer-half"
    /// The end of a session, then of its memory; the key is its sessionId.
    static let session = "session"
    /// The end of a held `session-join`; the key is sessionId/exchange.
    static let sessionJoin = "session-join"
  }

  private static func name(of input: Input) -> Substring { "\(input)".prefix { $0 != "(" } }
}
