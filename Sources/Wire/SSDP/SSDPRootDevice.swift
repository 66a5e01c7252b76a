/// A root device without embedded devices or services: what it advertises, and which searches it answers.
public struct SSDPRootDevice: Sendable, Hashable {
  /// One advertisement of the device: an NT (or ST) with its USN.
  public struct Name: Sendable, Hashable {
    public var target: String
    public var uniqueServiceName: String
  }

  /// Without `uuid:`.
  public var uuid: String
  /// Such as `urn:schemas-upnp-org:device:Basic:1`.
  public var deviceType: String

  public init(uuid: String, deviceType: String) {
    self.uuid = uuid
    self.deviceType = deviceType
  }

  /// The three advertisements of a root device (UDA 2.0, table 1-1).
  public var names: [Name] {
    [name("upnp:rootdevice"), Name(target: "uuid:\(uuid)", uniqueServiceName: "uuid:\(uuid)"), name(deviceType)]
  }

  private func name(_ target: String) -> Name {
    Name(target: target, uniqueServiceName: UniqueServiceName(uuid: uuid, target: target).description)
  }

  /// What to answer a search for `searchTarget` with: nothing, one name, or for `ssdp:all` every name.
  ///
  /// A type is answered for its own version and earlier ones, under the version that was searched (UDA 2.0, 1.3.3).
  public func answers(to searchTarget: String) -> [Name] {
    if searchTarget == "ssdp:all" { return names }
    if searchTarget == "upnp:rootdevice" { return [name(searchTarget)] }
    if SSDPHeaders.isSame(searchTarget, "uuid:\(uuid)") {
      return [Name(target: searchTarget, uniqueServiceName: "uuid:\(uuid)")]
    }
    guard let (own, ownVersion) = Self.versioned(deviceType),
      let (searched, version) = Self.versioned(searchTarget), searched == own, (1...ownVersion).contains(version)
    else { return [] }
    return [name(searchTarget)]
  }

  /// A type without its version, and the version, where it ends in one from 1.
  private static func versioned(_ type: String) -> (String, Int)? {
    guard let colon = type.lastIndex(of: ":"), let version = SSDPHeaders.number(type[type.index(after: colon)...]),
      version >= 1
    else { return nil }
    return (String(type[..<colon]), version)
  }
}
