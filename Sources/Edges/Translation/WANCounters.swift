import LinuxNetwork

/// What the outer interfaces carried.
public struct WANCounters: Sendable, Hashable {
  public var octetsSent: UInt64 = 0
  public var octetsReceived: UInt64 = 0
  public var packetsSent: UInt64 = 0
  public var packetsReceived: UInt64 = 0

  public init() {}

  /// From the kernel's table of the own namespace; zeros where it cannot be read.
  static func read(interfaces: [String]) -> WANCounters {
    var result = WANCounters()
    guard let octets = try? Files.read("/proc/thread-self/net/dev") else { return result }
    for line in String(decoding: octets, as: UTF8.self).split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":"),
        interfaces.contains(where: { line[..<colon].drop { $0 == " " } == $0 })
      else { continue }
      // Receive: bytes packets errs drop fifo frame compressed multicast; transmit: bytes packets ...
      let numbers = line[line.index(after: colon)...].split(separator: " ").compactMap { UInt64($0) }
      guard numbers.count >= 10 else { continue }
      result.octetsReceived += numbers[0]
      result.packetsReceived += numbers[1]
      result.octetsSent += numbers[8]
      result.packetsSent += numbers[9]
    }
    return result
  }
}
