import CLinux
import Glibc

/// Unix stream sockets at a path: a door to a running process, and who knocks at it.
public enum LocalSocket {
  /// Octets that a path may have (unix(7): 108 with the NUL).
  public static let pathLimit = 107

  /// Binds a new socket to `path` and listens; throws EADDRINUSE where there is a file already.
  public static func listen(at path: String) throws -> Descriptor {
    let socket = try open()
    let result = try address(path) { bind(socket.number, $0, $1) }
    guard result == 0 else { throw SystemError("make the socket \(path)", number: errno) }
    guard Glibc.listen(socket.number, 16) == 0 else { throw SystemError("listen at \(path)", number: errno) }
    return socket
  }

  /// Connects to the process that listens at `path`; throws ECONNREFUSED where that process is gone.
  public static func connect(to path: String) throws -> Descriptor {
    let socket = try open()
    let result = try address(path) { Glibc.connect(socket.number, $0, $1) }
    guard result == 0 else { throw SystemError("connect to \(path)", number: errno) }
    return socket
  }

  /// The next connection; `nil` when the listening socket was shut down.
  public static func accept(_ listener: Descriptor) throws -> Descriptor? {
    while true {
      let number = Glibc.accept(listener.number, nil, nil)
      if number >= 0 {
        _ = fcntl(number, F_SETFD, FD_CLOEXEC)
        return Descriptor(number)
      }
      switch errno {
      case EINTR, ECONNABORTED: continue
      case EINVAL: return nil
      default: throw SystemError("accept a connection", number: errno)
      }
    }
  }

  /// Wakes everybody who waits in ``accept(_:)`` or reads.
  public static func shutDown(_ socket: Descriptor) { shutdown(socket.number, Int32(SHUT_RDWR)) }

  /// The process that listens at the other end, by its number here.
  public static func process(atOtherEndOf socket: Descriptor) throws -> pid_t {
    try SystemError.check(clinux_peer(socket.number), "ask who listens")
  }

  /// Sends a text; that nobody listens any more is an error, not a signal.
  public static func send(_ text: String, on socket: Descriptor) throws {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(socket.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0 {
        if errno == EINTR { continue }
        throw SystemError("send an answer", number: errno)
      }
      rest = rest.dropFirst(count)
    }
  }

  private static func open() throws -> Descriptor {
    let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw SystemError("make a socket", number: errno) }
    return Descriptor(number)
  }

  private static func address<Result>(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) throws -> Result {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let octets = Array(path.utf8)
    guard octets.count <= pathLimit else { throw SystemError("use the path \(path)", number: ENAMETOOLONG) }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: octets) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }
}
