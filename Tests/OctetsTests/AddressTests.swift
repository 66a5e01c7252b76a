import Octets
import Testing

@Suite struct MACAddressTests {
  @Test(arguments: ["02:00:00:00:00:21", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "e0:27:1a:0b:0c:0d"])
  func textRoundTrips(text: String) throws {
    let address = try #require(MACAddress(text))
    #expect(address.description == text)
    #expect(MACAddress(address.octets) == address)
    #expect(MACAddress(text.uppercased()) == address)
  }

  @Test(arguments: [
    "", "02:00:00:00:00", "02:00:00:00:00:21:", "2:0:0:0:0:21", "02-00-00-00-00-21", "02:00:00:00:00:g1",
    "02:00:00:00:00:+1", "02:00:00:00:00:21 ", "０２:00:00:00:00:21",
  ])
  func othersAreRefused(text: String) { #expect(MACAddress(text) == nil) }

  @Test func groupBitAndOrder() throws {
    #expect(MACAddress.broadcast.isMulticast)
    #expect(try #require(MACAddress("01:80:c2:00:00:0e")).isMulticast)
    #expect(try !#require(MACAddress("02:00:00:00:00:01")).isMulticast)
    #expect(try #require(MACAddress("02:00:00:00:00:01")) < #require(MACAddress("02:00:00:00:01:00")))
    #expect(MACAddress(bits: .max).bits == 0xFFFF_FFFF_FFFF)
    #expect(MACAddress([1, 2, 3]) == nil)
  }
}

@Suite struct IPAddressTests {
  @Test(arguments: ["0.0.0.0", "192.168.10.21", "255.255.255.255", "239.255.255.250"])
  func dottedDecimalRoundTrips(text: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == text)
    #expect(IPAddress(address.octets) == address)
  }

  @Test(arguments: [
    "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "1..3.4", "+1.2.3.4", "1.2.3.0x4", "1.2.3.٤",
  ])
  func otherDottedTextIsRefused(text: String) { #expect(IPAddress(text) == nil) }

  /// RFC 5952: lower case, no leading zeros, the longest run of zeros shortened, the first of equal ones.
  @Test(arguments: [
    ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:DB8::1", "2001:db8::1"),
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("2001:0db8::0001", "2001:db8::1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("::ffff:192.168.10.1", "::ffff:c0a8:a01"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
    ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ("fe80::1:0:0:2", "fe80::1:0:0:2"),
    ("0:0:1:0:0:0:1:0", "0:0:1::1:0"),
  ]) func ipv6IsWrittenByRFC5952(text: String, canonical: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == canonical)
    #expect(IPAddress(canonical) == address)
    #expect(IPAddress(address.octets) == address)
  }

  @Test(arguments: [
    ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "1:2:3:4:5:6:7:8::", "12345::", "g::", "1.2.3.4::",
    "::1.2.3.4:5", "1:::2", ":1::2", "::1 ", "fe80::1%eth0", "[::1]", "::1.2.3.256", "1:2:3:4:5:6:7:1.2.3.4",
  ])
  func otherIPv6TextIsRefused(text: String) { #expect(IPAddress(text) == nil) }

  @Test func randomAddressesRoundTrip() {
    var random = SeededNumbers(seed: 4291)
    for _ in 0..<500 {
      // Many zero groups, so that shortening is met.
      func half() -> UInt64 {
        (0..<4).reduce(0) { value, _ in value << 16 | (Bool.random(using: &random) ? 0 : random.next() & 0xFFFF) }
      }
      let address = IPAddress.v6(high: half(), low: half())
      #expect(IPAddress(address.description) == address)
      let four = IPAddress.v4(UInt32(truncatingIfNeeded: random.next()))
      #expect(IPAddress(four.description) == four)
      #expect(four < address && !(address < four))
    }
  }

  @Test func kindsOfAddress() throws {
    #expect(try #require(IPAddress("239.255.255.250")).isMulticast)
    #expect(try #require(IPAddress("ff02::1")).isMulticast)
    #expect(try !#require(IPAddress("223.0.0.1")).isMulticast)
    #expect(try #require(IPAddress("255.255.255.255")).isLimitedBroadcast)
    #expect(try #require(IPAddress("::")).isUnspecified)
    #expect(try #require(IPAddress("10.0.0.2")) < #require(IPAddress("10.0.0.10")))
    #expect(IPAddress([1, 2, 3]) == nil)
  }
}

@Suite struct CIDRTests {
  @Test func networks() throws {
    let interface = try #require(CIDR("192.168.10.21/24"))
    #expect(interface.description == "192.168.10.21/24")
    #expect(interface.network.description == "192.168.10.0/24")
    #expect(interface.hasHostBits && !interface.network.hasHostBits)
    #expect(interface.broadcast == IPAddress("192.168.10.255"))
    #expect(try interface.contains(#require(IPAddress("192.168.10.1"))))
    #expect(try !interface.contains(#require(IPAddress("192.168.11.1"))))
    #expect(try !interface.contains(#require(IPAddress("::1"))))
  }

  @Test(arguments: [
    ("0.0.0.0/0", "1.2.3.4", true), ("10.0.0.1/32", "10.0.0.1", true), ("10.0.0.1/32", "10.0.0.2", false),
    ("10.0.0.0/31", "10.0.0.1", true), ("2001:db8::/32", "2001:db8:ffff::1", true),
    ("2001:db8::/64", "2001:db8:0:1::", false),
    ("2001:db8::/65", "2001:db8::8000:0:0:0", false), ("::/0", "1::", true), ("::1/128", "::1", true),
    ("::1/128", "::2", false),
  ]) func membership(network: String, address: String, isMember: Bool) throws {
    #expect(try #require(CIDR(network)).contains(#require(IPAddress(address))) == isMember)
  }

  @Test func broadcastsOfOddPrefixes() {
    #expect(CIDR("10.0.0.1/31")?.broadcast == nil)
    #expect(CIDR("10.0.0.1/30")?.broadcast == IPAddress("10.0.0.3"))
    #expect(CIDR("10.0.0.1/0")?.broadcast == IPAddress("255.255.255.255"))
    #expect(CIDR("::1/64")?.broadcast == nil)
  }

  @Test(arguments: [
    "", "10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/+1", "10.0.0.1/24/", "::/129", "10.0.0.1/024x",
  ])
  func othersAreRefused(text: String) { #expect(CIDR(text) == nil) }
}

@Suite struct EndpointTests {
  @Test(arguments: ["192.168.10.2:49200", "[2001:db8::1]:80", "0.0.0.0:0", "[::]:65535"])
  func textRoundTrips(text: String) { #expect(Endpoint(text)?.description == text) }

  @Test(arguments: [
    "", ":", ":80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:+80", "1.2.3.4:65536", "2001:db8::1:80", "[1.2.3.4]:80", "[::1]",
    "[]:80", "[:80", "host:80", "1.2.3.4: 80", "1.2.3.4:000080",
  ])
  func othersAreRefused(text: String) { #expect(Endpoint(text) == nil) }
}
