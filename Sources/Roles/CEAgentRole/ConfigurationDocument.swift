import Messages
import RoleKit

/// What a device has been told to be: the configuration document of profile section 3.
struct ConfigurationDocument: Sendable, Hashable {
  /// Always an object; `{}` where nothing was ever set.
  var content: JSONValue = [:]
  /// Grows with every change; the ETag is made of it.
  var version = 0

  var etag: String { "\"\(version)\"" }

  /// 64 KiB, the profile's bound for a body: a longer document could not be read back.
  static let sizeLimit = ProfileNames.bodyLimit

  func port(of application: CEAgentSettings.Application) -> UInt16 {
    guard let port = content["applications"]?[application.name]?["port"]?.int else { return application.port }
    return UInt16(exactly: port) ?? application.port
  }

  /// What the document says of an application; `nil` where it says nothing.
  func isEnabled(_ application: String) -> Bool? { content["applications"]?[application]?["enabled"]?.bool }

  var address: CIDR? { content["ipAddress"]?.string.flatMap { CIDR($0) } }
  var gateway: IPAddress? { content["defaultGateway"]?.string.flatMap { IPAddress($0) } }

  /// The document after a merge patch (RFC 7396), all of it or nothing.
  ///
  /// - Throws: ``FieldFault`` with the first member that is none of the profile's, or that the device can't take.
  func applying(_ patch: BodyField, on device: ConfiguredDevice) throws(FieldFault) -> ConfigurationDocument {
    for (name, field) in try patch.members(atMost: .max) { try Self.check(name, field, on: device) }
    guard let change = patch.value else { return self }
    let merged = content.merging(change)
    guard merged != content else { return self }
    guard merged.octets.count <= Self.sizeLimit else {
      throw FieldFault("", "would make the document longer than \(Self.sizeLimit) octets")
    }
    let next = ConfigurationDocument(content: merged, version: version + 1)
    try next.checkTogether(patch, on: device)
    return next
  }

  private static func check(_ name: String, _ field: BodyField, on device: ConfiguredDevice) throws(FieldFault) {
    switch name {
    case "hostName": try unlessNull(field) { field throws(FieldFault) in try hostName(field, or: nil) }
    case "ntpServer": try unlessNull(field) { field throws(FieldFault) in try hostName(field, or: "an IP address") }
    case "dnsServers":
      try unlessNull(field) { field throws(FieldFault) in
        for item in try field.items(atMost: 16) { try unicast(try item.address(), item) }
      }
    case "defaultGateway":
      try unlessNull(field) { field throws(FieldFault) in try unicast(try v4(try field.address(), field), field) }
    case "ipAddress": try unlessNull(field) { field throws(FieldFault) in try interfaceAddress(field) }
    case "dhcp": try unlessNull(field) { field throws(FieldFault) in _ = try field.bool() }
    case "qosClass": try unlessNull(field) { field throws(FieldFault) in _ = try field.int(0...63) }
    case "applications":
      try eachMember(of: field) { name, field throws(FieldFault) in try application(name, field, on: device) }
    case "connections": try eachMember(of: field) { name, field throws(FieldFault) in try connection(name, field) }
    case "vendor": try unlessNull(field) { field throws(FieldFault) in _ = try field.object() }
    default: throw field.fault("is no setting of this device")
    }
  }

  /// Null removes a member, which every setting lets happen.
  private static func unlessNull(
    _ field: BodyField, _ check: (BodyField) throws(FieldFault) -> Void
  ) throws(FieldFault) {
    if !field.isAbsent { try check(field) }
  }

  private static func eachMember(
    of field: BodyField, _ check: (String, BodyField) throws(FieldFault) -> Void
  ) throws(FieldFault) {
    guard !field.isAbsent else { return }
    for (name, member) in try field.members(atMost: 256) where !member.isAbsent { try check(name, member) }
  }

