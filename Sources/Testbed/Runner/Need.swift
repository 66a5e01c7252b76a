import LanguageKit
import ScenarioLanguage
import TopologyLanguage

/// What a scenario needs and a home on loopback cannot give: such a variant is not applicable there.
struct Need: Sendable, Hashable, CustomStringConvertible {
  enum Kind: String, Sendable {
    /// Address translation between networks.
    case nat
    /// A cable that goes dead for a program which is not ours.
    case carrier
    /// Frames, and what is made of them: ARP, ICMP, HTIP, DHCP, a node's own network stack.
    case ethernet
  }

  var kind: Kind
  /// What needs it, and where that stands.
  var reason: String

  var description: String { "needs \(kind.rawValue): \(reason)" }

  /// Messages that are no UDP or TCP between addresses of the home.
  private static let frames: Set<String> = ["arp", "icmp", "htip", "dhcp", "dns"]

  /// The first thing that a variant needs and loopback lacks; `nil` where it can run there.
  ///
  /// - Parameter foreign: the nodes that a program of somebody else's plays.
  static func missing(on checked: CheckedScenario, _ variant: Variant, foreign: Set<String>) -> Need? {
    topology(checked.topology)
      ?? checked.scenario.header.options.lazy.compactMap(option).first
      ?? checked.scenario.actions.lazy.filter { variant.allows($0.guardian) }.compactMap {
        action($0, checked, foreign)
      }.first
      ?? checked.scenario.phases.lazy.flatMap(\.blocks).compactMap { block($0, variant) }.first
  }

  private static func topology(_ topology: Topology) -> Need? {
    for node in topology.nodes {
      if node.dhcp != nil || node.leasedInterface != nil {
        return Need(kind: .ethernet, reason: "\(node.name) has to do with DHCP (\(node.position))")
      }
      if !node.names.isEmpty { return Need(kind: .ethernet, reason: "\(node.name) serves names (\(node.position))") }
      if node.nat != NAT() { return Need(kind: .nat, reason: "the NAT of \(node.name) (\(node.position))") }
      if node.kind == .homeGateway, node.home == nil {
        return Need(kind: .nat, reason: "\(node.name) translates between two networks outside (\(node.position))")
      }
    }
    for link in topology.links where !link.qualities.isEmpty {
      return Need(kind: .ethernet, reason: "the quality of the link \(link.name) (\(link.position))")
    }
    return nil
  }

  private static func option(_ option: Option) -> Need? {
    guard let key = option.key?.description, key.hasPrefix("nat.") else { return nil }
    return Need(kind: .nat, reason: "the option \(option.name) (\(option.position))")
  }

  private static func action(_ action: Action, _ checked: CheckedScenario, _ foreign: Set<String>) -> Need? {
    func node(_ reference: Reference) -> Node? {
      switch try? checked.names.resolve(reference) {
      case .node(let node), .port(let node, _), .radio(let node), .interface(let node, _), .property(let node, _): node
      case .home, .network, nil: nil
      }
    }
    func carrier(_ references: [Reference?]) -> Need? {
      for case let reference? in references {
        guard let node = node(reference), foreign.contains(node.name) else { continue }
        return Need(kind: .carrier, reason: "\(node.name) is played by another program (\(action.position))")
      }
      return nil
    }
    if let trigger = action.trigger {
      if frames.contains(trigger.message) {
        return Need(kind: .ethernet, reason: "\(trigger.message) is no message between sockets (\(action.position))")
      }
      // Its octets have left before any tap of ours knows of them.
      if case .node(let reference) = trigger.from, let sender = node(reference), foreign.contains(sender.name) {
        return Need(kind: .ethernet, reason: "a message of another program is befallen (\(action.position))")
      }
    }
    switch action.act {
    case .degrade, .heal: return Need(kind: .ethernet, reason: "\(action.text) (\(action.position))")
    case .send(_, .network, .udp(let port), _) where port != 1900:
      return Need(kind: .ethernet, reason: "a broadcast (\(action.position))")
    case .send(_, _, .ethernet, _): return Need(kind: .ethernet, reason: "a frame is sent (\(action.position))")
    case .run(_, let node):
      return Need(kind: .ethernet, reason: "a program of the machine runs as if in \(node) alone (\(action.position))")
    // 4.6.3 asks the gateway by ICMP, and every address of one machine answers that.
    case .block, .unblock, .checkReachability:
      return Need(kind: .ethernet, reason: "\(action.text) (\(action.position))")
    case .unplug(let node, let other), .plugIn(let node, let other): return carrier([node, other])
    case .move(let node, _): return carrier([node])
    case .set(let node, let key, _) where key.description.hasPrefix("ip."): return carrier([node])
    case .powerOff(let nodes) where !foreign.isEmpty && nodes.contains { node($0)?.segment != nil }:
      return Need(kind: .carrier, reason: "a node is played by another program (\(action.position))")
    case .cutWAN where !foreign.isEmpty, .restoreWAN where !foreign.isEmpty:
      return Need(kind: .carrier, reason: "a node is played by another program (\(action.position))")
    case .connect(let from, let to, _, _) where node(from)?.kind == .ce:
      // Where one of the two is in the open, the other one reaches it without holes.
      guard let near = node(from).flatMap({ gateway(between: $0, checked.topology) }),
        let far = node(to).flatMap({ gateway(between: $0, checked.topology) }), near.name != far.name
      else { return nil }
      return Need(kind: .nat, reason: "\(near.name) and \(far.name) stand between (\(action.position))")
    case .connect(_, let reference, _, _):
      guard let agent = node(reference), let gateway = gateway(between: agent, checked.topology) else { return nil }
      return Need(kind: .nat, reason: "\(gateway.name) stands before \(agent.name) (\(action.position))")
    case .waitUntil(let fact): return self.fact(fact)
    default: return nil
    }
  }

