import Messages
import RoleKit

/// Which of a gateway's addresses lie in the home, and who is in it.
extension HomeGateway {
  var insideInterfaces: [InterfaceState] {
    interfaces.values.filter { !settings.outside.contains($0.name) }.sorted { $0.name < $1.name }
  }

  var outsideInterfaces: [InterfaceState] {
    interfaces.values.filter { settings.outside.contains($0.name) }.sorted { $0.name < $1.name }
  }

  /// The interface to the Internet that counts: the first that works, else the first.
  var outsideInterface: InterfaceState? { outsideInterfaces.first { $0.isUp } ?? outsideInterfaces.first }

  /// The address that the Internet sees; `nil` without a link or an address.
  var externalAddress: IPAddress? {
    guard let interface = outsideInterface, interface.isUp else { return nil }
    return interface.homeAddresses.first?.address
  }

  var ownAddresses: [IPAddress] { interfaces.values.flatMap(\.addresses).map(\.address) }

  /// The home's subnet that an address is in; `nil` for addresses outside of the home.
  func subnet(of address: IPAddress) -> CIDR? {
    insideInterfaces.flatMap(\.homeAddresses).first { $0.contains(address) }
  }

  /// Whether something came from the home, to an address of ours in the home; a gateway that has no other side, as on
  /// a loopback address alone, has nothing but its home.
  func isFromHome(_ from: Endpoint, to local: Endpoint) -> Bool {
    settings.outside.isEmpty
      || subnet(of: from.address) != nil
        && insideInterfaces.contains { $0.homeAddresses.contains { $0.address == local.address } }
  }

  /// Whether an address can be a host of the home other than the gateway.
  func isHost(_ address: IPAddress) -> Bool {
    guard let subnet = subnet(of: address), !ownAddresses.contains(address) else { return false }
    return address != subnet.network.address && address != subnet.broadcast || subnet.prefixLength >= 31
  }
}

extension InterfaceState {
  /// IPv4; the gateway maps no other.
  var homeAddresses: [CIDR] { addresses.filter { $0.address.bitWidth == 32 } }
}
