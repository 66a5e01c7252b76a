import Messages
import RoleKit

/// Leases end by the wall clock, and so they do across a restart.
extension HomeGateway {
  /// Wakes the gateway at the earliest end of a lease, a week ahead at most.
  func armLease(at now: Moment) -> [Effect] {
    guard let end = table.nextEnd else { return [.disarm(Timer.lease)] }
    let wait = UInt64(max(0, end - now.wall))
    return [.arm(Timer.lease, after: .milliseconds(min(wait, UInt64(GatewayService.longestLease) * 1000)))]
  }

  mutating func endLeases(at now: Moment) -> [Effect] {
    let over = table.all.filter { $0.expires <= now.wall }
    let effects = over.isEmpty ? [] : delete(over)
    let reports = over.map { entry in
      Effect.report(Report(.info, "lease-ended", "port \(entry.key.externalPort) to \(entry.client)"))
    }
    return effects + reports + armLease(at: now)
  }

  // MARK: After a restart

  /// Makes the mappings of the store again; the gateway is ready when all of them have come to something.
  mutating func restore(_ rows: [Row], at now: Moment) -> [Effect] {
    var effects: [Effect] = []
    let read = rows.compactMap { row -> MappingEntry? in
      guard let entry = GatewayTables.entry(row) else {
        effects.append(.report(Report(.error, "row-unreadable", "\(row.table) \(row.key): left as it is, not used")))
        return nil
      }
      return entry
    }
    for entry in read.sorted(by: { $0.order < $1.order }) { table.put(entry) }
    let passing = table.all.filter { $0.isEnabled && $0.expires > now.wall && settings.translates }.map(\.mapping)
    // Leases that ended meanwhile are taken away by the timer.
    effects += armLease(at: now)
    guard !passing.isEmpty else {
      phase = .running
      return effects + [.ready]
    }
    phase = .restoring(Set(passing))
    return effects + passing.map { .map($0) }
  }

  mutating func restored(_ mapping: PortMapping, _ failure: Failure?, _ left: Set<PortMapping>) -> [Effect] {
    guard let failure else { return goOn(without: mapping, left) }
    let what = "port \(mapping.externalPort) to \(mapping.client) is mapped no more: \(failure)"
    return [.save([GatewayTables.deletion(mapping.key)])] + forget(mapping, left)
      + [.report(Report(.warning, "mapping-lost", what))]
  }

  /// A mapping of the time before the restart that does not pass is none.
  mutating func forget(_ mapping: PortMapping, _ left: Set<PortMapping>) -> [Effect] {
    table.remove(mapping.key)
    return goOn(without: mapping, left)
  }

  private mutating func goOn(without mapping: PortMapping, _ left: Set<PortMapping>) -> [Effect] {
    let rest = left.subtracting([mapping])
    phase = rest.isEmpty ? .running : .restoring(rest)
    return rest.isEmpty ? [.ready] : []
  }
}

extension PortMapping {
  fileprivate var key: MappingEntry.Key {
    MappingEntry.Key(transport: transport, externalPort: externalPort, remoteHost: remoteHost)
  }
}
