import Backends
import Glibc
import JSONText
import LanguageKit
import Messages
import Octets
import ScenarioLanguage
import TopologyLanguage
import TraceChecker

/// Whether an action is waited for: in `given` it must have come true, in `when` it is only done.
enum ActionMode { case untilTrue, once }

extension HomeConductor {
  func perform(_ action: Action, mode: ActionMode) async throws {
    if let reason = Support.missing(for: action) {
      note(.unsupported(reason, position: action.position.description, at: HostClock.wall()))
      throw Stop(Judgement(.inconclusive, reason: "not supported yet: \(reason) (\(action.position))"))
    }
    if let trigger = action.trigger { return arm(action, trigger) }
    switch action.act {
    case .powerOn(let references):
      let nodes = try references.flatMap(nodes)
      for node in nodes {
        try powerOn(node)
        // Forty starts in a row would keep every other home waiting for a thread.
        await Task.yield()
      }
      if mode == .untilTrue { try await waitUntilUp(nodes.filter(isPlayed)) }
    case .powerOff(let references): for node in try references.flatMap(nodes) { try await powerOff(node) }
    case .crash(let references): for node in try references.flatMap(nodes) { try await crash(node) }
    case .restart(let references):
      let nodes = try references.flatMap(nodes)
      for node in nodes {
        try await crash(node)
        try powerOn(node)
        await Task.yield()
      }
      if mode == .untilTrue { try await waitUntilUp(nodes.filter(isPlayed)) }
    case .unplug(let reference, let other): try plug(.out, reference, other)
    case .plugIn(let reference, let other): try plug(.in, reference, other)
    case .move(let reference, let target): try move(reference, to: target)
    case .degrade(let reference, let other, let towards, let qualities):
      let towards = try towards.map { try node($0).name }
      try running().degrade(
        try link(reference, other), by: qualities.map { LinkQuality(kind: $0.linkQuality, towards: towards) })
    case .heal(let reference, let other?): try running().heal(link: try link(reference, other))
    case .heal(let reference, nil): try running().heal(node: try node(reference).name)
    case .cutWAN(let gateway): try running().setOutside(.out, of: try node(gateway).name)
    case .restoreWAN(let gateway): try running().setOutside(.in, of: try node(gateway).name)
    case .set(let reference, let key, let value): try set(key.description, of: try node(reference), to: value)
    case .send(let sender, let receiver, let carrier, let octets):
      try await send(from: sender, to: receiver, carrier, octets)
    case .run(let command, let reference): try run(command, on: try node(reference))
    case .waitUntil(let fact): try await wait(until: fact, mode: mode)
    case .wait(let duration):
      let end = HostClock.wall() + duration
      while HostClock.wall() < end, !isOver { try await pump(until: end) }
    case .holdsConfiguration(let server, let agent, let members):
      try await store(members, of: try node(agent), at: try node(server), mode: mode)
    case .connect(let from, let to, let application, _) where try node(from).kind == .ce:
      try await connect(peer: try node(from), to: try node(to), application)
    case .connect(let from, let to, let application, let token):
      try await connect(
        try node(from), to: try node(to), application, token: try token.map { try json($0).string ?? "" }, mode: mode)
    case .checkReachability(let reference):
      try await check(.reachability, of: try node(reference), mode: mode)
    case .checkApplication(let name, let reference):
      try await check(.application(name), of: try node(reference), mode: mode)
    case .block(let transport, let port, let reference):
      try await filter(.block, transport, port, at: try node(reference))
    case .unblock(let transport, let port, let reference):
      try await filter(.unblock, transport, port, at: try node(reference))
    case .stopApplication(let name, let reference): try await turn(.off, name, on: try node(reference))
    case .startApplication(let name, let reference): try await turn(.on, name, on: try node(reference))
    default: throw ActionFailure("the testbed cannot do this")  // Support has told of all others.
    }
  }

  func running() throws -> any HomeUnderTest {
    guard let home else { throw ActionFailure("the home is not up") }
    return home
  }

  /// The nodes that a reference with or without a range means.
  private func nodes(_ reference: Reference) throws -> [Node] {
    try names.resolveAll(reference).compactMap { if case .node(let node) = $0 { node } else { nil } }
  }

  // MARK: Power

  func powerOn(_ node: Node) throws {
    let home = try running()
    try home.setPower(.on, of: node.name)
    powered.insert(node.name)
    guard isPlayed(node), !programs.isRunning(node.name) else {
      return try Files.write(resolverText(of: node), to: resolverFile(of: node))
    }
    knowledge.forgetStream(of: node.name)
    programs.add(device: try home.start(try nodeProgram(node)))
  }

