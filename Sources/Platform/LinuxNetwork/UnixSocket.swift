import CLinux
import Glibc

/// Stream sockets between processes of one machine, called by a path or, on Linux, by a name without one.
public enum UnixSocket {
  /// What a socket is called by.
  private enum Name {
    case path(String)
    /// In the abstract name space: freed when its last descriptor is closed.
    case abstract(String)
  }

  /// Connects to the socket at a path of any length.
  public static func connect(to path: String) throws -> Descriptor {
    try withShortPath(path) { short in
      let socket = try make()
      let result = try with(.path(short)) { Glibc.connect(socket.number, $0, $1) }
      guard result == 0 else { throw SystemError("connect to \(path)", number: errno) }
      return socket
    }
  }

  /// Makes a socket at a path of any length and listens there.
  public static func listen(at path: String) throws -> Descriptor {
    try withShortPath(path) { short in
      let socket = try make()
      let result = try with(.path(short)) { bind(socket.number, $0, $1) }
      guard result == 0, Glibc.listen(socket.number, 128) == 0 else {
        throw SystemError("listen at \(path)", number: errno)
      }
      _ = fcntl(socket.number, F_SETFL, O_NONBLOCK)
      return socket
    }
  }

  /// Takes a name of the abstract name space, for as long as the descriptor is open; `nil` if somebody has it.
  public static func claim(_ name: String) throws -> Descriptor? {
    let socket = try make()
    let result = try with(.abstract(name)) { bind(socket.number, $0, $1) }
    if result == 0 { return socket }
    if errno == EADDRINUSE { return nil }
    throw SystemError("take the name \(name)", number: errno)
  }

  /// The next connection of a listening socket; `nil` if none waits.
  public static func accept(_ socket: Descriptor) throws -> Descriptor? {
    let number = clinux_accept(socket.number)
    if [EAGAIN, EINTR, ECONNABORTED].contains(-number) { return nil }
    return Descriptor(try SystemError.check(number, "take a connection"))
  }

  /// Writes all octets, waiting where it must; throws EPIPE where nobody reads.
  public static func send(_ octets: [UInt8], on socket: Descriptor) throws {
    var rest = octets[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { Glibc.send(socket.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if sent >= 0 {
        rest = rest.dropFirst(sent)
      } else if errno != EINTR {
        throw SystemError("write to a socket", number: errno)
      }
    }
  }

  /// Reads what is there now, at most `count` octets; empty at the end, `nil` where nothing is there.
  public static func receiveNow(_ socket: Descriptor, atMost count: Int) throws -> [UInt8]? {
    while true {
      var result = 0
      let octets = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        result = recv(socket.number, buffer.baseAddress, count, Int32(MSG_DONTWAIT))
        filled = max(0, result)
      }
      if result >= 0 { return octets }
      if errno == EAGAIN { return nil }
      if errno != EINTR { throw SystemError("read from a socket", number: errno) }
    }
  }

  private static func make() throws -> Descriptor {
    let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw SystemError("make a socket", number: errno) }
    return Descriptor(number)
  }

  /// A sockaddr_un has room for 107 octets: a longer path is reached by way of its folder's descriptor.
  private static func withShortPath<Result>(_ path: String, _ body: (String) throws -> Result) throws -> Result {
    guard path.utf8.count > 107, let slash = path.lastIndex(of: "/") else { return try body(path) }
    let folder = try Files.open(String(path[..<slash]), O_RDONLY | O_DIRECTORY)
    return try withExtendedLifetime(folder) {
      try body("/proc/self/fd/\(folder.number)/\(path[path.index(after: slash)...])")
    }
  }

  private static func with<Result>(
    _ name: Name, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) throws -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let octets: [UInt8]
    switch name {
    case .path(let path): octets = Array(path.utf8) + [0]
    case .abstract(let name): octets = [0] + Array(name.utf8)
    }
    guard octets.count <= MemoryLayout.size(ofValue: address.sun_path) else {
      throw SystemError("call a socket by \(octets.count) octets", number: ENAMETOOLONG)
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: octets) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + octets.count)
    return withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }
}
