import CLinux
import Glibc

/// An interface of the namespace as the kernel lists it, with what IPv4 gave it.
public struct NetworkInterface: Sendable, Hashable {
  /// An IPv4 address of an interface: four octets and a prefix length.
  public struct Address: Sendable, Hashable {
    public var octets: [UInt8]
    public var prefixLength: Int
    public init(_ octets: [UInt8], prefixLength: Int) {
      self.octets = octets
      self.prefixLength = prefixLength
    }
  }

  public var index: Int32
  public var name: String
  /// True when it is set up and has carrier.
  public var isUp: Bool
  public var isLoopback: Bool
  /// Six octets; empty where the link has none.
  public var mac: [UInt8]
  /// In the order in which the kernel lists them: the primary one first.
  public var addresses: [Address]
  /// The gateway of the IPv4 default route out of this interface that has the lowest metric.
  public var defaultGateway: [UInt8]?
}

/// Lists the interfaces of a namespace, and says when to list them again.
///
/// Used from one thread at a time, as its sockets are.
public final class InterfaceMonitor {
  /// Readable when something changed; ``losses(in:)`` reads what it gives.
  public let notifications: Descriptor
  private let requests: RouteSocket

  /// Watches the caller's own namespace.
  ///
  /// - Throws: ``SystemError`` where the kernel's routing family is out of reach.
  public init() throws {
    let listener = try RouteSocket()
    for group in [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE] { try listener.subscribe(to: group.rawValue) }
    notifications = listener.descriptor
    requests = try RouteSocket()
  }

  /// The indices of interfaces that lost their carrier by the notifications in `octets`, also where it is back by now.
  public static func losses(in octets: [UInt8]) -> Set<Int32> {
    Set(
      NetlinkReply.messages(in: octets).compactMap { notification in
        guard notification.type == UInt16(RTM_NEWLINK), let fixed = notification.fixed(ifinfomsg.self) else {
          return nil
        }
        return NetworkInterface.isUp(fixed.ifi_flags) ? nil : fixed.ifi_index
      })
  }

  /// The interfaces as they are now, by index.
  public func list() throws -> [NetworkInterface] { try NetworkInterface.list(requests) }
}

extension NetworkInterface {
  /// IFF_LOWER_UP (1 << 16) is the carrier; glibc's headers do not have it.
  static func isUp(_ flags: UInt32) -> Bool { flags & UInt32(IFF_UP) != 0 && flags & 1 << 16 != 0 }

  /// The interfaces of the socket's namespace as they are now, by index.
  static func list(_ socket: RouteSocket) throws -> [NetworkInterface] {
    var found: [Int32: NetworkInterface] = [:]
    for reply in try socket.list(.listLinks()) {
      guard reply.type == UInt16(RTM_NEWLINK), let fixed = reply.fixed(ifinfomsg.self) else { continue }
      let attributes = reply.attributes(after: MemoryLayout<ifinfomsg>.size)
      func value(_ type: some BinaryInteger) -> ArraySlice<UInt8>? { attributes.first { $0.type == Int(type) }?.value }
      let flags = fixed.ifi_flags
      found[fixed.ifi_index] = NetworkInterface(
        index: fixed.ifi_index, name: value(IFLA_IFNAME)?.text ?? "",
        isUp: isUp(flags), isLoopback: flags & UInt32(IFF_LOOPBACK) != 0,
        mac: value(IFLA_ADDRESS).map { Array($0) }.flatMap { $0.count == 6 ? $0 : nil } ?? [], addresses: [])
    }
    for reply in try socket.list(.listAddresses()) {
      guard reply.type == UInt16(RTM_NEWADDR), let fixed = reply.fixed(ifaddrmsg.self),
        Int32(fixed.ifa_family) == AF_INET
      else { continue }
      let attributes = reply.attributes(after: MemoryLayout<ifaddrmsg>.size)
      guard let local = attributes.first(where: { $0.type == Int(IFA_LOCAL) })?.value, local.count == 4 else {
        continue
      }
      found[Int32(bitPattern: fixed.ifa_index)]?.addresses.append(
        Address(Array(local), prefixLength: Int(fixed.ifa_prefixlen)))
    }
    for (index, gateway) in try defaultGateways(socket) { found[index]?.defaultGateway = gateway }
    return found.values.sorted { $0.index < $1.index }
  }

  private static func defaultGateways(_ socket: RouteSocket) throws -> [Int32: [UInt8]] {
    var fixed = rtmsg()
    fixed.rtm_family = UInt8(AF_INET)
    var best: [Int32: (metric: UInt32, gateway: [UInt8])] = [:]
    for reply in try socket.list(NetlinkMessage(RTM_GETROUTE, fixed: fixed, "list the routes")) {
      guard reply.type == UInt16(RTM_NEWROUTE), let route = reply.fixed(rtmsg.self), route.rtm_dst_len == 0,
        UInt32(route.rtm_table) == RT_TABLE_MAIN.rawValue, UInt32(route.rtm_type) == UInt32(RTN_UNICAST)
      else { continue }
      let attributes = reply.attributes(after: MemoryLayout<rtmsg>.size)
      func value(_ type: rtattr_type_t) -> ArraySlice<UInt8>? {
        attributes.first { $0.type == Int(type.rawValue) }?.value
      }
      guard let index = value(RTA_OIF)?.number(as: Int32.self), let gateway = value(RTA_GATEWAY), gateway.count == 4
      else { continue }
      let metric = value(RTA_PRIORITY)?.number(as: UInt32.self) ?? 0
      if let known = best[index], known.metric <= metric { continue }
      best[index] = (metric, Array(gateway))
    }
    return best.mapValues(\.gateway)
  }
}
