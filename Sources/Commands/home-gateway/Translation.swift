import LinuxNetwork
import RoleHost

/// The kernel's forwarding and network address translation, through `nft`.
struct Translation: Sendable {
  let sides: InterfaceSides
  /// The path of nft.
  let nft: String

  static let table = "homebed-gateway"

  /// - Throws: ``HostError`` if nft is missing.
  init(_ sides: InterfaceSides) throws(HostError) {
    self.sides = sides
    guard let nft = Files.executable("nft", alsoIn: ["/usr/sbin", "/sbin"]) else {
      throw .failed("nft is missing, without which nothing can be masqueraded; hint: apt-get install nftables")
    }
    self.nft = nft
  }

  /// The rules: outbound connections are masqueraded, and of what comes from outside only their packets pass.
  var rules: String {
    let outside = "{ " + sides.outside.map { "\"\($0)\"" }.joined(separator: ", ") + " }"
    return """
      table ip \(Self.table)
      delete table ip \(Self.table)
      table ip \(Self.table) {
        chain outbound {
          type nat hook postrouting priority srcnat; policy accept;
          iifname != \(outside) oifname \(outside) masquerade
        }
        chain inbound {
          type filter hook forward priority filter; policy accept;
          iifname \(outside) ct state established,related accept
          iifname \(outside) ct status dnat accept
          iifname \(outside) drop
        }
      }

      """
  }

  func start() throws {
    try apply(rules)
    try enableForwarding()
  }

  /// Takes the table away; connections that are under way lose their translation.
  func stop() throws { try apply("delete table ip \(Self.table)\n") }

  private func apply(_ text: String) throws {
    let result = try Commands.run(nft, ["-f", "-"], input: text)
    guard result.status == 0 else {
      let words = result.errors.split(separator: "\n").first.map(String.init) ?? "exit status \(result.status)"
      throw HostError.failed("nft refuses the rules: \(words); hint: masquerading needs root and the kernel's nft nat")
    }
  }

  private func enableForwarding() throws {
    let path = "/proc/sys/net/ipv4/ip_forward"
    // Where it is on already, writing may be forbidden.
    if try Files.read(path).first == UInt8(ascii: "1") { return }
    try Files.write("1\n", to: path)
  }
}
