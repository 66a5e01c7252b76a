import Messages
import RoleKit

/// Who is told of a service's changes (UDA 2.0 clause 4.1).
struct Subscription: Sendable {
  enum State: Sendable, Hashable {
    /// The response with the SID is not written yet; the first event comes after it.
    case accepting(Exchange)
    case idle
    /// An event is under way to the callback of this index.
    case telling(Call, callback: Int, HTTPRequest)
  }

  var id: String
  var service: GatewayService
  var subscriber: IPAddress
  var callbacks: [HTTPURL]
  var state: State
  /// Of the next event (SEQ).
  var sequence: UInt32 = 0
  /// Variables whose changes are yet to be told. Only their last values are, so that a slow reader costs nothing.
  var changed: Set<String> = []
}

/// The subscriptions of a gateway; their number is bounded, in all and for one subscriber.
struct Subscriptions: Sendable {
  static let limit = 32
  static let limitOfOne = 8

  private(set) var byID: [String: Subscription] = [:]
  private var lastCall: UInt64 = 0
  /// When events of moderated variables went out last.
  var lastModerated: UInt64?
  /// Moderated variables that have changed since.
  var held: Set<String> = []

  subscript(id: String) -> Subscription? {
    get { byID[id] }
    set { byID[id] = newValue }
  }

  func hasRoom(for subscriber: IPAddress) -> Bool {
    byID.count < Self.limit && byID.values.filter { $0.subscriber == subscriber }.count < Self.limitOfOne
  }

  func subscription(accepting exchange: Exchange) -> Subscription? {
    byID.values.first { $0.state == .accepting(exchange) }
  }

  func subscription(telling call: Call) -> Subscription? {
    byID.values.first { if case .telling(call, _, _) = $0.state { true } else { false } }
  }

  mutating func newCall() -> Call {
    lastCall += 1
    return Call(lastCall)
  }
}

/// The header fields of SUBSCRIBE (UDA 2.0 clause 4.1.2).
enum SubscriptionFields {
  static let eventType = "upnp:event"
  /// Seconds of a subscription that asks for nothing else, and the bounds of what it may ask for.
  static let usual = 1800
  static let bounds = 60...86_400

  /// Reads `<http://a/><http://b/>`; URLs that can't be read are left out.
  static func callbacks(_ text: String) -> [HTTPURL] {
    text.split(separator: "<").prefix(8).compactMap { part in
      part.firstIndex(of: ">").flatMap { HTTPURL(part[..<$0]) }
    }
  }

  /// Reads `Second-1800`; `infinite` and what can't be read get the usual time.
  static func seconds(_ text: String?) -> Int {
    guard let text, text.lowercased().hasPrefix("second-"), let number = Int(text.dropFirst("second-".count)) else {
      return usual
    }
    return min(max(number, bounds.lowerBound), bounds.upperBound)
  }
}
