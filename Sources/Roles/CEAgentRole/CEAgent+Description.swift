import Messages
import RoleKit

/// Searches by others that are answered after a random delay.
struct PendingReplies: Sendable {
  struct Pending: Sendable {
    var search: DeviceSearch
    var destination: Endpoint
    var interface: String
  }

  private var waiting: [String: Pending] = [:]
  private var lastNumber = 0

  /// Beyond it searches get no reply, so that a flood of them costs no memory.
  static let limit = 64

  /// The key of the timer that sends the reply; `nil` where too many are waiting.
  mutating func add(_ pending: Pending) -> String? {
    guard waiting.count < Self.limit else { return nil }
    lastNumber += 1
    waiting[String(lastNumber)] = pending
    return String(lastNumber)
  }

  mutating func take(_ key: String) -> Pending? { waiting.removeValue(forKey: key) }
}

/// The agent is a UPnP root device of type Basic:1, the HTIP L3 agent (profile section 2, JJ-300.00).
extension CEAgent {
  /// Seconds for which an announcement holds; it is repeated at half that.
  private static let maxAge = 1800

  /// The device as SSDP tells of it, seen from an address of ours.
  private func device(at address: IPAddress) -> DiscoverableDevice {
    let location = HTTPURL(host: address.description, port: settings.httpPort, target: "/description.xml")
    return DiscoverableDevice(
      uuid: settings.agentId, deviceType: ProfileNames.basicDeviceType, location: location.description,
      maxAge: Self.maxAge, bootID: bootID)
  }

  /// `ssdp:alive` on all usable interfaces, or on some, and again after half of the time for which it holds.
  mutating func announce(on some: [InterfaceState]? = nil) -> [Effect] {
    let sent = (some ?? usableInterfaces).flatMap { interface -> [Effect] in
      guard let address = interface.homeAddresses.first?.address else { return [] }
      return device(at: address).aliveNotices(group: settings.ssdpGroup)
        .map { .ssdp($0, to: nil, interface: interface.name) }
    }
    return sent + [.arm(Timer.alive, after: .seconds(Double(Self.maxAge) / 2))]
  }

  /// `ssdp:byebye`, at stop.
  func sayGoodbye() -> [Effect] {
    usableInterfaces.flatMap { interface -> [Effect] in
      guard let address = interface.homeAddresses.first?.address else { return [] }
      return device(at: address).byebyeNotices(group: settings.ssdpGroup)
        .map { .ssdp($0, to: nil, interface: interface.name) }
    }
  }

  /// Somebody searches (UDA 2.0 clause 1.3.2).
  mutating func searched(
    _ search: DeviceSearch, from: Endpoint, delivery: Delivery, on interface: String, bits: inout RandomBits
  ) -> [Effect] {
    func pass(_ reason: String) -> [Effect] {
      [.report(Report(.debug, "ignored", "search for \(search.target) from \(from) on \(interface): \(reason)"))]
    }
    guard let own = ownAddress(on: interface, towards: from.address) else {
      return pass("the interface has no address")
    }
    guard !device(at: own).replies(to: search, now: 0).isEmpty else { return pass("it is for another device") }
    // A multicast search without MX gets no reply; a unicast one is answered at once.
    guard delivery == .unicast || (search.mx ?? 0) > 0 else { return pass("it has no MX of a second or more") }
    let pending = PendingReplies.Pending(search: search, destination: from, interface: interface)
    guard let key = pendingReplies.add(pending) else { return pass("too many replies are waiting") }
    let longest = delivery == .unicast ? 0 : UInt64.milliseconds(UInt64(search.longestDelay))
    let bound = min(longest, settings.ssdpMaxDelay ?? .max)
    let delay = bound == 0 ? 0 : bits.number(in: 0...bound - 1)
    return [.arm(TimerName(Timer.reply, key), after: delay)]
  }

  mutating func sendReply(_ key: String, at now: Moment) -> [Effect] {
    guard let pending = pendingReplies.take(key) else {
      return ignored(.fired(TimerName(Timer.reply, key)), "no reply is waiting")
    }
    guard let own = ownAddress(on: pending.interface, towards: pending.destination.address) else {
      return [.report(Report(.debug, "ignored", "search from \(pending.destination): the address has gone since"))]
    }
    return device(at: own).replies(to: pending.search, now: now.wall)
      .map { .ssdp($0, to: pending.destination, interface: pending.interface) }
  }

  /// Our address in the subnet of `other`, else the interface's first.
  private func ownAddress(on interface: String, towards other: IPAddress) -> IPAddress? {
    let addresses = interfaces.first { $0.name == interface }?.homeAddresses ?? []
    return (addresses.first { $0.contains(other) } ?? addresses.first)?.address
  }

  /// `description-read`: the device description (UDA 2.0 clause 2.3) with HTIP's elements.
  func description(at local: Endpoint) -> HTTPResponse {
    func text(_ name: String, or other: String) -> String {
      let value = settings.device[name]?.string ?? ""
      return value.isEmpty ? other : value
    }
    let modelName = text("modelName", or: "CE device")
    let categories = settings.device["deviceCategory"]?.array?.compactMap(\.string).joined(separator: ",") ?? ""
    let description = DeviceDescription(
      device: Device(
        deviceType: ProfileNames.basicDeviceType, friendlyName: text("friendlyName", or: modelName),
        manufacturer: text("manufacturer", or: text("manufacturerOUI", or: "unknown")), modelName: modelName,
        uniqueDeviceName: "uuid:\(settings.agentId)", modelDescription: text("modelDescription", or: modelName),
        modelNumber: settings.device["modelNumber"]?.string, serialNumber: settings.device["serialNumber"]?.string,
        presentationURL: "http://\(local)/",
        extensions: [
          XMLElement("htip:X_DeviceCategory", text: categories),
          XMLElement("htip:X_ManufacturerOUI", text: text("manufacturerOUI", or: "").uppercased()),
        ]),
      configurationID: 1)
    return HTTPResponse(200, fields: ["Content-Type": "text/xml; charset=\"utf-8\""], body: description.octets)
  }
}
