/// How a NAT depends on the remote end (RFC 4787, 4.1 and 5).
public enum NATDependence: String, Sendable, Hashable, CaseIterable {
  case endpointIndependent = "endpoint-independent"
  case addressDependent = "address-dependent"
  case addressAndPortDependent = "address-and-port-dependent"
}

/// What a NAT does with UDP, in the terms of RFC 4787.
public struct NATBehaviour: Sendable, Hashable {
  public enum Hairpinning: String, Sendable, Hashable, CaseIterable { case no, yes }

  /// When one inner endpoint keeps its outer port.
  public var mapping: NATDependence
  /// Who outside may send to an outer port that is mapped.
  public var filtering: NATDependence
  /// Whether two hosts inside reach each other through outer ports.
  public var hairpin: Hairpinning

  public init(
    mapping: NATDependence = .endpointIndependent, filtering: NATDependence = .addressAndPortDependent,
    hairpin: Hairpinning = .no
  ) {
    self.mapping = mapping
    self.filtering = filtering
    self.hairpin = hairpin
  }
}
