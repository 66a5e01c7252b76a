import Backends
import CaptureFiles
import LinuxNetwork
import Runner

/// What the links of a home cost: what they add to the way of a packet, how much they carry, and what is captured.
enum LinkBench {
  /// A veth pair between two namespaces, and nothing else: the floor.
  static func plain() throws -> TrafficEnds {
    let (a, routeA) = try NetworkNamespace.make([.withoutIPv6])
    let (b, routeB) = try NetworkNamespace.make([.withoutIPv6])
    let near = NetlinkMessage.VethEnd(name: "eth0", index: 2, mac: nil, state: .down)
    try routeA.perform(.makeVeth(near: near, far: near, in: b))
    for (route, address) in [(routeA, [192, 168, 10, 2] as [UInt8]), (routeB, [192, 168, 10, 3])] {
      try route.perform([.set(index: 2, .up), .add(address: address, prefixLength: 24, index: 2)])
    }
    try routeA.awaitCarrier(.up, of: 2)
    try routeB.awaitCarrier(.up, of: 2)
    return TrafficEnds(a: a, b: b, addressOfB: [192, 168, 10, 3])
  }

  private struct Way {
    var name: String
    var latencies: [Double] = []
    var rates: [Double] = []
  }

  /// Latency and throughput of each kind of link, taken in turns; medians of `turns`.
  static func links(turns: Int) async throws {
    var ways = [
      "a veth pair alone", "a switch, not captured", "a switch, captured", "a switch through the wire, captured",
    ].map { Way(name: $0) }
    for _ in 0..<turns {
      for index in ways.indices {
        let (latency, rate) = try await measure(index)
        ways[index].latencies.append(latency)
        ways[index].rates.append(rate)
      }
    }
    let floor = (median(ways[0].latencies), median(ways[0].rates))
    for way in ways {
      let (latency, rate) = (median(way.latencies), median(way.rates))
      print(
        "  \(padded(way.name, 36)) \(fixed(latency, 1)) us round trip (+\(fixed(latency - floor.0, 1)) us, ratio "
          + "\(fixed(latency / floor.0, 2))), \(fixed(rate / 1e6, 0)) MB/s TCP (ratio \(fixed(rate / floor.1, 2)))")
    }
  }

  private static func measure(_ way: Int) async throws -> (Double, Double) {
    if way == 0 {
      let ends = try plain()
      return (try await ends.roundTrip(rounds: 2000), try await ends.bulk(seconds: 1))
    }
    let home = try BenchHome.up(
      hosts: 2, recording: way == 1 ? .nothing : .frames, wiring: Wiring(links: way == 3 ? nil : []))
    let ends = try home.ends()
    let result = (try await ends.roundTrip(rounds: 2000), try await ends.bulk(seconds: 1))
    try await home.down()
    return result
  }

  /// Floods a captured link with small packets, at rising rates, and tells what the capture has of them.
  static func capture() async throws {
    let bare = try BenchHome.up(hosts: 2)
    let (unseen, time) = try await bare.ends().flood(rate: nil, seconds: 1)
    try await bare.down()
    let floor = Double(unseen) / time
    print("  not captured         \(Int(floor)) packets/s sent, as fast as can be")
    var best: Double?
    for rate in [25_000, 50_000, 100_000, 200_000, nil] as [Double?] {
      let home = try BenchHome.up(hosts: 2, recording: .frames)
      try home.ping()
      let ends = try home.ends()
      let (sent, seconds) = try await ends.flood(rate: rate, seconds: 1)
      let last = try await home.home.capture.end()
      let captured = try count(try home.home.capture.path)
      try await home.down()
      let offered = Double(sent) / seconds
      let isWhole = captured >= sent && last.dropped == 0
      if isWhole { best = max(best ?? 0, offered) }
      print(
        "  \(padded(rate.map { "\(Int($0))/s asked" } ?? "as fast as can be", 20)) \(Int(offered)) packets/s sent, "
          + "\(captured) of \(sent) captured at the sender's end, \(last.dropped) frames dropped by the ring")
    }
    let told = best.map { "\(Int($0)) packets/s, each at two link ends (ratio \(fixed($0 / floor, 2)))" }
    print("  most without loss: \(told ?? "none")")
  }

  /// The flood's datagrams that were captured at their sender's link end.
  private static func count(_ path: String) throws -> Int {
    var reader = CaptureReader()
    var result = 0
    try Files.chunks(of: path) { octets in
      reader.feed(octets)
      while let item = try reader.next() {
        // UDP to port 7009 (0x1B61), as the first host sent it.
        if case .packet(let packet) = item, packet.octets.count == 106, packet.direction == .inbound,
          packet.octets.dropFirst(36).starts(with: [0x1B, 0x61])
        {
          result += 1
        }
      }
      return true
    }
    return result
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func fixed(_ value: Double, _ places: Int) -> String {
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let rounded = (value * scale).rounded() / scale
    return places == 0 ? "\(Int(rounded))" : "\(rounded)"
  }
}
