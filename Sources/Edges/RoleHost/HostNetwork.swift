import Glibc
import LinuxNetwork
import Logging
import Messages
import NIOCore
import RoleKit
import Synchronization
import Taps
import Transports

/// The interfaces of a node: what the role is told of them, and the sockets that follow their addresses.
final class HostNetwork {
  private let settings: HostSettings
  private let server: HTTPServer
  private let ssdp: SSDPTransport?
  private let datagrams: DatagramTransport
  private let watcher: InterfaceWatcher
  private let tap: TapChannel?
  private let log: Logger
  /// Where calls are made from; read on the event loop.
  private let sources: SourceAddresses
  /// The names of the kernel's interfaces that count; empty on loopback.
  private var names: [String] = []
  private var preferred: IPAddress?
  /// As the kernel told of them last.
  private var listed: [NetworkInterface] = []
  /// As the role was told last, in order.
  private(set) var states: [InterfaceState] = []
  /// The ports that the role wants open on every address.
  private var wantedPorts: [SocketKind: Set<UInt16>] = [:]
  private var opened: [SocketKind: Set<Endpoint>] = [:]
  private var speaking: [String: SSDPInterface] = [:]

  init(
    _ settings: HostSettings, server: HTTPServer, ssdp: SSDPTransport?, datagrams: DatagramTransport,
    watcher: InterfaceWatcher, sources: SourceAddresses, tap: TapChannel?
  ) {
    self.settings = settings
    self.server = server
    self.ssdp = ssdp
    self.datagrams = datagrams
    self.watcher = watcher
    self.sources = sources
    self.tap = tap
    log = settings.log
    if let port = settings.httpPort { wantedPorts[.requests] = [port] }
  }

  /// Opens the sockets of all addresses that there are.
  ///
  /// - Throws: ``HostError`` where an interface is missing or a port is in use.
  func start() async throws {
    if settings.network == .none { return }
    if case .fixed(let given) = settings.network {
      states = given
      if let tap { states = states.map { $0.with(tap.links) } }
      return try await open(interfaces: [], isStart: true)
    }
    let interfaces: [NetworkInterface]
    do {
      interfaces = try await watcher.start()
    } catch {
      throw HostError.failed("the interfaces cannot be listed: \(error)")
    }
    try choose(among: interfaces)
    listed = interfaces
    states = chosen(interfaces).map(state)
    try await open(interfaces: interfaces, isStart: true)
  }

  /// Reads again what the kernel does not tell of, the resolver's file, and gives what changed.
  func refresh() async -> [InterfaceState] {
    guard !names.isEmpty else { return [] }
    return await apply(listed)
  }

  /// Takes over what the kernel says now, opens and closes sockets as addresses came and went, and gives what changed.
  func apply(_ interfaces: [NetworkInterface]) async -> [InterfaceState] {
    listed = interfaces
    let now = names.map { name in
      interfaces.first { $0.name == name }.map(state)
        // It was deleted.
        ?? InterfaceState(name: name, isUp: false, macAddress: nil, addresses: [], defaultGateway: nil, dnsServers: [])
    }
    let changed = now.filter { !states.contains($0) }
    states = now
    try? await open(interfaces: interfaces, isStart: false)
    return changed
  }

  /// Takes over what the runner's tap says of links on loopback, and gives what changed.
  func apply(_ links: TapLinks) async -> [InterfaceState] {
    guard case .fixed = settings.network else { return [] }
    let now = states.map { $0.with(links) }
    let changed = now.filter { !states.contains($0) }
    states = now
    try? await open(interfaces: [], isStart: false)
    return changed
  }

  /// Changes an interface's address or gateway as the role wants; a refusal is logged.
  func set(_ interface: String, _ address: CIDR?, gateway: IPAddress?) {
    if case .fixed = settings.network, let tap, states.contains(where: { $0.name == interface }) {
      return tap.move(interface, address: address, gateway: gateway)
    }
    guard names.contains(interface) else {
      return log.warning("address-not-set: \(interface) is on loopback or unknown, its address stays")
    }
    do {
      try AddressSetter().set(
        interface: interface, address: address.map { .init($0.address.octets, prefixLength: $0.prefixLength) },
        gateway: gateway?.octets)
    } catch {
      log.error("address-not-set: \(error)")
    }
  }

  /// False for an interface on loopback, where no frames are.
  func hasEthernet(_ interface: String) -> Bool {
    if case .fixed = settings.network { false } else { true }
  }

  /// Who has which address on the links of this node; nobody on loopback.
  func neighbours() throws -> [Neighbour] {
    if case .fixed = settings.network { return [] }
    var names: [Int32: String] = [:]
    for name in self.names { names[Int32(bitPattern: if_nametoindex(name))] = name }
    return try NeighbourEntry.list().compactMap { entry in
      guard let name = names[entry.interface], let address = IPAddress(entry.address),
        let mac = MACAddress(entry.mac)
      else { return nil }
      return Neighbour(address, mac, interface: name)
    }
  }

  // MARK: Which interfaces count

