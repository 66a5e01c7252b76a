import LinuxNetwork

/// Settings of the network namespace that a gateway needs, and that go back when it stops.
struct SystemSwitches: Sendable {
  private var before: [(path: String, text: String)] = []
  /// The ports that the kernel gives the gateway's own sockets.
  private(set) var ephemeralPorts: ClosedRange<UInt16> = 32_768...60_999

  private static let forwarding = "/proc/sys/net/ipv4/ip_forward"
  private static let portRange = "/proc/sys/net/ipv4/ip_local_port_range"
  /// Hosts seldom send from these, so that their own ports stay free for them.
  private static let ownPorts: ClosedRange<UInt16> = 61_000...65_535

  /// Turns forwarding on and has the gateway's own sockets keep to the top of the ports.
  mutating func turnOn() throws {
    try set(Self.forwarding, to: "1")
    // Where /proc cannot be written, its range is what it is, and mappings keep out of it.
    try? set(Self.portRange, to: "\(Self.ownPorts.lowerBound)\t\(Self.ownPorts.upperBound)")
    let range = try? Self.read(Self.portRange).split { $0 == "\t" || $0 == " " }.compactMap { UInt16($0) }
    if let range, range.count == 2, range[0] <= range[1] { ephemeralPorts = range[0]...range[1] }
  }

  mutating func turnBack() {
    for item in before.reversed() { try? Files.write(item.text + "\n", to: item.path) }
    before = []
  }

  private mutating func set(_ path: String, to text: String) throws {
    let old = try Self.read(path)
    // Where it is so already, writing may be forbidden.
    if old == text { return }
    try Files.write(text + "\n", to: path)
    before.append((path, old))
  }

  private static func read(_ path: String) throws -> String {
    String(decoding: try Files.read(path).prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}
