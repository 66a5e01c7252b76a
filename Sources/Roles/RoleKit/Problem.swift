import Messages

/// An error as it crosses the wire: `application/problem+json` (RFC 9457, profile sections 1 and 9).
public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
  /// `nil` is `about:blank`: no name of the profile fits.
  public var name: ProblemName?
  public var status: Int
  public var title: String
  public var detail: String
  /// The bad field, where there is one (RFC 6901).
  public var pointer: String?

  /// A problem with a name of the profile. `status` is given only for 428 `stale-revision`.
  public init(_ name: ProblemName, status: Int? = nil, _ detail: String, pointer: String? = nil) {
    self.name = name
    self.status = status ?? name.status
    title = name.title
    self.detail = detail
    self.pointer = pointer
  }

  /// A problem for which the profile has no name, such as 415.
  public init(status: Int, title: String, _ detail: String) {
    name = nil
    self.status = status
    self.title = title
    self.detail = detail
  }

  /// Reads a response back; `nil` for a status below 400. A body that is no problem document gives an unnamed problem.
  public init?(_ response: HTTPResponse) {
    guard response.status >= 400 else { return nil }
    let body = response.json
    name = body?["type"]?.string.flatMap(ProblemName.init(type:))
    status = response.status
    title = body?["title"]?.string ?? "status \(response.status)"
    detail = body?["detail"]?.string ?? ""
    pointer = body?["pointer"]?.string
  }

  public var response: HTTPResponse {
    var body: JSONValue = [
      "type": .string(name?.type ?? "about:blank"), "title": .string(title), "status": .int(status),
      "detail": .string(detail),
    ]
    if let pointer { body["pointer"] = .string(pointer) }
    return HTTPResponse(
      status, fields: HTTPFields([.init("Content-Type", ProfileNames.problemType)]), body: body.octets)
  }

  /// `409 agent-conflict: the serial number differs`.
  public var description: String {
    let kind = "\(status) \(name?.rawValue ?? title)"
    let place = pointer.map { " at \($0)" } ?? ""
    return detail.isEmpty ? kind + place : "\(kind)\(place): \(detail)"
  }
}
