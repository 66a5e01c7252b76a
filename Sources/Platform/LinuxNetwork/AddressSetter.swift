import CLinux
import Glibc

/// Gives an interface of the caller's own namespace another IPv4 address or default gateway.
public struct AddressSetter: Sendable {
  public init() {}

  /// Puts `address` in place of the interface's IPv4 addresses, and `gateway` in place of its default route.
  ///
  /// - Parameters:
  ///   - address: `nil` leaves the addresses.
  ///   - gateway: four octets; `nil` keeps the gateway that there is.
  /// - Throws: ``SystemError``, such as EPERM or ENODEV; the addresses of before are then restored as far as they can be.
  public func set(interface name: String, address: NetworkInterface.Address?, gateway: [UInt8]?) throws {
    let socket = try RouteSocket()
    guard let before = try NetworkInterface.list(socket).first(where: { $0.name == name }) else {
      throw SystemError("change the address of \(name)", number: ENODEV)
    }
    let index = before.index
    do {
      if let address, before.addresses != [address] {
        // The old one goes first: as long as it is there, a new one of its subnet is only its secondary, which the
        // kernel takes away together with it.
        for old in before.addresses {
          try socket.perform(.remove(address: old.octets, prefixLength: old.prefixLength, index: index))
        }
        try socket.perform(.add(address: address.octets, prefixLength: address.prefixLength, index: index))
      }
      // The last address took the default route along.
      let wanted = gateway ?? before.defaultGateway
      if let wanted, gateway != nil || address != nil {
        try socket.perform(.setDefaultRoute(gateway: wanted, index: index))
      }
    } catch {
      restore(before, socket)
      throw error
    }
  }

  private func restore(_ before: NetworkInterface, _ socket: RouteSocket) {
    guard let now = try? NetworkInterface.list(socket).first(where: { $0.index == before.index }) else { return }
    var steps: [NetlinkMessage] = []
    if now.addresses != before.addresses {
      steps += now.addresses.map { .remove(address: $0.octets, prefixLength: $0.prefixLength, index: now.index) }
      steps += before.addresses.map { .add(address: $0.octets, prefixLength: $0.prefixLength, index: now.index) }
    }
    if let gateway = before.defaultGateway { steps.append(.setDefaultRoute(gateway: gateway, index: now.index)) }
    // Each by itself: one that is refused shall not keep the others from being tried.
    for step in steps { try? socket.perform(step) }
  }
}
