import Octets

extension HTTPRequest {
  /// The octets of the request, with `Content-Length` where there is a body and the fields tell no length.
  ///
  /// - Throws: ``WireError`` where the method, the target or a field holds what its place can't.
  public func octets() throws -> [UInt8] {
    guard !method.isEmpty, method.utf8.allSatisfy(\.isToken), !target.isEmpty,
      target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
    else { throw WireError(.malformed, in: "HTTP", at: 0, "no legal request line: \(method) \(target)") }
    var result = Array("\(method) \(target) HTTP/1.1\r\n".utf8)
    let needsLength = !body.isEmpty || ["POST", "PUT", "PATCH"].contains(method)
    try fields.write(into: &result, length: needsLength ? body.count : nil)
    return result + body
  }
}

extension HTTPResponse {
  /// The octets of the response, with `Content-Length` where a body is allowed and the fields tell no length.
  ///
  /// - Throws: ``WireError`` where the status or a field holds what its place can't.
  public func octets() throws -> [UInt8] {
    guard (100...599).contains(status) else {
      throw WireError(.malformed, in: "HTTP", at: 0, "no legal status: \(status)")
    }
    let mayHaveBody = status >= 200 && status != 204 && status != 304
    var result = Array("HTTP/1.1 \(status) \(HTTPResponse.reason(status))\r\n".utf8)
    try fields.write(into: &result, length: mayHaveBody ? body.count : nil)
    return mayHaveBody ? result + body : result
  }

  /// The reason phrase of RFC 9110 and its kin; empty for a status that none names.
  public static func reason(_ status: Int) -> String {
    switch status {
    case 100: "Continue"
    case 101: "Switching Protocols"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 206: "Partial Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 411: "Length Required"
    case 412: "Precondition Failed"
    case 413: "Content Too Large"
    case 415: "Unsupported Media Type"
    case 421: "Misdirected Request"
    case 422: "Unprocessable Content"
    case 428: "Precondition Required"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    default: ""
    }
  }
}

extension HTTPFields {
  fileprivate func write(into octets: inout [UInt8], length: Int?) throws {
    for field in list {
      guard !field.name.isEmpty, field.name.utf8.allSatisfy(\.isToken), field.value.utf8.allSatisfy(\.isFieldContent)
      else {
        throw WireError(.malformed, in: "HTTP", at: octets.count, "no legal field: \(field.name)")
      }
      octets += "\(field.name): \(field.value)\r\n".utf8
    }
    if let length, self["Content-Length"] == nil, self["Transfer-Encoding"] == nil {
      octets += "Content-Length: \(length)\r\n".utf8
    }
    octets += "\r\n".utf8
  }
}

extension ServerSentEvent {
  /// The octets of the event in its stream; line ends inside `event` and `id`, which can't hold any, become blanks.
  public var octets: [UInt8] {
    var text = ""
    func oneLine(_ value: String) -> String { String(value.map { $0.isNewline ? " " : $0 }) }
    if let event { text += "event: \(oneLine(event))\n" }
    if let id { text += "id: \(oneLine(id))\n" }
    for line in data.split(
      omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r\n" || $0 == "\r" })
    {
      text += "data: \(line)\n"
    }
    return Array((text + "\n").utf8)
  }
}
