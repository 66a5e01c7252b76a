import Messages
import RoleKit

/// The HTIP L2 agent (ITU-T G.9973): the device tells of itself in LLDP frames.
extension CEAgent {
  /// What was told on an interface last, and the addresses that it had then.
  struct Advertisement: Sendable, Hashable {
    var octets: [UInt8]
    var addresses: [CIDR]
  }

  /// A frame for each interface at every interval, and at once where the device, its link or an address changed.
  mutating func advertise(after input: Input) -> [Effect] {
    switch phase {
    case .dormant: return []
    case .leaving, .stopped: return withdrawAdvertisements()
    default: break
    }
    var effects: [Effect] = []
    if case .started = input { effects = interfaces.map { .openFrames(interface: $0.name) } }
    let isDue = !effects.isEmpty || input == .fired(Timer.advertise)
    if isDue { effects.append(.arm(Timer.advertise, after: settings.htip.interval)) }
    for interface in interfaces {
      guard interface.isUp, let frame = frame(of: interface), let octets = try? frame.octets() else {
        // A link that comes up again is told of at once.
        advertisements[interface.name] = nil
        continue
      }
      let now = Advertisement(octets: octets, addresses: interface.addresses)
      guard isDue || advertisements[interface.name] != now else { continue }
      advertisements[interface.name] = now
      effects.append(.frame(octets, interface: interface.name))
    }
    return effects
  }

  /// A Time To Live of 0 takes back what was told.
  private mutating func withdrawAdvertisements() -> [Effect] {
    let told = interfaces.filter { advertisements[$0.name] != nil }
    advertisements = [:]
    return told.compactMap { interface in
      guard var frame = frame(of: interface) else { return nil }
      frame.timeToLive = 0
      (frame.items, frame.addresses) = ([], [])
      return (try? frame.octets()).map { .frame($0, interface: interface.name) }
    }
  }

  /// The device as one of its interfaces tells it; `nil` where it has no hardware address.
  private func frame(of interface: InterfaceState) -> HTIPFrame? {
    guard interface.macAddress != nil, let chassis = interfaces.lazy.compactMap(\.macAddress).first else { return nil }
    let own = interfaces.compactMap(\.macAddress)
    return HTIPFrame(
      chassis: .mac(chassis), port: .interface(interface.name), timeToLive: settings.htip.timeToLive,
      portDescription: "IEEE802.3", items: items, addresses: own.count > 1 ? own : [])
  }

  private var items: [DeviceItem] {
    func item(_ id: DeviceItemID, _ name: String) -> DeviceItem? {
      settings.device[name]?.string.flatMap { .fitting(id, $0) }
    }
    let problems = troubles.list.map(\.name.rawValue)
    return [
      .categories(settings.device["deviceCategory"]?.array?.compactMap(\.string) ?? []),
      item(.manufacturerCode, "manufacturerOUI"), item(.modelName, "modelName"), item(.modelNumber, "modelNumber"),
      .fitting(.status, problems.isEmpty ? "OK" : problems.joined(separator: ",")),
      .number(.interval, UInt64(settings.htip.toldInterval)),
    ].compactMap { $0 }
  }
}
