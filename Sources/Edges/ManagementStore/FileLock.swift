import Glibc
import Synchronization

/// Keeps a second program from using the same store: a lock on a file beside it, which goes with the program however it
/// ends. SQLite's own locks are held only while something is read or written, and people may look into the store then.
final class FileLock: Sendable {
  // A lock around the descriptor, since it is closed once only, from whatever thread.
  private let descriptor: Mutex<CInt>

  /// - Throws: ``StoreError`` `locked` or `denied`.
  init(_ path: String) throws(StoreError) {
    let number = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard number >= 0 else {
      throw StoreError(.denied, path, errno == ENOSPC ? "the disk is full" : "its folder cannot be written")
    }
    guard flock(number, LOCK_EX | LOCK_NB) == 0 else {
      close(number)
      throw StoreError(.locked, path, "another program that is running uses it")
    }
    descriptor = Mutex(number)
  }

  deinit { release() }

  func release() {
    descriptor.withLock { number in
      if number >= 0 { close(number) }
      number = -1
    }
  }
}
