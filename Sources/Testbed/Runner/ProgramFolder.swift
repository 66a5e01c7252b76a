import Glibc

/// Where our own programs lie.
public enum ProgramFolder {
  /// The path of the running executable.
  public static func ownExecutable() throws -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) { chars in
        chars.baseAddress.map { readlink("/proc/self/exe", $0, chars.count) } ?? -1
      }
    }
    guard count > 0 else { throw FileError("read", "/proc/self/exe") }
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }

  /// The folder of the running executable: our programs are installed side by side.
  public static func find() throws -> String {
    let own = try ownExecutable()
    return String(own[..<(own.lastIndex(of: "/") ?? own.startIndex)])
  }
}
