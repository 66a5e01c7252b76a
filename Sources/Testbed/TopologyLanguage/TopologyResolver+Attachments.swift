import LanguageKit
import Octets

extension TopologyResolver {
  /// Finds the networks of nodes, and holds what a node's lines say against its kind.
  mutating func attach() {
    for index in nodes.indices where !report.isFull {
      attach(index)
      if !nodes[index].isBroken { checkLines(of: nodes[index]) }
    }
  }

  private mutating func attach(_ index: Int) {
    let node = nodes[index]
    let syntax = node.syntax
    if syntax.attachments.isEmpty, !node.isBroken {
      report.error(
        at: syntax.name.position, "`\(syntax.name.value)` is on no network", expected: "`on NETWORK` after its name")
    }
    for attachment in syntax.attachments {
      guard let network = network(attachment.network, in: node.home) else { continue }
      if node.isBridge, nodes[index].segment != nil {
        report.error(
          at: attachment.network.position, "\(node.kind?.text ?? "a switch") on two networks",
          expected: "one network")
        continue
      }
      if nodes[index].interfaces.contains(where: { $0.network == network }) {
        report.error(
          at: attachment.network.position, "`\(node.name)` is on `\(attachment.network.value)` twice",
          expected: "a network once")
        continue
      }
      let isFirst = nodes[index].interfaces.isEmpty
      let name = isFirst ? node.qualifiedName : node.qualifiedName + "." + networks[network].name
      nodes[index].interfaces.append(
        InterfaceEntry(
          network: network, syntax: attachment, address: nil, mac: attachment.mac?.value ?? NodeIdentity.mac(name)))
      if node.isBridge { nodes[index].segment = network }
    }
    switch node.kind {
    case .switch, .hub: nodes[index].ports = syntax.ports?.value ?? 8
    case .accessPoint: nodes[index].ports = 1
    default: break
    }
    nodes[index].insides = insides(of: nodes[index])
  }

  /// A gateway's WAN side is its first interface outside of its home, else its first; the others are insides.
  private func insides(of node: NodeEntry) -> [Int] {
    guard node.kind == .homeGateway else { return [] }
    guard node.interfaces.count > 1 else { return Array(node.interfaces.indices) }
    let isOutside = { (interface: InterfaceEntry) in networks[interface.network].home != node.home }
    let wan = node.interfaces.firstIndex(where: isOutside) ?? 0
    return node.interfaces.indices.filter { $0 != wan }
  }

  private func network(_ name: Located<String>, in home: String?) -> Int? {
    if let found = networkIndex[Scoped(home: home, name: name.value)]
      ?? networkIndex[Scoped(home: nil, name: name.value)]
    {
      return found
    }
    if hasUnknownLines, mentioned.contains(name.value) { return nil }
    if let other = networks.first(where: { $0.name == name.value }), let owner = other.home {
      report.error(
        at: name.position, "the network `\(name.value)` belongs to home `\(owner)`",
        expected: home.map { "a network of `\($0)`, or one outside of homes" } ?? "a network outside of homes")
      return nil
    }
    let known = networks.filter { $0.home == nil || $0.home == home }.map(\.name)
    report.error(
      at: name.position, "unknown network `\(name.value)`",
      expected: known.isEmpty ? "a network that the file declares" : alternatives(known),
      hint: Suggestion.hint(for: name.value, among: known))
    return nil
  }

  // MARK: Lines that not every kind of node has

