import Octets
import SSDP

/// What an SSDP datagram says, as far as the profile's section 2 gives it a meaning.
public enum DiscoveryMessage: Sendable, Hashable {
  case search(DeviceSearch)
  case reply(DeviceReply)
  /// `NOTIFY` with `ssdp:alive`.
  case alive(DeviceNotice)
  /// `NOTIFY` with `ssdp:byebye`.
  case byebye(DeviceNotice)
  /// Well-formed, but neither of these: `ssdp:update` or another vendor's method.
  case other(startLine: String)

  /// Reads a datagram.
  ///
  /// - Throws: ``WireError`` where it is no SSDP message, or lacks a field that UDA 2.0 requires of its kind.
  public init(octets: [UInt8]) throws {
    try self.init(SSDPMessage(parsing: octets))
  }
}

/// A search (`M-SEARCH`) for devices.
public struct DeviceSearch: Sendable, Hashable {
  /// What is searched for: `ssdp:all`, `upnp:rootdevice`, `uuid:...` or a type.
  public var target: String
  /// Seconds within which replies shall be spread; `nil` where the search has no MX, as only a unicast one may.
  public var mx: Int?
  /// The friendly name of the searcher (CPFN.UPNP.ORG), which UDA 2.0 requires.
  public var controlPointName: String?

  /// A search for configurators with MX 1, as a CE agent sends it.
  public init(
    target: String = ProfileNames.configuratorType, mx: Int? = 1, controlPointName: String? = "homebed"
  ) {
    self.target = target
    self.mx = mx
    self.controlPointName = controlPointName
  }

  /// The delay before a reply is sent is a random time below this many milliseconds: MX seconds, 5 s at most (UDA 2.0).
  public var longestDelay: Int { min(max(mx ?? 0, 0), 5) * 1000 }
}

/// The answer to a search.
public struct DeviceReply: Sendable, Hashable {
  public var target: String
  /// `uuid:<id>` or `uuid:<id>::<type>`.
  public var usn: String
  /// The URL of the device's description.
  public var location: String
  /// Seconds for which the reply holds; `nil` where CACHE-CONTROL does not tell.
  public var maxAge: Int?

  public init(target: String, usn: String, location: String, maxAge: Int?) {
    self.target = target
    self.usn = usn
    self.location = location
    self.maxAge = maxAge
  }

  /// The UUID in the USN, in lower case: the configurator's ID (profile section 2); `nil` where there is none.
  public var uuid: String? { DiscoveryMessage.uuid(inUSN: usn) }
}

/// An announcement (`NOTIFY`) that a device is there, or goes.
public struct DeviceNotice: Sendable, Hashable {
  /// The notification type (NT): `upnp:rootdevice`, `uuid:...` or a type.
  public var type: String
  public var usn: String
  /// `nil` in `ssdp:byebye`.
  public var location: String?
  public var maxAge: Int?

  public init(type: String, usn: String, location: String?, maxAge: Int?) {
    self.type = type
    self.usn = usn
    self.location = location
    self.maxAge = maxAge
  }

  /// The UUID in the USN, in lower case; `nil` where there is none.
  public var uuid: String? { DiscoveryMessage.uuid(inUSN: usn) }
}

/// A root device that makes itself known by SSDP: the configurator, a CE agent as HTIP L3 agent, or a home gateway.
public struct DiscoverableDevice: Sendable, Hashable {
  /// What it is, with what it embeds.
  public var root: SSDPRootDevice
  /// The URL of the description.
  public var location: String
  /// Seconds; UDA 2.0 wants at least 1800.
  public var maxAge: Int
  /// The SERVER field: `OS/version UPnP/2.0 product/version`.
  public var server: String
  /// Grows with every start (BOOTID.UPNP.ORG), 0 to 2^31 - 1.
  public var bootID: Int
  /// Changes with the description (CONFIGID.UPNP.ORG), 0 to 2^24 - 1.
  public var configID: Int

  public init(
    root: SSDPRootDevice, location: String, maxAge: Int = 1800, server: String = ProfileNames.upnpProduct,
    bootID: Int = 1, configID: Int = 1
  ) {
    self.root = root
    self.location = location
    self.maxAge = maxAge
    self.server = server
    self.bootID = bootID
    self.configID = configID
  }

  /// A device that embeds nothing.
  public init(
    uuid: String, deviceType: String, location: String, maxAge: Int = 1800,
    server: String = ProfileNames.upnpProduct, bootID: Int = 1, configID: Int = 1
  ) {
    self.init(
      root: SSDPRootDevice(uuid: uuid, deviceType: deviceType), location: location, maxAge: maxAge, server: server,
      bootID: bootID, configID: configID)
  }

  /// The names that it is announced and found by (UDA 2.0 clause 1.2.2): NT or ST, and its USN.
  public var names: [(target: String, usn: String)] { root.names.map { ($0.target, $0.uniqueServiceName) } }
}
