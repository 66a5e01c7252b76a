import Messages
import RoleKit

/// Who may do what (profile sections 1 and 4).
extension ServiceServer {
  /// What can be asked of the server.
  enum Operation: Sendable, Hashable {
    case provisionHome, serverRegister, serverDeregister, listAgents, readConfiguration, updateConfiguration
    case openStream, takeResult, connect, disconnect, negotiatePeers, joinSession
    case checkReachability, checkApplication, probe
  }

  static let routes = RouteTable<Operation>([
    ("PUT", "/v1/homes/{homeId}", .provisionHome),
    ("GET", "/v1/homes/{homeId}/agents", .listAgents),
    ("PUT", "/v1/homes/{homeId}/agents/{agentId}", .serverRegister),
    ("DELETE", "/v1/homes/{homeId}/agents/{agentId}", .serverDeregister),
    ("GET", "/v1/homes/{homeId}/agents/{agentId}/configuration", .readConfiguration),
    ("PUT", "/v1/homes/{homeId}/agents/{agentId}/configuration", .updateConfiguration),
    ("GET", "/v1/homes/{homeId}/requests", .openStream),
    ("POST", "/v1/homes/{homeId}/requests/{requestId}/result", .takeResult),
    ("POST", "/v1/homes/{homeId}/connections", .connect),
    ("DELETE", "/v1/homes/{homeId}/connections/{connectionId}", .disconnect),
    ("POST", "/v1/homes/{homeId}/agents/{agentId}/reachability-checks", .checkReachability),
    ("POST", "/v1/homes/{homeId}/agents/{agentId}/application-checks", .checkApplication),
    ("POST", "/v1/homes/{homeId}/requests/{requestId}/probe", .probe),
    ("POST", "/v1/peer-connections", .negotiatePeers),
    ("POST", "/v1/sessions/{sessionId}/candidates", .joinSession),
  ])

  /// Whose token a request carries.
  enum Caller: Sendable, Hashable {
    case `operator`
    case configurator(ofHome: String)
    case mobile(ofHome: String)
    /// An agent, by its half's token.
    case agent(ofSession: String)

    var homeId: String? {
      switch self {
      case .operator, .agent: nil
      case .configurator(let homeId), .mobile(let homeId): homeId
      }
    }

    var isConfigurator: Bool { if case .configurator = self { true } else { false } }
  }

  /// Answers a request, or holds it where it is a stream or waits for the answer to its twin.
  mutating func serve(
    _ request: HTTPRequest, as exchange: Exchange, from: Endpoint, to: Endpoint, at now: Moment,
    bits: inout RandomBits
  ) -> [Effect] {
    do throws(Refusal) {
      let path = try front.path(of: request, at: to)
      let (operation, parameters) = try find(request, path)
      let served = ServedRequest(exchange, request, path: path, parameters: parameters, from: from, to: to, now: now)
      try authorise(served, for: operation)
      if operation == .openStream { return try openStream(served) }
      if request.method != "GET" {
        switch idempotency.admit(request, path: path, as: exchange, at: now) {
        case .proceed: break
        case .wait: return []
        case .repeated(let response): return [.reply(exchange, response.repeating(correlation: request.correlation))]
        case .otherBody: throw Refusal(.invalidField, "this Idempotency-Key came with another body before")
        case .full: throw Refusal(.tooManyRequests, "too many requests are in work")
        }
      }
      let outcome: ServedOutcome
      do throws(Refusal) {
        switch try perform(operation, served, bits: &bits) {
        case .answered(let answer): outcome = answer
        case .held(let rows, let effects): return (rows.isEmpty ? [] : [.save(rows)]) + effects
        }
      } catch {
        outcome = ServedOutcome(error.response)
      }
      let waiting = idempotency.settle(exchange, with: outcome.response, at: now)
      return outcome.effects(for: exchange, correlation: request.correlation, waiting: waiting)
    } catch {
      return [.reply(exchange, error.response.repeating(correlation: request.correlation))]
    }
  }

  private mutating func perform(
    _ operation: Operation, _ served: ServedRequest, bits: inout RandomBits
  ) throws(Refusal) -> Served {
    switch operation {
    case .provisionHome: .answered(try provisionHome(served))
    case .serverRegister: .answered(try serverRegister(served))
    case .serverDeregister: .answered(try serverDeregister(served))
    case .listAgents: .answered(try listAgents(served))
    case .readConfiguration: .answered(try readConfiguration(served))
    case .updateConfiguration: .answered(try updateConfiguration(served, bits: &bits))
    case .takeResult: .answered(try takeResult(served, bits: &bits))
    case .connect: try connect(served, bits: &bits)
    case .disconnect: .answered(try disconnect(served, bits: &bits))
    case .negotiatePeers: .answered(try negotiatePeers(served, bits: &bits))
    case .joinSession: try joinSession(served)
    case .checkReachability: try check(.reachabilityCheck, served, bits: &bits)
    case .checkApplication: try check(.applicationCheck, served, bits: &bits)
    case .probe: try probe(served)
    // A stream has no outcome of its own: `serve` opened it before it came here.
    case .openStream: throw Refusal.badRequest("an event stream cannot be answered")
    }
  }

