import TopologyLanguage

/// What homes are made of.
public enum Backend: String, Sendable, Hashable, CaseIterable {
  /// Network namespaces, veth links and kernel bridges.
  case namespaces
  /// Addresses of 127.0.0.0/8, without any privilege.
  case loopback

  /// A home that is not up yet.
  ///
  /// - Parameters:
  ///   - folder: an existing folder for the run's files.
  ///   - operatorOn: the network outside of homes where a node `operator` is added; `nil`: none.
  ///   - taps: whether taps are written beside captured frames, where there are frames.
  ///   - wiring: which links can be made worse, where there are such.
  public func home(
    _ topology: Topology, folder: String, operatorOn: String?, launcher: Launcher, wiring: Wiring,
    taps: TapUse = .unused
  ) throws -> any HomeUnderTest {
    switch self {
    case .namespaces:
      try NamespaceHome(
        topology: topology, folder: folder, operatorOn: operatorOn, launcher: launcher, wiring: wiring,
        taps: taps)
    case .loopback:
      try LoopbackHome(
        topology: topology, folder: folder, operatorOn: operatorOn, launcher: launcher, gate: wiring.gate)
    }
  }
}
