import ScenarioLanguage
import TopologyLanguage

/// What this version cannot build or do yet; the languages know more than that.
enum Support {
  /// Why the topology cannot be built; `nil` where it can.
  static func missing(for topology: Topology) -> String? {
    for node in topology.nodes {
      if case .serving(let from, _, let lease)? = node.dhcp {
        if from.bitWidth != 32 { return "dhcp of IPv6 addresses (\(node.position))" }
        if let lease, lease < NameAndAddressService.shortestLease * 1_000_000_000 {
          return "a dhcp lease shorter than the 2min that dnsmasq gives (\(node.position))"
        }
      }
      if node.leasedInterface != nil, node.interfaces.count > 1 {
        return "an address by DHCP on a node with \(node.interfaces.count) interfaces (\(node.position))"
      }
      for setting in node.settings where !knows(setting.key) { return "setting \(setting.key) (\(setting.position))" }
    }
    return nil
  }

  /// Settings that something reads; a name ends with a dot where a name of an application follows.
  private static let settings = [
    "server-registration", "configuration-pull", "register-lifetime", "deregister-on-stop", "remote-access.",
    "application.", "disconnect", "visit-delay", "connection-lifetime", "control-points",
    "ssdp-max-delay", "htip-interval", "ip.address", "ip.gateway", "ip.dns",
    "nat.mapping", "nat.filtering", "nat.hairpin",
  ]

  private static func knows(_ key: String) -> Bool {
    settings.contains { $0 == key || ($0.hasSuffix(".") && key.hasPrefix($0)) }
  }

  /// Why a scenario's options cannot be set; `nil` where they can.
  static func missing(for options: [Option]) -> String? {
    for option in options {
      if let key = option.key?.description, !knows(key) { return "setting \(key) (\(option.position))" }
    }
    return nil
  }

  /// Why the action cannot be performed; `nil` where it can.
  static func missing(for action: Action) -> String? {
    switch action.act {
    case .set(_, let key, _): return knows(key.description) ? nil : "setting \(key)"
    case .powerOn, .powerOff, .crash, .restart, .unplug, .plugIn, .degrade, .heal, .move, .cutWAN, .restoreWAN, .send,
      .run, .waitUntil, .wait, .holdsConfiguration, .drop, .duplicate, .corrupt, .hold:
      return nil
    case .connect, .block, .unblock, .stopApplication, .startApplication, .checkReachability, .checkApplication:
      return nil
    case .ask: return "ask"
    }
  }
}
