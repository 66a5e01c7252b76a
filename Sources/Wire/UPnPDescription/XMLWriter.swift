extension XMLElement {
  /// The element as text; elements without character data between them go on lines of their own.
  public func write(into text: inout String, indentation: Int = 0) {
    text += "<" + name
    for attribute in attributes {
      text += " " + attribute.name + "=\""
      Self.escape(attribute.value, inAttribute: true, into: &text)
      text += "\""
    }
    guard !children.isEmpty else {
      text += "/>"
      return
    }
    text += ">"
    let onLines = elements.count == children.count
    for child in children {
      if onLines { text += "\n" + String(repeating: "  ", count: indentation + 1) }
      switch child {
      case .element(let element): element.write(into: &text, indentation: indentation + 1)
      case .text(let data): Self.escape(data, inAttribute: false, into: &text)
      case .section(let data): Self.section(data, into: &text)
      }
    }
    if onLines { text += "\n" + String(repeating: "  ", count: indentation) }
    text += "</" + name + ">"
  }

  /// A whole document with this root element, in UTF-8.
  public var document: [UInt8] {
    var text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
    write(into: &text)
    return Array((text + "\n").utf8)
  }

  /// `]]>` would end the section, so its last character goes into the next one.
  private static func section(_ data: String, into text: inout String) {
    text += "<![CDATA["
    var end = ""
    for scalar in data.unicodeScalars {
      if end.hasSuffix("]]"), scalar == ">" { text += "]]><![CDATA[" }
      text.unicodeScalars.append(XMLReader.isCharacter(scalar.value) ? scalar : "\u{FFFD}")
      end = scalar == "]" ? end + "]" : ""
    }
    text += "]]>"
  }

  /// Characters that XML 1.0 cannot hold become U+FFFD.
  private static func escape(_ data: String, inAttribute: Bool, into text: inout String) {
    for scalar in data.unicodeScalars {
      switch scalar {
      case "&": text += "&amp;"
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "\"" where inAttribute: text += "&quot;"
      case "\r": text += "&#13;"
      case "\t" where inAttribute: text += "&#9;"
      case "\n" where inAttribute: text += "&#10;"
      default: text.unicodeScalars.append(XMLReader.isCharacter(scalar.value) ? scalar : "\u{FFFD}")
      }
    }
  }
}
