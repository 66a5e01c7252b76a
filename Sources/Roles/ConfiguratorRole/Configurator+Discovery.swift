import Messages
import RoleKit

/// 4.2 steps 1 and 2, 4.3 steps 2 and 3: the agent discovers the configurator, which replies its ID (profile section 2,
/// UDA 2.0 clause 1).
extension Configurator {
  /// Nanoseconds between two rounds of `ssdp:alive`.
  static let aliveInterval: UInt64 = .seconds(900)
  /// Search replies that may wait for their time at once.
  static let searchReplyLimit = 1024
  static let descriptionPath = "/description.xml"

  /// An answer to a search that waits for its random time.
  struct SearchReply: Sendable, Hashable {
    var target: String
    var to: Endpoint
    var interface: String
  }

  /// The device as it is seen from an interface: LOCATION names an address of that interface, in the asker's subnet
  /// where there is one. `nil` where the interface has none.
  private func device(on interface: String, for asker: IPAddress?) -> DiscoverableDevice? {
    let addresses = interfaces[interface]?.addresses.filter { $0.address.bitWidth == 32 } ?? []
    let nearest = addresses.first { cidr in asker.map { cidr.contains($0) } ?? false } ?? addresses.first
    guard let nearest else { return nil }
    return DiscoverableDevice(
      uuid: settings.configuratorId, deviceType: ProfileNames.configuratorType,
      location: "http://\(Endpoint(nearest.address, settings.httpPort))\(Configurator.descriptionPath)",
      bootID: bootID)
  }

  /// A datagram of SSDP: somebody searches, or a gateway tells of itself.
  mutating func heard(
    _ octets: [UInt8], from: Endpoint, _ delivery: Delivery, on interface: String, at now: Moment,
    bits: inout RandomBits
  ) -> [Effect] {
    do {
      switch try DiscoveryMessage(octets: octets) {
      case .search(let search): return searched(search, from: from, delivery, on: interface, bits: &bits)
      case .reply(let reply):
        return gatewayHeard(reply.target, uuid: reply.uuid, location: reply.location, on: interface)
          + basicHeard(reply.target, uuid: reply.uuid, location: reply.location, from: from, on: interface, at: now)
      case .alive(let notice):
        if let uuid = notice.uuid { farewells.remove(uuid) }
        return gatewayHeard(notice.type, uuid: notice.uuid, location: notice.location, on: interface)
          + basicHeard(notice.type, uuid: notice.uuid, location: notice.location, from: from, on: interface, at: now)
      case .byebye(let notice):
        collector.forget(basic: notice.uuid)
        if let uuid = notice.uuid, records[uuid] != nil { farewells.insert(uuid) }
        return gatewayLeft(uuid: notice.uuid, at: now)
      case .other(let line): return unexpected("SSDP from \(from): \(line)")
      }
    } catch {
      return unexpected("SSDP from \(from): \(error)")
    }
  }

  /// `discover`: a search that is malformed, or multicast without MX, gets no reply.
  private mutating func searched(
    _ search: DeviceSearch, from: Endpoint, _ delivery: Delivery, on interface: String, bits: inout RandomBits
  ) -> [Effect] {
    if delivery == .multicast {
      // UDA 2.0 clause 1.3.2: MX is required in a multicast search and at least 1.
      guard let mx = search.mx, mx >= 1 else { return unexpected("a multicast search without MX from \(from)") }
    }
    guard let device = device(on: interface, for: from.address) else {
      return unexpected("a search from \(from) on \(interface), which has no address")
    }
    var effects: [Effect] = []
    for name in device.names where search.isFor(name.target) {
      guard searchReplies.count < Configurator.searchReplyLimit else {
        return effects + [.report(Report(.warning, "ignored", "too many searches at once; \(from) gets no reply"))]
      }
      lastSearchReply += 1
      searchReplies[lastSearchReply] = SearchReply(target: name.target, to: from, interface: interface)
      effects.append(
        .arm(TimerName(Timer.searchReply, String(lastSearchReply)), after: delay(of: search, delivery, bits: &bits)))
    }
    return effects
  }

  /// 4.2 step 2: a reply to a multicast search comes after a random time below MX, one to a unicast search at once.
  private func delay(of search: DeviceSearch, _ delivery: Delivery, bits: inout RandomBits) -> UInt64 {
    guard delivery == .multicast else { return 0 }
    let longest = UInt64.milliseconds(UInt64(search.longestDelay))
    let limit = min(longest, settings.longestReplyDelay ?? longest)
    return limit == 0 ? 0 : bits.number(in: 0...(limit - 1))
  }

  mutating func sendSearchReply(_ key: String, at now: Moment) -> [Effect] {
    guard let number = UInt64(key), let reply = searchReplies.removeValue(forKey: number) else {
      return unexpected("a search reply that nobody waits for: \(key)")
    }
    guard let device = device(on: reply.interface, for: reply.to.address) else {
      return unexpected("\(reply.interface) has lost its address before a search was answered")
    }
    return device.replies(to: DeviceSearch(target: reply.target), now: now.wall).map {
      .ssdp($0, to: reply.to, interface: reply.interface)
    }
  }

  // MARK: Announcements

  func alive(on states: [InterfaceState]) -> [Effect] {
    states.filter(\.isUp).flatMap { state in
      (device(on: state.name, for: nil)?.aliveNotices(group: settings.ssdpGroup) ?? []).map {
        Effect.ssdp($0, to: nil, interface: state.name)
      }
    }
  }

  func armAlive() -> Effect { .arm(TimerName(Timer.alive), after: Configurator.aliveInterval) }

  func byebye() -> [Effect] {
    interfaces.values.filter(\.isUp).sorted { $0.name < $1.name }.flatMap { state in
      (device(on: state.name, for: nil)?.byebyeNotices(group: settings.ssdpGroup) ?? []).map {
        Effect.ssdp($0, to: nil, interface: state.name)
      }
    }
  }

  /// An interface that comes up, or gets another address, is told of us at once, and gateways are looked for there.
  mutating func changed(_ state: InterfaceState, at now: Moment) -> [Effect] {
    let old = interfaces.updateValue(state, forKey: state.name)
    if old?.addresses != state.addresses || old?.defaultGateway != state.defaultGateway { forgetNAT() }
    guard state.isUp, old?.isUp != true || old?.addresses != state.addresses else { return [] }
    let opened: [Effect] = old == nil ? [.openFrames(interface: state.name)] : []
    if case .none = gateway { gatewaySearches = 0 }
    return opened + alive(on: [state]) + searchGateway(at: now)
  }

  // MARK: Description

  /// The UPnP description (UDA 2.0 clause 2.3); nobody needs to fetch it.
  func description() -> HTTPResponse {
    let description = DeviceDescription(
      device: Device(
        deviceType: ProfileNames.configuratorType, friendlyName: settings.friendlyName, manufacturer: "homebed",
        modelName: "configurator", uniqueDeviceName: "uuid:\(settings.configuratorId)"),
      configurationID: 1)
    return HTTPResponse(
      200, fields: ["Content-Type": "text/xml; charset=\"utf-8\""], body: description.octets)
  }
}

extension DeviceSearch {
  /// True where the search is for everything, or for this name.
  fileprivate func isFor(_ name: String) -> Bool { target == "ssdp:all" || target.lowercased() == name.lowercased() }
}
