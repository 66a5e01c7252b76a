import HTTPWire
import JSONText
import Messages
import Octets
import Taps

/// The map in a capture: a comment `homebed:` with a JSON object whose `note` is `addresses`, before the first octets
/// that it is about.
extension AddressMap {
  private static let prefix = "homebed:"

  /// The map as a comment; `at` is CLOCK_REALTIME in nanoseconds.
  public func comment(at: Int64) -> String {
    let map = rules.map { rule -> JSONValue in
      ["near": .string("\(rule.near)"), "far": .string("\(rule.far)"), "network": .string(rule.network)]
    }
    let object: JSONValue = ["note": "addresses", "at": .string(String(at)), "map": .array(map)]
    return AddressMap.prefix + object.description
  }

  /// The map that a comment holds; `nil` for any other comment.
  public init?(comment: String) {
    guard comment.hasPrefix(AddressMap.prefix), comment.contains("\"addresses\""),
      let json = try? JSONValue(parsing: Array(comment.utf8.dropFirst(AddressMap.prefix.utf8.count))),
      json["note"]?.string == "addresses", let items = json["map"]?.array
    else { return nil }
    self.init(
      items.compactMap { item in
        guard let near = item["near"]?.string.flatMap({ CIDR($0) }),
          let far = item["far"]?.string.flatMap({ CIDR($0) }), near.prefixLength == far.prefixLength
        else { return nil }
        return Rule(near: near, far: far, network: item["network"]?.string ?? "")
      })
  }

  /// The request with the topology's addresses in its target, fields and body.
  func restored(_ request: HTTPRequest) -> HTTPRequest {
    guard !isEmpty else { return request }
    var request = request
    request.target = restored(request.target)
    request.fields = restored(request.fields)
    request.body = restored(request.body)
    return request
  }

  func restored(_ response: HTTPResponse) -> HTTPResponse {
    guard !isEmpty else { return response }
    var response = response
    response.fields = restored(response.fields)
    response.body = restored(response.body)
    return response
  }

  private func restored(_ fields: HTTPFields) -> HTTPFields {
    HTTPFields(fields.list.map { HTTPFields.Field($0.name, restored($0.value)) })
  }

  func restored(_ event: ServerSentEvent) -> ServerSentEvent {
    guard !isEmpty else { return event }
    var event = event
    event.data = restored(event.data)
    return event
  }
}
