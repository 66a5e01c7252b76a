import Glibc
import LinuxNetwork

/// A file that could not be read or written, with the system's reason.
public struct FileError: Error, CustomStringConvertible {
  public var path: String
  public var doing: String
  public var reason: String

  init(_ doing: String, _ path: String, errno number: Int32 = errno) {
    self.path = path
    self.doing = doing
    reason =
      String(cString: strerror(number)) + (Shortage(errno: number).map { "; hint: \($0.remedy)" } ?? "")
  }

  public var description: String { "cannot \(doing) \(path): \(reason)" }
}

/// The few things that the runner does with files and folders.
public enum Files {
  /// - Throws: ``FileError``; also where the file is longer than `limit` octets.
  public static func read(_ path: String, limit: Int = 64 << 20) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("read", path) }
    defer { close(descriptor) }
    var result: [UInt8] = []
    while true {
      let count = try read(descriptor, path: path, upTo: 1 << 16, into: &result)
      if count == 0 { return result }
      guard result.count <= limit else { throw FileError("read", path, errno: EFBIG) }
    }
  }

  /// Gives a file's octets piece by piece, `-` being standard input, until its end or until `body` returns false.
  public static func chunks(of path: String, _ body: ([UInt8]) throws -> Bool) throws {
    let isInput = path == "-"
    let descriptor = isInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("read", path) }
    defer { if !isInput { close(descriptor) } }
    while true {
      var chunk: [UInt8] = []
      guard try read(descriptor, path: path, upTo: 1 << 20, into: &chunk) > 0, try body(chunk) else { return }
    }
  }

  /// Up to `count` octets of a file from its octet `offset` on; fewer only at its end.
  static func read(_ path: String, from offset: Int, count: Int) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError("read", path) }
    defer { close(descriptor) }
    guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { throw FileError("read", path) }
    var result: [UInt8] = []
    result.reserveCapacity(count)
    while result.count < count {
      if try read(descriptor, path: path, upTo: count - result.count, into: &result) == 0 { break }
    }
    return result
  }

  /// Appends up to `count` octets that `descriptor` has now; returns how many, 0 at the end.
  static func read(_ descriptor: Int32, path: String, upTo count: Int, into octets: inout [UInt8]) throws -> Int {
    let chunk = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      let got = Glibc.read(descriptor, buffer.baseAddress, count)
      guard got >= 0 else { throw FileError("read", path) }
      filled = got
    }
    octets += chunk
    return chunk.count
  }

  /// - Parameter mode: the permissions of a file that is not there yet.
  public static func write(_ octets: some Collection<UInt8>, to path: String, mode: mode_t = 0o644) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw FileError("write", path) }
    defer { close(descriptor) }
    let all = Array(octets)
    var written = 0
    while written < all.count {
      let count = all[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count >= 0 else { throw FileError("write", path) }
      written += count
    }
  }

  public static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws {
    try write(Array(text.utf8), to: path, mode: mode)
  }

  /// Makes a folder and those above it.
  public static func makeFolder(_ path: String) throws {
    var soFar = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      soFar += (soFar.isEmpty || soFar.hasSuffix("/") ? "" : "/") + part
      if mkdir(soFar, 0o755) != 0, errno != EEXIST { throw FileError("make folder", soFar) }
    }
  }

  /// A new folder under the system's folder for temporary files, readable by its owner alone.
  public static func temporaryFolder(_ prefix: String) throws -> String {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/\(prefix)-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw FileError("make a folder in", base) }
    return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// The names in a folder, sorted, without `.` and `..`.
  public static func list(_ path: String) throws -> [String] {
    guard let folder = opendir(path) else { throw FileError("list", path) }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  public static func isFolder(_ path: String) -> Bool { mode(path).map { $0 & S_IFMT == S_IFDIR } ?? false }
  public static func exists(_ path: String) -> Bool { mode(path) != nil }

  private static func mode(_ path: String) -> mode_t? {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode : nil
  }

  /// Removes a file or a folder with all that is in it; what is not there is not an error. Links are not followed.
  public static func remove(_ path: String) throws {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in try list(path) { try remove("\(path)/\(name)") }
      guard rmdir(path) == 0 else { throw FileError("remove", path) }
    } else if unlink(path) != 0 {
      throw FileError("remove", path)
    }
  }

  /// A path that means the same whatever the working folder is.
  public static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : "\(workingFolder())/\(path)"
  }

  public static func workingFolder() -> String {
    guard let name = getcwd(nil, 0) else { return "." }
    defer { free(name) }
    return String(cString: name)
  }
}
