import Messages
import RoleKit

extension GatewayService {
  /// In the order of the service description.
  var eventedVariables: [String] { description.variables.filter(\.isEvented).map(\.name) }
}

/// Events: subscribers are told what has changed (UDA 2.0 clause 4.3).
extension HomeGateway {
  /// Variables that change with every mapping, told at most once in 0.2 s.
  private static let moderated: Set<String> = ["PortMappingNumberOfEntries", "SystemUpdateID"]
  private static let moderation: UInt64 = .milliseconds(200)
  /// A subscriber has 30 s to answer.
  private static let patience: UInt64 = .seconds(30)
  private static let namespace = "urn:schemas-upnp-org:event-1-0"

  /// What events are about.
  struct EventedState: Sendable, Hashable {
    var address: IPAddress?
    var hasLink: Bool
    var count: Int
    var updateID: UInt32
  }

  var eventedState: EventedState {
    EventedState(
      address: externalAddress, hasLink: outsideInterface?.isUp ?? false, count: table.count, updateID: systemUpdateID)
  }

  /// Tells what a turn has changed: the address and the link at once, the mappings when it is time.
  mutating func tell(changesSince before: EventedState, at now: Moment) -> [Effect] {
    guard before != eventedState, !subscriptions.byID.isEmpty else { return [] }
    var changed: Set<String> = []
    if before.address != externalAddress { changed.insert("ExternalIPAddress") }
    if (before.address == nil) != (externalAddress == nil) { changed.insert("ConnectionStatus") }
    if before.hasLink != eventedState.hasLink { changed.insert("PhysicalLinkStatus") }
    if before.count != table.count { subscriptions.held.insert("PortMappingNumberOfEntries") }
    if before.updateID != systemUpdateID { subscriptions.held.insert("SystemUpdateID") }
    return tell(changed) + (subscriptions.held.isEmpty ? [] : tellModerated(at: now))
  }

  mutating func tellModerated(at now: Moment) -> [Effect] {
    if let last = subscriptions.lastModerated, now.monotonic < last + Self.moderation {
      return [.arm(Timer.events, after: last + Self.moderation - now.monotonic)]
    }
    subscriptions.lastModerated = now.monotonic
    defer { subscriptions.held = [] }
    return tell(subscriptions.held)
  }

  private mutating func tell(_ changed: Set<String>) -> [Effect] {
    guard !changed.isEmpty else { return [] }
    var effects: [Effect] = []
    for (id, subscription) in subscriptions.byID.sorted(by: { $0.key < $1.key }) {
      let own = changed.intersection(subscription.service.eventedVariables)
      guard !own.isEmpty else { continue }
      subscriptions[id]?.changed.formUnion(own)
      effects += tell(id)
    }
    return effects
  }

  /// Sends what is to be told, unless an event is under way already.
  mutating func tell(_ id: String) -> [Effect] {
    guard var subscription = subscriptions[id], subscription.state == .idle, !subscription.changed.isEmpty else {
      return []
    }
    let properties = subscription.service.eventedVariables.filter(subscription.changed.contains).map { name in
      XMLElement("e:property", [XMLElement(name, text: value(of: name))])
    }
    let body = XMLElement(
      "e:propertyset", attributes: [.init(name: "xmlns:e", value: Self.namespace)],
      children: properties.map { .element($0) })
    let request = HTTPRequest(
      "NOTIFY", subscription.callbacks[0].target,
      fields: HTTPFields([
        .init("Content-Type", ProfileNames.soapType), .init("NT", SubscriptionFields.eventType),
        .init("NTS", "upnp:propchange"), .init("SID", id), .init("SEQ", String(subscription.sequence)),
      ]), body: body.document)
    // After 2^32 - 1 comes 1: 0 is the first event's (UDA 2.0 clause 4.3.2).
    subscription.sequence = subscription.sequence == .max ? 1 : subscription.sequence + 1
    subscription.changed = []
    return send(request, of: subscription, callback: 0)
  }

  private mutating func send(_ request: HTTPRequest, of subscription: Subscription, callback: Int) -> [Effect] {
    var (request, subscription) = (request, subscription)
    let url = subscription.callbacks[callback]
    guard let endpoint = url.endpoint else { return [] }
    request.target = url.target
    let call = subscriptions.newCall()
    subscription.state = .telling(call, callback: callback, request)
    subscriptions[subscription.id] = subscription
    return [.call(call, request, to: endpoint, timeout: Self.patience)]
  }

  mutating func notified(_ call: Call, _ response: HTTPResponse, at now: Moment) -> [Effect] {
    guard let subscription = subscriptions.subscription(telling: call) else {
      return ignored("the answer to the call \(call.number)")
    }
    if response.status == 412 {
      // Whoever listens there knows of no such subscription.
      subscriptions[subscription.id] = nil
      return [.disarm(TimerName(Timer.subscription, subscription.id))]
    }
    return goOn(subscription)
  }

  /// Each callback is tried once, in order; then the event is given up, and the next one will show that by its SEQ.
  mutating func notNotified(_ call: Call, _ failure: Failure, at now: Moment) -> [Effect] {
    guard let subscription = subscriptions.subscription(telling: call),
      case .telling(_, let callback, let request) = subscription.state
    else { return ignored("the failure of the call \(call.number)") }
    guard subscription.callbacks.indices.contains(callback + 1) else {
      let what = "\(subscription.id) at \(subscription.callbacks[0]): \(failure)"
      return [.report(Report(.notice, "event-not-told", what))] + goOn(subscription)
    }
    return send(request, of: subscription, callback: callback + 1)
  }

  private mutating func goOn(_ subscription: Subscription) -> [Effect] {
    subscriptions[subscription.id]?.state = .idle
    return tell(subscription.id)
  }
}
