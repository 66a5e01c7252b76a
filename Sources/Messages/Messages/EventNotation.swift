import JSONText

extension Event {
  /// The event on one line, as `decode`, traces and ladders print it:
  /// `0.021345 tv -> cfg register agentId="7f9c..." reason="new-device"`.
  ///
  /// - Parameter start: the moment that counts as 0, in nanoseconds since 1970.
  public func line(since start: Int64) -> String { "\(Event.seconds(time - start)) \(notation)" }

  /// The line without its time: the arrow, and the fields that the catalogue shows.
  public var notation: String {
    let shown = MessageCatalogue[name]?.summary ?? []
    return arrow
      + shown.compactMap { name in
        fields[name].map { " \(name)=\(Event.shortened($0))" }
      }.joined()
  }

  /// The event as an object, as `decode --json` and trace.jsonl have it; times as decimal text of nanoseconds.
  public var json: JSONValue {
    [
      "index": .int(index), "time": .string(String(time)), "from": .string(from.description),
      "to": .string(to.description), "name": .string(name), "fields": fields, "frame": .int(frame),
      "background": .bool(isBackground),
    ]
  }

  /// Seconds with six decimals, cut, not rounded: `-0.000250`.
  public static func seconds(_ nanoseconds: Int64) -> String {
    let micro = nanoseconds.magnitude / 1000
    let fraction = String(micro % 1_000_000)
    return (nanoseconds < 0 && micro > 0 ? "-" : "") + "\(micro / 1_000_000)."
      + String(repeating: "0", count: 6 - fraction.utf8.count) + fraction
  }

  private static func shortened(_ value: JSONValue) -> String {
    let text = value.description
    guard text.count > 60 else { return text }
    return text.prefix(57) + "..."
  }
}
