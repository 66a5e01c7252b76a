extension JSONValue {
  /// The value that a JSON Pointer (RFC 6901) names; `nil` where there is none or the pointer is malformed.
  public func value(at pointer: String) -> JSONValue? {
    if pointer.isEmpty { return self }
    guard pointer.hasPrefix("/") else { return nil }
    var current = self
    for token in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      let name = String(token.replacing("~1", with: "/").replacing("~0", with: "~"))
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

  /// The JSON Pointer (RFC 6901) that names the value reached by these member names and indices.
  public static func pointer(_ path: String...) -> String { pointer(path) }

  public static func pointer(_ path: [String]) -> String {
    path.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
  }
}
