import CaptureFiles
import Messages
import Octets
import Packets
import Trace

/// A home behind a gateway, and what a capture of its links holds when its nodes send.
struct TestHome {
  struct Host {
    var name: String
    var tap: Int
    var link: LinkEndpoint
  }

  var writer = PcapngWriter()
  var octets: [UInt8]
  /// Nanoseconds since 1970.
  var time: Int64 = 1_772_366_400_000_000_000
  var frames = 0

  static func host(_ name: String, _ tap: Int, _ address: String, _ mac: UInt64, port: UInt16 = 0) -> Host {
    Host(
      name: name, tap: tap,
      link: LinkEndpoint(
        hardware: MACAddress(bits: 0x0200_0000_0000 | mac), endpoint: Endpoint(IPAddress(address)!, port)))
  }

  let tv = host("tv", 0, "192.168.10.21", 0x21)
  let cfg = host("cfg", 1, "192.168.10.2", 0x02)
  let gatewayInside = host("hg", 2, "192.168.10.1", 0x01)
  let gatewayOutside = host("hg", 3, "198.51.100.1", 0x11)
  let server = host("server", 4, "198.51.100.10", 0x10)
  let person = host("operator", 5, "198.51.100.250", 0xFA)

  static let taps = [
    ("tv--sw1.3", "tv"), ("cfg--sw1.2", "cfg"), ("hg.lan--sw1.1", "hg"), ("hg--internet", "hg"),
    ("server--internet", "server"), ("operator--internet", "operator"), ("sw1.8--sw2.1", "sw1"),
    ("sw1.8--sw2.1", "sw2"),
  ]

  static let parties: PartyMap = {
    func interface(_ network: String, _ address: String?, _ mac: UInt64) -> PartyInterface {
      PartyInterface(
        network: network, address: address.flatMap { CIDR($0) }, mac: MACAddress(bits: 0x0200_0000_0000 | mac))
    }
    return PartyMap(
      nodes: [
        PartyNode(
          name: "tv", kind: .ce, home: "home-a", interfaces: [interface("home-a.lan", "192.168.10.21/24", 0x21)]),
        PartyNode(
          name: "cfg", kind: .configurator, home: "home-a",
          interfaces: [interface("home-a.lan", "192.168.10.2/24", 0x02)]),
        PartyNode(
          name: "hg", kind: .homeGateway, home: "home-a",
          interfaces: [
            interface("home-a.lan", "192.168.10.1/24", 0x01), interface("internet", "198.51.100.1/24", 0x11),
          ]),
        PartyNode(name: "sw1", kind: .switch, home: "home-a", interfaces: []),
        PartyNode(name: "sw2", kind: .switch, home: "home-a", interfaces: []),
        PartyNode(name: "server", kind: .serviceServer, interfaces: [interface("internet", "198.51.100.10/24", 0x10)]),
        PartyNode(name: "operator", kind: .operator, interfaces: [interface("internet", "198.51.100.250/24", 0xFA)]),
      ], networks: [PartyNetwork(name: "home-a.lan", home: "home-a"), PartyNetwork(name: "internet", home: nil)])
  }()

  init(taps: [(String, String)] = TestHome.taps) {
    octets = writer.header()
    for (link, node) in taps { octets += writer.interface(name: link, description: "node=\(node)") }
  }

  mutating func write(_ frame: [UInt8], tap: Int, _ direction: CaptureDirection) {
    time += 10_000
    frames += 1
    octets += writer.packet(interface: tap, time: time, direction: direction, octets: frame)
  }

  /// A frame on one link-layer segment: in at its sender's tap, out at the others.
  mutating func pass(_ frame: [UInt8], from sender: Int, to receivers: [Int]) {
    write(frame, tap: sender, .inbound)
    for receiver in receivers { write(frame, tap: receiver, .outbound) }
  }

  /// Whoever is on the home's segment.
  mutating func multicast(_ payload: [UInt8], from host: Host, port: UInt16 = 50_000) throws {
    var sender = host.link
    sender.endpoint.port = port
    let group = LinkEndpoint(
      hardware: MACAddress(bits: 0x0100_5E7F_FFFA), endpoint: Endpoint(ProfileNames.ssdpGroup, 1900))
    let frame = try Packet.datagram(from: sender, to: group, payload[...]).octets
    pass(frame, from: host.tap, to: [0, 1, 2].filter { $0 != host.tap })
  }

  mutating func datagram(_ payload: [UInt8], from host: Host, _ port: UInt16, to other: Host, _ otherPort: UInt16)
    throws
  {
    var sender = host.link
    var receiver = other.link
    sender.endpoint.port = port
    receiver.endpoint.port = otherPort
    pass(try Packet.datagram(from: sender, to: receiver, payload[...]).octets, from: host.tap, to: [other.tap])
  }