  /// The gateway of the home network that the agent is on; `nil` where it is reached without one.
  private static func gateway(between agent: Node, _ topology: Topology) -> Node? {
    let networks = topology.networks.filter { $0.home != nil }.map(\.qualifiedName)
    return topology.nodes.first { gateway in
      gateway.kind == .homeGateway
        && gateway.interfaces.contains { inside in
          networks.contains(inside.network) && agent.interfaces.contains { $0.network == inside.network }
        }
    }
  }

  private static func block(_ block: Block, _ variant: Variant) -> Need? {
    switch block {
    case .expect(let patterns, _): patterns.lazy.compactMap { pattern($0, variant) }.first
    case .then(let lines, _): lines.lazy.filter { variant.allows($0.guardian) }.compactMap { fact($0.fact) }.first
    }
  }

  private static func pattern(_ pattern: Pattern, _ variant: Variant) -> Need? {
    func first(_ guardian: Guard?, _ patterns: [Pattern]) -> Need? {
      variant.allows(guardian) ? patterns.lazy.compactMap { self.pattern($0, variant) }.first : nil
    }
    switch pattern {
    case .step(_, _, let guardian, let patterns, _), .inAnyOrder(let guardian, let patterns, _),
      .optional(let guardian, let patterns, _), .never(let guardian, let patterns, _),
      .repeated(_, _, let guardian, let patterns, _):
      return first(guardian, patterns)
    case .forEach(_, _, let patterns, _): return first(nil, patterns)
    case .either(let guardian, let branches, _): return first(guardian, branches.flatMap { $0 })
    case .wait(let fact, let guardian, _): return variant.allows(guardian) ? self.fact(fact) : nil
    case .message(let line):
      guard variant.allows(line.guardian) else { return nil }
      if frames.contains(line.arrow.message) {
        return Need(kind: .ethernet, reason: "\(line.arrow.message) is no message between sockets (\(line.position))")
      }
      return isMapping(line.arrow) ? Need(kind: .nat, reason: "a port is mapped (\(line.position))") : nil
    }
  }

  /// Whether a line wants a mapping that was made; a refusal is had without translation too.
  private static func isMapping(_ arrow: Arrow) -> Bool {
    arrow.message == "map-port-reply"
      && arrow.judgements.contains { $0.path.description == "status" && $0.test == .equal(.integer(200)) }
  }

  private static func fact(_ fact: Fact) -> Need? {
    switch fact.subject {
    case .knows, .topologyMatches:
      Need(kind: .ethernet, reason: "what HTIP tells (\(fact.position))")
    case .problem(_, "wrong-gateway") where !fact.isNegated:
      Need(kind: .nat, reason: "no gateway answers searches there (\(fact.position))")
    case .problem(_, let name) where !fact.isNegated && ["dns-failure", "duplicate-address"].contains(name):
      Need(kind: .ethernet, reason: "a device shows \(name) of its own network stack (\(fact.position))")
    default: nil
    }
  }
}
