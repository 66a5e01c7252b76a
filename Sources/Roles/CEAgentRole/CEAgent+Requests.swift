import Messages
import RoleKit

/// The agent's own HTTP API: two pages and a description that anybody in the home may read, and the configuration,
/// which is for the configurator alone (profile sections 3 and 8).
extension CEAgent {
  enum Operation: Sendable { case page, status, description, configurationRead, configure }

  private static let routes = RouteTable<Operation>([
    ("GET", "/", .page), ("GET", "/status", .status), ("GET", "/description.xml", .description),
    ("GET", "/configuration", .configurationRead), ("PATCH", "/configuration", .configure),
  ])
  private static let publicPaths: [[String]] = [[], ["status"], ["description.xml"]]

  mutating func requested(
    _ exchange: Exchange, _ request: HTTPRequest, from: Endpoint, to local: Endpoint, at now: Moment
  ) -> [Effect] {
    do throws(Refusal) {
      let path = try front.path(of: request, at: local)
      // 401 comes before 404, so that a stranger learns nothing about what is there.
      if !Self.publicPaths.contains(path.segments) { try authorize(request) }
      let (operation, _) = try front.operation(of: request, path: path, in: Self.routes)
      let response: HTTPResponse
      switch operation {
      case .page: response = statusPage
      case .status: response = HTTPResponse.json(200, status)
      case .description: response = description(at: local)
      case .configurationRead: response = configurationRead
      case .configure: return try configure(exchange, request, at: now)
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
