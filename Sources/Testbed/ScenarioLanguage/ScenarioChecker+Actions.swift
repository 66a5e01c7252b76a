import LanguageKit
import Messages
import TopologyLanguage

extension ScenarioChecker {
  mutating func check(_ action: Action) {
    guard !report.isFull else { return }
    under(action.guardian) { checker in
      if let trigger = action.trigger { checker.check(trigger) }
      checker.check(action.act, of: action)
    }
  }

  private mutating func check(_ act: Act, of action: Action) {
    let place = action.actPosition
    let word = action.places.first ?? place
    switch act {
    case .powerOn(let references), .powerOff(let references):
      for reference in references { nodes(reference, "a node") }
    case .crash(let references), .restart(let references):
      for reference in references { nodes(reference, "a node that runs a program", kinds: Node.Kind.machines) }
    case .drop, .corrupt, .hold: break
    case .duplicate:
      if let message = action.trigger?.message, MessageCatalogue[message]?.isOverTCP == true {
        report.error(
          at: place, "`duplicate` of a message over TCP", expected: "a message over UDP or Ethernet",
          hint: "TCP itself drops what comes twice")
      }
    case .unplug(let end, let other), .plugIn(let end, let other), .heal(let end, let other):
      if let other { link(end, other) } else { node(end, "a node, or a link `NODE -- NODE`") }
    case .degrade(let end, let other, let towards, let qualities):
      link(end, other)
      if let towards { checkTowards(towards, of: [end, other]) }
      checkOnce(qualities, at: place)
    case .move(let moved, let port):
      node(moved, "a node")
      for meaning in meanings(port).prefix(1) {
        switch meaning {
        case .port, .radio: break
        default:
          report.error(
            at: port.position, "`\(port)` is \(meaning.kindName)", expected: "a port such as `sw2.3`, or `ap1.radio`")
        }
      }
    case .cutWAN(let gateway), .restoreWAN(let gateway):
      node(gateway, "the node", kinds: [.homeGateway])
    case .block(_, _, let reference), .unblock(_, _, let reference): node(reference, "a node")
    case .stopApplication(let name, let reference), .startApplication(let name, let reference):
      if let node = node(reference, "the node", kinds: [.ce]) {
        _ = checkApplication(name, of: node, at: word)
      }
    case .set(let reference, let key, let value): checkSet(reference, key, value, at: word, action.places.last ?? place)
    case .connect(let from, let to, let application, let token):
      node(from, "who connects", kinds: [.mobile, .ce])
      let device = node(to, "what is connected to", kinds: [.ce])
      warnOfUnknown(application, of: device, at: word)
      if let token { _ = concrete(token, at: place) }
    case .checkReachability(let device): node(device, "the node", kinds: [.ce])
    case .checkApplication(let application, let reference):
      warnOfUnknown(application, of: node(reference, "the node", kinds: [.ce]), at: word)
    case .send(let from, let to, let carrier, _): checkSend(from, to, carrier, at: place)
    case .run(_, let reference): node(reference, "a node that runs a program", kinds: Node.Kind.machines)
    case .ask: break
    case .waitUntil(let fact): check(fact)
    case .wait:
      report.warning(at: place, "a wait of fixed length", hint: "`wait until FACT` is as fast as it can be, and surer")
    case .holdsConfiguration(let server, let agent, let members):
      node(server, "who holds configurations", kinds: [.serviceServer])
      node(agent, "who they are for", kinds: [.ce])
      checkDocument(members, at: action.places, or: place)
    }
  }

  /// A link, or a node's place on a network outside of homes.
  private mutating func link(_ end: Reference, _ other: Reference) {
    // Each end by itself first: that names the wrong one.
    guard !meanings(end).isEmpty, !meanings(other).isEmpty, let names else { return }
    if [end, other].contains(where: { if case .variable? = $0.parts.first { true } else { false } }) { return }
    do throws(Fault) {
      _ = try names.link(between: end, other)
    } catch {
      report.error(error)
    }
  }

