import Messages
import RoleKit

/// The agent's own HTTP API: two pages and a description that anybody in the home may read, and the configuration,
/// which is for the configurator alone (profile sections 3 and 8).
extension CEAgent {
  enum Operation: Sendable {
    case page, status, description, configurationRead, configure, control, connectionEnd, askPeer, listPeers
    case check, stopApplication, startApplication
  }

  private static let routes = RouteTable<Operation>([
    ("GET", "/", .page), ("GET", "/status", .status), ("GET", "/description.xml", .description),
    ("GET", "/configuration", .configurationRead), ("PATCH", "/configuration", .configure),
    ("POST", "/connections", .control), ("DELETE", "/connections/{connectionId}", .connectionEnd),
    ("POST", "/peer-connections", .askPeer), ("GET", "/peer-connections", .listPeers),
    ("POST", "/checks", .check), ("POST", "/applications/{name}/stop", .stopApplication),
    ("POST", "/applications/{name}/start", .startApplication),
  ])
  private static let publicPaths: [[String]] = [[], ["status"], ["description.xml"]]
  /// What is for the user at the device.
  private static let localPaths: [[String]] = [["peer-connections"]]

  mutating func requested(
    _ exchange: Exchange, _ request: HTTPRequest, from: Endpoint, to local: Endpoint, at now: Moment,
    bits: inout RandomBits
  ) -> [Effect] {
    guard local.port == settings.httpPort else {
      return applicationRequested(exchange, request, from: from, to: local, at: now)
    }
    do throws(Refusal) {
      let path = try front.path(of: request, at: local)
      // 401 comes before 404, so that a stranger learns nothing about what is there.
      let isForUser = Self.localPaths.contains(path.segments) || path.segments.first == "applications"
      if isForUser {
        if !Self.isAtTheDevice(from, local) {
          try authorize(request)
          throw Refusal(.forbidden, "this is for the user at the device alone")
        }
      } else if !Self.publicPaths.contains(path.segments) {
        try authorize(request)
      }
      let (operation, parameters) = try front.operation(of: request, path: path, in: Self.routes)
      let served = ServedRequest(exchange, request, path: path, parameters: parameters, from: from, to: local, now: now)
      let response: HTTPResponse
      switch operation {
      case .page: response = statusPage
      case .status: response = HTTPResponse.json(200, status)
      case .description: response = description(at: local)
      case .configurationRead: response = configurationRead
      case .configure: return try configure(exchange, request, at: now)
      case .control: return try once(served) { agent throws(Refusal) in try agent.control(served, to: local) }
      case .listPeers: response = listPeers(at: now)
      case .askPeer:
        var random = bits
        defer { bits = random }
        return try once(served) { agent throws(Refusal) in try agent.askPeer(served, bits: &random) }
      case .check: return try check(served)
      case .stopApplication, .startApplication:
        let effects = try switchApplication(served["name"], isStop: operation == .stopApplication, at: now)
        return [.reply(exchange, HTTPResponse(204).repeating(correlation: request.correlation))] + effects
      case .connectionEnd: return try endConnection(served).effects(for: exchange, correlation: request.correlation)
      }
      return [.reply(exchange, response.repeating(correlation: request.correlation))]
    } catch {
      let response = error.response.repeating(correlation: request.correlation)
      let reason = Problem(response)?.description ?? "status \(response.status)"
      return [
        .reply(exchange, response),
        .report(
          Report(.notice, "request-refused", "\(request.method) \(request.path.prefix(200)) from \(from): \(reason)")),
      ]
    }
  }

  /// Does what a request asks once, however often it comes with its Idempotency-Key (profile section 1).
  mutating func once(
    _ served: ServedRequest, _ body: (inout CEAgent) throws(Refusal) -> ServedOutcome
  ) throws(Refusal) -> [Effect] {
    switch idempotency.admit(served.request, path: served.path, as: served.exchange, at: served.now) {
    case .proceed: break
    case .wait: return []
    case .repeated(let response): return [.reply(served.exchange, response.repeating(correlation: served.correlation))]
    case .otherBody: throw Refusal(.invalidField, "this Idempotency-Key came with another body before")
    case .full: throw Refusal(.tooManyRequests, "too many requests are in work")
    }
    let outcome: ServedOutcome
    do throws(Refusal) {
      outcome = try body(&self)
    } catch {
      _ = idempotency.settle(served.exchange, with: error.response, at: served.now)
      throw error
    }
    let waiting = idempotency.settle(served.exchange, with: outcome.response, at: served.now)
    return outcome.effects(for: served.exchange, correlation: served.correlation, waiting: waiting)
  }

  /// Only the configurator that the agent registered with last may ask; tokens of earlier ones are valid elsewhere.
  private func authorize(_ request: HTTPRequest) throws(Refusal) {
    guard let token = request.bearerToken else { throw .unauthorized("the control token is needed") }
    if let known = memory.known, let held = memory.token(for: known), held.equalsSecret(token) { return }
    if memory.tokens.contains(where: { $0.token.equalsSecret(token) }) {
      throw Refusal(.forbidden, "the device has registered with another configurator since")
    }
    throw .unauthorized("this is not the control token")
  }
}
