import Messages

/// The messages of a run as a ladder for terminals: a lifeline a party, an arrow a message.
public enum TextLadder {
  /// - Parameters:
  ///   - labels: what stands behind an arrow, such as `step 3`, by the event's index.
  ///   - start: the moment from which times count, in nanoseconds since 1970.
  public static func render(_ events: [Event], labels: [Int: String], start: Int64) -> String {
    var parties: [String] = []
    for event in events {
      for party in [event.from, event.to] where party != .network && !parties.contains(party.description) {
        parties.append(party.description)
      }
    }
    let gap = max(14, (events.map { $0.name.count }.max() ?? 0) + 6)
    let columns = Dictionary(uniqueKeysWithValues: parties.enumerated().map { ($1, 12 + $0 * gap) })
    let width = 12 + max(0, parties.count - 1) * gap + 1

    var text = heading(parties, columns)
    for event in events {
      var line = lifelines(columns, width)
      draw(event, columns, into: &line, width: width)
      let time = seconds(event.time - start)
      for (index, character) in time.enumerated() where index < line.count { line[index] = character }
      let label = labels[event.index].map { "   \($0)" } ?? (event.isBackground ? "   (background)" : "")
      text += trimmed(String(line)) + label + "\n"
    }
    return text
  }

  private static func heading(_ parties: [String], _ columns: [String: Int]) -> String {
    var line = ""
    for party in parties {
      let middle = columns[party] ?? 0
      let start = max(line.isEmpty ? 0 : line.count + 1, middle - party.count / 2)
      line += String(repeating: " ", count: max(0, start - line.count)) + party
    }
    return line + "\n"
  }

  private static func lifelines(_ columns: [String: Int], _ width: Int) -> [Character] {
    var line = [Character](repeating: " ", count: width)
    for column in columns.values where column < width { line[column] = "|" }
    return line
  }

  private static func draw(_ event: Event, _ columns: [String: Int], into line: inout [Character], width: Int) {
    guard let from = columns[event.from.description] else { return }
    // A broadcast is dotted, to the right of its sender, or to the left of the last lifeline.
    let isBroadcast = event.to == .network
    let reach = event.name.count + 5
    let to = columns[event.to.description] ?? (from + reach < width || from < reach ? from + reach : from - reach)
    let shaft: Character = isBroadcast ? "." : "-"
    let (low, high) = (min(from, to), max(from, to))
    guard high > low + 1 else { return }
    if high >= line.count { line += [Character](repeating: " ", count: high + 1 - line.count) }
    for index in (low + 1)..<high { line[index] = shaft }
    line[to > from ? high - 1 : low + 1] = to > from ? ">" : "<"
    let room = high - low - 3
    let name = Array(event.name.prefix(max(0, room)))
    let start = low + 1 + max(1, (high - low - 1 - name.count) / 2)
    for (index, character) in name.enumerated() where start + index < high { line[start + index] = character }
  }

  private static func seconds(_ nanoseconds: Int64) -> String {
    decimal(Double(nanoseconds) / 1e9, places: 3, width: 9)
  }

  private static func trimmed(_ text: String) -> String {
    var result = Substring(text)
    while result.hasSuffix(" ") { result.removeLast() }
    return String(result)
  }
}
