import Messages
import RoleKit

/// What the agent finds out about its surroundings, beside what its interfaces tell (4.6.2).
struct Health: Sendable {
  /// A look around, while it is under way.
  struct Look: Sendable {
    /// Of the questions to the name servers; 0 where there is none to ask, or none any longer.
    var port: UInt16
    var id: UInt16
    /// Home gateways that answered, by interface.
    var gateways: [String: Set<IPAddress>] = [:]
    /// Name servers that answered.
    var answered: Set<IPAddress> = []
  }

  var look: Look?
  /// Home gateways that the last look found, by interface.
  var gateways: [String: Set<IPAddress>] = [:]

  /// Nanoseconds from a change of the network to the first look, so that the search for the configurator goes first.
  static let firstLook: UInt64 = .milliseconds(300)
  /// From one look to the next, and while a look found something wrong.
  static let interval: UInt64 = .seconds(60)
  static let troubledInterval: UInt64 = .seconds(5)
  /// From the questions to their repetition, and from there to the end of the look.
  static let patience: UInt64 = .milliseconds(1200)
  /// Gateways that are remembered of one interface.
  static let gatewayLimit = 16
}

/// 4.6.2: the agent looks for the home's gateway and asks its name servers, to tell its user of settings that cannot work.
extension CEAgent {
  /// Gateways of version 2 answer to this too.
  private static let gatewayType = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"

  /// The network is another one: what was found out of it no longer counts.
  mutating func beginHealth() -> [Effect] {
    let closed = endLook()
    health.gateways = [:]
    return closed + [.arm(Timer.look, after: Health.firstLook)]
  }

  /// There is no network to look at.
  mutating func endHealth() -> [Effect] {
    let closed = endLook()
    health.gateways = [:]
    return closed + [.disarm(Timer.look)] + withdraw(.dnsFailure)
  }

  private mutating func endLook() -> [Effect] {
    defer { health.look = nil }
    guard let look = health.look else { return [] }
    return [.disarm(Timer.lookAgain), .disarm(Timer.lookEnd)]
      + (look.port == 0 ? [] : [.closeDatagrams(port: look.port)])
  }

  /// One search for gateways, and one question to each name server.
  mutating func look(bits: inout RandomBits) -> [Effect] {
    let closed = endLook()
    let port = nameServers.isEmpty ? 0 : UInt16(bits.number(in: 49_152...65_535))
    let look = Health.Look(port: port, id: UInt16(bits.number(in: 0...65_535)))
    health.look = look
    let search = DeviceSearch(target: Self.gatewayType, mx: 1).octets(group: settings.ssdpGroup)
    return closed + [.refreshInterfaces] + usableInterfaces.map { .ssdp(search, to: nil, interface: $0.name) }
      + (port == 0 ? [] : [.openDatagrams(port: port)]) + questions(of: look)
      + [.arm(Timer.lookAgain, after: Health.patience)]
  }

  /// A datagram may be lost: who has not answered is asked once more.
  mutating func lookAgain() -> [Effect] {
    guard let look = health.look else { return ignored(.fired(Timer.lookAgain), "no look is under way") }
    return questions(of: look) + [.arm(Timer.lookEnd, after: Health.patience)]
  }

  private var nameServers: [(server: IPAddress, own: IPAddress)] {
    usableInterfaces.flatMap { interface in
      interface.dnsServers.compactMap { server in
        (interface.homeAddresses.first { $0.contains(server) } ?? interface.homeAddresses.first)
          .map { (server, $0.address) }
      }
    }
  }

  private func questions(of look: Health.Look) -> [Effect] {
    guard look.port != 0 else { return [] }
    return nameServers.filter { !look.answered.contains($0.server) }.map {
      .datagram(
        NameServerProbe.query(id: look.id), from: Endpoint($0.own, look.port),
        to: Endpoint($0.server, NameServerProbe.port))
    }
  }

  /// True where the datagram is for the look that is under way.
  func isForLook(to local: Endpoint) -> Bool { health.look.map { $0.port != 0 && $0.port == local.port } ?? false }

  mutating func nameServerAnswered(_ octets: [UInt8], from: Endpoint) -> [Effect] {
    guard let look = health.look, NameServerProbe.isAnswer(octets, to: look.id), from.port == NameServerProbe.port
    else {
      return [.report(Report(.debug, "ignored", "a datagram from \(from) that answers no question"))]
    }
    let answered = look.answered.union([from.address])
    health.look?.answered = answered
    guard nameServers.allSatisfy({ answered.contains($0.server) }) else { return [] }
    // Nothing more is asked.
    health.look?.port = 0
    return [.closeDatagrams(port: look.port)]
  }

  /// Without a port nothing can be asked this time, and nothing is concluded.
  mutating func lookHasNoPort() -> [Effect] {
    health.look?.port = 0
    return [.report(Report(.notice, "look-without-port", "name servers are not asked this time"))]
  }

  /// A gateway answered a search, or announced itself; `nil` where the device is none.
  mutating func gatewayHeard(_ type: String, location: String?, on interface: String) -> [Effect]? {
    guard type.contains(":InternetGatewayDevice:") else { return nil }
    guard let location, let address = HTTPURL(location)?.address, subnet(of: address, on: interface) != nil else {
      return [
        .report(Report(.debug, "ignored", "a gateway outside the subnet of \(interface): \(location ?? "nowhere")"))
      ]
    }
    guard var look = health.look, look.gateways[interface, default: []].count < Health.gatewayLimit else {
      return [.report(Report(.debug, "ignored", "the gateway at \(address), while none is looked for"))]
    }
    look.gateways[interface, default: []].insert(address)
    health.look = look
    return []
  }

  /// The answers have had their time.
  mutating func lookEnded(at now: Moment) -> [Effect] {
    guard let look = health.look else { return ignored(.fired(Timer.lookEnd), "no look is under way") }
    var effects = endLook()
    health.gateways = look.gateways
    effects += reviewInterfaces(at: now)
    let silent = nameServers.map(\.server).filter { !look.answered.contains($0) }
    if look.port != 0, look.answered.isEmpty, !silent.isEmpty {
      let list = silent.map(\.description).joined(separator: ", ")
      effects += show(.dnsFailure, "No name server answers: \(list).", at: now)
    } else {
      effects += withdraw(.dnsFailure)
    }
    let isTroubled = troubles.contains(.dnsFailure) || troubles.contains(.wrongGateway)
    return effects + [.arm(Timer.look, after: isTroubled ? Health.troubledInterval : Health.interval)]
  }

  /// What the gateways that were found say of an interface's setting; `nil` where it can be right.
  func gatewayDoubt(of interface: InterfaceState) -> String? {
    guard let found = health.gateways[interface.name], !found.isEmpty else { return nil }
    let home = found.sorted().map(\.description).joined(separator: ", ")
    guard let own = interface.defaultGateway else {
      return "\(interface.name) has no default gateway; the home's gateway is \(home)."
    }
    return found.contains(own)
      ? nil : "The gateway of \(interface.name) is set to \(own); the home's gateway is \(home)."
  }
}
