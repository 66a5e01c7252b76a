import JSONText

extension MessageDefinition {
  /// `ce -> configurator`, one a direction.
  public var directionTexts: [String] { directions.map { "\($0.from.rawValue) -> \($0.to.rawValue)" } }

  /// Where the profile or the language tells of it.
  public var sourceText: String { section == 0 ? "rule S3" : "profile section \(section)" }

  /// The entry as `homebed messages NAME` prints it.
  public var text: String {
    var lines = ["\(name): \(meaning)"]
    lines += directionTexts.map { "  " + $0 }
    lines.append("  binding     \(binding.text)")
    lines.append("  background  \(background.text)")
    lines.append("  source      \(sourceText)" + (isDissected ? "" : "; captures are not read for it yet"))
    let rows = MessageField.rows(of: fields)
    let width = rows.map { $0.path.count }.max() ?? 0
    let typeWidth = min(rows.map { $0.field.type.name.count }.max() ?? 0, 30)
    for row in rows {
      lines.append(
        "    \(row.path.padded(to: width))  \(row.field.type.name.padded(to: typeWidth))  \(row.field.meaning)"
          + (row.field.isRequired ? " (required)" : ""))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The entry as `homebed messages --json` has it.
  public var json: JSONValue {
    var object: JSONValue = [
      "name": .string(name),
      "meaning": .string(meaning),
      "directions": .array(
        directions.map { ["from": .string($0.from.rawValue), "to": .string($0.to.rawValue)] }),
      "binding": .string(binding.text),
      "background": .string(background.text),
      "section": .int(section),
      "isDissected": .bool(isDissected),
      "fields": .array(
        MessageField.rows(of: fields).map { row in
          [
            "path": .string(row.path), "type": .string(row.field.type.name), "required": .bool(row.field.isRequired),
            "source": .string(row.field.source.rawValue), "meaning": .string(row.field.meaning),
          ]
        }),
    ]
    if let requestName { object["replyTo"] = .string(requestName) }
    return object
  }
}

extension MessageField {
  /// The fields with their members below them, each under the path that a scenario writes.
  static func rows(of fields: [MessageField], under prefix: String = "") -> [(path: String, field: MessageField)] {
    fields.flatMap { field in
      [(prefix + field.name, field)] + rows(inside: field.type, under: prefix + field.name)
    }
  }

  private static func rows(inside type: FieldType, under path: String) -> [(path: String, field: MessageField)] {
    switch type {
    case .object(let fields): rows(of: fields, under: path + ".")
    case .array(let element): rows(inside: element, under: path + "[]")
    case .map(let value): rows(inside: value, under: path + ".{name}")
    default: []
    }
  }
}

extension String {
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension MessageCatalogue {
  /// All entries, one line each, as `homebed messages` prints them.
  public static var text: String {
    let nameWidth = names.map(\.count).max() ?? 0
    let rows = all.map { ($0, $0.directionTexts.joined(separator: ", ")) }
    let width = min(rows.map(\.1.count).max() ?? 0, 60)
    return rows.map { definition, directions in
      "\(definition.name.padded(to: nameWidth))  \(directions.padded(to: width))  \(definition.binding.text)\n"
    }.joined()
  }

  public static var json: JSONValue { .array(all.map(\.json)) }

  /// The page docs/messages.md.
  public static var markdown: String {
    var lines = [
      "# Messages", "",
      "Every message of the profile, with who sends it to whom, what it is on the wire, and its fields as scenarios name",
      "them. This page is made from the catalogue in `Sources/Messages/Messages`, and a test holds it to that; run the tests",
      "of Messages with `UPDATE_DOCS=1` to write it anew.", "",
      "A request may come from or go to a `host` too, whatever its directions say. A message marked as background fails no",
      "scenario by coming (rule S3). Fields of a response that only a problem document has (`type`, `title`, `detail`,",
      "`pointer`) are left out of the tables, and so are `token`, `correlation`, `idempotencyKey`, `contentType` and `body`,",
      "which any HTTP message may have:", "",
      "| field | type | meaning |", "|---|---|---|",
    ]
    lines += common.map { "| `\($0.name)` | \(cell($0.type.name)) | \(cell($0.meaning)) |" }
    for (section, title) in sections {
      lines += ["", "## \(title)"]
      for definition in all where definition.section == section { lines += markdown(of: definition) }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static let sections: [(Int, String)] = [
    (2, "Discovery (profile section 2)"), (3, "Registration and configuration (profile section 3)"),
    (4, "Configurator and service server (profile section 4)"), (5, "Mobile device to CE device (profile section 5)"),
    (6, "CE device to CE device (profile section 6)"), (7, "Configurator to home gateway (profile section 7)"),
    (8, "Checks (profile section 8)"), (0, "Surroundings (rule S3)"),
  ]

  private static let common =
    [FieldShapes.token, FieldShapes.idempotencyKey] + FieldShapes.problem(apartFrom: [])

  private static func markdown(of definition: MessageDefinition) -> [String] {
    var lines = ["", "### `\(definition.name)`", "", definition.meaning, ""]
    lines.append("- " + definition.directionTexts.map { "`\($0)`" }.joined(separator: ", "))
    lines.append("- \(definition.binding.text)")
    if definition.background != .never { lines.append("- background: \(definition.background.text)") }
    if !definition.isDissected { lines.append("- captures are not read for it yet") }
    let names = Set(common.map(\.name))
    let rows = MessageField.rows(of: definition.fields).filter { row in
      !names.contains(row.path) || !common.contains(row.field)
    }
    if rows.isEmpty { return lines }
    lines += ["", "| field | type | source | meaning |", "|---|---|---|---|"]
    return lines
      + rows.map { row in
        "| `\(row.path)`\(row.field.isRequired ? " (required)" : "") | \(cell(row.field.type.name)) "
          + "| \(row.field.source.rawValue) | \(cell(row.field.meaning)) |"
      }
  }

  private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }
}
