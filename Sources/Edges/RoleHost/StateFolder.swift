import Glibc
import ManagementStore
import RoleKit

/// The folder in which a program keeps what survives a restart.
public struct StateFolder: Sendable {
  public enum Use: Sendable {
    case kept
    /// The program keeps nothing: no folder is made.
    case unused
  }

  public let path: String

  /// Takes the folder that was given, or the program's place under the user's state folder (XDG Base Directory
  /// Specification), and makes it where it is missing.
  public init(_ given: String?, program: String, _ use: Use = .kept) throws(HostError) {
    path = given ?? StateFolder.standard(program)
    guard use == .kept else { return }
    var made = ""
    for part in path.split(separator: "/") {
      made += (made.isEmpty && !path.hasPrefix("/") ? "" : "/") + part
      if mkdir(made, 0o700) != 0, errno != EEXIST, access(made, F_OK) != 0 {
        throw .failed("cannot make the folder \(made): \(SystemReason.text(errno)); hint: give --state-dir")
      }
    }
    guard access(path, W_OK | X_OK) == 0 else {
      throw .failed("cannot write to the folder \(path): \(SystemReason.text(errno)); hint: give --state-dir")
    }
  }

  /// The role's rows.
  public func store(tables: [String]) throws(StoreError) -> RowStore {
    try RowStore(path: path + "/store.sqlite", tables: tables)
  }

  /// An identifier that is made at the first start and the same ever after.
  public func identifier() throws(HostError) -> String {
    let file = path + "/id"
    if access(file, F_OK) == 0 {
      let text = String(decoding: try SmallFile.read(file).prefix { $0 != 0x0A }, as: UTF8.self)
      guard Identifier.isUUID(text) else { throw .failed("\(file) holds no UUID; hint: remove it to get a new one") }
      return text
    }
    var bits = RandomBits {
      var generator = SystemRandomNumberGenerator()
      return generator.next()
    }
    let id = bits.uuid()
    try StateFolder.write(id + "\n", to: file)
    return id
  }

  /// Writes a file so that it is there whole or not at all.
  private static func write(_ text: String, to path: String) throws(HostError) {
    let octets = Array(text.utf8)
    let draft = path + ".new"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .failed("cannot write \(draft): \(SystemReason.text(errno))") }
    defer { close(descriptor) }
    guard Glibc.write(descriptor, octets, octets.count) == octets.count, fsync(descriptor) == 0,
      rename(draft, path) == 0
    else { throw .failed("cannot write \(path): \(SystemReason.text(errno))") }
  }

  private static func standard(_ program: String) -> String {
    if let state = getenv("XDG_STATE_HOME"), state.pointee != 0 {
      return String(cString: state) + "/homebed/" + program
    }
    if let home = getenv("HOME"), home.pointee != 0 {
      return String(cString: home) + "/.local/state/homebed/" + program
    }
    return "homebed-state/" + program
  }
}