  /// Lets the program say goodbye, then takes the carrier away.
  private func powerOff(_ node: Node) async throws {
    await programs.release(node.name)?.terminate(grace: .seconds(2))
    for visit in programs.releaseVisits(of: node.name) { await visit.terminate(grace: .seconds(2)) }
    try running().setPower(.off, of: node.name)
    powered.remove(node.name)
  }

  /// No goodbye: the carrier goes first, so that nothing of the dying program is heard.
  private func crash(_ node: Node) async throws {
    try running().setPower(.off, of: node.name)
    powered.remove(node.name)
    await programs.release(node.name)?.crash()
    for visit in programs.releaseVisits(of: node.name) { await visit.crash() }
  }

  // MARK: Links

  private func plug(_ plug: Plug, _ reference: Reference, _ other: Reference?) throws {
    guard let other else { return try running().setPlugs(plug, of: try node(reference).name) }
    try running().setPlugs(plug, ofLink: try link(reference, other))
  }

  /// The name in results of the link (or of the place on an outside network) between two ends.
  func link(_ a: Reference, _ b: Reference) throws -> String {
    switch try names.link(between: a, b) {
    case .link(let index): return topology.links[index].name
    case .place(let name, let interface):
      guard let node = topology.node(named: name) else { throw ActionFailure("there is no node \(name)") }
      return "\(name)--\(node.interfaces[interface].network)"
    }
  }

  private func move(_ reference: Reference, to target: Reference) throws {
    let node = try node(reference)
    guard case .port(let switchNode, let port) = try names.resolve(target) else {
      throw ActionFailure("\(target) is no port")
    }
    try running().move(node.name, to: switchNode.name, newLink: "\(node.name)--\(switchNode.name).\(port)")
  }

  // MARK: Settings

  private func set(_ key: String, of node: Node, to value: Value) throws {
    let json = try self.json(value)
    environment.settings[node.name, default: [:]][key] = json
    switch key {
    case "ip.address":
      guard let text = json.string, let address = CIDR(text) ?? plain(text, like: node) else {
        throw ActionFailure("\(json) is no address")
      }
      try running().setAddress(address, gateway: nil, of: node.name, interface: 0)
      addresses.set(address, of: node.name, interface: 0)
      refreshFacts()
    case "ip.gateway":
      guard let gateway = json.string.flatMap({ IPAddress($0) }) else { throw ActionFailure("\(json) is no address") }
      try running().setAddress(nil, gateway: gateway, of: node.name, interface: 0)
    case "ip.dns": try Files.write(resolverText(of: node), to: resolverFile(of: node))
    default: break  // The program reads it when it starts.
    }
  }

  /// An address without a prefix length gets the one that the node's address has now.
  private func plain(_ text: String, like node: Node) -> CIDR? {
    guard let address = IPAddress(text), let now = addresses.all(of: node.name)[0] else { return nil }
    return CIDR(address, prefixLength: now.prefixLength)
  }

  /// A value of the scenario as the profile writes it.
  func json(_ value: Value) throws -> JSONValue {
    switch value {
    case .string(let text): return .string(text)
    case .integer(let number): return .int(number)
    case .decimal(let number): return .double(number)
    case .duration(let nanoseconds): return .double(Double(nanoseconds) / 1e9)
    case .address(let address): return .text(address)
    case .cidr(let cidr): return .text(cidr)
    case .mac(let mac): return .text(mac)
    case .bool(let flag): return .bool(flag)
    case .natKind(let word): return .string(word)
    case .list(let values): return .array(try values.map(json))
    case .reference(let reference):
      guard case .property(let node, let property) = try names.resolve(reference),
        let resolved = names.value(of: property, node)
      else { throw ActionFailure("\(reference) has no value") }
      return try json(resolved)
    case .variable(let name): throw ActionFailure("\(name) has no value here")
    }
  }

  // MARK: What the runner itself sends

  /// `server holds configuration for ...`: the operator stores the document.
  private func store(_ members: [(Path, Value)], of agent: Node, at server: Node, mode: ActionMode) async throws {
    var document = JSONValue.object([:])
    for (path, value) in members { document.set(try json(value), at: path.segments[...]) }
    guard let home = agent.home, let address = addresses[server.name] else {
      throw ActionFailure("\(server.name) has no address")
    }
    let endpoint = Endpoint(address, DefaultPort.serviceServer)
    let request = HTTPRequest(
      "PUT", "/v1/homes/\(home)/agents/\(agent.id)/configuration",
      fields: [
        "Host": endpoint.description, "Authorization": "Bearer \(secrets.operatorToken)",
        "Content-Type": ProfileNames.jsonType, "Connection": "close",
      ], body: document.octets)
    let status = try await answer(to: request, at: endpoint)
    if mode == .untilTrue, status != 200, status != 201 {
      throw ActionFailure("\(server.name) answered \(status.map(String.init) ?? "nothing") to the configuration")
    }
  }

