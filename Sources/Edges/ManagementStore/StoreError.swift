import GRDB
import Glibc

/// Why the store cannot be opened or did not take rows; compares by `code`.
public struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable, Hashable {
    /// The file is no database, or a part of it cannot be read.
    case damaged
    /// Another program keeps it locked.
    case locked
    /// A newer version of this program has changed it.
    case newer
    /// It is a database of something else, or the list of tables is not legal.
    case schema
    /// The disk is full, or a limit of the file's size is reached.
    case full
    /// The file or its folder may not be read or written.
    case denied
    case unknownTable = "unknown-table"
    /// Anything else that the disk or SQLite said.
    case failed
  }

  public var code: Code
  public var path: String
  public var reason: String

  public init(_ code: Code, _ path: String, _ reason: String) {
    self.code = code
    self.path = path
    self.reason = reason
  }

  init(_ error: any Error, _ path: String) {
    guard let error = error as? DatabaseError else {
      self = error as? StoreError ?? StoreError(.failed, path, "\(error)")
      return
    }
    let code: Code =
      switch error.resultCode {
      case .SQLITE_NOTADB, .SQLITE_CORRUPT: .damaged
      case .SQLITE_BUSY, .SQLITE_LOCKED: .locked
      case .SQLITE_FULL: .full
      case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: .denied
      // A write beyond a limit of the file's size, or short for want of room.
      case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_WRITE: .full
      default: .failed
      }
    self.init(code, path, error.message ?? "SQLite says \(error.resultCode)")
  }

  /// One sentence for a person: what, where, why, and what to do.
  public var description: String {
    switch code {
    case .damaged: "the store \(path) is damaged: \(reason); hint: restore it or move it away, it was not changed"
    case .locked: "the store \(path) is locked by another program: \(reason); hint: end that one or give --state-dir"
    case .newer: "the store \(path) was made by a newer version: \(reason); hint: use that version, it was not changed"
    case .schema: "the store \(path) cannot be used: \(reason)"
    case .full: "the store \(path) has no room: \(reason); hint: free some space on its disk"
    case .denied: "the store \(path) cannot be opened: \(reason); hint: check the folder's permissions"
    case .unknownTable, .failed: "the store \(path) failed: \(reason)"
    }
  }

  public static func == (a: StoreError, b: StoreError) -> Bool { a.code == b.code }
  public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

extension RowStore {
  /// True if there is a file with at least one octet; an empty one is as good as none.
  static func holdsSomething(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_size > 0
  }
}
