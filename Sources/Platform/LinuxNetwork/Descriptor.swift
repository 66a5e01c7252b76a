import CLinux
import Glibc

/// A file descriptor that is closed when the last reference to it goes.
public final class Descriptor: Sendable {
  /// Valid as long as this object is held.
  public let number: Int32

  /// Takes ownership of an open descriptor.
  public init(_ number: Int32) { self.number = number }

  deinit { close(number) }

  /// Reads at most `count` octets; empty at the end of the input; `nil` when nothing is there and the descriptor does
  /// not wait.
  public func read(atMost count: Int, _ what: String) throws -> [UInt8]? {
    while true {
      var result = 0
      let octets = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        result = Glibc.read(number, buffer.baseAddress, count)
        filled = max(0, result)
      }
      if result >= 0 { return octets }
      switch errno {
      case EINTR: continue
      case EAGAIN: return nil
      default: throw SystemError("read \(what)", number: errno)
      }
    }
  }

  /// Writes all octets, waiting where it must.
  public func write(_ octets: [UInt8], _ what: String) throws {
    var rest = octets[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count) }
      if written < 0 {
        if errno == EINTR { continue }
        throw SystemError("write \(what)", number: errno)
      }
      rest = rest.dropFirst(written)
    }
  }
}
