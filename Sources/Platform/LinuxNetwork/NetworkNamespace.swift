import CLinux
import Glibc

/// A network namespace, which lives as long as this object, a socket opened in it or a process in it does.
public final class NetworkNamespace: Sendable {
  public struct Settings: OptionSet, Sendable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    /// No IPv6, hence no neighbour discovery on its links.
    public static let withoutIPv6 = Settings(rawValue: Int32(CLINUX_NO_IPV6))
    /// IPv4 forwarding: a router.
    public static let forwarding = Settings(rawValue: Int32(CLINUX_IP_FORWARD))
  }

  public let descriptor: Descriptor

  /// Makes an empty namespace, with a connection to its routing family. Throws EPERM where the process may not.
  public static func make(_ settings: Settings) throws -> (NetworkNamespace, RouteSocket) {
    var route: Int32 = -1
    let number = clinux_namespace_new(settings.rawValue, &route)
    guard number >= 0 else {
      throw SystemError("make a network namespace", number: -number).with(.networkNamespaces, for: [ENOSPC])
    }
    return (NetworkNamespace(Descriptor(number)), RouteSocket(Descriptor(route)))
  }

  /// The one that the calling thread is in.
  public static func own() throws -> NetworkNamespace {
    NetworkNamespace(Descriptor(try SystemError.check(clinux_namespace_own(), "open the network namespace")))
  }

  public init(_ descriptor: Descriptor) { self.descriptor = descriptor }

  /// Opens a socket inside; it stays there.
  public func socket(domain: Int32, type: Int32, protocol number: Int32 = 0, _ what: String) throws -> Descriptor {
    Descriptor(
      try SystemError.check(clinux_socket_in(descriptor.number, domain, type, number), "open \(what)"))
  }

  /// Writes a kernel setting, such as `net/ipv4/ip_forward`.
  public func set(_ key: String, to value: String) throws {
    try SystemError.check(
      clinux_write_in(descriptor.number, "/proc/sys/" + key, value), "set \(key) to \(value)")
  }
}
