import Messages
import RoleKit

/// The configurator's own HTTP interface, and who may do what with it (profile sections 1 and 3).
extension Configurator {
  enum Operation: Sendable, Hashable {
    case description, register, deregister, readAgent, listAgents, connectPeer, mapPeer, topology, page
  }

  static let routes = RouteTable<Operation>([
    ("GET", descriptionPath, .description),
    ("GET", "/", .page),
    ("GET", "/topology", .topology),
    ("GET", "/agents", .listAgents),
    ("GET", "/agents/{agentId}", .readAgent),
    ("PUT", "/agents/{agentId}", .register),
    ("DELETE", "/agents/{agentId}", .deregister),
    ("POST", "/connections", .connectPeer),
    ("POST", "/connections/{sessionId}/mapping", .mapPeer),
  ])

  /// Whose token a request carries.
  enum Caller: Sendable, Hashable {
    case `operator`
    case agent(String)
  }

  mutating func serve(
    _ request: HTTPRequest, as exchange: Exchange, from: Endpoint, to: Endpoint, at now: Moment,
    bits: inout RandomBits
  ) -> [Effect] {
    do throws(Refusal) {
      let path = try front.path(of: request, at: to)
      let (operation, parameters) = try find(request, path)
      let served = ServedRequest(exchange, request, path: path, parameters: parameters, from: from, to: to, now: now)
      try authorise(served, for: operation)
      if request.method != "GET" {
        switch idempotency.admit(request, path: path, as: exchange, at: now) {
        case .proceed: break
        case .wait: return []
        case .repeated(let response):
          let stopped = operation == .register ? registerRepeated(served) : []
          return stopped + [.reply(exchange, response.repeating(correlation: request.correlation))]
        case .otherBody: throw Refusal(.invalidField, "this Idempotency-Key came with another body before")
        case .full: throw Refusal(.tooManyRequests, "too many requests are in work")
        }
      }
      let outcome: ServedOutcome
      do throws(Refusal) {
        switch try perform(operation, served, bits: &bits) {
        case .answered(let answer): outcome = answer
        case .held(let rows, let effects):
          heldReplies.hold(served)
          return (rows.isEmpty ? [] : [.save(rows)]) + effects
        }
      } catch {
        outcome = ServedOutcome(error.response)
      }
      let waiting = idempotency.settle(exchange, with: outcome.response, at: now)
      // A removed record takes along the answers that were kept for its agentId (profile section 3).
      if operation == .deregister, outcome.response.status == 204 { idempotency.forget(path: path) }
      return outcome.effects(for: exchange, correlation: request.correlation, waiting: waiting)
    } catch {
      return [.reply(exchange, error.response.repeating(correlation: request.correlation))]
    }
  }

  private mutating func perform(
    _ operation: Operation, _ served: ServedRequest, bits: inout RandomBits
  ) throws(Refusal) -> Served {
    switch operation {
    case .description: .answered(ServedOutcome(description()))
    case .register: .answered(try register(served, bits: &bits))
    case .deregister: .answered(try deregister(served))
    case .readAgent: .answered(try readAgent(served))
    case .listAgents: .answered(listAgents(served))
    case .topology: .answered(ServedOutcome(readTopology(at: served.now)))
    case .page: .answered(ServedOutcome(page(at: served.now)))
    case .connectPeer: try connectPeer(served, bits: &bits)
    case .mapPeer: try mapPeer(served)
    }
  }

  /// Finds the operation; a path that names nothing is told to an operator alone (401 before 404).
  private func find(_ request: HTTPRequest, _ path: RequestPath) throws(Refusal) -> (Operation, [String: String]) {
    do throws(Refusal) {
      return try front.operation(of: request, path: path, in: Configurator.routes)
    } catch {
      guard error.response.status == 404 else { throw error }
      guard try identify(request) == .operator else {
        throw Refusal(.forbidden, "nothing that this token is for is here")
      }
      throw error
    }
  }

  func identify(_ request: HTTPRequest) throws(Refusal) -> Caller {
    guard let token = request.bearerToken else { throw .unauthorized("expected Authorization: Bearer and a token") }
    if let own = settings.operatorToken, token.equalsSecret(own) { return .operator }
    for (agentId, record) in records where token.equalsSecret(record.controlToken) { return .agent(agentId) }
    throw .unauthorized("the token is not known")
  }

  private func authorise(_ served: ServedRequest, for operation: Operation) throws(Refusal) {
    let agentId = served["agentId"]
    switch operation {
    case .description, .register: return
    case .page:
      // What it shows was told to everybody on the link, and to nobody else.
      guard interfaces.values.contains(where: { $0.addresses.contains { $0.contains(served.from.address) } }) else {
        throw Refusal(.forbidden, "the page is for whoever is on the home's own network")
      }
    case .deregister:
      switch try identify(served.request) {
      case .agent(agentId): return
      case .agent: throw Refusal(.forbidden, "the token belongs to another agent")
      case .operator: guard records[agentId] != nil else { throw noAgent(agentId) }
      }
    case .readAgent, .listAgents, .topology:
      guard try identify(served.request) == .operator else {
        throw Refusal(.forbidden, "records are read with the operator's token")
      }
    case .connectPeer, .mapPeer:
      guard case .agent(let agentId) = try identify(served.request) else {
        throw Refusal(.forbidden, "connections are an agent's to ask for")
      }
      // A registration that has expired opens nothing.
      guard records[agentId]?.isLive(at: served.now) == true else {
        throw .unauthorized("the agent's registration has expired")
      }
    }
  }

  func noAgent(_ agentId: String) -> Refusal { Refusal(.noAgent, "there is no agent \(agentId.prefix(64))") }

  // MARK: agent-read

  private func readAgent(_ served: ServedRequest) throws(Refusal) -> ServedOutcome {
    guard let record = records[served["agentId"]] else { throw noAgent(served["agentId"]) }
    return ServedOutcome(.json(200, read(record, at: served.now)))
  }

  private func listAgents(_ served: ServedRequest) -> ServedOutcome {
    let list = records.sorted { $0.key < $1.key }.map { read($0.value, at: served.now) }
    return ServedOutcome(.json(200, ["agents": .array(list)]))
  }

  private func read(_ record: AgentRecord, at now: Moment) -> JSONValue {
    [
      "agentId": .string(record.agentId), "state": .string(record.state(at: now)),
      "revision": record.applied.map { .int($0.revision) } ?? .null,
      "device": record.registration.body["device"] ?? [:],
      "applications": record.registration.body["applications"] ?? [],
    ]
  }
}
