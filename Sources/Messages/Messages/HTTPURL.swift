import Octets

/// An `http` URL of the kind that the profile hands around: LOCATION, `configurationURL`, the server's address.
public struct HTTPURL: Sendable, Hashable, CustomStringConvertible {
  /// A name or an address literal, in lower case and without brackets.
  public var host: String
  public var port: UInt16
  /// With its query, beginning with `/`.
  public var target: String

  public init(host: String, port: UInt16, target: String) {
    self.host = host
    self.port = port
    self.target = target
  }

  /// Reads an absolute URL; `nil` for other schemes, user information, an empty host, a port outside 1 to 65535, and
  /// characters that a URL can't have. A fragment is dropped.
  public init?(_ text: some StringProtocol) {
    guard text.utf8.count <= 2048, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C }),
      text.prefix(7).lowercased() == "http://"
    else { return nil }
    let rest = text.dropFirst(7).prefix { $0 != "#" }
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    let path = rest[authority.endIndex...]
    guard !authority.isEmpty, !authority.contains("@") else { return nil }
    var name = authority
    var portText: Substring?
    if authority.hasPrefix("[") {
      guard let close = authority.lastIndex(of: "]") else { return nil }
      name = authority[authority.index(after: authority.startIndex)..<close]
      let after = authority[authority.index(after: close)...]
      guard after.isEmpty || after.hasPrefix(":"), IPAddress(String(name))?.bitWidth == 128 else { return nil }
      portText = after.isEmpty ? nil : Substring(after.dropFirst())
    } else if let colon = authority.firstIndex(of: ":") {
      name = authority[..<colon]
      portText = Substring(authority[authority.index(after: colon)...])
    }
    guard !name.isEmpty else { return nil }
    host = name.lowercased()
    if let portText, !portText.isEmpty {
      guard portText.utf8.allSatisfy(\.isDecimalDigit), let number = UInt16(portText), number > 0 else { return nil }
      port = number
    } else {
      port = 80
    }
    target = path.hasPrefix("/") ? String(path) : "/" + path
  }

  /// The host as an address, where it is a literal.
  public var address: IPAddress? { IPAddress(host) }
  /// Where to connect to, where the host is an address literal.
  public var endpoint: Endpoint? { address.map { Endpoint($0, port) } }
  /// The host and port as a `Host` field has them.
  public var authority: String { (host.contains(":") ? "[\(host)]" : host) + (port == 80 ? "" : ":\(port)") }
  public var description: String { "http://\(authority)\(target)" }
}
