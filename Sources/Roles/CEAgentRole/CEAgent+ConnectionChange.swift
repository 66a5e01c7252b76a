import Messages
import RoleKit

extension InterfaceState {
  /// The addresses that others in the home can reach; link-local ones are what a device gives itself in want of better.
  var homeAddresses: [CIDR] {
    addresses.filter { cidr in
      switch cidr.address {
      case .v4(let bits): bits >> 16 != 0xA9FE && bits != 0
      case .v6(let high, _): high >> 54 != 0x3FA
      }
    }
  }
}

extension CEAgent {
  /// Interfaces with a link and an address: those that searches go out on.
  var usableInterfaces: [InterfaceState] { interfaces.filter { $0.isUp && !$0.homeAddresses.isEmpty } }

  /// The interface that a configured address is for: the one that leads to the configurator, else the first.
  var primaryInterface: InterfaceState? {
    let name: String? =
      switch phase {
      case .registering(let attempt): attempt.candidate.interface
      case .registered(let registration), .refreshing(let registration, _): registration.candidate.interface
      default: nil
      }
    return interfaces.first { $0.name == name } ?? usableInterfaces.first ?? interfaces.first
  }

  /// 4.3: a link came or went, an address or the gateway changed.
  mutating func changed(_ state: InterfaceState, at now: Moment, bits: inout RandomBits) -> [Effect] {
    let before = interfaces.first { $0.name == state.name }
    if let index = interfaces.firstIndex(where: { $0.name == state.name }) {
      interfaces[index] = state
    } else {
      interfaces.append(state)
    }
    let input = Input.interface(state)
    switch phase {
    case .leaving: return ignored(input, "the agent is leaving")
    default: break
    }
    return reviewPeers() + followed(state, before, at: now, bits: &bits)
  }

  /// What the change means for the registration.
  private mutating func followed(
    _ state: InterfaceState, _ before: InterfaceState?, at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    let cameUp = state.isUp && before?.isUp != true
    let moved = Set(before?.addresses ?? []) != Set(state.addresses) || before?.defaultGateway != state.defaultGateway
    let wentDown = !state.isUp && before?.isUp == true
    let lostTheWay = wentDown && primaryInterface?.name == state.name
    guard cameUp || (moved && state.isUp) || lostTheWay || usableInterfaces.isEmpty else {
      let asksOthers = state.isUp && before?.dnsServers != state.dnsServers
      return reviewInterfaces(at: now) + (asksOthers ? beginHealth() : [])
        + ignored(.interface(state), "neither link-up nor another address or gateway")
    }
    var effects: [Effect] = []
    let gained = Set(state.homeAddresses).subtracting(cameUp ? [] : before?.homeAddresses ?? [])
    if state.isUp, !gained.isEmpty { effects += announce(on: [state]) }
    return effects + networkChanged(at: now, bits: &bits, settle: settings.changeSettle)
  }

  /// Leaves what was under way and searches anew, at once or when the network has been quiet for `settle`.
  mutating func networkChanged(at now: Moment, bits: inout RandomBits, settle: UInt64?) -> [Effect] {
    let stopped = stopSearching() + courier.cancel { _ in true }
    let reviewed = reviewInterfaces(at: now)
    guard !usableInterfaces.isEmpty else {
      phase = .offline
      return stopped + reviewed + endHealth() + withdraw(.noConfigurator) + withdraw(.wrongSubnet)
    }
    let looking = beginHealth()
    guard let settle, settle > 0 else { return stopped + reviewed + looking + beginSearch(at: now, bits: &bits) }
    phase = .settling
    return stopped + reviewed + looking + [.arm(Timer.settle, after: settle)]
  }

  /// Shows and withdraws the problems that the interfaces themselves tell of.
  mutating func reviewInterfaces(at now: Moment) -> [Effect] {
    var effects: [Effect] = []
    let names = interfaces.map(\.name).joined(separator: ", ")
    let linked = interfaces.filter(\.isUp)
    if linked.isEmpty {
      effects += show(.noLink, "No link on \(names.isEmpty ? "any interface" : names).", at: now)
    } else {
      effects += withdraw(.noLink)
    }
    if !linked.isEmpty, usableInterfaces.isEmpty {
      effects += show(.noAddress, "\(linked.map(\.name).joined(separator: ", ")) has a link but no address.", at: now)
    } else {
      effects += withdraw(.noAddress)
    }
    let astray = usableInterfaces.compactMap { interface -> String? in
      guard let gateway = interface.defaultGateway else { return gatewayDoubt(of: interface) }
      if interface.addresses.contains(where: { $0.address == gateway }) {
        return "The gateway \(gateway) of \(interface.name) is the device itself."
      }
      guard !interface.addresses.contains(where: { $0.contains(gateway) }) else { return gatewayDoubt(of: interface) }
      let own = interface.addresses.map(\.description).joined(separator: ", ")
      return "The gateway \(gateway) of \(interface.name) is outside of \(own)."
    }
    if astray.isEmpty {
      effects += withdraw(.wrongGateway)
    } else {
      effects += show(.wrongGateway, astray.joined(separator: " "), at: now)
    }
    return effects
  }
}
