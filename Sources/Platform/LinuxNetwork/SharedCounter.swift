import CLinux
import Glibc

/// A number in a file that several processes see at once: one advances it, the others look whether it has changed.
// @unchecked: the pointer never changes, and what it points to is read and written by atomic operations alone.
public final class SharedCounter: @unchecked Sendable {
  private let counter: UnsafeMutablePointer<UInt32>

  /// Makes the file, with the number 0.
  public static func make(at path: String) throws -> SharedCounter {
    let file = try Files.open(path, O_RDWR | O_CREAT | O_TRUNC)
    try file.write([0, 0, 0, 0], path)
    return try SharedCounter(file, path, writes: true)
  }

  /// Opens one that another process advances.
  public static func open(_ path: String) throws -> SharedCounter {
    try SharedCounter(Files.open(path, O_RDONLY), path, writes: false)
  }

  private init(_ file: Descriptor, _ path: String, writes: Bool) throws {
    var counter: UnsafeMutablePointer<UInt32>?
    try SystemError.check(clinux_counter_map(file.number, writes ? 1 : 0, &counter), "map \(path)")
    guard let counter else { throw SystemError("map \(path)", number: ENOMEM) }
    self.counter = counter
  }

  deinit { clinux_counter_unmap(counter) }

  public var value: UInt32 { clinux_counter_read(counter) }

  /// Only where it was made.
  public func advance() { clinux_counter_advance(counter) }
}
