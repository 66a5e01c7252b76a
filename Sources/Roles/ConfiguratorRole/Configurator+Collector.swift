import Messages
import RoleKit

/// The HTIP collector (IEC 62608-2 clause 5, ITU-T G.9973): frames, L3 agents and addresses become the home's topology.
extension Configurator {
  /// Octets that the description of an L3 agent may have.
  static let descriptionLimit = 65_536

  /// What was told before a restart holds as long as it would have.
  mutating func startCollecting(_ rows: [Row], at now: Moment) -> [Effect] {
    var effects: [Effect] = []
    var unreadable: [Row] = []
    for row in rows where row.table == ConfiguratorTables.htipFrames {
      if let entry = ConfiguratorTables.frame(row, at: now), entry.expiresAt > now.monotonic {
        collector.frames.restore(entry)
      } else {
        unreadable.append(Row(row.table, row.key, nil))
      }
    }
    if !unreadable.isEmpty { effects.append(.save(unreadable)) }
    for name in interfaces.keys.sorted() { effects.append(.openFrames(interface: name)) }
    return effects + searchBasics() + look(after: Collector.shortPause, at: now)
  }

  /// Asks L3 agents to tell of themselves.
  func searchBasics() -> [Effect] {
    interfaces.values.filter { $0.isUp && !$0.addresses.isEmpty }.sorted { $0.name < $1.name }.map { state in
      .ssdp(
        DeviceSearch(target: ProfileNames.basicDeviceType).octets(group: settings.ssdpGroup), to: nil,
        interface: state.name)
    }
  }

  /// Arms the next look, unless one comes before that anyway.
  mutating func look(after pause: UInt64, at now: Moment) -> [Effect] {
    let due = now.monotonic + pause
    guard collector.dueAt <= now.monotonic || due < collector.dueAt else { return [] }
    collector.dueAt = due
    return [.arm(TimerName(Timer.collect), after: pause)]
  }

  /// An LLDPDU came in.
  mutating func frameHeard(_ octets: [UInt8], from source: MACAddress, at now: Moment) -> [Effect] {
    if interfaces.values.contains(where: { $0.macAddress == source }) { return [] }
    switch collector.frames.hear(octets, from: source, at: now) {
    case .taken(let key, let isNews):
      guard let entry = collector.frames.entries[key], !entry.isOnProbation else { return [] }
      // A commit waits for the disk: the same again is stored when half of its time has passed.
      let isStale = now.wall - entry.storedAt >= Int64(entry.frame.timeToLive) * 500
      guard isNews || isStale else { return [] }
      collector.frames.markStored(key, at: now)
      return [.save([ConfiguratorTables.row(frame: key, entry, at: now)])]
        + (isNews ? look(after: Collector.shortPause, at: now) : [])
    case .withdrawn(let key):
      return [.save([Row(ConfiguratorTables.htipFrames, key.text, nil)])]
        + look(after: Collector.shortPause, at: now)
    case .malformed(let words):
      return collector.report("htip-malformed", "\(source)", "a frame from \(source): \(words)", at: now)
    case .forged(let words): return collector.report("htip-forged", "\(source)", "\(words): not taken", at: now)
    }
  }

  /// A regular look: what has had its time goes, and the neighbour table is asked for.
  mutating func collect(at now: Moment) -> [Effect] {
    let over = collector.frames.expire(at: now)
    let save: [Effect] =
      over.isEmpty ? [] : [.save(over.map { Row(ConfiguratorTables.htipFrames, $0.text, nil) })]
    collector.dueAt = 0
    let next = collector.frames.nextExpiry.map { $0 - min($0, now.monotonic) + 1 } ?? Collector.pause
    return save + [.readNeighbours] + readDescriptions(at: now) + reportForgeries(at: now)
      + look(after: min(next, Collector.pause), at: now)
  }

  mutating func neighboursRead(_ table: [Neighbour], at now: Moment) -> [Effect] {
    collector.neighbours = Dictionary(table.map { ($0.address, $0.macAddress) }, uniquingKeysWith: { $1 })
    collector.neighboursAt = now.wall
    return []
  }

  private mutating func reportForgeries(at now: Moment) -> [Effect] {
    var effects: [Effect] = []
    for words in topology(at: now).forgeries.prefix(16) {
      effects += collector.report("htip-forged", words, words, at: now)
    }
    return effects
  }

  // MARK: L3 agents

  /// A device of type Basic:1 tells of itself.
  mutating func basicHeard(
    _ type: String, uuid: String?, location: String?, from: Endpoint, on interface: String, at now: Moment
  ) -> [Effect] {
    guard type == ProfileNames.basicDeviceType, let uuid, uuid.utf8.count <= 64, let location else { return [] }
    guard let url = HTTPURL(location), let endpoint = url.endpoint, endpoint.address == from.address,
      isNear(endpoint.address, interface)
    else {
      return collector.report(
        "description-refused", "\(from.address)",
        "\(from.address) tells of a description at \(location.prefix(200)), which is not its own on our link", at: now)
    }
    let device = Collector.BasicDevice(
      address: from.address, location: url, interface: interface, heardAt: now.wall)
    guard collector.hear(basic: uuid, device) else { return [] }
    // A device that registers tells the same with it, so its description is not read.
    return look(after: .seconds(2), at: now)
  }

