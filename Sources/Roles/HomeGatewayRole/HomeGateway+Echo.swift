import Messages
import RoleKit

/// UDP echo (RFC 862): how a CE device checks the way to its gateway where ICMP proves nothing (profile section 8).
extension HomeGateway {
  /// Ports whose services answer whatever comes: two of them would send to each other for ever.
  private static let answeringPorts: Set<UInt16> = [7, 13, 17, 19, 37]

  func echo(_ octets: [UInt8], from: Endpoint, to local: Endpoint) -> [Effect] {
    guard local.port == settings.echoPort else { return ignored("a datagram from \(from) to \(local)") }
    guard isFromHome(from, to: local) else { return ignored("an echo request from outside, \(from)") }
    guard !Self.answeringPorts.contains(from.port), from.port != local.port else {
      return ignored("an echo request from a port that answers by itself, \(from)")
    }
    return [.datagram(octets, from: local, to: from)]
  }
}
