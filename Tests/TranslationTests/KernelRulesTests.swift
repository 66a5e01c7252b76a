import Messages
import RoleKit
import Testing

@testable import Translation

/// What the kernel is told of a mapping, command by command; `make nat` shows that it does it.
struct KernelRulesTests {
  private let tcp = PortMapping(.tcp, externalPort: 8300, client: Endpoint("192.168.10.50:8200")!)
  private let forOne = PortMapping(
    .tcp, externalPort: 8300, remoteHost: IPAddress("198.51.100.10")!, client: Endpoint("192.168.10.51:80")!)

  private func rules() -> KernelRules {
    var rules = KernelRules(outside: ["eth0"], inside: ["eth1"], hairpin: .no)
    rules.ownPorts = [0...1023, 61_000...65_535]
    return rules
  }

  @Test("A TCP mapping is an element of a map, its port stays when another mapping has it")
  func tcpMappings() {
    var rules = rules()
    #expect(
      rules.add(tcp) == """
        add element ip homebed-gateway tcp_of_any { 8300 : 192.168.10.50 . 8200 }
        add element ip homebed-gateway mapped_ports { 8300 }

        """)
    #expect(rules.add(tcp) == "", "it is there")
    #expect(rules.add(forOne).hasPrefix("add element ip homebed-gateway tcp_of_host { 198.51.100.10 . 8300 : "))
    #expect(rules.remove(tcp) == "delete element ip homebed-gateway tcp_of_any { 8300 }\n")
    #expect(rules.remove(tcp) == "", "it is gone")
    #expect(rules.remove(forOne).hasSuffix("delete element ip homebed-gateway mapped_ports { 8300 }\n"))
    #expect(rules.mappings.isEmpty)
  }

  @Test("Another client takes the place of the one before, in one transaction")
  func replaced() {
    var rules = rules()
    _ = rules.add(tcp)
    var other = tcp
    other.client = Endpoint("192.168.10.52:1")!
    #expect(
      rules.add(other).hasPrefix(
        """
        delete element ip homebed-gateway tcp_of_any { 8300 }
        add element ip homebed-gateway tcp_of_any { 8300 : 192.168.10.52 . 1 }
        """))
    #expect(rules.remove(tcp) == "", "it is not that one any more")
  }

  @Test("Of UDP the kernel is told only where the port is the gateway's own")
  func udpMappings() {
    var rules = rules()
    let client = Endpoint("192.168.10.50:8200")!
    #expect(rules.add(PortMapping(.udp, externalPort: 8300, client: client)) == "")
    let low = PortMapping(.udp, externalPort: 500, client: client)
    #expect(rules.add(low) == "add element netdev homebed-gateway mapped_ports { 500 }\n")
    #expect(rules.text.contains("set mapped_ports { type inet_service; elements = { 500 } }"))
    #expect(rules.remove(low) == "delete element netdev homebed-gateway mapped_ports { 500 }\n")
  }

  @Test("Rules made anew hold every mapping")
  func text() {
    var rules = rules()
    _ = rules.add(tcp)
    _ = rules.add(forOne)
    #expect(rules.text.contains("elements = { 8300 : 192.168.10.50 . 8200 }"))
    #expect(rules.text.contains("elements = { 198.51.100.10 . 8300 : 192.168.10.51 . 80 }"))
    #expect(rules.text.contains("iifname { \"eth0\" } ip daddr @outer_addresses dnat"), "no hairpinning")
    rules.hairpin = .yes
    #expect(!rules.text.contains("iifname { \"eth0\" } ip daddr @outer_addresses dnat"))
  }
}
