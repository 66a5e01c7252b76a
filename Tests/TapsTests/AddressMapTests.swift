import Octets
import Testing

@testable import Taps

@Suite struct AddressMapTests {
  private func cidr(_ text: String) throws -> CIDR { try #require(CIDR(text)) }

  private func map() throws -> AddressMap {
    AddressMap([
      .init(near: try cidr("127.5.1.0/24"), far: try cidr("198.51.100.0/24"), network: "internet"),
      .init(near: try cidr("127.5.2.0/24"), far: try cidr("192.168.10.0/24"), network: "home-a.lan"),
      .init(near: try cidr("127.5.3.0/24"), far: try cidr("192.168.10.0/24"), network: "home-b.lan"),
      .init(near: try cidr("127.5.4.16/28"), far: try cidr("10.0.0.16/28"), network: "small"),
      .init(near: try cidr("239.255.5.250/32"), far: try cidr("239.255.255.250/32")),
    ])
  }

  @Test func addressesMoveBothWays() throws {
    let map = try map()
    let pairs = [
      ("127.5.1.10", "198.51.100.10"), ("127.5.2.21", "192.168.10.21"), ("127.5.4.18", "10.0.0.18"),
      ("239.255.5.250", "239.255.255.250"),
    ]
    for (near, far) in pairs {
      #expect(map.far(try #require(IPAddress(near))) == IPAddress(far))
      #expect(map.near(try #require(IPAddress(far))) == IPAddress(near))
    }
    #expect(map.far(try #require(IPAddress("127.0.0.1"))) == IPAddress("127.0.0.1"))
    #expect(map.near(try #require(IPAddress("8.8.8.8"))) == nil)
  }

  @Test func twoHomesWithOnePrefixAreToldApartByTheNetwork() throws {
    let address = try #require(IPAddress("192.168.10.21"))
    #expect(try map().near(address, preferring: ["home-b.lan"]) == IPAddress("127.5.3.21"))
    #expect(try map().near(address, preferring: ["home-a.lan", "home-b.lan"]) == IPAddress("127.5.2.21"))
  }

  @Test(arguments: [
    ("http://127.5.2.21:49210/c", "http://192.168.10.21:49210/c"),
    (#"{"a":["127.5.2.21/24","127.5.1.10"]}"#, #"{"a":["192.168.10.21/24","198.51.100.10"]}"#),
    ("127.5.2.1", "192.168.10.1"), ("at 127.5.2.1.", "at 192.168.10.1."), ("", ""),
    ("HOST: 239.255.5.250:1900", "HOST: 239.255.255.250:1900"),
    // No addresses of the map: another block, a longer number, a version, a part of a name.
    ("127.6.2.21", "127.6.2.21"), ("127.5.2.210.4", "127.5.2.210.4"), ("1127.5.2.2", "1127.5.2.2"),
    ("v127.5.2.21", "v127.5.2.21"), ("127.5.2.21x", "127.5.2.21x"), ("127.5.2.021", "127.5.2.021"),
    ("...", "..."), ("127.5.2", "127.5.2"), ("127.5.2.21.", "192.168.10.21."),
  ])
  func textIsRestored(_ near: String, _ far: String) throws { #expect(try map().restored(near) == far) }

  @Test func textIsMappedAndComesBack() throws {
    let map = try map()
    let far =
      "PUT /agents HTTP/1.1\r\nHost: 192.168.10.2:49200\r\n\r\n{\"server\":\"198.51.100.10\",\"other\":\"8.8.8.8\"}"
    let near = map.mapped(far, preferring: ["home-a.lan"])
    #expect(near.contains("Host: 127.5.2.2:49200") && near.contains("127.5.1.10") && near.contains("8.8.8.8"))
    #expect(map.restored(near) == far)
  }

  @Test func anEmptyMapLeavesEverything() {
    #expect(AddressMap().restored("127.5.2.21") == "127.5.2.21")
    #expect(AddressMap().mapped("192.168.10.21") == "192.168.10.21")
  }
}
