// Notes as text: `homebed:` and one JSON object with `note` (the kind) and `at` (nanoseconds, as a string, since JSON
// numbers lose digits in many readers).

extension Note {
  /// What a comment in a capture begins with if it is a note.
  public static let prefix = "homebed:"

  /// The note as the comment that stands in a capture.
  public var text: String { Note.prefix + json.description }

  /// The note that a comment holds; `nil` for any other comment.
  public init?(comment: String) {
    guard comment.hasPrefix(Note.prefix),
      let json = try? JSONValue(parsing: Array(comment.utf8.dropFirst(Note.prefix.utf8.count)))
    else { return nil }
    self.init(json)
  }

  /// The note as a JSON object.
  public var json: JSONValue {
    var object: JSONObject = ["note": .string(kind), "at": .string(String(time))]
    switch self {
    case .run(let header, _):
      object["scenario"] = .string(header.scenario)
      object["variant"] = .string(header.variant)
      var choices = JSONObject()
      for (name, value) in header.choices.sorted(by: { $0.key < $1.key }) { choices[name] = .string(value) }
      object["choices"] = .object(choices)
      object["slack"] = .double(header.slack)
      object["pace"] = .int(header.pace)
      object["seed"] = .string(String(header.seed))
      object["version"] = .string(header.version)
    case .given(let progress, _):
      switch progress {
      case .began: object["progress"] = "began"
      case .done: object["progress"] = "done"
      case .failed(let reason):
        object["progress"] = "failed"
        object["reason"] = .string(reason)
      }
    case .phase(let phase, _), .performed(let phase, _): object["phase"] = .int(phase)
    case .action(let phase, let index, let text, _):
      object["phase"] = phase.map { .int($0) } ?? .null
      object["index"] = .int(index)
      object["text"] = .string(text)
    case .facts(let observations, _):
      object["facts"] = .array(
        observations.map { observation in
          var fact: JSONObject = ["id": .int(observation.id), "holds": .bool(observation.holds)]
          fact["value"] = observation.value
          return .object(fact)
        })
    case .died(let node, let reason, _):
      object["node"] = .string(node)
      object["reason"] = .string(reason)
    case .captureLoss(let frames, _): object["frames"] = .int(frames)
    case .clockStep(let step, _): object["step"] = .string(String(step))
    case .fault(let text, let message, _):
      object["text"] = .string(text)
      object["message"] = .string(message)
    case .unsupported(let text, let position, _):
      object["text"] = .string(text)
      object["position"] = .string(position)
    case .notApplicable(let reason, _): object["reason"] = .string(reason)
    case .end(let ending, _):
      switch ending {
      case .finished: object["ending"] = "finished"
      case .aborted(let reason):
        object["ending"] = "aborted"
        object["reason"] = .string(reason)
      case .broke(let reason):
        object["ending"] = "broke"
        object["reason"] = .string(reason)
      }
    case .other(let json, _): return json
    }
    return .object(object)
  }

  private var kind: String {
    switch self {
    case .run: "run"
    case .given: "given"
    case .phase: "phase"
    case .action: "action"
    case .performed: "performed"
    case .facts: "facts"
    case .died: "died"
    case .captureLoss: "capture-loss"
    case .clockStep: "clock-step"
    case .fault: "fault"
    case .unsupported: "unsupported"
    case .notApplicable: "not-applicable"
    case .end: "end"
    case .other(let json, _): json["note"]?.string ?? "other"
    }
  }

  /// The note that the object tells; an object that is none of this version's becomes `.other`, `nil` without a time.
  public init?(_ json: JSONValue) {
    guard let at = json["at"]?.string.flatMap({ Int64($0) }) else { return nil }
    self = Note.known(json, at: at) ?? .other(json, at: at)
  }

  private static func known(_ json: JSONValue, at: Int64) -> Note? {
    let reason = json["reason"]?.string ?? ""
    switch json["note"]?.string {
    case "run": return RunHeader(json).map { .run($0, at: at) }
    case "given":
      switch json["progress"]?.string {
      case "began": return .given(.began, at: at)
      case "done": return .given(.done, at: at)
      case "failed": return .given(.failed(reason), at: at)
      default: return nil
      }
    case "phase": return json["phase"]?.int.map { .phase($0, at: at) }
    case "performed": return json["phase"]?.int.map { .performed(phase: $0, at: at) }
    case "action":
      guard let index = json["index"]?.int, let text = json["text"]?.string else { return nil }
      return .action(phase: json["phase"]?.int, index: index, text: text, at: at)
    case "facts":
      return json["facts"]?.array.map { items in
        .facts(
          items.compactMap { item in
            guard let id = item["id"]?.int, let holds = item["holds"]?.bool else { return nil }
            return FactObservation(id: id, value: item["value"], holds: holds)
          }, at: at)
      }
    case "died": return json["node"]?.string.map { .died(node: $0, reason: reason, at: at) }
    case "capture-loss": return json["frames"]?.int.map { .captureLoss(frames: $0, at: at) }
    case "clock-step":
      return json["step"]?.string.flatMap { Int64($0) }.map { .clockStep(nanoseconds: $0, at: at) }
    case "fault":
      guard let text = json["text"]?.string, let message = json["message"]?.string else { return nil }
      return .fault(text, message: message, at: at)
    case "unsupported":
      guard let text = json["text"]?.string, let position = json["position"]?.string else { return nil }
      return .unsupported(text, position: position, at: at)
    case "not-applicable": return .notApplicable(reason, at: at)
    case "end":
      switch json["ending"]?.string {
      case "finished": return .end(.finished, at: at)
      case "aborted": return .end(.aborted(reason), at: at)
      case "broke": return .end(.broke(reason), at: at)
      default: return nil
      }
    default: return nil
    }
  }
}

extension RunHeader {
  init?(_ json: JSONValue) {
    guard let scenario = json["scenario"]?.string, let variant = json["variant"]?.string,
      let choices = json["choices"]?.object, let slack = json["slack"]?.double, let pace = json["pace"]?.int,
      let seed = json["seed"]?.string.flatMap({ UInt64($0) }), let version = json["version"]?.string
    else { return nil }
    let pairs = choices.members.map { ($0.name, $0.value.string ?? $0.value.description) }
    self.init(
      scenario: scenario, variant: variant, choices: Dictionary(pairs) { first, _ in first }, slack: slack, pace: pace,
      seed: seed, version: version)
  }
}