  /// A connection on one segment.
  func connection(_ client: Host, _ port: UInt16, to server: Host, _ serverPort: UInt16, sequence: UInt32 = 1000) throws
    -> TCPSynthesiser
  {
    var (clientEnd, serverEnd) = (client.link, server.link)
    clientEnd.endpoint.port = port
    serverEnd.endpoint.port = serverPort
    return try TCPSynthesiser(
      client: clientEnd, server: serverEnd, clientSequence: sequence, serverSequence: sequence &+ 5000)
  }

  mutating func pass(_ frames: [TCPSynthesiser.Frame], client: Host, server: Host) {
    for frame in frames {
      let (from, to) = frame.sender == .client ? (client, server) : (server, client)
      pass(frame.octets, from: from.tap, to: [to.tap])
    }
  }

  /// A connection from the home to the outside: the gateway puts its own address and a port in the client's place.
  mutating func passThroughGateway(_ frames: [TCPSynthesiser.Frame], client: Host, server: Host, port: UInt16) throws {
    for frame in frames {
      var translated = try Packet(parsing: frame.octets[...])
      guard case .ipv4(var header, .tcp(var segment)) = translated.payload else { continue }
      guard case .v4(let outside) = gatewayOutside.link.endpoint.address else { continue }
      if frame.sender == .client {
        header.sourceBits = outside
        segment.sourcePort = port
      } else {
        header.destinationBits = outside
        segment.destinationPort = port
      }
      header.timeToLive = 63
      translated.payload = .ipv4(header, .tcp(segment))
      translated.ethernet.source = frame.sender == .client ? gatewayOutside.link.hardware : server.link.hardware
      translated.ethernet.destination = frame.sender == .client ? server.link.hardware : gatewayOutside.link.hardware
      var inside = try Packet(parsing: frame.octets[...])
      if frame.sender == .client {
        inside.ethernet.destination = gatewayInside.link.hardware
        pass(inside.octets, from: client.tap, to: [2])
        pass(translated.octets, from: 3, to: [server.tap])
      } else {
        inside.ethernet.source = gatewayInside.link.hardware
        pass(translated.octets, from: server.tap, to: [3])
        pass(inside.octets, from: 2, to: [client.tap])
      }
    }
  }

  /// What the capture tells.
  func decoded(_ parties: PartyMap = TestHome.parties, pieces: Int = 1 << 20) throws -> CaptureDecoding.Result {
    try CaptureDecoding.decode(octets, parties: parties, pieces: pieces)
  }

  func arrows(_ parties: PartyMap = TestHome.parties) throws -> [String] { try decoded(parties).events.map(\.arrow) }
}

extension CaptureDecoding {
  struct Result {
    var events: [Event] = []
    var refusals: [RefusedConnection] = []
    var comments: [String] = []
    var faults: [WireError] = []
    var counts: [String] = []
    var frames = 0
  }

  static func decode(_ octets: [UInt8], parties: PartyMap = PartyMap(), pieces: Int = 1 << 20) throws -> Result {
    var decoding = CaptureDecoding(parties: parties)
    var items: [Item] = []
    var position = 0
    while position < octets.count {
      let end = min(position + pieces, octets.count)
      items += try decoding.feed(octets[position..<end])
      position = end
    }
    items += decoding.finish()
    var result = Result(counts: decoding.countLines, frames: decoding.frameCount)
    for item in items {
      switch item {
      case .event(let event): result.events.append(event)
      case .refused(let refusal): result.refusals.append(refusal)
      case .comment(_, let text): result.comments.append(text)
      case .fault(let fault): result.faults.append(fault)
      case .statistics: break
      }
    }
    return result
  }
}

/// The messages of Sequence 1, as octets.
enum Octetted {
  static let agentId = "7f9c0000-0000-8000-8000-000000000021"

  static func request(
    _ method: String, _ path: String, _ body: JSONValue? = nil, fields: HTTPFields = [:]
  ) throws -> [UInt8] {
    var request = HTTPRequest(method, path, fields: ["Host": "x"], body: body?.octets ?? [])
    request.fields.list += fields.list
    if body != nil { request.fields["Content-Type"] = ProfileNames.jsonType }
    return try request.octets()
  }

  static func response(_ status: Int, _ body: JSONValue? = nil, fields: HTTPFields = [:]) throws -> [UInt8] {
    var response = HTTPResponse(status, fields: fields, body: body?.octets ?? [])
    if body != nil { response.fields["Content-Type"] = ProfileNames.jsonType }
    return try response.octets()
  }

  static func registration(_ reason: String = "new-device") -> JSONValue {
    [
      "agentId": .string(agentId), "reason": .string(reason), "device": ["modelName": "TV-1"],
      "interfaces": [["name": "eth0", "macAddress": "02:00:00:00:00:21"]], "applications": [],
      "configurationURL": "http://192.168.10.21:49210/settings", "lifetime": 3600,
    ]
  }
}
