// The verdict as `verdict.json`.

extension Judgement {
  /// The judgement without its accounts (which `trace.jsonl` holds); times are seconds from the first `when`.
  public var json: JSONValue {
    var object: JSONObject = ["verdict": .string(verdict.rawValue)]
    if !reason.isEmpty { object["reason"] = .string(reason) }
    if let duration { object["seconds"] = JSONValue.seconds(duration) }
    let count = stepCount
    object["stepsPassed"] = .int(count.passed)
    object["stepsJudged"] = .int(count.of)
    if let headroom { object["headroom"] = headroom.json }
    if let failure { object["failure"] = failure.json(from: started ?? 0) }
    object["steps"] = .array(steps.map { $0.json(from: started ?? 0) })
    return .object(object)
  }
}

extension Headroom {
  /// Seconds and the ratio between what was allowed and what was used.
  public var json: JSONValue {
    [
      "ratio": .double(hundredths(ratio)), "spare": .seconds(spare), "limit": .seconds(limit),
      "subject": .string(subject), "position": .text(position),
    ]
  }
}

/// Without the mathematics library, which nothing else here needs.
private func hundredths(_ ratio: Double) -> Double { ratio < 1e12 ? Double(Int64(ratio * 100 + 0.5)) / 100 : ratio }

extension StepResult {
  func json(from start: Int64) -> JSONValue {
    [
      "number": .int(number), "title": .text(title), "clause": .text(clause), "phase": .int(phase),
      "status": .string(status.rawValue), "events": .array(events.map { $0.json(from: start) }),
    ]
  }
}

extension TakenEvent {
  func json(from start: Int64) -> JSONValue {
    [
      "arrow": .string(arrow), "position": .text(position), "event": .int(event), "frame": .int(frame),
      "time": .seconds(time - start),
    ]
  }
}

extension Failure {
  func json(from start: Int64) -> JSONValue {
    var object: JSONObject = [
      "text": .string(text), "position": .text(position), "step": step.map { .int($0) } ?? .null,
      "clause": .text(clause), "expected": .string(expected),
    ]
    if let nearest { object["nearest"] = nearest.json(from: start) }
    if let sincePhase { object["sincePhase"] = .seconds(sincePhase) }
    object["differences"] = .array(
      differences.map {
        ["path": .string($0.path), "expected": .string($0.expected), "actual": .string($0.actual)]
      })
    return .object(object)
  }
}

extension JSONValue {
  static func seconds(_ nanoseconds: Int64) -> JSONValue { .double(Double(nanoseconds) / 1e9) }
}
