import Messages
import RoleKit

/// Mappings are read by anybody in the home, and deleted by those whose they are (profile section 7).
extension HomeGateway {
  private func key(_ arguments: ActionArguments) throws(SOAPFault) -> MappingEntry.Key {
    MappingEntry.Key(
      transport: arguments.transport, externalPort: arguments.port("NewExternalPort"),
      remoteHost: try remoteHost(arguments))
  }

  /// Internal port, client, enabled, description, seconds left: as the reading actions give them.
  private func values(_ entry: MappingEntry, at now: Moment) -> [String] {
    [
      "\(entry.client.port)", "\(entry.client.address)", entry.isEnabled ? "1" : "0", entry.text,
      "\(entry.secondsLeft(at: now.wall))",
    ]
  }

  func specificEntry(_ action: Action) throws(SOAPFault) -> [Effect] {
    guard let entry = table[try key(action.arguments)] else { throw SOAPFault(.noSuchEntry) }
    return [done(action, values(entry, at: action.asked.now))]
  }

  func genericEntry(_ action: Action) throws(SOAPFault) -> [Effect] {
    guard let entry = table[Int(action.arguments.number("NewPortMappingIndex"))] else {
      throw SOAPFault(.arrayIndexInvalid)
    }
    let key = [entry.key.remoteHost.map { "\($0)" } ?? "", "\(entry.key.externalPort)", name(entry.key.transport)]
    return [done(action, key + values(entry, at: action.asked.now))]
  }

  private func name(_ transport: PortMapping.Transport) -> String { transport == .tcp ? "TCP" : "UDP" }

  /// The mappings of a range of ports: all of them, or those that lead to the asker.
  private func range(_ action: Action) throws(SOAPFault) -> [MappingEntry] {
    let (first, last) = (action.arguments.port("NewStartPort"), action.arguments.port("NewEndPort"))
    guard first <= last else { throw SOAPFault(.inconsistentParameters) }
    let isAll = action.arguments.truth("NewManage")
    return table.all.filter { entry in
      entry.key.transport == action.arguments.transport && (first...last).contains(entry.key.externalPort)
        && (isAll || entry.client.address == action.asked.from.address)
    }
  }

  /// The namespace of port listings (WANIPConnection:2, 2.3).
  private static let listNamespace = "urn:schemas-upnp-org:gw:WANIPConnection"

  func list(_ action: Action) throws(SOAPFault) -> [Effect] {
    let limit = Int(action.arguments.number("NewNumberOfPorts"))
    let found = try range(action)
    guard !found.isEmpty else { throw SOAPFault(.portMappingNotFound) }
    let entries = found.prefix(limit == 0 ? found.count : limit).map { entry in
      let values = values(entry, at: action.asked.now)
      let fields = [
        ("NewRemoteHost", entry.key.remoteHost.map { "\($0)" } ?? ""), ("NewExternalPort", "\(entry.key.externalPort)"),
        ("NewProtocol", name(entry.key.transport)), ("NewInternalPort", values[0]), ("NewInternalClient", values[1]),
        ("NewEnabled", values[2]), ("NewDescription", values[3]), ("NewLeaseTime", values[4]),
      ]
      return XMLElement("p:PortMappingEntry", fields.map { XMLElement("p:" + $0.0, text: $0.1) })
    }
    let list = XMLElement(
      "p:PortMappingList", attributes: [.init(name: "xmlns:p", value: Self.listNamespace)],
      children: entries.map { .element($0) })
    return [done(action, [String(decoding: list.document, as: UTF8.self)])]
  }

  // MARK: Deletion

  private func mayDelete(_ entry: MappingEntry, _ action: Action) -> Bool {
    entry.client.address == action.asked.from.address || isControlPoint(action.asked.from.address)
  }

  mutating func deletePortMapping(_ action: Action) throws(SOAPFault) -> [Effect] {
    let key = try key(action.arguments)
    if changes.isChanging(key) { return try postpone(action) }
    guard let entry = table[key] else { throw SOAPFault(.noSuchEntry) }
    guard mayDelete(entry, action) else { throw SOAPFault(.notAuthorized) }
    return delete([entry]) + [done(action)] + armLease(at: action.asked.now)
  }

  mutating func deletePortMappingRange(_ action: Action) throws(SOAPFault) -> [Effect] {
    let found = try range(action)
    if action.arguments.truth("NewManage"), !isControlPoint(action.asked.from.address) {
      throw SOAPFault(.notAuthorized)
    }
    guard !found.isEmpty else { throw SOAPFault(.portMappingNotFound) }
    return delete(found) + [done(action)] + armLease(at: action.asked.now)
  }

  /// Nothing passes any more before the deletion is acknowledged.
  mutating func delete(_ entries: [MappingEntry]) -> [Effect] {
    for entry in entries { table.remove(entry.key) }
    systemUpdateID &+= 1
    let passing = entries.filter { $0.isEnabled && settings.translates }
    return [.save(entries.map { GatewayTables.deletion($0.key) })] + passing.map { .unmap($0.mapping) }
  }
}
