/// A root device with what it embeds: what it advertises, and which searches it answers.
public struct SSDPRootDevice: Sendable, Hashable {
  /// One advertisement of the device: an NT (or ST) with its USN.
  public struct Name: Sendable, Hashable {
    public var target: String
    public var uniqueServiceName: String
  }

  /// A device inside of the root device, or a service of any of them: a type of the device that the UUID names.
  public struct Part: Sendable, Hashable {
    public var uuid: String
    public var type: String

    public init(uuid: String, type: String) {
      self.uuid = uuid
      self.type = type
    }
  }

  /// Without `uuid:`.
  public var uuid: String
  /// Such as `urn:schemas-upnp-org:device:Basic:1`.
  public var deviceType: String
  /// Embedded devices, each with a UUID of its own.
  public var devices: [Part]
  /// Services of the root device and of embedded ones, under the UUIDs of these.
  public var services: [Part]

  public init(uuid: String, deviceType: String, devices: [Part] = [], services: [Part] = []) {
    self.uuid = uuid
    self.deviceType = deviceType
    self.devices = devices
    self.services = services
  }

  private var root: Part { Part(uuid: uuid, type: deviceType) }

  /// The advertisements of a root device: three, two for each embedded device, one for each service (UDA 2.0, tables
  /// 1-1 to 1-3).
  public var names: [Name] {
    [Self.name("upnp:rootdevice", of: uuid)]
      + ([root] + devices).flatMap { [Self.identity($0.uuid), Self.name($0.type, of: $0.uuid)] }
      + services.map { Self.name($0.type, of: $0.uuid) }
  }

  private static func name(_ target: String, of uuid: String) -> Name {
    Name(target: target, uniqueServiceName: UniqueServiceName(uuid: uuid, target: target).description)
  }

  private static func identity(_ uuid: String) -> Name {
    Name(target: "uuid:\(uuid)", uniqueServiceName: "uuid:\(uuid)")
  }

  /// What to answer a search for `searchTarget` with: nothing, one name, or for `ssdp:all` every name.
  ///
  /// A type is answered for its own version and earlier ones, under the version that was searched (UDA 2.0, 1.3.3).
  public func answers(to searchTarget: String) -> [Name] {
    if searchTarget == "ssdp:all" { return names }
    if searchTarget == "upnp:rootdevice" { return [Self.name(searchTarget, of: uuid)] }
    if let part = ([root] + devices).first(where: { SSDPHeaders.isSame(searchTarget, "uuid:\($0.uuid)") }) {
      return [Name(target: searchTarget, uniqueServiceName: "uuid:\(part.uuid)")]
    }
    guard let (searched, version) = Self.versioned(searchTarget) else { return [] }
    return ([root] + devices + services).filter { part in
      Self.versioned(part.type).map { $0.0 == searched && (1...$0.1).contains(version) } ?? false
    }.map { Self.name(searchTarget, of: $0.uuid) }
  }

  /// A type without its version, and the version, where it ends in one from 1.
  private static func versioned(_ type: String) -> (String, Int)? {
    guard let colon = type.lastIndex(of: ":"), let version = SSDPHeaders.number(type[type.index(after: colon)...]),
      version >= 1
    else { return nil }
    return (String(type[..<colon]), version)
  }
}
