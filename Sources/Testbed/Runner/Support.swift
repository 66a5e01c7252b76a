import ScenarioLanguage
import TopologyLanguage

/// What this version cannot build or do yet; the languages know more than that.
enum Support {
  /// Why the topology cannot be built; `nil` where it can.
  static func missing(for topology: Topology) -> String? {
    for node in topology.nodes {
      if case .serving? = node.dhcp { return "dhcp (\(node.position))" }
      if !node.names.isEmpty { return "dns (\(node.position))" }
    }
    for link in topology.links where !link.qualities.isEmpty {
      return "the quality of the link \(link.name) (\(link.position))"
    }
    return nil
  }

  /// Why the action cannot be performed; `nil` where it can.
  static func missing(for action: Action) -> String? {
    if action.trigger != nil { return "at ... do" }
    switch action.act {
    case .powerOn, .powerOff, .crash, .restart, .unplug, .plugIn, .move, .cutWAN, .restoreWAN, .set, .send, .run,
      .waitUntil, .wait, .holdsConfiguration:
      return nil
    case .drop, .duplicate, .corrupt, .hold: return "message faults"
    case .degrade, .heal: return "degrade and heal"
    case .block, .unblock: return "block and unblock"
    case .stopApplication, .startApplication: return "stop and start of applications"
    case .connect: return "connects to"
    case .checkReachability, .checkApplication: return "operator checks"
    case .ask: return "ask"
    }
  }
}
