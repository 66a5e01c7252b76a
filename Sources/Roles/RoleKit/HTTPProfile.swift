import Messages

extension HTTPRequest {
  /// A request with a JSON body; `type` is its media type.
  public static func json(
    _ method: String, _ target: String, _ body: JSONValue, type: String = ProfileNames.jsonType
  ) -> HTTPRequest {
    HTTPRequest(method, target, fields: HTTPFields([.init("Content-Type", type)]), body: body.octets)
  }

  /// The token of `Authorization: Bearer` (RFC 6750); `nil` unless there is exactly one such field of that form.
  public var bearerToken: String? {
    get {
      let values = fields.all("Authorization")
      guard values.count == 1, let space = values[0].firstIndex(of: " "), values[0][..<space].lowercased() == "bearer"
      else { return nil }
      let token = values[0][space...].drop { $0 == " " }
      return token.isEmpty ? nil : String(token)
    }
    set { fields["Authorization"] = newValue.map { "Bearer " + $0 } }
  }

  /// The UUID that the request carries as its correlation; `nil` where there is none or it is no UUID.
  public var correlation: String? {
    get { fields[ProfileNames.correlationField].flatMap { Identifier.isUUID($0) ? $0 : nil } }
    set { fields[ProfileNames.correlationField] = newValue }
  }

  /// The key under which the receiver remembers its answer (profile section 1).
  public var idempotencyKey: String? {
    get { fields[ProfileNames.idempotencyField] }
    set { fields[ProfileNames.idempotencyField] = newValue }
  }
}

extension HTTPResponse {
  /// A response with a JSON body.
  public static func json(_ status: Int, _ body: JSONValue) -> HTTPResponse {
    HTTPResponse(status, fields: HTTPFields([.init("Content-Type", ProfileNames.jsonType)]), body: body.octets)
  }

  /// The body as JSON; `nil` where it is none.
  public var json: JSONValue? { try? JSONValue(parsing: body) }

  /// The same response with the correlation of the request that it answers.
  public func repeating(correlation: String?) -> HTTPResponse {
    var response = self
    response.fields[ProfileNames.correlationField] = correlation
    return response
  }

  /// The wait that `Retry-After` asks for, in whole seconds, at most an hour; `nil` where there is none to be read.
  /// The date form (RFC 9110 clause 10.2.3) is read as IMF-fixdate.
  public func retryAfter(at wall: Int64) -> UInt64? {
    guard let text = fields["Retry-After"] else { return nil }
    if !text.isEmpty, text.utf8.allSatisfy(\.isDecimalDigit) { return min(UInt64(text) ?? 3600, 3600) }
    guard let until = ProfileTime.milliseconds(fixdate: text) else { return nil }
    return min(UInt64(max(0, (until - wall + 999) / 1000)), 3600)
  }
}

extension ProfileTime {
  /// Reads `Sun, 22 Nov 2026 21:52:39 GMT` (RFC 9110 clause 5.6.7, the preferred form); `nil` for anything else.
  static func milliseconds(fixdate text: String) -> Int64? {
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let parts = text.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0].count == 4, parts[0].hasSuffix(","), parts[5] == "GMT",
      let month = months.firstIndex(of: String(parts[2]))
    else { return nil }
    let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
    return milliseconds(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
  }
}

extension Moment {
  /// The wall clock as the profile writes times: RFC 3339, UTC, milliseconds.
  public var wallText: String { ProfileTime.rfc3339(wall) }
}
