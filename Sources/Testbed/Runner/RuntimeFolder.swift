import Glibc
import LinuxNetwork

/// Where the sockets of running homes lie: a folder that only its user may enter.
public struct RuntimeFolder: Sendable {
  /// A socket there that nobody answers at any more: its home was killed.
  public struct Stale: Sendable, Hashable {
    public var id: String
    public var path: String
  }

  public let path: String

  /// Where a process inside a world finds it, as the process outside has chosen it.
  public static let variable = "HOMEBED_RUNTIME_FOLDER"

  /// `homebed` in the user's runtime folder, else `/tmp/homebed-UID`; made where it is missing.
  ///
  /// - Throws: ``FileError``, or ``RuntimeFolderError`` where the folder belongs to somebody else.
  public static func find() throws -> RuntimeFolder {
    func variable(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    let path: String
    if let chosen = variable(RuntimeFolder.variable) {
      path = chosen
    } else if let runtime = variable("XDG_RUNTIME_DIR"), Files.isFolder(runtime), access(runtime, W_OK) == 0 {
      path = runtime + "/homebed"
    } else {
      path = "/tmp/homebed-\(geteuid())"
    }
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw FileError("make folder", path) }
    var status = stat()
    guard lstat(path, &status) == 0 else { throw FileError("read", path) }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
      throw RuntimeFolderError(
        description: "\(path) is not a folder of yours alone; hint: remove it, or make it yours with mode 0700")
    }
    return RuntimeFolder(path: path)
  }

  /// Binds a socket for a home of this name: `one-home`, or `one-home-2` where that one is up already.
  func claim(_ name: String) throws -> (id: String, path: String, listener: Descriptor) {
    let lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw FileError("write", path + "/lock") }
    // Held until the descriptor is closed, so that of two homes that come up at once each has a name of its own.
    let held = Descriptor(lock)
    guard flock(held.number, LOCK_EX) == 0 else { throw FileError("lock", path + "/lock") }
    let room = LocalSocket.pathLimit - path.utf8.count - "/-9999.sock".utf8.count
    guard room > 0 else {
      throw RuntimeFolderError(
        description: "\(path) is too long a path for a socket; hint: set XDG_RUNTIME_DIR to a shorter one")
    }
    let stem = String(name.prefix(room))
    for number in 1...9999 {
      let id = number == 1 ? stem : "\(stem)-\(number)"
      let socket = socketPath(id)
      if Files.exists(socket) {
        if connects(socket) != nil { continue }
        unlink(socket)
      }
      return (id, socket, try LocalSocket.listen(at: socket))
    }
    throw RuntimeFolderError(description: "9999 homes called \(name) are up already")
  }

  /// The IDs of homes that answer, and the sockets that do not.
  func homes() throws -> (running: [String], stale: [Stale]) {
    let ids = try Files.list(path).filter { $0.hasSuffix(".sock") }.map { String($0.dropLast(5)) }.sorted()
    let running = ids.filter { connects(socketPath($0)) != nil }
    return (running, ids.filter { !running.contains($0) }.map { Stale(id: $0, path: socketPath($0)) })
  }

  func connect(to id: String) throws -> Descriptor { try LocalSocket.connect(to: socketPath(id)) }

  private func socketPath(_ id: String) -> String { "\(path)/\(id).sock" }

  private func connects(_ path: String) -> Descriptor? { try? LocalSocket.connect(to: path) }
}

/// The folder for sockets cannot be used.
public struct RuntimeFolderError: Error, CustomStringConvertible {
  public var description: String
}
