// A trace of any length, and its judging: what `make bench` measures.

import ScenarioLanguage
import TopologyLanguage

/// Sequence 1 between long stretches of other traffic, made and judged in memory.
public struct SyntheticTrace: Sendable {
  public enum Traffic: String, Sendable, CaseIterable {
    /// Nothing but background between the steps (S3).
    case background
    /// Repeats of the messages of the steps (S2), each of which a line could take.
    case repeats
    /// Messages that the lines name and whose `where` passes them over.
    case unselected
    /// Messages of a `repeat`, taken one by one.
    case taken
  }

  public let items: [TraceItem]
  private let scenario: Scenario

  /// - Parameter count: how many events, at least 4.
  public init(_ traffic: Traffic, events count: Int) {
    scenario = SyntheticTrace.scenario(traffic, count: count)
    let start: Int64 = 1_700_000_000_000_000_000
    var items: [TraceItem] = [.note(.phase(0, at: start)), .note(.performed(phase: 0, at: start))]
    items.reserveCapacity(count + 8)
    let steps: [(String, String, String)] = [
      ("tv", "network", "discover"), ("cfg", "tv", "discover-reply"), ("tv", "cfg", "register"),
      ("cfg", "tv", "register-reply"),
    ]
    // One message a millisecond, but repeats within their 8 s.
    let pause: Int64 = traffic == .repeats ? 2_000 : 1_000_000
    for index in 0..<max(4, count) {
      let at = start + Int64(index) * pause
      let step = index * steps.count / max(4, count)
      let isFirst = index == 0 || (index - 1) * steps.count / max(4, count) != step
      let (from, to, name) = steps[step]
      var event = Event(
        index: index, time: at, from: .node(from), to: to == "network" ? .network : .node(to), name: name,
        fields: ["kind": "wanted", "status": 200], frame: index + 1, digest: UInt64(step), isBackground: false)
      if !isFirst {
        switch traffic {
        case .background:
          event.name = "ssdp-alive"
          event.to = .network
          event.isBackground = true
          event.digest = UInt64(index)
        case .repeats: break
        case .unselected:
          event.fields = ["kind": "other", "status": 200]
          event.digest = UInt64(index)
        case .taken:
          event.name = "peer-data"
          event.digest = UInt64(index)
        }
      }
      items.append(.event(event))
      // As whoever reads a file of such a size tells it.
      if index % 1024 == 1023 { items.append(.clock(at)) }
    }
    items.append(.clock(start + Int64(max(4, count)) * pause))
    self.items = items
  }

  /// Judges the trace; the verdict is `pass`, or something is wrong.
  public func judge() -> Judgement {
    let topology = Topology(name: "synthetic", title: nil, homes: [], networks: [], nodes: [], links: [])
    var judge = Judge(scenario, Variant(scenario: "synthetic", settings: []), topology)
    for item in items { judge.consume(item) }
    judge.finish()
    return judge.outcome ?? Judgement(.error, reason: "no outcome")
  }

  private static func scenario(_ traffic: Traffic, count: Int) -> Scenario {
    let place = Position(file: "synthetic.scenario", line: 1, column: 1)
    func node(_ name: String) -> PartyReference { .node(Reference(parts: [.name(name)], position: place)) }
    func line(_ from: String, _ to: PartyReference, _ name: String) -> Pattern {
      let wanted = Condition(
        path: Path(segments: [.member("kind")]), test: .equal(.string("wanted")), position: place)
      let good = Condition(path: Path(segments: [.member("status")]), test: .less(.integer(400)), position: place)
      let arrow = Arrow(
        from: node(from), to: to, message: name, selectors: [wanted], judgements: [good], position: place)
      return .message(MessageLine(arrow: arrow, within: nil, saves: [], guardian: nil, position: place))
    }
    func between(_ from: String, _ to: PartyReference) -> [Pattern] {
      guard traffic == .taken else { return [] }
      return [.repeated(0, count, guardian: nil, [line(from, to, "peer-data")], place)]
    }
    var lines: [Pattern] = []
    for (from, to, name) in [
      ("tv", PartyReference.network, "discover"), ("cfg", node("tv"), "discover-reply"),
      ("tv", node("cfg"), "register"),
      ("cfg", node("tv"), "register-reply"),
    ] {
      lines.append(line(from, to, name))
      lines += between(from, to)
    }
    // So long a settling keeps the last stretch of the trace under judgement.
    lines.append(.never(guardian: nil, [line("cfg", node("tv"), "configure")], place))
    var header = Header(topology: Located("synthetic", at: place))
    header.settle = 3_600_000_000_000
    header.timeLimit = 2 * header.settle
    let phase = Phase(when: [], blocks: [.expect(lines, place)], position: place)
    return Scenario(name: "synthetic", title: nil, file: place.file, header: header, given: nil, phases: [phase])
  }
}
