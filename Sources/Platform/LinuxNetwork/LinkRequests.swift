import CLinux
import Glibc

/// Requests about interfaces, addresses and routes, to be carried out by ``RouteSocket``.
extension NetlinkMessage {
  public enum State: Sendable { case up, down }

  private static func link(_ index: Int32, _ state: State?) -> ifinfomsg {
    var fixed = ifinfomsg()
    fixed.ifi_index = index
    fixed.ifi_flags = state == .up ? UInt32(IFF_UP) : 0
    fixed.ifi_change = state == nil ? 0 : UInt32(IFF_UP)
    return fixed
  }

  /// One end of a veth pair.
  public struct VethEnd: Sendable {
    public var name: String
    /// Must be free in its namespace.
    public var index: Int32
    /// Six octets; `nil`: a random one.
    public var mac: [UInt8]?
    public var state: State
    /// The bridge that it belongs to, by index.
    public var bridge: Int32?
    public init(name: String, index: Int32, mac: [UInt8]?, state: State, bridge: Int32? = nil) {
      self.name = name
      self.index = index
      self.mac = mac
      self.state = state
      self.bridge = bridge
    }
  }

  /// Makes a veth pair: `near` in the socket's namespace, `far` in `farNamespace` at once (`nil`: the same). The far
  /// end is down at first (a veth cannot be up before it has its peer), and in no bridge.
  public static func makeVeth(near: VethEnd, far: VethEnd, in farNamespace: NetworkNamespace?) -> NetlinkMessage {
    var message = NetlinkMessage(
      RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, fixed: link(near.index, near.state),
      "create the link \(near.name) - \(far.name)")
    message.append(Int(IFLA_IFNAME), near.name)
    if let mac = near.mac { message.append(Int(IFLA_ADDRESS), mac) }
    if let bridge = near.bridge { message.append(Int(IFLA_MASTER), UInt32(bridge)) }
    message.nest(Int(IFLA_LINKINFO)) { info in
      info.append(Int(IFLA_INFO_KIND), "veth")
      info.nest(Int(IFLA_INFO_DATA)) { data in
        data.nest(1) { peer in  // VETH_INFO_PEER
          peer.embed(link(far.index, nil))
          peer.append(Int(IFLA_IFNAME), far.name)
          if let mac = far.mac { peer.append(Int(IFLA_ADDRESS), mac) }
          if let farNamespace { peer.append(Int(IFLA_NET_NS_FD), UInt32(farNamespace.descriptor.number)) }
        }
      }
    }
    return message
  }

  /// Makes a bridge that is up: no spanning tree, no multicast snooping.
  ///
  /// - Parameters:
  ///   - learning: false makes a hub, which floods every frame.
  ///   - mac: six octets; `nil`: the lowest of its ports'.
  public static func makeBridge(name: String, index: Int32, learning: Bool, mac: [UInt8]? = nil) -> NetlinkMessage {
    var message = NetlinkMessage(
      RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, fixed: link(index, .up), "create the bridge \(name)")
    message.append(Int(IFLA_IFNAME), name)
    if let mac { message.append(Int(IFLA_ADDRESS), mac) }
    message.nest(Int(IFLA_LINKINFO)) { info in
      info.append(Int(IFLA_INFO_KIND), "bridge")
      info.nest(Int(IFLA_INFO_DATA)) { data in
        data.append(Int(IFLA_BR_STP_STATE), UInt32(0))
        data.append(Int(IFLA_BR_MCAST_SNOOPING), UInt8(0))
        if !learning { data.append(Int(IFLA_BR_AGEING_TIME), UInt32(0)) }
      }
    }
    return message
  }

  /// Names an interface for people (`ip link set ... alias`); an empty text takes the name away.
  public static func set(index: Int32, alias: String) -> NetlinkMessage {
    var message = NetlinkMessage(RTM_SETLINK, fixed: link(index, nil), "name interface \(index) \(alias)")
    message.append(Int(IFLA_IFALIAS), Array(alias.utf8))
    return message
  }

  /// Puts an interface into a bridge; 0 takes it out.
  public static func enslave(index: Int32, to bridge: Int32) -> NetlinkMessage {
    var message = NetlinkMessage(
      RTM_SETLINK, fixed: link(index, nil), "put interface \(index) into bridge \(bridge)")
    message.append(Int(IFLA_MASTER), UInt32(bridge))
    return message
  }

  public static func set(index: Int32, _ state: State) -> NetlinkMessage {
    NetlinkMessage(RTM_SETLINK, fixed: link(index, state), "set interface \(index) \(state)")
  }

  public static func deleteLink(index: Int32) -> NetlinkMessage {
    NetlinkMessage(RTM_DELLINK, fixed: link(index, nil), "delete interface \(index)")
  }

  /// Asks for one interface, without its counters.
  public static func getLink(index: Int32) -> NetlinkMessage {
    var message = NetlinkMessage(RTM_GETLINK, fixed: link(index, nil), "look at interface \(index)")
    message.append(Int(IFLA_EXT_MASK), UInt32(1 << 3))  // RTEXT_FILTER_SKIP_STATS
    return message
  }

  public static func listLinks() -> NetlinkMessage {
    NetlinkMessage(RTM_GETLINK, fixed: ifinfomsg(), "list the interfaces")
  }