  /// The status of the operator's request, which is sent again as the profile says where no answer comes; `nil` where
  /// none came in the end.
  private func answer(to request: HTTPRequest, at endpoint: Endpoint) async throws -> Int? {
    let octets = try request.octets()
    for pause in Patience.retries {
      let answer = try? await running().exchange(
        from: "operator", with: endpoint, sending: octets, within: Patience.answer,
        until: { PlainHTTP.response(in: $0, to: request.method, isEnded: false) != nil })
      if let status = answer.flatMap({ PlainHTTP.response(in: $0, to: request.method, isEnded: true)?.status }) {
        return status
      }
      let end = HostClock.wall() + (pause ?? 0)
      while HostClock.wall() < end, !isOver { try await pump(until: end) }
      if isOver { break }
    }
    return nil
  }

  private func send(
    from reference: Reference, to receiver: PartyReference, _ carrier: Carrier, _ octets: [UInt8]
  ) async throws {
    let sender = try node(reference)
    let home = try running()
    guard powered.contains(sender.name) else {
      throw ActionFailure("\(sender.name) has no power; hint: power it on in given")
    }
    switch carrier {
    case .http, .tcp:
      let endpoint = try endpoint(receiver, carrier, from: sender)
      // What comes back is on the wire; that nothing does is no fault of the action.
      let method = String(decoding: octets.prefix { $0 != 0x20 }, as: UTF8.self)
      _ = try? await home.exchange(
        from: sender.name, with: endpoint, sending: octets, within: .seconds(2),
        until: { PlainHTTP.response(in: $0, to: method, isEnded: false) != nil })
    case .udp:
      try home.sendDatagram(from: sender.name, port: 0, to: try endpoint(receiver, carrier, from: sender), octets)
    case .ethernet: try home.sendFrame(from: sender.name, interface: 0, octets)
    }
  }

  private func endpoint(_ receiver: PartyReference, _ carrier: Carrier, from sender: Node) throws -> Endpoint {
    switch receiver {
    case .node(let reference):
      let node = try node(reference)
      guard let address = outerAddress(of: node, for: sender) ?? addresses[node.name] else {
        throw ActionFailure("\(node.name) has no address")
      }
      switch carrier {
      case .udp(let port), .tcp(let port): return Endpoint(address, UInt16(clamping: port))
      case .http, .ethernet:
        guard let port = node.kind.httpPort else { throw ActionFailure("\(node.name) has no HTTP port") }
        return Endpoint(address, port)
      }
    case .network:
      guard case .udp(let port) = carrier else { throw ActionFailure("only UDP and Ethernet go to the network") }
      return Endpoint(port == Int(ProfileNames.ssdpPort) ? ProfileNames.ssdpGroup : .v4(.max), UInt16(clamping: port))
    case .any, .operator: throw ActionFailure("nothing can be sent to \(receiver)")
    }
  }

  /// A gateway's address in a network that the sender is in and that is none of a home.
  private func outerAddress(of node: Node, for sender: Node) -> IPAddress? {
    let outside = Set(topology.networks.filter { $0.home == nil }.map(\.qualifiedName))
    let shared = outside.intersection(sender.interfaces.map(\.network))
    return node.interfaces.first { shared.contains($0.network) }?.address?.address
  }

  private func run(_ command: String, on node: Node) throws {
    let home = try running()
    guard powered.contains(node.name) else {
      throw ActionFailure("\(node.name) has no power; hint: power it on in given")
    }
    programs.add(
      command: try home.start(
        NodeProgram(
          node: node.name, executable: "/bin/sh", arguments: ["-c", command],
          environment: environment.variables(
            for: node, stateFolder: folder, tokenFile: nil, addresses: addresses.all(of: node.name)),
          resolver: resolverFile(of: node), logFile: logFile(of: node.name))))
  }

  private func wait(until fact: Fact, mode: ActionMode) async throws {
    let request = FactRequest(waitingFor: fact, in: topology)
    while !isOver {
      if request.holds(try await read(fact)) { return }
      try await pump(until: HostClock.wall() + Pause.betweenPolls)
    }
  }
}

extension JSONValue {
  /// Sets a member of a member; what is in the way becomes an object.
  fileprivate mutating func set(_ value: JSONValue, at path: ArraySlice<Path.Segment>) {
    switch path.first {
    case .member(let name)?:
      var inner = self[name] ?? .object([:])
      inner.set(value, at: path.dropFirst())
      self[name] = inner
    case .index(let number)?:
      // Items are written in order, so that a new one comes next.
      var items = array ?? []
      guard number <= items.count else { return }
      var inner = number < items.count ? items[number] : .object([:])
      inner.set(value, at: path.dropFirst())
      items[number...] = [inner] + items.dropFirst(number + 1)
      self = .array(items)
    case nil: self = value
    default: return
    }
  }
}
