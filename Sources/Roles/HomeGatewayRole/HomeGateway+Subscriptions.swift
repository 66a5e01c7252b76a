import Messages
import RoleKit

/// Subscriptions to events (UDA 2.0 clause 4.1).
extension HomeGateway {
  mutating func subscribe(
    to service: GatewayService, _ asked: Asked, bits: inout RandomBits
  ) throws(Refusal) -> [Effect] {
    let fields = asked.request.fields
    if let id = fields["SID"] {
      guard fields["NT"] == nil, fields["CALLBACK"] == nil else {
        throw .badRequest("SID stands beside NT or CALLBACK")
      }
      return try renew(id, service, asked)
    }
    guard let callback = fields["CALLBACK"], fields["NT"] == SubscriptionFields.eventType else {
      throw .precondition("expected NT \(SubscriptionFields.eventType) and CALLBACK")
    }
    // No CallStranger: whoever is told is a host of this home, and not the gateway.
    let callbacks = SubscriptionFields.callbacks(callback).filter { url in url.address.map(isHost) ?? false }
    guard !callbacks.isEmpty else {
      throw .precondition("CALLBACK has no http URL whose host is the address of a host of this home")
    }
    guard subscriptions.hasRoom(for: asked.from.address) else {
      throw Refusal(Problem(status: 503, title: "Service Unavailable", "there are too many subscriptions"))
    }
    let subscription = Subscription(
      id: "uuid:" + bits.uuid(), service: service, subscriber: asked.from.address,
      callbacks: Array(callbacks.prefix(4)),
      state: .accepting(asked.exchange))
    subscriptions[subscription.id] = subscription
    return accept(subscription.id, asked)
  }

  private func renew(_ id: String, _ service: GatewayService, _ asked: Asked) throws(Refusal) -> [Effect] {
    guard let subscription = subscriptions[id], subscription.service == service else { throw .unknown(id) }
    return accept(id, asked)
  }

  private func accept(_ id: String, _ asked: Asked) -> [Effect] {
    let seconds = SubscriptionFields.seconds(asked.request.fields["TIMEOUT"])
    let response = HTTPResponse(
      200,
      fields: HTTPFields([
        .init("Date", ProfileTime.httpDate(asked.now.wall)), .init("Server", ProfileNames.upnpProduct),
        .init("SID", id), .init("TIMEOUT", "Second-\(seconds)"),
      ]))
    return [
      .arm(TimerName(Timer.subscription, id), after: .seconds(Double(seconds))), .reply(asked.exchange, response),
    ]
  }

  mutating func unsubscribe(from service: GatewayService, _ asked: Asked) throws(Refusal) -> [Effect] {
    let fields = asked.request.fields
    guard fields["NT"] == nil, fields["CALLBACK"] == nil else {
      throw .badRequest("UNSUBSCRIBE stands with NT or CALLBACK")
    }
    guard let id = fields["SID"], subscriptions[id]?.service == service else { throw .unknown(fields["SID"] ?? "") }
    return [.disarm(TimerName(Timer.subscription, id))] + drop(id) + [.reply(asked.exchange, HTTPResponse(200))]
  }

  mutating func endSubscription(_ id: String) -> [Effect] {
    drop(id) + [.report(Report(.info, "subscription-ended", "\(id) was not renewed"))]
  }

  private mutating func drop(_ id: String) -> [Effect] {
    defer { subscriptions[id] = nil }
    guard case .telling(let call, _, _)? = subscriptions[id]?.state else { return [] }
    return [.cancel(call)]
  }

  /// The SID never reached anybody.
  mutating func subscriberLeft(_ exchange: Exchange) -> [Effect] {
    guard let subscription = subscriptions.subscription(accepting: exchange) else { return [] }
    return [.disarm(TimerName(Timer.subscription, subscription.id))] + drop(subscription.id)
  }

  /// The subscriber has the SID: now comes the first event, with all variables (UDA 2.0 clause 4.1.2).
  mutating func subscriberHeard(_ exchange: Exchange, at now: Moment) -> [Effect] {
    guard var subscription = subscriptions.subscription(accepting: exchange) else { return [] }
    subscription.state = .idle
    subscription.changed = Set(subscription.service.eventedVariables)
    subscriptions[subscription.id] = subscription
    return tell(subscription.id)
  }
}

extension Refusal {
  /// 412, as UDA 2.0 clause 4.1.2 has it.
  fileprivate static func precondition(_ detail: String) -> Refusal {
    Refusal(Problem(status: 412, title: "Precondition Failed", detail))
  }

  fileprivate static func unknown(_ id: String) -> Refusal {
    precondition("there is no subscription \"\(id.prefix(80))\" of this service")
  }
}