  private mutating func checkTowards(_ towards: Reference, of ends: [Reference]) {
    guard let node = node(towards, "one of the link's ends") else { return }
    let known = ends.compactMap { end -> String? in
      switch meanings(end).first {
      case .node(let node)?, .port(let node, _)?, .radio(let node)?, .interface(let node, _)?: node.name
      default: nil
      }
    }
    if !known.contains(node.name) {
      report.error(
        at: towards.position, "`\(towards)` is no end of the link", expected: alternatives(known))
    }
  }

  private func checkOnce(_ qualities: [Quality], at place: Position) {
    var seen: Set<String> = []
    for quality in qualities where !seen.insert(quality.word).inserted {
      report.error(at: place, "a second `\(quality.word)`", expected: "each quality once")
    }
  }

  private mutating func checkSet(
    _ reference: Reference, _ key: Path, _ value: Value, at keyPlace: Position, _ place: Position
  ) {
    for node in nodes(reference, "a node with settings") {
      guard let setting = setting(key, of: node, at: keyPlace) else { return }
      guard let value = concrete(value, at: place) else { return }
      if !setting.takes(value) {
        report.error(
          at: place, "`\(value)` is no value of `\(key)`", expected: setting.kind.name,
          hint: setting.kind == .natBehaviour ? Suggestion.hint(for: value.plainText, among: Words.natKinds) : nil)
      }
    }
  }

  /// Asking for an application that is not there is a case to test, so it is no error.
  private func warnOfUnknown(_ application: String, of node: Node?, at place: Position) {
    guard let node else { return }
    let known = node.applications.map(\.name)
    if !known.contains(application) {
      report.warning(
        at: place, "`\(node.name)` has no application `\(application)`",
        hint: Suggestion.hint(for: application, among: known))
    }
  }

  private mutating func checkSend(_ from: Reference, _ to: PartyReference, _ carrier: Carrier, at place: Position) {
    node(from, "a node that runs a program", kinds: Node.Kind.machines)
    switch to {
    case .node(let reference): node(reference, "a node, or `network`")
    default:
      switch carrier {
      case .http, .tcp:
        report.error(
          at: place, "TCP reaches no `network`", expected: "a node, or `udp PORT` or `ethernet`")
      case .udp, .ethernet: break
      }
    }
  }

  /// The configuration document: a member that the profile lacks is a case to test, a near miss a slip.
  private mutating func checkDocument(_ members: [(Path, Value)], at places: [Position], or line: Position) {
    guard let definition = MessageCatalogue["configure"] else { return }
    var seen: Set<Path> = []
    for (index, (path, value)) in members.enumerated() {
      let place = places.indices.contains(index) ? places[index] : line
      _ = concrete(value, at: place)
      if !seen.insert(path).inserted {
        report.error(at: place, "the configuration has `\(path)` twice", expected: "each member once")
      }
      if case .unknown(let step, let known) = definition.field(at: path.steps), step < path.segments.count {
        let name = Path(segments: [path.segments[step]]).description
        if let hint = Suggestion.hint(for: name, among: known) {
          report.warning(at: place, "the profile's configuration has no member `\(path)`", hint: hint)
        }
      }
    }
  }
}

extension Node.Kind {
  /// Nodes that run a program in a network namespace of their own.
  static let machines: Set<Node.Kind> = [.ce, .configurator, .homeGateway, .host, .mobile, .serviceServer, .switch]
}

extension Quality {
  /// The keyword that stands before it.
  var word: String {
    switch self {
    case .rate: "rate"
    case .delay: "delay"
    case .jitter: "jitter"
    case .loss: "loss"
    case .duplicate: "duplicate"
    case .reorder: "reorder"
    }
  }
}

extension MessageDefinition {
  /// True for HTTP in all its forms, and what answers it.
  var isOverTCP: Bool {
    switch binding {
    case .http, .url, .soap, .streamEvent: true
    case .reply(let request): MessageCatalogue[request].map(\.isOverTCP) ?? false
    case .ssdp, .stun, .datagram, .packet: false
    }
  }
}
