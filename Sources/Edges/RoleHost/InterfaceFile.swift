import LinuxNetwork
import RoleKit

/// The kernel's counters, proc_pid_net(5): `/proc/net/dev`, a line for each interface of the process's namespace.
enum InterfaceFile {
  /// `nil` where there is no such interface.
  static func counters(_ interface: String, path: String = "/proc/net/dev") -> InterfaceCounters? {
    guard let octets = try? Files.read(path) else { return nil }
    for line in String(decoding: octets, as: UTF8.self).split(separator: "\n") {
      // The name and the first number may stand together: `eth0:1234`.
      guard let colon = line.firstIndex(of: ":"), line[..<colon].drop(while: { $0 == " " }) == interface else {
        continue
      }
      // Eight columns of what was received, then eight of what was sent; octets and packets come first.
      let numbers = line[line.index(after: colon)...].split(separator: " ").map { UInt64($0) }
      guard numbers.count >= 10, let received = numbers[0], let packets = numbers[1], let sent = numbers[8],
        let packetsSent = numbers[9]
      else { return nil }
      return InterfaceCounters(
        octetsSent: sent, octetsReceived: received, packetsSent: packetsSent, packetsReceived: packets)
    }
    return nil
  }
}