  private static func application(
    _ name: String, _ field: BodyField, on device: ConfiguredDevice
  ) throws(FieldFault) {
    guard device.applications.contains(name) else { throw field.fault("is no application of this device") }
    for (setting, value) in try field.members() {
      switch setting {
      case "port": try unlessNull(value) { value throws(FieldFault) in _ = try value.port() }
      case "enabled": try unlessNull(value) { value throws(FieldFault) in _ = try value.bool() }
      case "allowedPeers":
        try unlessNull(value) { value throws(FieldFault) in
          for peer in try value.items() {
            guard Identifier.isHomeId(try peer["homeId"].text()) else { throw peer["homeId"].fault("is no home ID") }
            _ = try peer["agentId"].uuid()
          }
        }
      default: throw value.fault("is no setting of an application")
      }
    }
  }

  private static func connection(_ sessionId: String, _ field: BodyField) throws(FieldFault) {
    guard Identifier.isUUID(sessionId) else { throw field.fault("is not named by a UUID in lower case") }
    for (setting, value) in try field.members() {
      switch setting {
      case "address":
        try unlessNull(value) { value throws(FieldFault) in try unicast(try value.address(), value) }
      case "port": try unlessNull(value) { value throws(FieldFault) in _ = try value.port() }
      default: throw value.fault("is no setting of a connection")
      }
    }
  }

  /// RFC 1123 clause 2.1: labels of letters, digits and inner hyphens.
  private static func hostName(_ field: BodyField, or other: String?) throws(FieldFault) {
    let text = try field.text(1...253)
    if other != nil, let address = IPAddress(text) { return try unicast(address, field) }
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    let looksLikeAddress = labels.last.map { $0.utf8.allSatisfy(\.isDecimalDigit) } ?? true
    let isGood = labels.allSatisfy { label in
      (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
        && label.utf8.allSatisfy { octet in
          octet.isDecimalDigit || octet == UInt8(ascii: "-") || (0x41...0x5A).contains(octet & 0xDF)
        }
    }
    guard isGood, !looksLikeAddress else {
      throw field.fault("is \"\(text)\", expected a host name\(other.map { " or \($0)" } ?? "")")
    }
  }

  @discardableResult
  private static func v4(_ address: IPAddress, _ field: BodyField) throws(FieldFault) -> IPAddress {
    guard case .v4 = address else { throw field.fault("is \(address): the device takes IPv4 addresses only") }
    return address
  }

  private static func unicast(_ address: IPAddress, _ field: BodyField) throws(FieldFault) {
    guard !address.isMulticast, !address.isUnspecified, !address.isLimitedBroadcast else {
      throw field.fault("is \(address), which is no host's address")
    }
  }

  private static func interfaceAddress(_ field: BodyField) throws(FieldFault) {
    let cidr = try field.cidr()
    try unicast(try v4(cidr.address, field), field)
    guard cidr.prefixLength > 0 else { throw field.fault("has prefix length 0") }
    guard cidr.prefixLength > 30 || (cidr.hasHostBits && cidr.broadcast != cidr.address) else {
      throw field.fault("is \(cidr), the network's own or its broadcast address")
    }
  }

  /// What single members can't tell: a gateway must lie in the subnet that the device will be in.
  private func checkTogether(_ patch: BodyField, on device: ConfiguredDevice) throws(FieldFault) {
    guard !patch["defaultGateway"].isAbsent || !patch["ipAddress"].isAbsent, let gateway else { return }
    let subnets = address.map { [$0] } ?? device.addresses
    let blamed = patch["defaultGateway"].isAbsent ? patch["ipAddress"] : patch["defaultGateway"]
    guard subnets.contains(where: { $0.contains(gateway) && $0.address != gateway }) else {
      let list = subnets.map(\.description).joined(separator: ", ")
      throw blamed.fault("leaves the gateway \(gateway) outside of \(list.isEmpty ? "any subnet" : list)")
    }
  }
}

/// What decides which settings a device can take.
struct ConfiguredDevice: Sendable {
  /// The names of its applications.
  var applications: Set<String>
  /// The addresses of the interface that a configured address is for.
  var addresses: [CIDR]
}
