/// A USN: a device's UUID, and the target that it is advertised under (UDA 2.0, table 1-1).
public struct UniqueServiceName: Sendable, Hashable, CustomStringConvertible {
  /// As written, without `uuid:`.
  public var uuid: String
  /// What follows `::`: `upnp:rootdevice`, a device type or a service type; `nil` for the device itself.
  public var target: String?

  public init(uuid: String, target: String? = nil) {
    self.uuid = uuid
    self.target = target
  }

  /// Reads `uuid:X` or `uuid:X::target`; `nil` for anything else.
  public init?(_ text: String) {
    guard SSDPHeaders.isSame(text.prefix(5), "uuid:") else { return nil }
    let rest = text.dropFirst(5)
    let gap = rest.firstRange(of: "::")
    uuid = String(rest[..<(gap?.lowerBound ?? rest.endIndex)])
    target = gap.map { String(rest[$0.upperBound...]) }
    guard !uuid.isEmpty, target != "" else { return nil }
  }

  public var description: String { target.map { "uuid:\(uuid)::\($0)" } ?? "uuid:\(uuid)" }
}
