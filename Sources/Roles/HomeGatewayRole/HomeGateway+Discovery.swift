import Messages
import RoleKit

/// Searches that are answered after a random delay.
struct PendingSearches: Sendable {
  struct Pending: Sendable {
    var search: DeviceSearch
    var to: Endpoint
    var interface: String
  }

  /// Beyond it searches get no reply, so that a flood of them costs no memory.
  private static let limit = 256

  private var waiting: [String: Pending] = [:]
  private var last: UInt64 = 0

  /// The key of the timer that sends the reply; `nil` where too many are waiting.
  mutating func add(_ pending: Pending) -> String? {
    guard waiting.count < Self.limit else { return nil }
    last += 1
    waiting[String(last)] = pending
    return String(last)
  }

  mutating func take(_ key: String) -> Pending? { waiting.removeValue(forKey: key) }
}

/// The gateway is found in the home, and nowhere else (profile section 7, UDA 2.0 clause 1).
extension HomeGateway {
  /// Seconds for which an announcement holds; it is repeated at half that.
  private static let maxAge = 1800

  private func device(at address: IPAddress) -> DiscoverableDevice {
    DiscoverableDevice(
      root: rootDevice, location: "http://\(Endpoint(address, settings.httpPort))\(GatewayPath.description)",
      maxAge: Self.maxAge, bootID: bootID, configID: Self.configurationID)
  }

  /// `ssdp:alive` in the home, and again after half of the time for which it holds.
  func announce() -> [Effect] {
    guard settings.translates else { return [] }
    return alive(on: insideInterfaces) + [.arm(Timer.alive, after: .seconds(Double(Self.maxAge) / 2))]
  }

  func alive(on states: [InterfaceState]) -> [Effect] {
    notices(on: states) { $0.aliveNotices(group: settings.ssdpGroup) }
  }

  func sayGoodbye() -> [Effect] {
    notices(on: insideInterfaces) { $0.byebyeNotices(group: settings.ssdpGroup) }
  }

  private func notices(on states: [InterfaceState], _ write: (DiscoverableDevice) -> [[UInt8]]) -> [Effect] {
    guard settings.translates else { return [] }
    return states.filter(\.isUp).flatMap { state -> [Effect] in
      guard let address = state.homeAddresses.first?.address else { return [] }
      return write(device(at: address)).map { .ssdp($0, to: nil, interface: state.name) }
    }
  }

  /// A search that is malformed, from outside, or multicast without MX, gets no reply.
  mutating func searched(
    _ octets: [UInt8], from: Endpoint, _ delivery: Delivery, on interface: String, bits: inout RandomBits
  ) -> [Effect] {
    let search: DeviceSearch
    do {
      guard case .search(let read) = try DiscoveryMessage(octets: octets) else { return [] }
      search = read
    } catch {
      return ignored("SSDP from \(from): \(error)")
    }
    guard settings.translates, !settings.outside.contains(interface), subnet(of: from.address) != nil else {
      return ignored("a search from outside, \(from) on \(interface)")
    }
    guard !rootDevice.answers(to: search.target).isEmpty else { return [] }
    guard delivery == .unicast || (search.mx ?? 0) > 0 else {
      return ignored("a multicast search without MX from \(from)")
    }
    guard let key = searches.add(.init(search: search, to: from, interface: interface)) else {
      return ignored("a search from \(from): too many wait for their reply")
    }
    let longest = delivery == .unicast ? 0 : UInt64.milliseconds(UInt64(search.longestDelay))
    let bound = min(longest, settings.ssdpMaxDelay ?? .max)
    return [.arm(TimerName(Timer.searchReply, key), after: bound == 0 ? 0 : bits.number(in: 0...bound - 1))]
  }

  mutating func reply(toSearch key: String, at now: Moment) -> [Effect] {
    guard let pending = searches.take(key) else { return ignored("a reply that nobody waits for") }
    let addresses = interfaces[pending.interface]?.homeAddresses ?? []
    guard let own = (addresses.first { $0.contains(pending.to.address) } ?? addresses.first)?.address else {
      return ignored("a search from \(pending.to): the address has gone since")
    }
    return device(at: own).replies(to: pending.search, now: now.wall)
      .map { .ssdp($0, to: pending.to, interface: pending.interface) }
  }
}
