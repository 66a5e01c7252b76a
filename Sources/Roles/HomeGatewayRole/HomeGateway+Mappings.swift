import Messages
import RoleKit

/// 4.4 step 4 and 4.5 step 6: ports are mapped. The answer to a request goes out when traffic passes, or can't.
extension HomeGateway {
  /// The port that is asked for and no other; a mapping of the same client is changed.
  mutating func addPortMapping(_ action: Action) throws(SOAPFault) -> [Effect] {
    let entry = try wished(action, externalPort: action.arguments.port("NewExternalPort"))
    let key = entry.key
    guard key.externalPort != 0 else { throw SOAPFault(.wildCardInExternalPort) }
    guard !isOwn(key.externalPort, key.transport) else { throw SOAPFault(.conflictWithOtherMechanisms) }
    if changes.isChanging(key) { return try postpone(action) }
    let old = table[key]
    if let old, old.client.address != entry.client.address { throw SOAPFault(.conflictInMapping) }
    return try put(entry, in: old, for: action)
  }

  /// The port that was asked for, or another where it is taken.
  mutating func addAnyPortMapping(_ action: Action, bits: inout RandomBits) throws(SOAPFault) -> [Effect] {
    let port = action.arguments.port("NewExternalPort")
    var entry = try wished(action, externalPort: port)
    if changes.isChanging(entry.key) { return try postpone(action) }
    if port != 0, let old = table[entry.key], old.client == entry.client { return try put(entry, in: old, for: action) }
    if port == 0 || !isFree(port, entry.key.transport) {
      guard let other = freePort(entry.key.transport, bits: &bits) else { throw SOAPFault(.noPortMapsAvailable) }
      entry.key.externalPort = other
    }
    return try put(entry, in: nil, for: action, tries: 8)
  }

  /// The mapping that a request asks for, where its sender may have it (profile section 7: secure mode).
  private func wished(_ action: Action, externalPort: UInt16) throws(SOAPFault) -> MappingEntry {
    let arguments = action.arguments
    let name = arguments.trimmed("NewInternalClient")
    guard !name.isEmpty else { throw SOAPFault(.invalidArguments) }
    guard let client = IPAddress(name) else { throw SOAPFault(.argumentValueInvalid) }
    let from = action.asked.from.address
    guard isHost(client), client == from || isControlPoint(from) else { throw SOAPFault(.notAuthorized) }
    let key = MappingEntry.Key(
      transport: arguments.transport, externalPort: externalPort, remoteHost: try remoteHost(arguments))
    let lease = arguments.number("NewLeaseDuration")
    let longest = UInt64(GatewayService.longestLease)
    let seconds = lease == 0 ? longest : min(lease, longest)
    return MappingEntry(
      key: key, client: Endpoint(client, arguments.port("NewInternalPort")),
      isEnabled: arguments.truth("NewEnabled"), text: arguments.text("NewPortMappingDescription"),
      expires: action.asked.now.wall + Int64(seconds) * 1000, order: table[key]?.order ?? table.nextOrder)
  }

  /// Empty, or `*` as some control points write it, is anybody.
  func remoteHost(_ arguments: ActionArguments) throws(SOAPFault) -> IPAddress? {
    let text = arguments.trimmed("NewRemoteHost")
    if text.isEmpty || text == "*" { return nil }
    guard let address = IPAddress(text), address.bitWidth == 32, !address.isMulticast, !address.isUnspecified else {
      throw SOAPFault(.argumentValueInvalid)
    }
    return address
  }

  /// The ports at which the gateway itself answers.
  private func isOwn(_ port: UInt16, _ transport: PortMapping.Transport) -> Bool {
    transport == .tcp ? port == settings.httpPort : port == settings.echoPort
  }

  private func isFree(_ port: UInt16, _ transport: PortMapping.Transport) -> Bool {
    !isOwn(port, transport) && !table.uses(port, transport) && !changes.uses(port, transport)
  }

  /// Below those that connections from inside are translated to.
  private static let choice: ClosedRange<UInt16> = 1024...32_767