  private mutating func readDescriptions(at now: Moment) -> [Effect] {
    let mature = collector.unread { records[$0] != nil }.filter { $0.device.heardAt + 1500 <= now.wall }
    var effects: [Effect] = []
    for (uuid, device) in mature {
      guard let endpoint = device.location.endpoint else { continue }
      collector.set(.reading, of: uuid)
      let (_, sent) = courier.send(
        HTTPRequest("GET", device.location.target), to: endpoint, for: .agentDescription(uuid))
      effects += sent
    }
    return effects
  }

  mutating func agentDescriptionEnded(_ uuid: String, _ ending: Courier<Purpose>.Ending) -> [Effect] {
    func refused(_ reason: String) -> [Effect] {
      collector.set(.refused, of: uuid)
      return [
        .report(Report(.warning, "description-refused", "the description of \(uuid.prefix(64)) is not used: \(reason)"))
      ]
    }
    switch ending {
    case .failed(let failure): return refused("\(failure)")
    case .answered(let response) where (300...399).contains(response.status):
      return refused("status \(response.status), and redirections are not followed")
    case .answered(let response) where response.status != 200: return refused("status \(response.status)")
    case .answered(let response) where response.body.count > Configurator.descriptionLimit:
      return refused("it has more than \(Configurator.descriptionLimit) octets")
    case .answered(let response):
      guard let description = try? DeviceDescription(parsing: response.body) else { return refused("it is none") }
      guard description.device.uuid == uuid else { return refused("it is of another device") }
      collector.set(.read, name: String(description.device.friendlyName.prefix(64)), of: uuid)
      return []
    }
  }

  // MARK: The topology

  /// The home as it is known now.
  func topology(at now: Moment) -> HomeTopology {
    let own = interfaces.values.sorted { $0.name < $1.name }
    let ownAddresses = own.compactMap(\.macAddress)
    var known = [
      TopologyEvidence.Known(
        addresses: ownAddresses, name: settings.friendlyName, kind: .device, heardAt: now.wall)
    ]
    let gateways = own.compactMap(\.defaultGateway).compactMap { collector.neighbours[$0] }
    known += gateways.map { .init(addresses: [$0], kind: .gateway, heardAt: collector.neighboursAt) }
    let taken = Set(ownAddresses + gateways)
    for record in records.values.sorted(by: { $0.agentId < $1.agentId }) where record.isLive(at: now) {
      known.append(
        .init(
          addresses: addresses(of: record).filter { !taken.contains($0) }, agentId: record.agentId,
          name: record.registration.body["device"]?["friendlyName"]?.string, kind: .device,
          heardAt: record.registeredAt))
    }
    for (uuid, device) in collector.basics.sorted(by: { $0.key < $1.key }) {
      guard let address = collector.neighbours[device.address], !taken.contains(address) else { continue }
      known.append(
        .init(
          addresses: [address], agentId: Identifier.isUUID(uuid) ? uuid : nil, name: device.name, kind: .device,
          heardAt: device.heardAt))
    }
    return HomeTopology(
      TopologyEvidence(
        frames: collector.frames.counting.filter { $0.value.expiresAt > now.monotonic }, known: known,
        silent: collector.frames.silentSenders))
  }

  /// The hardware addresses of a registered agent; the one that answers for its address on the link comes first.
  private func addresses(of record: AgentRecord) -> [MACAddress] {
    var told: [MACAddress] = []
    var seen: [MACAddress] = []
    for interface in record.registration.body["interfaces"]?.array ?? [] {
      if let address = interface["macAddress"]?.string.flatMap({ MACAddress($0) }) { told.append(address) }
      for text in interface["ipAddresses"]?.array ?? [] {
        guard let address = text.string.flatMap({ CIDR($0) })?.address else { continue }
        if let neighbour = collector.neighbours[address] { seen.append(neighbour) }
      }
    }
    // What the link shows wins over what is told, where the two have nothing in common.
    if let first = seen.first, !told.contains(first) { return [first] }
    return told
  }

  /// `GET /topology`.
  func readTopology(at now: Moment) -> HTTPResponse { .json(200, topology(at: now).json(at: now.wall)) }
}

extension Configurator {
  /// `GET /`: the home, drawn for a person.
  func page(at now: Moment) -> HTTPResponse {
    let page = topology(at: now).page(title: "The home of \(settings.friendlyName)", at: now.wall)
    return HTTPResponse(
      200,
      fields: [
        "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
      ], body: Array(page.utf8))
  }
}
