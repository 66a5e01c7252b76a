import Messages

/// What a gateway lets in: a port of its outer address that stands for a client's port inside.
public struct PortMapping: Sendable, Hashable {
  public enum Transport: String, Sendable, Hashable, CaseIterable { case tcp, udp }

  public var transport: Transport
  public var externalPort: UInt16
  /// The only address outside that may come in; `nil`: any.
  public var remoteHost: IPAddress?
  /// Where it leads to.
  public var client: Endpoint

  public init(_ transport: Transport, externalPort: UInt16, remoteHost: IPAddress? = nil, client: Endpoint) {
    self.transport = transport
    self.externalPort = externalPort
    self.remoteHost = remoteHost
    self.client = client
  }
}

/// Performs a gateway's mappings in whatever forwards its traffic.
public protocol PortMapper: Sendable {
  /// Returns when traffic passes.
  func map(_ mapping: PortMapping) throws(Failure)
  /// Returns when no new traffic passes; a mapping that is not there is passed by.
  func unmap(_ mapping: PortMapping)
}
