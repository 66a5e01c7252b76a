/// Which links of a home pass through the user-space wire, where they can be made worse and messages can be held up.
public struct Wiring: Sendable {
  /// By their names in results; `nil`: all.
  public var links: Set<String>?
  /// The seed of losses and jitter.
  public var seed: UInt64
  /// Decides on frames that come out of nodes, one by one; `nil`: all pass.
  public var gate: (any FrameGate)?

  public init(links: Set<String>? = [], seed: UInt64 = 0, gate: (any FrameGate)? = nil) {
    self.links = links
    self.seed = seed
    self.gate = gate
  }

  func includes(_ link: String) -> Bool { links?.contains(link) ?? true }
}