  /// Finds the operation; below `/v1` a caller without a token learns nothing of what is there.
  private func find(_ request: HTTPRequest, _ path: RequestPath) throws(Refusal) -> (Operation, [String: String]) {
    do throws(Refusal) {
      return try front.operation(of: request, path: path, in: ServiceServer.routes)
    } catch {
      guard error.response.status == 404, path.segments.first == "v1" else { throw error }
      let caller = try identify(request)
      if case .agent = caller { throw Refusal(.forbidden, "nothing that this token is for is here") }
      if let own = caller.homeId, path.segments.count >= 3, path.segments[1] == "homes", path.segments[2] != own {
        throw Refusal(.forbidden, "the token belongs to another home")
      }
      throw error
    }
  }

  func identify(_ request: HTTPRequest) throws(Refusal) -> Caller {
    guard let token = request.bearerToken else { throw .unauthorized("expected Authorization: Bearer and a token") }
    if let own = settings.operatorToken, token.equalsSecret(own) { return .operator }
    for (homeId, home) in homes {
      if token.equalsSecret(home.tokens.homeToken) { return .configurator(ofHome: homeId) }
      if token.equalsSecret(home.tokens.userToken) { return .mobile(ofHome: homeId) }
    }
    for (sessionId, session) in sessions where session.role(of: token) != nil { return .agent(ofSession: sessionId) }
    throw .unauthorized("the token is not known")
  }

  /// 401 without a known token; 403 with one that is good elsewhere; an operator, who may know what there is, gets the
  /// 404 instead where nothing is there (profile section 1).
  private func authorise(_ served: ServedRequest, for operation: Operation) throws(Refusal) {
    let caller = try identify(served.request)
    let homeId = served["homeId"]
    let isAllowed =
      switch operation {
      case .provisionHome, .updateConfiguration, .checkReachability, .checkApplication: caller == .operator
      case .listAgents: caller == .operator || caller == .mobile(ofHome: homeId)
      case .serverRegister, .serverDeregister, .readConfiguration, .openStream, .takeResult, .probe:
        caller == .configurator(ofHome: homeId)
      case .connect, .disconnect: caller == .mobile(ofHome: homeId)
      // Which home it speaks for stands in the body.
      case .negotiatePeers: caller.isConfigurator
      case .joinSession: caller == .agent(ofSession: served["sessionId"])
      }
    if caller == .operator, operation == .joinSession, sessions[served["sessionId"]] == nil {
      throw Refusal(.noSession, "there is no session \(served["sessionId"].prefix(64))")
    }
    if caller == .operator, ![.provisionHome, .negotiatePeers, .joinSession].contains(operation) {
      guard let home = homes[homeId] else { throw Refusal(.noHome, "there is no home \(homeId.prefix(64))") }
      if !isAllowed, let absence = absence(served, of: operation, in: home) { throw absence }
    }
    guard isAllowed else { throw Refusal(.forbidden, "this token is not for this") }
  }

  /// What an operator is told instead of 403.
  private func absence(_ served: ServedRequest, of operation: Operation, in home: Home) -> Refusal? {
    switch operation {
    case .serverDeregister where home.agents[served["agentId"]] == nil: noAgent(served["agentId"])
    case .readConfiguration where home.configurations[served["agentId"]] == nil: noConfiguration(served["agentId"])
    case .takeResult where home.requests[served["requestId"]] == nil,
      .probe where home.requests[served["requestId"]] == nil:
      noRequest(served["requestId"])
    case .disconnect where home.connections[served["connectionId"]] == nil: noConnection(served["connectionId"])
    default: nil
    }
  }

  func noAgent(_ agentId: String) -> Refusal { Refusal(.noAgent, "there is no agent \(agentId.prefix(64))") }

  func noConfiguration(_ agentId: String) -> Refusal {
    Refusal(.noConfiguration, "no configuration is held for \(agentId.prefix(64))")
  }

  func noRequest(_ requestId: String) -> Refusal {
    Refusal(.noRequest, "no request \(requestId.prefix(64)) waits for a result")
  }
}
