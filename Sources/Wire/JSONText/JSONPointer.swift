extension JSONValue {
  /// The value that a JSON Pointer (RFC 6901) names; `nil` where there is none or the pointer is malformed.
  public func value(at pointer: String) -> JSONValue? {
    if pointer.isEmpty { return self }
    guard pointer.utf8.first == UInt8(ascii: "/") else { return nil }
    var current = self
    for token in pointer.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard let name = JSONValue.unescaped(token) else { return nil }
      switch current {
      case .object(let object):
        guard let next = object[name] else { return nil }
        current = next
      case .array(let items):
        guard let index = Int(name), String(index) == name, items.indices.contains(index) else { return nil }
        current = items[index]
      default: return nil
      }
    }
    return current
  }

  /// Octets are looked at, since a combining mark would join the character before it; `nil` for `~` before others.
  private static func unescaped(_ token: Substring.UTF8View.SubSequence) -> String? {
    var octets: [UInt8] = []
    var rest = token[...]
    while let octet = rest.popFirst() {
      guard octet == UInt8(ascii: "~") else {
        octets.append(octet)
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "0"): octets.append(UInt8(ascii: "~"))
      case UInt8(ascii: "1"): octets.append(UInt8(ascii: "/"))
      default: return nil
      }
    }
    return String(decoding: octets, as: UTF8.self)
  }

  /// The JSON Pointer (RFC 6901) that names the value reached by these member names and indices.
  public static func pointer(_ path: String...) -> String { pointer(path) }

  public static func pointer(_ path: [String]) -> String {
    var octets: [UInt8] = []
    for name in path {
      octets.append(UInt8(ascii: "/"))
      for octet in name.utf8 {
        switch octet {
        case UInt8(ascii: "~"): octets += [octet, UInt8(ascii: "0")]
        case UInt8(ascii: "/"): octets += [UInt8(ascii: "~"), UInt8(ascii: "1")]
        default: octets.append(octet)
        }
      }
    }
    return String(decoding: octets, as: UTF8.self)
  }
}
