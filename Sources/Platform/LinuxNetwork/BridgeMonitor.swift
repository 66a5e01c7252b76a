import CLinux
import Glibc

/// A bridge of the caller's namespace, its ports, and what it has learnt at them.
public struct BridgeTable: Sendable, Hashable {
  public struct Port: Sendable, Hashable {
    public var index: Int32
    public var name: String
    /// The kernel's own number of the port, from 1.
    public var kernelNumber: UInt16
    /// What people named the interface (`ip link set ... alias`); empty where they did not.
    public var alias: String
    public var isUp: Bool
    /// True for a radio of this machine.
    public var isWireless: Bool
    /// Learnt addresses of six octets each, in order.
    public var addresses: [[UInt8]]
  }

  public var name: String
  /// Six octets.
  public var mac: [UInt8]
  public var isUp: Bool
  public var ports: [Port]
}

/// Reads a bridge's forwarding table, and says when to read it again.
///
/// Used from one thread at a time, as its sockets are.
public final class BridgeMonitor {
  /// Readable when some link or forwarding entry of the namespace changed.
  public let notifications: Descriptor
  private let requests: RouteSocket
  private let name: String

  /// - Throws: ``SystemError`` where the kernel's routing family is out of reach.
  public init(bridge name: String) throws {
    let listener = try RouteSocket()
    for group in [RTNLGRP_LINK, RTNLGRP_NEIGH] { try listener.subscribe(to: group.rawValue) }
    notifications = listener.descriptor
    requests = try RouteSocket()
    self.name = name
  }

  /// The bridge as it is now.
  ///
  /// - Throws: ``SystemError``: ENODEV where there is no bridge of this name.
  public func read() throws -> BridgeTable {
    let index = Int32(bitPattern: if_nametoindex(name))
    guard index > 0 else { throw SystemError("find the bridge \(name)", number: ENODEV) }
    var table = BridgeTable(name: name, mac: [], isUp: false, ports: [])
    var isBridge = false
    for reply in try requests.list(.listLinks()) {
      guard reply.type == UInt16(RTM_NEWLINK), let fixed = reply.fixed(ifinfomsg.self) else { continue }
      let attributes = reply.attributes(after: MemoryLayout<ifinfomsg>.size)
      func value(_ type: some BinaryInteger) -> ArraySlice<UInt8>? { attributes.first { $0.type == Int(type) }?.value }
      let kind = value(IFLA_LINKINFO).map { NetlinkReply.attributes(in: $0) } ?? []
      if fixed.ifi_index == index {
        table.mac = value(IFLA_ADDRESS).map { Array($0) } ?? []
        table.isUp = NetworkInterface.isUp(fixed.ifi_flags)
        isBridge = kind.first { $0.type == Int(IFLA_INFO_KIND) }?.value.text == "bridge"
      } else if value(IFLA_MASTER)?.number(as: Int32.self) == index {
        let slave = kind.first { $0.type == Int(IFLA_INFO_SLAVE_DATA) }.map { NetlinkReply.attributes(in: $0.value) }
        let number = slave?.first { $0.type == Int(IFLA_BRPORT_NO) }?.value.number(as: UInt16.self)
        let name = value(IFLA_IFNAME)?.text ?? ""
        table.ports.append(
          .init(
            index: fixed.ifi_index, name: name, kernelNumber: number ?? 0,
            alias: value(IFLA_IFALIAS)?.text ?? "", isUp: NetworkInterface.isUp(fixed.ifi_flags),
            isWireless: access("/sys/class/net/\(name)/wireless", F_OK) == 0, addresses: []))
      }
    }
    guard isBridge, table.mac.count == 6 else {
      throw SystemError("find a bridge in \(name), which is none", number: ENODEV)
    }
    let learnt = try learnt(bridge: index)
    for place in table.ports.indices { table.ports[place].addresses = learnt[table.ports[place].index] ?? [] }
    return table
  }

  /// Learnt addresses by the port's interface, without the bridge's own.
  private func learnt(bridge: Int32) throws -> [Int32: [[UInt8]]] {
    // The kernel takes an ifinfomsg with the bridge here (bridge(8) asks alike).
    var fixed = ifinfomsg()
    fixed.ifi_family = UInt8(PF_BRIDGE)
    var request = NetlinkMessage(RTM_GETNEIGH, fixed: fixed, "list what the bridge \(name) has learnt")
    request.append(Int(IFLA_MASTER), UInt32(bitPattern: bridge))
    var result: [Int32: [[UInt8]]] = [:]
    for reply in try requests.list(request) {
      guard reply.type == UInt16(RTM_NEWNEIGH), let entry = reply.fixed(ndmsg.self),
        entry.ndm_state & UInt16(NUD_PERMANENT) == 0, entry.ndm_ifindex != bridge
      else { continue }
      let attributes = reply.attributes(after: MemoryLayout<ndmsg>.size)
      guard
        attributes.first(where: { $0.type == Int(NDA_MASTER) })?.value.number(as: Int32.self) == bridge,
        let mac = attributes.first(where: { $0.type == Int(NDA_LLADDR) })?.value, mac.count == 6
      else { continue }
      result[entry.ndm_ifindex, default: []].append(Array(mac))
    }
    // An address stands once for each VLAN.
    return result.mapValues { addresses in
      Set(addresses).sorted { $0.lexicographicallyPrecedes($1) }
    }
  }
}
