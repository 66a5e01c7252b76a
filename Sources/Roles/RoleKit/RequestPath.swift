import Messages

/// The path of a request as its decoded segments: `/v1/homes/home%2Da` is `v1`, `homes`, `home-a`.
public struct RequestPath: Sendable, Hashable {
  public let segments: [String]

  public init(segments: [String]) { self.segments = segments }

  /// Reads a request target in origin form, or in absolute form (RFC 9112 clause 3.2); `nil` where it is neither, or
  /// where a percent-encoding is broken or gives octets that are not UTF-8.
  public init?(target: String) {
    var rest = Substring(target.prefix { $0 != "?" && $0 != "#" })
    if let authority = RequestPath.authority(ofTarget: target) {
      rest = rest.dropFirst("http://".count + authority.count)
      if rest.isEmpty { rest = "/" }
    }
    guard rest.hasPrefix("/") else { return nil }
    var segments: [String] = []
    for part in rest.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      guard let segment = RequestPath.decode(part) else { return nil }
      segments.append(segment)
    }
    self.segments = segments == [""] ? [] : segments
  }

  /// The host and port of a target in absolute form; `nil` for the origin form.
  static func authority(ofTarget target: String) -> String? {
    guard target.count > 7, target.prefix(7).lowercased() == "http://" else { return nil }
    return String(target.dropFirst(7).prefix { $0 != "/" && $0 != "?" && $0 != "#" })
  }

  /// The text with its percent-encodings resolved (RFC 3986 clause 2.1).
  static func decode(_ text: some StringProtocol) -> String? {
    var octets: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let octet = rest.popFirst() {
      if octet != UInt8(ascii: "%") {
        octets.append(octet)
        continue
      }
      guard let high = rest.popFirst(), let low = rest.popFirst(), high.isHexDigit, low.isHexDigit,
        let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
      else { return nil }
      octets.append(value)
    }
    return String(validating: octets, as: UTF8.self)
  }
}

/// The resources of a server: which method on which path is which operation.
public struct RouteTable<Operation: Sendable>: Sendable {
  struct Entry: Sendable {
    var method: String
    var pattern: [Substring]
    var operation: Operation
  }

  /// What a request's method and path come to.
  public enum Match: Sendable {
    /// The parameters are the segments that stood where the pattern has `{name}`.
    case found(Operation, [String: String])
    /// The path is known, the method is not: 405 with these in `Allow`.
    case otherMethod(allowed: [String])
    case unknown
  }

  private var entries: [Entry] = []

  /// Each route is a method, a pattern such as `/agents/{agentId}`, and the operation that it names.
  public init(_ routes: [(method: String, pattern: String, operation: Operation)]) {
    entries = routes.map { route in
      Entry(
        method: route.method, pattern: Substring(route.pattern).split(separator: "/", omittingEmptySubsequences: true),
        operation: route.operation)
    }
  }

  public func match(method: String, path: RequestPath) -> Match {
    var allowed: [String] = []
    for entry in entries {
      guard let parameters = RouteTable.parameters(of: path, in: entry.pattern) else { continue }
      if entry.method == method { return .found(entry.operation, parameters) }
      if !allowed.contains(entry.method) { allowed.append(entry.method) }
    }
    return allowed.isEmpty ? .unknown : .otherMethod(allowed: allowed)
  }

  private static func parameters(of path: RequestPath, in pattern: [Substring]) -> [String: String]? {
    guard path.segments.count == pattern.count else { return nil }
    var parameters: [String: String] = [:]
    for (segment, part) in zip(path.segments, pattern) {
      if part.hasPrefix("{"), part.hasSuffix("}") {
        guard !segment.isEmpty else { return nil }
        parameters[String(part.dropFirst().dropLast())] = segment
      } else if segment != part {
        return nil
      }
    }
    return parameters
  }
}
