import LinuxNetwork

/// The testbed itself could not do what it was asked: a verdict `error`, never the fault of a device.
public struct BackendError: Error, Sendable, Hashable, CustomStringConvertible {
  public var description: String
  /// What helps, where something does.
  public var hint: String?

  public init(_ description: String, hint: String? = nil) {
    self.description = description
    self.hint = hint
  }
}

/// Whether a backend works on this machine.
public enum Availability: Sendable, Hashable {
  case available
  /// A sentence that says why not, with a remedy where there is one.
  case unavailable(String)
}
