extension JSONValue: CustomStringConvertible {
  /// The value as compact JSON text.
  public var description: String {
    var text = ""
    write(into: &text, indent: nil)
    return text
  }

  /// The value as JSON text, two blanks an indentation level, one member a line.
  public var pretty: String {
    var text = ""
    write(into: &text, indent: 0)
    return text
  }

  /// The compact text in UTF-8.
  public var octets: [UInt8] { Array(description.utf8) }

  private func write(into text: inout String, indent: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let number): text += number.text
    case .string(let string): JSONValue.quote(string, into: &text)
    case .array(let items):
      JSONValue.list(items, "[", "]", into: &text, indent: indent) { item, text, indent in
        item.write(into: &text, indent: indent)
      }
    case .object(let object):
      JSONValue.list(object.members, "{", "}", into: &text, indent: indent) { member, text, indent in
        JSONValue.quote(member.name, into: &text)
        text += indent == nil ? ":" : ": "
        member.value.write(into: &text, indent: indent)
      }
    }
  }

  private static func list<Item>(
    _ items: [Item], _ open: String, _ close: String, into text: inout String, indent: Int?,
    _ body: (Item, inout String, Int?) -> Void
  ) {
    text += open
    for (index, item) in items.enumerated() {
      if index > 0 { text += "," }
      if let indent { text += "\n" + String(repeating: "  ", count: indent + 1) }
      body(item, &text, indent.map { $0 + 1 })
    }
    if let indent, !items.isEmpty { text += "\n" + String(repeating: "  ", count: indent) }
    text += close
  }

  private static func quote(_ string: String, into text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..<"\u{20}", "\u{7F}":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