  private func freePort(_ transport: PortMapping.Transport, bits: inout RandomBits) -> UInt16? {
    let width = UInt64(Self.choice.count)
    let start = bits.number(in: 0...width - 1)
    for step in 0..<width {
      let port = Self.choice.lowerBound + UInt16((start + step) % width)
      if isFree(port, transport) { return port }
    }
    return nil
  }

  /// The same mapping is being made already: its outcome decides.
  mutating func postpone(_ action: Action) throws(SOAPFault) -> [Effect] {
    guard changes.postpone(action.asked.input) else { throw SOAPFault(.actionFailed) }
    return []
  }

  private mutating func put(
    _ entry: MappingEntry, in old: MappingEntry?, for action: Action, tries: Int = 0
  ) throws(SOAPFault) -> [Effect] {
    guard old != nil || table.count + changes.count < settings.mappingLimit else {
      throw SOAPFault(.noPortMapsAvailable)
    }
    let change = PendingChanges.Change(action: action, entry: entry, replaced: old, triesLeft: tries)
    let wasPassing = old?.isEnabled ?? false
    // A longer lease, or another text: what passes goes on passing.
    if let old, wasPassing, entry.isEnabled, old.client == entry.client { return settle(change) }
    let removal: [Effect] = old.map { wasPassing ? [.unmap($0.mapping)] : [] } ?? []
    guard entry.isEnabled else { return removal + settle(change) }
    guard settings.translates else { throw SOAPFault(.actionFailed) }
    changes.add(change)
    return removal + [.map(entry.mapping)]
  }

  /// The mapping is as it shall be: it is stored, then acknowledged.
  private mutating func settle(_ change: PendingChanges.Change) -> [Effect] {
    table.put(change.entry)
    systemUpdateID &+= 1
    let port = String(change.entry.key.externalPort)
    return [.save([GatewayTables.row(change.entry)]), done(change.action, [port])]
      + armLease(at: change.action.asked.now)
  }

  // MARK: What became of it

  mutating func mapped(
    _ mapping: PortMapping, _ failure: Failure?, at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    if case .restoring(let left) = phase, left.contains(mapping) { return restored(mapping, failure, left) }
    guard var change = changes.take(mapping) else { return ignored("the mapping of port \(mapping.externalPort)") }
    guard let failure else { return settle(change) + takePostponed(at: now, bits: &bits) }
    if failure == .refused, change.triesLeft > 0, let other = freePort(mapping.transport, bits: &bits) {
      change.triesLeft -= 1
      change.entry.key.externalPort = other
      changes.add(change)
      return [.map(change.entry.mapping)]
    }
    let fault = SOAPFault(failure == .refused ? .conflictWithOtherMechanisms : .actionFailed)
    return lose(change.replaced) + refused(change.action.asked, fault) + takePostponed(at: now, bits: &bits)
  }

  /// What had to make room for a mapping that can't be is gone.
  private mutating func lose(_ entry: MappingEntry?) -> [Effect] {
    guard let entry, table.remove(entry.key) != nil else { return [] }
    systemUpdateID &+= 1
    return [.save([GatewayTables.deletion(entry.key)])]
  }

  /// What became of a mapping could not be stored: one that was made is taken back, and all who wait are told.
  mutating func withdraw(_ mapping: PortMapping) -> [Effect] {
    if case .restoring(let left) = phase, left.contains(mapping) {
      return forget(mapping, left) + [.unmap(mapping)]
    }
    guard let change = changes.take(mapping) else { return [.unmap(mapping)] }
    let old: [Effect] = change.replaced.map { $0.isEnabled ? [.map($0.mapping)] : [] } ?? []
    let waiting = changes.takePostponed().compactMap { input -> Effect? in
      guard case .requested(let exchange, _, _, _) = input else { return nil }
      return .reply(exchange, .soap(SOAPFault(.actionFailed)))
    }
    return [.unmap(mapping)] + old + refused(change.action.asked, SOAPFault(.actionFailed)) + waiting
  }

  private mutating func takePostponed(at now: Moment, bits: inout RandomBits) -> [Effect] {
    var effects: [Effect] = []
    for input in changes.takePostponed() { effects += requested(input, at: now, bits: &bits) }
    return effects
  }
}
