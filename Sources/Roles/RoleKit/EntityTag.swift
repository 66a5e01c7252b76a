import Messages

/// Entity tags as the profile uses them: a revision in quotes (RFC 9110 clause 8.8.3).
public enum EntityTag {
  /// `"7"` for 7.
  public static func write(revision: Int) -> String { "\"\(revision)\"" }

  /// The revision in `"7"` or `W/"7"`; `nil` for other text and for numbers below 1.
  public static func revision(_ text: String) -> Int? {
    guard let number = Int(opaque(text).dropFirst().dropLast()), number >= 1, opaque(text) == write(revision: number)
    else { return nil }
    return number
  }

  /// True where an `If-None-Match` with these field values names the tag or is `*` (weak comparison).
  public static func isNamed(_ tag: String, in values: [String]) -> Bool {
    values.contains { value in
      let items = value.split(separator: ",").map { opaque(String($0.filter { $0 != " " && $0 != "\t" })) }
      return items.contains("*") || items.contains(opaque(tag))
    }
  }

  private static func opaque(_ text: String) -> String { text.hasPrefix("W/") ? String(text.dropFirst(2)) : text }
}
