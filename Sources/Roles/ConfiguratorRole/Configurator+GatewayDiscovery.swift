import Messages
import RoleKit

/// The home's gateway: found by SSDP, its description read (profile section 7, UDA 2.0 clauses 1 and 2).
extension Configurator {
  /// Device types that are searched for; a gateway of version 2 answers to both.
  static let gatewayTypes = [2, 1].map { "urn:schemas-upnp-org:device:InternetGatewayDevice:\($0)" }
  /// Nanoseconds from one search to the next while no gateway answers, and from then on. What needs to know whether
  /// there is a gateway waits for the first of them.
  static let gatewayPauses: [UInt64] = [1.5, 2, 4].map { .seconds($0) }
  static let gatewayInterval: UInt64 = .seconds(60)
  /// Nanoseconds after which a gateway that is known is searched for again.
  static let gatewayRecheck: UInt64 = .seconds(900)

  /// Searches on every interface that has an address.
  mutating func searchGateway(at now: Moment) -> [Effect] {
    let states = interfaces.values.filter { $0.isUp && !$0.addresses.isEmpty }.sorted { $0.name < $1.name }
    let sent = states.flatMap { state in
      Configurator.gatewayTypes.map { type in
        Effect.ssdp(
          DeviceSearch(target: type).octets(group: settings.ssdpGroup), to: nil, interface: state.name)
      }
    }
    let isFirst = gatewaySearches == 0
    if case .none = gateway { gateway = .none(isListening: isFirst && !sent.isEmpty) }
    let pauses = Configurator.gatewayPauses
    let pause = gatewaySearches < pauses.count ? pauses[gatewaySearches] : Configurator.gatewayInterval
    gatewaySearches += 1
    return sent + [.arm(TimerName(Timer.gatewaySearch), after: pause)] + (sent.isEmpty ? gatewayDecided(at: now) : [])
  }

  /// The answers to a search have had their time, or it is time for another one.
  mutating func gatewaySearchEnded(at now: Moment) -> [Effect] {
    switch gateway {
    case .none(isListening: true):
      gateway = .none(isListening: false)
      return gatewayDecided(at: now) + searchGateway(at: now)
    case .none(isListening: false), .unusable: return searchGateway(at: now)
    case .reading, .known: return [.arm(TimerName(Timer.gatewaySearch), after: Configurator.gatewayRecheck)]
    }
  }

  /// A device answered a search, or announced itself.
  mutating func gatewayHeard(_ type: String, uuid: String?, location: String?, on interface: String) -> [Effect] {
    guard Configurator.gatewayTypes.contains(type), let uuid, let location else { return [] }
    guard let url = HTTPURL(location), let endpoint = url.endpoint, isNear(endpoint.address, interface) else {
      // What lies elsewhere is none of this home's gateways, and nobody shall have us call strangers.
      return unexpected("a gateway at \(location.prefix(200)), which is outside the subnet of \(interface)")
    }
    let found = FoundGateway(uuid: uuid, location: url, interface: interface)
    switch gateway {
    case .none, .unusable: break
    case .reading(let known, _), .known(let known, _):
      guard known.uuid == uuid, known != found else { return [] }
    }
    return readGateway(found)
  }

  /// `description-read`.
  private mutating func readGateway(_ found: FoundGateway) -> [Effect] {
    let stopped = courier.cancel { $0 == .gatewayDescription }
    guard let endpoint = found.location.endpoint else { return stopped }
    let (errand, effects) = courier.send(
      HTTPRequest("GET", found.location.target), to: endpoint, for: .gatewayDescription)
    gateway = .reading(found, errand)
    return stopped + effects
  }

  mutating func gatewayDescriptionEnded(
    _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    guard case .reading(let found, errand) = gateway else { return unexpected("a description that nobody asked for") }
    switch ending {
    case .answered(let response) where response.status == 200:
      do {
        let description = try DeviceDescription(parsing: response.body)
        let service = try service(of: found, description)
        gatewayName = String(description.device.friendlyName.prefix(64))
        gateway = .known(found, service)
        gatewaySearches = 0
        return [
          .report(Report(.info, "gateway-found", "\(found.uuid): \(service.type) at \(service.endpoint)"))
        ] + gatewayDecided(at: now)
      } catch {
        return unusable(found, at: now, "its description cannot be used: \(error)")
      }
    case .answered(let response): return unusable(found, at: now, "its description: status \(response.status)")
    case .failed(let failure): return unusable(found, at: now, "its description: \(failure)")
    }
  }

  private mutating func unusable(_ found: FoundGateway, at now: Moment, _ reason: String) -> [Effect] {
    gateway = .unusable(found, reason: reason)
    return [.report(Report(.warning, "gateway-unusable", "\(found.uuid) at \(found.location): \(reason)"))]
      + gatewayDecided(at: now)
  }

  /// The connection service of a gateway's description.
  private func service(of found: FoundGateway, _ description: DeviceDescription) throws(FieldFault) -> GatewayService {
    let services = description.device.all.flatMap(\.services)
    let base = description.otherElements.first { $0.localName == "URLBase" }.flatMap { HTTPURL($0.text) }
    for type in GatewayService.types {
      guard let service = services.first(where: { $0.serviceType == type }) else { continue }
      guard let url = (base ?? found.location).resolving(service.controlURL), let endpoint = url.endpoint,
        isNear(endpoint.address, found.interface)
      else { throw FieldFault("", "has the control URL \(service.controlURL.prefix(200)) outside of our subnet") }
      return GatewayService(type: type, endpoint: endpoint, target: url.target)
    }
    throw FieldFault("", "has no connection service among its \(services.count)")
  }

  func isNear(_ address: IPAddress, _ interface: String) -> Bool {
    interfaces[interface]?.addresses.contains { $0.contains(address) } ?? false
  }

  /// The gateway says goodbye.
  mutating func gatewayLeft(uuid: String?, at now: Moment) -> [Effect] {
    guard let found = gateway.found, found.uuid == uuid else { return [] }
    return forgetGateway("it said goodbye", at: now)
  }

  /// The gateway is not what it was: whatever answers a new search counts.
  mutating func forgetGateway(_ reason: String, at now: Moment) -> [Effect] {
    guard let found = gateway.found else { return [] }
    let stopped = courier.cancel { $0 == .gatewayDescription }
    gateway = .none(isListening: false)
    gatewaySearches = 0
    return stopped + [.report(Report(.notice, "gateway-lost", "\(found.uuid): \(reason)"))] + searchGateway(at: now)
  }
}

extension HTTPURL {
  /// Resolves a reference against this URL (RFC 3986 clause 5.2, without dot segments); `nil` where it comes to none.
  func resolving(_ reference: String) -> HTTPURL? {
    if reference.contains("://") { return HTTPURL(reference) }
    if reference.hasPrefix("/") { return HTTPURL("http://\(authority)\(reference)") }
    let path = target.prefix { $0 != "?" }
    let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
    return HTTPURL("http://\(authority)\(folder)\(reference)")
  }
}
