import JSONText

/// What is asked of a home that runs, over its socket: one line of JSON there, one back.
struct HomeCall: Sendable {
  enum Request: Sendable, Hashable {
    /// Which nodes there are.
    case describe
    /// How to enter a node.
    case enter(node: String)
    /// Actions, one a line; `within` in seconds.
    case perform(String, within: Double)
  }

  /// Tells it apart from other calls of this home.
  var number: Int
  var request: Request
  var answer: @Sendable (HomeAnswer) -> Void
}

extension HomeCall.Request {
  var json: JSONValue {
    switch self {
    case .describe: ["call": "describe"]
    case .enter(let node): ["call": "enter", "node": .string(node)]
    case .perform(let text, let within): ["call": "perform", "text": .string(text), "within": .double(within)]
    }
  }

  /// `nil` where it is no request, or one of another version.
  init?(_ json: JSONValue) {
    switch json["call"]?.string {
    case "describe": self = .describe
    case "enter":
      guard let node = json["node"]?.string else { return nil }
      self = .enter(node: node)
    case "perform":
      guard let text = json["text"]?.string, let within = json["within"]?.double, within > 0 else { return nil }
      self = .perform(text, within: within)
    default: return nil
    }
  }
}

/// What a running home answers.
public struct HomeAnswer: Sendable, Hashable {
  /// As exit statuses are: 0 done; 1 it could not be done; 2 wrong input; 3 the testbed itself broke.
  public var status: Int32
  /// For people; may be empty.
  public var text: String
  /// What was asked for besides, such as the way into a node.
  public var details: JSONValue = .null

  public init(_ status: Int32, _ text: String, details: JSONValue = .null) {
    self.status = status
    self.text = text
    self.details = details
  }

  var json: JSONValue { ["status": .int(Int(status)), "text": .string(text), "details": details] }

  init?(_ json: JSONValue) {
    guard let status = json["status"]?.int, let text = json["text"]?.string else { return nil }
    self.init(Int32(clamping: status), text, details: json["details"] ?? .null)
  }
}
