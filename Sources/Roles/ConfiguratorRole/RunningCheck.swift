import Messages
import RoleKit

/// A check that the configurator is at, from its `request` to its `request-result` (4.6.3, 4.6.4).
struct RunningCheck: Sendable {
  /// The rows of questions that the configurator asks itself.
  enum Row: Int, Sendable, Hashable, CaseIterable { case gateway, device, server }

  /// Something that has been asked for once and not been answered.
  enum Question: Sendable, Hashable {
    case gatewayStatus
    case lanVisit
  }

  /// The way from outside.
  enum Outside: Sendable, Hashable {
    case notWanted
    case mapping
    /// `application-probe` is under way; `isMapped`: the port is to be given back after.
    case probing(ApplicationEndpoint, isMapped: Bool)
    case done
  }

  var requestId: String
  var agentId: String
  var correlation: String?
  var evidence: CheckEvidence
  /// The device's address and the application's port, where one is looked at.
  var visited: ApplicationEndpoint?
  var stun: Endpoint
  var local: Endpoint
  var isSocketOpen = false
  var rows: [Row: ProbeTrain] = [:]
  var questions: [Call: (question: Question, since: UInt64)] = [:]
  var isAgentAsked = true
  var isStatusAsked = false
  var outside = Outside.notWanted
  /// Times of what was asked once, in ms.
  var lanRoundTrip: Double?
  var outsideRoundTrip: Double?

  var isOver: Bool {
    guard !isAgentAsked, isStatusAsked, questions.isEmpty, rows.values.allSatisfy(\.isOver) else { return false }
    switch outside {
    case .notWanted, .done: return true
    case .mapping, .probing: return false
    }
  }
}

extension RunningCheck {
  static let echoes = 20
  static let bindings = 20

  /// What was done, as the result tells it.
  var items: [CheckItem] {
    var items: [CheckItem] = []
    let seen = evidence.sight
    if let place = seen.place {
      items.append(
        CheckItem(
          .collector, .ok, element: place.element, "\(evidence.device) is at \(place.element), told \(place.age) ms ago"
        ))
    } else if seen.isKnown {
      let last = seen.lastPlace.map { "; it was last at \($0.element)" } ?? ""
      items.append(
        CheckItem(
          .collector, .failed, element: seen.broken ?? evidence.device,
          "\(evidence.device) is in no forwarding table\(last)"))
    } else {
      items.append(CheckItem(.collector, .skipped, element: evidence.device, "no HTIP-NW device was heard"))
    }
    if let bindings = evidence.serverBindings {
      items.append(CheckItem(.server, element: evidence.server, bindings))
    }
    items += evidence.agentItems
    guard evidence.kind == .application else { return items }
    items.append(visit(.applicationLAN, evidence.lanVisit, at: evidence.device, lanRoundTrip, skipped: "not visited"))
    let skipped = evidence.probeSkipped ?? "not probed"
    items.append(
      visit(.applicationProbe, evidence.outsideVisit, at: evidence.gateway, outsideRoundTrip, skipped: skipped))
    return items
  }

  private func visit(
    _ name: CheckName, _ visit: CheckEvidence.Visit?, at element: String, _ roundTrip: Double?, skipped: String
  ) -> CheckItem {
    guard let visit else { return CheckItem(name, .skipped, element: element, skipped) }
    let isGood = if case .answered(let status) = visit { status < 500 } else { false }
    return CheckItem(name, isGood ? .ok : .failed, element: element, "\(visit)", roundTrip: roundTrip)
  }
}