  private func choose(among interfaces: [NetworkInterface]) throws {
    switch settings.network {
    case .fixed, .none: break
    case .named(let wanted, let address):
      for name in wanted where !interfaces.contains(where: { $0.name == name }) {
        throw HostError.failed("there is no interface \(name); hint: `ip link` lists those that there are")
      }
      names = wanted
      preferred = address
    case .holding(let address):
      guard let holder = interfaces.first(where: { $0.addresses.contains { $0.octets == address.octets } }) else {
        throw HostError.failed("no interface has the address \(address); hint: `ip address` lists those that there are")
      }
      names = [holder.name]
      preferred = address
    case .main:
      guard let main = interfaces.first(where: { $0.defaultGateway != nil && !$0.isLoopback }) else {
        throw HostError.failed("no interface has a default route; hint: give --interface or --address")
      }
      names = [main.name]
    }
  }

  private func chosen(_ interfaces: [NetworkInterface]) -> [NetworkInterface] {
    names.compactMap { name in interfaces.first { $0.name == name } }
  }

  private func state(_ interface: NetworkInterface) -> InterfaceState {
    var addresses = interface.addresses.compactMap { address in
      IPAddress(address.octets).map { CIDR($0, prefixLength: address.prefixLength) }
    }
    if addresses.contains(where: { $0.address == preferred }) {
      addresses.removeAll { $0.address != preferred && !settings.furtherAddresses.contains($0.address) }
    }
    return InterfaceState(
      name: interface.name, isUp: interface.isUp, macAddress: MACAddress(interface.mac), addresses: addresses,
      defaultGateway: interface.defaultGateway.flatMap { IPAddress($0) }, dnsServers: ResolverFile.servers())
  }

  // MARK: Sockets

  private func open(interfaces: [NetworkInterface], isStart: Bool) async throws {
    sources.replace(states.flatMap(\.addresses))
    for kind in SocketKind.allCases {
      for (endpoint, error) in await follow(kind) {
        try report("cannot listen on \(endpoint)", error, isStart: isStart)
      }
    }
    guard let ssdp else { return }
    for state in states where !settings.silentInterfaces.contains(state.name) {
      let index = interfaces.first { $0.name == state.name }?.index ?? 0
      let wanted = state.addresses.first.map { SSDPInterface(name: state.name, index: index, address: $0.address) }
      guard speaking[state.name] != wanted else { continue }
      speaking[state.name] = nil
      guard let wanted else {
        await ssdp.close(state.name)
        continue
      }
      do {
        try await ssdp.open(wanted)
        speaking[state.name] = wanted
      } catch {
        try report("cannot speak SSDP on \(wanted.address)", error, isStart: isStart)
      }
    }
  }

  /// Opens a port on every address, or closes it; gives what the system refused.
  func want(_ kind: SocketKind, _ port: UInt16, _ isWanted: Bool) async -> Failure? {
    if isWanted { wantedPorts[kind, default: []].insert(port) } else { wantedPorts[kind]?.remove(port) }
    guard let (endpoint, error) = await follow(kind).first(where: { $0.0.port == port }) else { return nil }
    log.error("cannot listen on \(endpoint): \(SystemReason.text(error))")
    return .refused
  }

  /// Opens and closes sockets until there is one for each port that is wanted on each address that there is.
  private func follow(_ kind: SocketKind) async -> [(Endpoint, any Error)] {
    let addresses = Set(states.flatMap(\.addresses).map(\.address))
    let ports = wantedPorts[kind] ?? []
    let wanted = Set(addresses.flatMap { address in ports.map { Endpoint(address, $0) } })
    for endpoint in (opened[kind] ?? []).subtracting(wanted) {
      switch kind {
      case .requests: server.stopListening(on: endpoint)
      case .datagrams: await datagrams.close(endpoint)
      }
    }
    opened[kind, default: []].formIntersection(wanted)
    var refused: [(Endpoint, any Error)] = []
    for endpoint in wanted.subtracting(opened[kind] ?? []).sorted(by: { $0.address < $1.address }) {
      do {
        switch kind {
        case .requests: try await server.listen(on: endpoint)
        case .datagrams: try await datagrams.open(endpoint)
        }
        opened[kind, default: []].insert(endpoint)
      } catch {
        refused.append((endpoint, error))
      }
    }
    return refused
  }

  private func report(_ what: String, _ error: any Error, isStart: Bool) throws {
    let sentence = "\(what): \(SystemReason.text(error))"
    guard isStart else { return log.error("\(sentence)") }
    throw HostError.failed(sentence)
  }
}

/// What a role may have open on its addresses beside SSDP.
enum SocketKind: Hashable, CaseIterable {
  /// HTTP over TCP.
  case requests
  case datagrams
}

extension InterfaceState {
  /// The interface as the runner's tap tells it; the same where it tells nothing of it.
  fileprivate func with(_ links: TapLinks) -> InterfaceState {
    guard let told = links.interfaces.first(where: { $0.name == name }) else { return self }
    return InterfaceState(
      name: name, isUp: told.isUp, macAddress: macAddress, addresses: told.address.map { [$0] } ?? [],
      defaultGateway: told.gateway, dnsServers: dnsServers)
  }
}

/// The addresses that calls may be made from.
final class SourceAddresses: Sendable {
  // A lock, since the event loop reads what the host's task writes.
  private let addresses = Mutex<[CIDR]>([])

  func replace(_ addresses: [CIDR]) { self.addresses.withLock { $0 = addresses } }

  /// The own address in the destination's subnet; else the only one; else `nil`, where the kernel's routes decide.
  func source(for destination: IPAddress) -> IPAddress? {
    addresses.withLock { all in
      let near = all.first { $0.contains(destination) }
      return near?.address ?? (all.count == 1 ? all[0].address : nil)
    }
  }
}
