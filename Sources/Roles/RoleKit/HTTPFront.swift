import Messages

/// What every server of the profile asks of a request before its own rules apply (profile section 1).
///
/// The order is: ``path(of:at:)`` (400, 421), ``operation(of:path:in:)`` (404, 405), the caller's token (401, 403),
/// ``IdempotencyCache`` (422), ``object(in:type:)`` (415, 400), then the fields (422). The transport sees to 408, 413
/// and 431.
public struct HTTPFront: Sendable {
  /// Names beside the listening address that `Host` may carry (`--host-name`), in lower case.
  public let hostNames: Set<String>

  public init(hostNames: [String] = []) { self.hostNames = Set(hostNames.map { HTTPFront.canonical($0) }) }

  /// Checks `Host` against the address and port at which the request came in, and reads the path.
  ///
  /// This stops DNS rebinding: a page in somebody's browser cannot reach us under a name of its own.
  public func path(of request: HTTPRequest, at local: Endpoint) throws(Refusal) -> RequestPath {
    let hosts = request.fields.all("Host")
    guard hosts.count == 1 else {
      throw .badRequest(hosts.isEmpty ? "the Host field is missing" : "there are \(hosts.count) Host fields")
    }
    // RFC 9112 clause 3.2.2: the host of a target in absolute form counts instead of the field.
    let authority = RequestPath.authority(ofTarget: request.target) ?? hosts[0]
    guard let (host, port) = HTTPFront.split(authority) else {
      throw .badRequest("the Host field \"\(authority)\" is no host and port")
    }
    guard port == local.port, IPAddress(host) == local.address || hostNames.contains(host) else {
      throw Refusal(
        Problem(
          status: 421, title: "Misdirected Request", "Host is \"\(authority)\", this is \(local)"))
    }
    guard let path = RequestPath(target: request.target) else {
      throw .badRequest("the request target \"\(request.target.prefix(200))\" is no path")
    }
    return path
  }

  /// The operation that a request's method and path name, with the path's parameters.
  public func operation<Operation>(
    of request: HTTPRequest, path: RequestPath, in routes: RouteTable<Operation>
  ) throws(Refusal) -> (Operation, [String: String]) {
    switch routes.match(method: request.method, path: path) {
    case .found(let operation, let parameters): return (operation, parameters)
    case .otherMethod(let allowed): throw .methodNotAllowed(request.method, allowed: allowed)
    case .unknown: throw .notFound("nothing is at \(request.path.prefix(200))")
    }
  }

  /// The body, which must be a JSON object of the media type.
  public func object(in request: HTTPRequest, type: String = ProfileNames.jsonType) throws(Refusal) -> BodyField {
    let types = request.fields.all("Content-Type")
    let found = types.count == 1 ? HTTPFront.trim(types[0].prefix { $0 != ";" }).lowercased() : nil
    guard found == type else {
      throw Refusal(
        Problem(
          status: 415, title: "Unsupported Media Type",
          "expected Content-Type \(type), found \(types.isEmpty ? "none" : types.joined(separator: ", "))"),
        fields: [.init(request.method == "PATCH" ? "Accept-Patch" : "Accept", type)])
    }
    let body: JSONValue
    do {
      body = try JSONValue(parsing: request.body)
    } catch {
      throw Refusal(.malformedBody, "\(error)")
    }
    guard body.object != nil else { throw Refusal(.malformedBody, "the body is JSON but no object") }
    return BodyField(body)
  }

  private static func split(_ authority: String) -> (host: String, port: UInt16)? {
    var host = Substring(authority)
    var port: UInt16 = 80
    if authority.hasPrefix("[") {
      guard let end = authority.firstIndex(of: "]") else { return nil }
      host = authority[authority.index(after: authority.startIndex)..<end]
      let rest = authority[authority.index(after: end)...]
      guard let read = HTTPFront.port(rest) else { return nil }
      port = read
    } else if let colon = authority.firstIndex(of: ":") {
      host = authority[..<colon]
      guard let read = HTTPFront.port(authority[colon...]) else { return nil }
      port = read
    }
    guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }) else {
      return nil
    }
    return (canonical(host), port)
  }

  /// Reads `:8080`; nothing and a bare colon are port 80 (RFC 9110 clause 4.2.1).
  private static func port(_ text: Substring) -> UInt16? {
    if text.isEmpty || text == ":" { return 80 }
    guard text.first == ":", text.dropFirst().utf8.allSatisfy(\.isDecimalDigit) else { return nil }
    return UInt16(text.dropFirst())
  }

  /// Names compare without regard to case and to the root's dot.
  private static func canonical(_ host: some StringProtocol) -> String {
    let name = host.lowercased()
    return name.hasSuffix(".") ? String(name.dropLast()) : name
  }

  private static func trim(_ text: some StringProtocol) -> String {
    var octets = Array(text.utf8)[...]
    while let first = octets.first, first == 0x20 || first == 0x09 { octets.removeFirst() }
    while let last = octets.last, last == 0x20 || last == 0x09 { octets.removeLast() }
    return String(decoding: octets, as: UTF8.self)
  }
}
