import Messages
import RoleKit
import Testing

@testable import ConfiguratorRole

private typealias Home = ConfiguratorDialogue

/// Numbers that are the same in every run.
private struct Dice {
  var state: UInt64
  mutating func throwUnder(_ limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % limit
  }
}

@Suite("the configurator: connections, whatever comes in whatever order") struct ConnectionRandomTests {
  private static let connections = (1...4).map { "c0000000-0000-4000-8000-00000000000\($0)" }

  /// Something that an agent, a gateway or a server might say, fitting or not.
  private func response(to request: HTTPRequest, _ dice: inout Dice) -> HTTPResponse {
    if dice.throwUnder(4) == 0 {
      return HTTPResponse(
        [200, 204, 400, 401, 404, 409, 422, 429, 500, 503][dice.throwUnder(10)], body: Array("<x".utf8))
    }
    switch request.path {
    case "/connections":
      return .json(200, ["address": "192.168.10.21", "port": .int(8200 + dice.throwUnder(2)), "protocol": "tcp"])
    case "/desc.xml": return Home.gatewayDescription(version: 1 + dice.throwUnder(2))
    case "/ctl/IPConn":
      guard dice.throwUnder(3) > 0, let call = try? SOAPCall(parsing: request.body) else {
        return HTTPResponse(500, body: SOAPFault(errorCode: [501, 606, 714, 718][dice.throwUnder(4)], "no").octets)
      }
      let arguments = [
        SOAPArgument("NewExternalIPAddress", Home.externalAddress),
        SOAPArgument("NewReservedPort", ["8200", "40000", "0", "x"][dice.throwUnder(4)]),
      ]
      return HTTPResponse(
        200, body: SOAPReply(serviceType: call.serviceType, action: call.action, arguments: arguments).octets)
    default: return HTTPResponse(request.method == "POST" || request.method == "DELETE" ? 204 : 404)
    }
  }

  private mutating func step(_ home: inout ConfiguratorDialogue, _ dice: inout Dice, _ number: Int) {
    switch dice.throwUnder(16) {
    case 0, 1:
      guard home.stream != nil else { return }
      let requestId = "e0000000-0000-4000-8000-" + String(100_000_000_000 + number)
      home.control(
        requestId, connection: Self.connections[dice.throwUnder(4)], lasts: Int64(1 + dice.throwUnder(60)),
        allowed: Int64(1 + dice.throwUnder(12)))
    case 2:
      guard home.stream != nil else { return }
      home.disconnect(
        "d0000000-0000-4000-8000-" + String(100_000_000_000 + number),
        connection: Self.connections[dice.throwUnder(4)])
    case 3: home.gatewayAnswers(version: 1 + dice.throwUnder(2), byNotice: dice.throwUnder(2) == 0)
    case 4: if dice.throwUnder(4) == 0 { home.gatewaySaysGoodbye() }
    case 5: home.wait(seconds: [0.01, 0.5, 1.5, 5, 12][dice.throwUnder(5)])
    case 6: home.storeFails = dice.throwUnder(4) == 0
    case 7:
      guard dice.throwUnder(5) == 0 else { return }
      home.storeFails = false
      home.restart()
      home.openStream()
    case 8: _ = home.register(Home.registration(reason: "refresh"), token: home.token)
    default:
      guard !home.asked.filter({ !$0.isStream }).isEmpty else { return }
      let calls = home.asked.indices.filter { !home.asked[$0].isStream }
      let one = home.asked.remove(at: calls[dice.throwUnder(calls.count)])
      if dice.throwUnder(6) == 0 {
        home.perform(.failed(one.call, [Failure.timeout, .refused, .reset, .malformed("x")][dice.throwUnder(4)]))
      } else {
        home.perform(.answered(one.call, response(to: one.request, &dice)))
      }
    }
    if home.stream == nil { home.wait(seconds: 6) }
  }

  @Test("nothing is left of a connection when its time is over", arguments: 1...40 as ClosedRange<UInt64>)
  mutating func drains(seed: UInt64) {
    var dice = Dice(state: seed &* 0x9E37_79B9_7F4A_7C15)
    var home = ConfiguratorDialogue()
    _ = home.configured()
    for number in 0..<250 { step(&home, &dice, number) }
    home.storeFails = false
    // Everybody falls silent.
    for _ in 0..<40 {
      while let index = home.asked.firstIndex(where: { !$0.isStream }) {
        home.perform(.failed(home.asked.remove(at: index).call, .refused))
      }
      home.wait(seconds: 5)
    }
    #expect(home.store["connections"]?.isEmpty != false, "seed \(seed)")
    #expect(home.store["port_mappings"]?.isEmpty != false, "seed \(seed)")
    #expect(home.role.connections.isEmpty, "seed \(seed)")
    #expect(home.role.mappings.isEmpty, "seed \(seed)")
    // And the next connection is served.
    if home.stream == nil { home.wait(seconds: 6) }
    home.openStream()
    _ = home.register(token: home.token)
    home.control("e0000000-0000-4000-8000-00000000ffff")
    #expect(home.waiting.contains("POST /connections"), "seed \(seed)")
  }
}

extension ConfiguratorDialogue {
  /// The control token of the television.
  fileprivate var token: String? { store["agents"]?[ConfiguratorDialogue.tv]?["controlToken"]?.string }
}
