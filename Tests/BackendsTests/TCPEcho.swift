import Glibc
import LinuxNetwork
import Octets
import Synchronization

@testable import Backends

/// A TCP server inside a namespace that sends back what one client after the other sends.
final class TCPEcho: Sendable {
  let port: UInt16
  private let socket: Descriptor
  private let peer = Mutex<IPAddress?>(nil)

  var lastPeer: IPAddress? { peer.withLock { $0 } }

  init(in namespace: NetworkNamespace, port: UInt16) throws {
    self.port = port
    socket = try namespace.socket(domain: AF_INET, type: Int32(SOCK_STREAM.rawValue), "a server socket")
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    let result = withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0, listen(socket.number, 8) == 0 else { throw SystemError("listen", number: errno) }
    let listening = socket
    try SystemThread.start("echo") { [weak self] in
      // Ends with the process at the latest; a test's server is not stopped.
      while true {
        var from = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = withUnsafeMutablePointer(to: &from) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { accept(listening.number, $0, &size) }
        }
        guard number >= 0, let self else { return }
        self.peer.withLock { $0 = .v4(UInt32(bigEndian: from.sin_addr.s_addr)) }
        let client = Descriptor(number)
        while let octets = try? client.read(atMost: 4096, "echo"), !octets.isEmpty {
          try? client.write(octets, "echo")
        }
      }
    }
  }

  deinit { shutdown(socket.number, Int32(SHUT_RDWR)) }
}
