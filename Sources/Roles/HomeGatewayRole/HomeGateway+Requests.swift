import Messages
import RoleKit

/// What the gateway is asked by HTTP: documents, actions, subscriptions. Whoever asks from outside is refused.
extension HomeGateway {
  enum Operation: Sendable, Hashable {
    case page, description
    case service(GatewayService)
    case control(GatewayService)
    case subscribe(GatewayService)
    case unsubscribe(GatewayService)
  }

  private static let routes = RouteTable<Operation>(
    [("GET", GatewayPath.page, .page), ("GET", GatewayPath.description, .description)]
      + GatewayService.allCases.flatMap { service -> [(method: String, pattern: String, operation: Operation)] in
        [
          ("GET", GatewayPath.service(service), .service(service)),
          ("POST", GatewayPath.control(service), .control(service)),
          ("SUBSCRIBE", GatewayPath.events(service), .subscribe(service)),
          ("UNSUBSCRIBE", GatewayPath.events(service), .unsubscribe(service)),
        ]
      })

  /// A request in hand: who asked, where, and when.
  struct Asked: Sendable {
    var exchange: Exchange
    var request: HTTPRequest
    var from: Endpoint
    var to: Endpoint
    var now: Moment
    /// As it came in, for those that have to wait.
    var input: Input
  }

  mutating func requested(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    guard case .requested(let exchange, let request, let from, let to) = input else { return [] }
    let asked = Asked(exchange: exchange, request: request, from: from, to: to, now: now, input: input)
    do throws(Refusal) {
      let path = try front.path(of: request, at: to)
      let operation = try front.operation(of: request, path: path, in: Self.routes).0
      if case .control(let service) = operation { return try control(service, asked, bits: &bits) }
      guard isFromHome(from, to: to) else { throw Refusal(.forbidden, "this gateway answers its home alone") }
      switch operation {
      case .page: return [.reply(exchange, page(at: now))]
      case .description: return [.reply(exchange, description(at: to))]
      case .service(let service): return [.reply(exchange, description(of: service))]
      case .subscribe(let service): return try subscribe(to: service, asked, bits: &bits)
      case .unsubscribe(let service): return try unsubscribe(from: service, asked)
      case .control: return []
      }
    } catch {
      let reason = Problem(error.response)?.description ?? "status \(error.response.status)"
      return [
        .reply(exchange, error.response.repeating(correlation: request.correlation)),
        refusal(asked, reason),
      ]
    }
  }

  func refusal(_ asked: Asked, _ reason: String) -> Effect {
    let what = "\(asked.request.method) \(asked.request.path.prefix(200)) from \(asked.from)"
    return .report(Report(.notice, "request-refused", "\(what): \(reason)"))
  }
}