  /// - Parameter address: 4 or 16 octets.
  private static func address(
    _ type: some BinaryInteger, _ flags: Int32, _ address: [UInt8], _ length: Int, index: Int32, _ asked: String
  ) -> NetlinkMessage {
    var fixed = ifaddrmsg()
    fixed.ifa_family = UInt8(address.count == 4 ? AF_INET : AF_INET6)
    fixed.ifa_prefixlen = UInt8(length)
    fixed.ifa_index = UInt32(bitPattern: index)
    if address.count == 16 { fixed.ifa_flags = UInt8(IFA_F_NODAD) }
    var message = NetlinkMessage(type, flags: flags, fixed: fixed, asked)
    message.append(Int(IFA_LOCAL), address)
    message.append(Int(IFA_ADDRESS), address)
    if address.count == 4, length < 31 {
      let host = UInt32.max >> UInt32(length)
      let broadcast = zip(address, (0..<4).map { UInt8(truncatingIfNeeded: host >> (24 - 8 * UInt32($0))) })
      message.append(Int(IFA_BROADCAST), broadcast.map { $0 | $1 })
    }
    return message
  }

  /// Gives an interface an address of 4 or 16 octets.
  public static func add(address octets: [UInt8], prefixLength: Int, index: Int32) -> NetlinkMessage {
    address(
      RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, octets, prefixLength, index: index,
      "give interface \(index) the address \(octets)/\(prefixLength)")
  }

  public static func remove(address octets: [UInt8], prefixLength: Int, index: Int32) -> NetlinkMessage {
    address(
      RTM_DELADDR, 0, octets, prefixLength, index: index,
      "take the address \(octets)/\(prefixLength) from interface \(index)")
  }

  public static func listAddresses() -> NetlinkMessage {
    NetlinkMessage(RTM_GETADDR, fixed: ifaddrmsg(), "list the addresses")
  }

  /// Sets the default route to a gateway of 4 or 16 octets, in place of one that is there.
  public static func setDefaultRoute(gateway: [UInt8], index: Int32) -> NetlinkMessage {
    var message = NetlinkMessage(
      RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_REPLACE, fixed: defaultRoute(gateway),
      "set the default route to \(gateway)")
    message.append(Int(RTA_GATEWAY.rawValue), gateway)
    message.append(Int(RTA_OIF.rawValue), UInt32(bitPattern: index))
    return message
  }

  public static func removeDefaultRoute(gateway: [UInt8]) -> NetlinkMessage {
    var message = NetlinkMessage(
      RTM_DELROUTE, fixed: defaultRoute(gateway), "remove the default route to \(gateway)")
    message.append(Int(RTA_GATEWAY.rawValue), gateway)
    return message
  }

  private static func defaultRoute(_ gateway: [UInt8]) -> rtmsg {
    var fixed = rtmsg()
    fixed.rtm_family = UInt8(gateway.count == 4 ? AF_INET : AF_INET6)
    fixed.rtm_table = UInt8(RT_TABLE_MAIN.rawValue)
    fixed.rtm_protocol = UInt8(RTPROT_STATIC)
    fixed.rtm_scope = UInt8(RT_SCOPE_UNIVERSE.rawValue)
    fixed.rtm_type = UInt8(RTN_UNICAST)
    return fixed
  }
}

extension RouteSocket {
  /// Waits until an interface that just got or lost its carrier acts accordingly.
  ///
  /// The kernel tells a change of carrier to an interface's queue, and to its bridge, a moment later; until then
  /// frames that are sent are lost without a word. A newer kernel (from 6.8) catches up when it is asked, an older one
  /// needs some milliseconds. Throws ETIMEDOUT after `limit`.
  public func awaitCarrier(
    _ state: NetlinkMessage.State, of index: Int32, within limit: Duration = .seconds(2)
  ) throws {
    let deadline = ContinuousClock.now + limit
    while true {
      let reply = try get(.getLink(index: index))
      let operation = reply.attributes(after: MemoryLayout<ifinfomsg>.size).first { $0.type == Int(IFLA_OPERSTATE) }
      let isUp = operation?.value.first == 6  // IF_OPER_UP (RFC 2863)
      if isUp == (state == .up) { return }
      guard ContinuousClock.now < deadline else {
        throw SystemError("bring interface \(index) \(state)", number: ETIMEDOUT)
      }
      usleep(500)
    }
  }

  /// Addresses of an interface, IPv4 and IPv6.
  public func addresses(of index: Int32) throws -> [(octets: [UInt8], prefixLength: Int)] {
    try list(.listAddresses()).compactMap { reply in
      guard reply.type == UInt16(RTM_NEWADDR), let fixed = reply.fixed(ifaddrmsg.self),
        fixed.ifa_index == UInt32(bitPattern: index)
      else { return nil }
      let attributes = reply.attributes(after: MemoryLayout<ifaddrmsg>.size)
      let value = attributes.first { $0.type == Int(IFA_LOCAL) } ?? attributes.first { $0.type == Int(IFA_ADDRESS) }
      return value.map { (Array($0.value), Int(fixed.ifa_prefixlen)) }
    }
  }

  /// Gives an interface one address of 4 or 16 octets in place of all others of its family.
  public func replaceAddresses(of index: Int32, with octets: [UInt8], prefixLength: Int) throws {
    let others = try addresses(of: index).filter { $0.octets.count == octets.count }
    let isThere = others.contains { $0.octets == octets && $0.prefixLength == prefixLength }
    try perform(
      others.filter { $0.octets != octets || $0.prefixLength != prefixLength }.map {
        .remove(address: $0.octets, prefixLength: $0.prefixLength, index: index)
      } + (isThere ? [] : [.add(address: octets, prefixLength: prefixLength, index: index)]))
  }
}
