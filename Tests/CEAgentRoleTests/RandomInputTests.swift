import Messages
import RoleKit
import Testing

@testable import CEAgentRole

@Suite("Whatever comes in, in whatever order") struct RandomInputTests {
  @Test("the agent neither crashes nor loses its place", arguments: 1...20 as ClosedRange<UInt64>)
  func anyOrder(seed: UInt64) {
    let random = Counter(seed &* 0x1234_5678_9ABC_DEF1)
    func draw(_ count: UInt64) -> Int { Int(random.next() % count) }
    var tv = Living(settings(deregisters: seed % 2 == 0), word: seed)
    tv.starts()
    for step in 0..<300 {
      switch draw(16) {
      case 0: tv.discovered(draw(2) == 0 ? configuratorA : configuratorB)
      case 1: tv.discovered(at: "http://10.0.0.1:\(draw(70_000))/")
      case 2: tv.announced(draw(2) == 0 ? configuratorA : configuratorB)
      case 3, 4:
        if !tv.calls.isEmpty {
          let open = tv.calls.remove(at: draw(UInt64(tv.calls.count)))
          let id = open.to == addressB ? configuratorB : configuratorA
          let status = [200, 201, 204, 401, 409, 422, 429, 500, 503][draw(9)]
          tv.receives(
            .answered(
              open.call,
              status < 202 ? Living.registerReply(id, status: status, lifetime: 60 + draw(600)) : HTTPResponse(status)))
        }
      case 5:
        if !tv.calls.isEmpty {
          let failure = [Failure.reset, .refused, .unreachable, .timeout, .malformed("x")][draw(5)]
          tv.receives(.failed(tv.calls.remove(at: draw(UInt64(tv.calls.count))).call, failure))
        }
      case 6: tv.receives(.interface(interface(["192.168.10.\(1 + draw(250))/24"], up: draw(3) > 0)))
      case 7: tv.receives(.interface(interface(draw(2) == 0 ? [] : ["10.0.0.5/8"], name: "eth1", up: draw(2) == 0)))
      case 8: tv.configures(["{}", #"{"qosClass":1}"#, #"{"ipAddress":"192.168.10.9/24"}"#, "{", #"{"x":1}"#][draw(5)])
      case 9: tv.receives(.replied(tv.exchange))
      case 10: tv.receives(.answered(Call(random.next()), HTTPResponse(draw(1000))))
      case 11:
        tv.receives(.fired(TimerName(["search-end", "refresh", "retry", "again", "move", ""][draw(6)], "\(draw(9))")))
      case 12:
        tv.receives(
          .ssdp(
            (0..<draw(64)).map { _ in UInt8(truncatingIfNeeded: random.next()) }, from: addressA, .multicast,
            interface: "eth0"))
      case 13: tv.storeFailure = draw(3) == 0 ? .storage("full") : nil
      default: tv.passes([0.001, 0.5, 1.5, 6, 61, 400][draw(6)])
      }
      // At most one register is under way, whatever happened.
      #expect(tv.calls.count <= 1, "seed \(seed), step \(step)")
      let answer = tv.asks("GET", "/status")
      #expect(answer.status == 200, "seed \(seed), step \(step)")
      #expect(tv.exit == nil, "seed \(seed), step \(step)")
      // Something will always happen next: a timer, an answer, or a change of the network.
      let waits = tv.timers.keys.contains { !["alive", "ssdp-reply"].contains($0.name) } || !tv.calls.isEmpty
      #expect(waits || tv.agent.usableInterfaces.isEmpty, "seed \(seed), step \(step): nothing is awaited")
    }
    // And from anywhere it finds its way back.
    tv.storeFailure = nil
    tv.receives(.interface(interface(["10.0.0.5/8"], name: "eth1", up: false)))
    tv.receives(.interface(interface(["192.168.10.21/24"])))
    tv.receives(.interface(interface(["192.168.10.251/24"])))
    tv.passes(7.6)
    tv.discovered(configuratorA)
    if tv.calls.isEmpty { tv.passes(1.5) }
    tv.answers(Living.registerReply())
    #expect(tv.agent.currentConfigurator?.configuratorId == configuratorA, "seed \(seed)")
    tv.receives(.stopping)
    tv.passes(0.4)
    #expect(tv.exit == 0, "seed \(seed)")
  }
}
