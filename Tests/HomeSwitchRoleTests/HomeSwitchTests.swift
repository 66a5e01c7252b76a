import HomeSwitchRole
import Messages
import RoleKit
import Testing

/// A switch of values: takes what its host would tell and gives the frames that it sends.
private struct Bench {
  var role: HomeSwitch
  var now = Moment(monotonic: 1_000_000_000, wall: 1_790_000_000_000)
  var bits = RandomBits { 7 }

  init(interval: UInt64 = .seconds(30)) {
    role = HomeSwitch(
      HomeSwitchSettings(bridge: "br0", modelName: "SW-8", htip: HTIPRhythm(interval: interval)))
  }

  mutating func take(_ input: Input) -> [Effect] { role.handle(input, at: now, bits: &bits) }

  mutating func frames(_ input: Input) throws -> [HTIPFrame] {
    try take(input).compactMap { effect in
      guard case .frame(let octets, "br0") = effect else { return nil }
      #expect(octets.count <= HTIPFrame.limit)
      return try HTIPFrame.parse(octets[...], allowing: []).frame
    }
  }
}

private let bridgeMAC = MACAddress("02:00:00:00:00:01")!

private func bridge(_ tables: [UInt32: Int]) -> BridgeState {
  BridgeState(
    name: "br0", macAddress: bridgeMAC, isUp: true,
    ports: tables.sorted { $0.key < $1.key }.map { number, count in
      BridgeState.Port(
        name: "eth\(number)", number: number, isUp: true,
        addresses: (0..<count).map { MACAddress(bits: 0x0200_0000_0000 | UInt64(number) << 16 | UInt64($0)) })
    })
}

@Suite struct HomeSwitchTests {
  @Test func whatItHasLearntIsToldByPort() throws {
    var bench = Bench()
    #expect(
      bench.take(.started(rows: [], interfaces: [])) == [.openFrames(interface: "br0"), .watchBridge("br0")])
    let first = try bench.frames(.bridge(bridge([1: 2, 2: 0])))
    #expect(first.count == 1)
    #expect(first[0].chassis == .mac(bridgeMAC))
    #expect(first[0].timeToLive == 120)
    #expect(first[0].links.map(\.port) == [1, 2])
    #expect(first[0].links.map(\.addresses.count) == [2, 0])
    #expect(first[0][.modelName]?.text == "SW-8")
  }

  @Test func aChangeIsToldAtOnceAndMoreOfThemAfterAPause() throws {
    var bench = Bench()
    _ = bench.take(.started(rows: [], interfaces: []))
    _ = bench.take(.bridge(bridge([1: 0])))
    #expect(try bench.frames(.bridge(bridge([1: 1]))).isEmpty)
    #expect(try bench.frames(.bridge(bridge([1: 2]))).isEmpty)
    let told = try bench.frames(.fired(TimerName("pause")))
    #expect(told.map { $0.links[0].addresses.count } == [2])
    #expect(try bench.frames(.fired(TimerName("pause"))).isEmpty)
    #expect(try bench.frames(.bridge(bridge([1: 3]))).count == 1)
    #expect(try bench.frames(.fired(TimerName("advertise"))).count == 1)
  }

  @Test func aLargeTableTakesFurtherFramesThatAreTakenBack() throws {
    var bench = Bench()
    _ = bench.take(.started(rows: [], interfaces: []))
    let large = try bench.frames(.bridge(bridge([1: 300, 2: 300])))
    #expect(large.count == 3)
    #expect(Set(large.map(\.port)).count == 3)
    #expect(large.flatMap(\.links).map(\.addresses.count).reduce(0, +) == 600)
    _ = bench.take(.fired(TimerName("pause")))
    let small = try bench.frames(.bridge(bridge([1: 3])))
    #expect(small.map(\.timeToLive) == [120, 0, 0])
    #expect(small.map(\.port) == large.map(\.port))
  }

  @Test func aStopTakesEverythingBack() throws {
    var bench = Bench()
    _ = bench.take(.started(rows: [], interfaces: []))
    _ = bench.take(.bridge(bridge([1: 300])))
    let effects = bench.take(.stopping)
    #expect(effects.last == .exit(0))
    let withdrawn = effects.compactMap { effect -> HTIPFrame? in
      guard case .frame(let octets, _) = effect else { return nil }
      return try? HTIPFrame.parse(octets[...], allowing: []).frame
    }
    #expect(withdrawn.map(\.timeToLive) == [0, 0])
    #expect(bench.take(.bridge(bridge([1: 1]))).allSatisfy { if case .report = $0 { true } else { false } })
  }

  @Test func aShortIntervalHoldsForFourOfThem() {
    #expect(HTIPRhythm(interval: .seconds(0.5)).timeToLive == 2)
    #expect(HTIPRhythm(interval: .seconds(0.1)).timeToLive == 2)
    #expect(HTIPRhythm(interval: .seconds(16_000)).timeToLive == 64_000)
  }
}
