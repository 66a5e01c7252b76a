import CLinux
import Glibc

/// Which link address an IPv4 neighbour has (ARP).
public struct NeighbourEntry: Sendable, Hashable {
  /// The interface's index.
  public var interface: Int32
  /// Four octets.
  public var address: [UInt8]
  /// Six octets.
  public var mac: [UInt8]

  /// The caller's neighbour table, without entries that are incomplete or have failed.
  public static func list() throws -> [NeighbourEntry] {
    var fixed = ndmsg()
    fixed.ndm_family = UInt8(AF_INET)
    let unusable = UInt16(NUD_INCOMPLETE | NUD_FAILED | NUD_NOARP)
    return try RouteSocket().list(NetlinkMessage(RTM_GETNEIGH, fixed: fixed, "list the neighbours"))
      .compactMap { reply -> NeighbourEntry? in
        guard reply.type == UInt16(RTM_NEWNEIGH), let entry = reply.fixed(ndmsg.self),
          Int32(entry.ndm_family) == AF_INET, entry.ndm_state & unusable == 0
        else { return nil }
        let attributes = reply.attributes(after: MemoryLayout<ndmsg>.size)
        func value(_ type: some BinaryInteger) -> [UInt8]? {
          attributes.first { $0.type == Int(type) }.map { Array($0.value) }
        }
        guard let address = value(NDA_DST), address.count == 4, let mac = value(NDA_LLADDR),
          mac.count == 6
        else { return nil }
        return NeighbourEntry(interface: entry.ndm_ifindex, address: address, mac: mac)
      }
  }
}
