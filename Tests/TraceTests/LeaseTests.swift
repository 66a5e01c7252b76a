import CaptureFiles
import Foundation
import Messages
import Octets
import Testing
import Trace

/// Who has an address that a DHCP server gave.
@Suite struct LeaseTests {
  /// A message of a server or client (RFC 2131), with the options that matter.
  private static func message(
    _ type: UInt8, client: MACAddress, given: IPAddress?, requested: IPAddress? = nil, lease: [UInt8]? = nil
  ) -> [UInt8] {
    var octets: [UInt8] = [type == 2 || type == 5 ? 2 : 1, 1, 6, 0] + [UInt8](repeating: 0, count: 12)
    octets += given?.octets ?? [0, 0, 0, 0]
    octets += [UInt8](repeating: 0, count: 8) + client.octets + [UInt8](repeating: 0, count: 202)
    octets += [0x63, 0x82, 0x53, 0x63, 53, 1, type]
    if let requested { octets += [50, 4] + requested.octets }
    if let lease { octets += [51, 4] + lease }
    return octets + [255]
  }

  @Test func aLeaseSaysWhoseAnAddressIs() throws {
    let address = try #require(IPAddress("192.168.10.100"))
    var home = TestHome()
    let tv = home.tv.link.hardware
    var leased = home.tv
    leased.link.endpoint = Endpoint(address, 0)
    try home.datagram(
      Self.message(2, client: tv, given: address, lease: [0, 0, 2, 88]), from: home.gatewayInside, 67, to: leased, 68)
    try home.datagram(
      Self.message(5, client: tv, given: address, lease: [0, 0, 2, 88]), from: home.gatewayInside, 67, to: leased, 68)
    try home.datagram([1], from: home.cfg, 5000, to: leased, 53)
    let events = try home.decoded().events
    #expect(events.map(\.arrow) == ["hg -> tv dhcp", "hg -> tv dhcp", "cfg -> tv dns"])
    #expect(events[1].fields["yourAddress"] == "192.168.10.100")
    #expect(events[1].fields["clientMAC"] == .string("\(tv)"))
    #expect(events[1].fields["lease"] == 600)
    #expect(events.prefix(2).allSatisfy { $0.isBackground })
  }

  @Test func nobodyLendsAnAddressThatIsAnothers() throws {
    var home = TestHome()
    // The host at the configurator's place gives the gateway's address to the television.
    try home.datagram(
      Self.message(5, client: home.tv.link.hardware, given: home.gatewayInside.link.endpoint.address), from: home.cfg,
      67, to: home.tv, 68)
    try home.datagram([1], from: home.tv, 5000, to: home.gatewayInside, 53)
    #expect(try home.decoded().events.map(\.arrow) == ["cfg -> tv dhcp", "tv -> hg dns"])
  }

  /// dnsmasq and udhcpc, as they spoke (Tests/Vectors/README.md).
  @Test func realClientsAndServersAreRead() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Vectors/dhcp_ra_lan1.pcap")
    var decoding = CaptureDecoding()
    let items = try decoding.feed([UInt8](try Data(contentsOf: file))) + decoding.finish()
    let events = items.compactMap { if case .event(let event) = $0, event.name == "dhcp" { event } else { nil } }
    let types = events.prefix(5).map { $0.fields["messageType"]?.int }
    #expect(types == [1, 2, 1, 2, 3])
    #expect(events[4].fields["requestedAddress"] == "192.168.11.120")
    #expect(events[5].fields["messageType"] == 5 && events[5].fields["lease"] == 120)
    #expect(events[5].fields["clientMAC"] == "02:00:00:00:02:01")
    #expect("\(events[5].to)" == "02:00:00:00:02:01")
  }
}