  private func checkLines(of node: NodeEntry) {
    guard let kind = node.kind else { return }
    let syntax = node.syntax
    func refuse(_ place: Position?, _ line: String, unless kinds: [Node.Kind]) {
      guard let place, !kinds.contains(kind) else { return }
      report.error(
        at: place, "`\(line)` on \(kind.text)", expected: "`\(line)` on a " + alternatives(kinds.map(\.rawValue)))
    }
    let machines: [Node.Kind] = [.ce, .configurator, .homeGateway, .host, .mobile, .serviceServer]
    refuse(syntax.natPosition, "nat", unless: [.homeGateway])
    refuse(syntax.devicePosition, "device", unless: [.ce, .configurator, .homeGateway, .switch, .accessPoint])
    refuse(syntax.dhcp?.position, "dhcp", unless: [.homeGateway, .configurator, .host, .serviceServer])
    refuse(syntax.namesPosition, "dns", unless: machines)
    refuse(syntax.applications.first?.position, "application", unless: machines)
    refuse(syntax.htip, "htip", unless: [.switch, .accessPoint])
    refuse(syntax.ports?.position, "ports", unless: [.switch, .hub, .accessPoint])
    if kind == .accessPoint, let ports = syntax.ports, ports.value != 1 {
      report.error(
        at: ports.position, "an access point with \(ports.value) ports", expected: "1, its cable; others use its radio")
    }
    if kind == .hub, let address = syntax.attachments.first?.address {
      report.error(at: address.position, "a hub has no address", expected: "an address on another kind of node")
    }
    if kind == .homeGateway, node.interfaces.count == 1, syntax.attachments.count == 1 {
      report.warning(at: syntax.name.position, "the gateway `\(node.name)` stands on one network only")
    }
    checkApplications(of: syntax)
    for setting in syntax.settings { check(setting, on: kind, of: node) }
    if case .serving(let from, let to, _)? = syntax.dhcp?.value, let place = syntax.dhcp?.position {
      let prefixes = node.interfaces.compactMap { networks[$0.network].prefix }
      if !prefixes.isEmpty, !prefixes.contains(where: { $0.contains(from) && $0.contains(to) }) {
        report.error(
          at: place, "the DHCP range lies outside the node's networks",
          expected: "addresses in " + alternatives(prefixes.map(\.description)))
      }
    }
  }

  private func checkApplications(of syntax: NodeSyntax) {
    var byName: Set<String> = []
    var byPort: [String: String] = [:]
    for application in syntax.applications {
      let name = application.value.name
      let port = "\(application.value.transport.rawValue) \(application.value.port)"
      if !byName.insert(name).inserted {
        report.error(at: application.position, "a second application `\(name)`", expected: "a name of its own")
      } else if let other = byPort[port] {
        report.error(
          at: application.position, "port \(port) is used twice", expected: "a port of its own",
          hint: "`\(other)` has it")
      }
      byPort[port] = name
    }
  }

  private func check(_ setting: SettingSyntax, on kind: Node.Kind, of node: NodeEntry) {
    let key = setting.key.value
    guard let known = SettingKey.find(key, on: kind) else {
      let names = SettingKey.all.filter { $0.nodes.contains(kind) }.map(\.pattern)
      let owners = SettingKey.all.filter { entry in entry.nodes.contains { SettingKey.find(key, on: $0) == entry } }
      return report.error(
        at: setting.key.position, "\(kind.text) has no setting `\(key)`",
        expected: names.isEmpty ? "no setting" : alternatives(names),
        hint: owners.first.map { "it is a setting of a " + alternatives($0.nodes.map(\.rawValue)) }
          ?? Suggestion.hint(for: key.description, among: names))
    }
    if case .variable = setting.value.value {
      report.error(at: setting.value.position, "a topology has no variables", expected: known.kind.name)
    } else if !known.takes(setting.value.value) {
      report.error(
        at: setting.value.position, "`\(setting.value.value)` is no value of `\(key)`", expected: known.kind.name)
    }
    let applications = node.syntax.applications.map(\.value.name)
    if let application = known.application(in: key), !applications.contains(application) {
      report.error(
        at: setting.key.position, "`\(node.name)` has no application `\(application)`",
        expected: applications.isEmpty ? "an `application` line above" : alternatives(applications),
        hint: Suggestion.hint(for: application, among: applications))
    }
  }
}
