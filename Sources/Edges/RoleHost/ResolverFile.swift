import Glibc
import LinuxNetwork
import Messages
import NIOCore
import RoleKit

/// The resolver's configuration, resolv.conf(5).
enum ResolverFile {
  /// The addresses of its `nameserver` lines; none where there is no such file.
  static func servers(_ path: String = "/etc/resolv.conf") -> [IPAddress] {
    guard let octets = try? SmallFile.read(path) else { return [] }
    return String(decoding: octets, as: UTF8.self).split(whereSeparator: \.isNewline).compactMap { line in
      let words = line.split { $0 == " " || $0 == "\t" }
      return words.count >= 2 && words[0] == "nameserver" ? IPAddress(words[1]) : nil
    }
  }
}

/// Files that are read whole.
public enum SmallFile {
  /// Octets that a file may have.
  public static let limit = 1_048_576

  /// - Throws: ``HostError`` with the system's reason.
  public static func read(_ path: String) throws(HostError) -> [UInt8] {
    guard let file = fopen(path, "re") else { throw .usage("cannot read \(path): \(SystemReason.text(errno))") }
    defer { fclose(file) }
    var octets: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while octets.count <= limit {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { break }
      octets += buffer[..<count]
    }
    if ferror(file) != 0 { throw .usage("cannot read \(path): \(SystemReason.text(errno))") }
    guard octets.count <= limit else { throw .usage("\(path) has more than \(limit) octets") }
    return octets
  }
}

/// The system's words for what it refused.
enum SystemReason {
  static func text(_ number: CInt) -> String {
    SystemError("", number: number).reason
  }

  static func text(_ error: any Error) -> String {
    guard let error = error as? IOError else { return "\(error)" }
    let hint = error.errnoCode == EADDRINUSE ? "; hint: another program has that port, give --http-port" : ""
    return text(error.errnoCode) + hint
  }
}
