import CLinux

/// SIGTERM and SIGINT as something to wait for. One for a process.
public struct StopWait: Sendable {
  private let descriptor: Descriptor

  /// From now on neither signal ends the process.
  public init() throws {
    descriptor = Descriptor(try SystemError.check(clinux_stop_descriptor(), "catch signals"))
  }

  /// Waits in the kernel for the first of them.
  public func wait() throws { _ = try descriptor.read(atMost: 1, "a signal") }
}
