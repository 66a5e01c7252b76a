import Messages
import RoleKit
import Testing

@testable import CEAgentRole

let peerAgentId = "bbbbbbbb-0000-4000-8000-000000000021"
let sessionId = "5e550000-0000-4000-8000-000000000001"
let stunServer = Endpoint("198.51.100.10:3478")!
let reflexive = Endpoint("203.0.113.1:40000")!
let peerEndpoint = Endpoint("203.0.113.2:50000")!
let checkKey = "the-key-of-the-checks"

extension Living {
  static func session(
    role: String = "controlling", mapping: String = "unknown", peerMapping: String = "unknown",
    expires: String = "2026-09-21T14:18:20.000Z"
  ) -> JSONValue {
    [
      "sessionId": .string(sessionId), "sessionToken": "session-token", "checkKey": .string(checkKey),
      "natMapping": .string(mapping), "peerNatMapping": .string(peerMapping), "role": .string(role),
      "stun": .string("\(stunServer)"), "server": "http://198.51.100.10:8080", "expires": .string(expires),
    ]
  }

  /// The user at the device wishes a connection.
  @discardableResult
  mutating func wishes(
    _ body: JSONValue = [
      "peer": ["homeId": "home-b", "agentId": .string(peerAgentId)], "application": "share", "localPort": 50_021,
    ], from: String = "192.168.10.21:5000", token: String? = nil
  ) -> HTTPResponse {
    asks(
      "POST", "/peer-connections", token: token, fields: [("Content-Type", "application/json")],
      body: body.description, from: from)
  }

  /// The newest connection, as the device tells of it.
  var connection: JSONValue {
    mutating get {
      asks("GET", "/peer-connections", from: "192.168.10.21:5000").json?["connections"]?.array?.last ?? .null
    }
  }

  /// What was sent since the last look.
  mutating func sends() -> [Sent] {
    defer { sent = [] }
    return sent
  }

  mutating func hears(_ octets: [UInt8], from: Endpoint, port: UInt16 = 50_021) {
    receives(.datagram(octets, from: from, to: Endpoint(IPAddress("192.168.10.21")!, port)))
  }

  /// Answers the open call to this path.
  mutating func answersCall(
    _ path: String, _ response: HTTPResponse, at location: SourceLocation = #_sourceLocation
  ) {
    guard let index = calls.firstIndex(where: { $0.request.path == path }) else {
      Issue.record("no call to \(path); open: \(calls.map(\.request.path))", sourceLocation: location)
      return
    }
    receives(.answered(calls.remove(at: index).call, response))
  }

  /// Registered, with a session of the peer; its STUN request is out.
  mutating func opensSession(_ session: JSONValue = Living.session()) {
    registers()
    requests = []
    wishes()
    answersCall("/connections", .json(200, session))
  }

  static let joinPath = "/v1/sessions/\(sessionId)/candidates"

  /// Steps 5 whole: both sides' candidates are known, and the first checks are out.
  mutating func joins(_ session: JSONValue = Living.session(), peer: [Endpoint] = [peerEndpoint]) {
    opensSession(session)
    answersBinding()
    answersCall(
      Living.joinPath,
      .json(
        200,
        [
          "candidates": .array(
            peer.map { ["type": "srflx", "address": .text($0.address), "port": .int(Int($0.port))] })
        ]))
  }

  mutating func answersBinding(with mapped: Endpoint = reflexive) {
    guard let binding = sends().last, let request = try? STUNMessage(parsing: binding.octets) else {
      Issue.record("no STUN request")
      return
    }
    let answer = STUNMessage(.success, transaction: request.transaction, attributes: [.xorMappedAddress(mapped)])
    hears(answer.octets(), from: stunServer)
  }

  /// A check as the peer sends it.
  static func check(
    username: String = "\(sessionId):controlled", key: String = checkKey, transaction: UInt64 = 1,
    more: [STUNAttribute] = []
  ) -> [UInt8] {
    STUNMessage(
      .request, transaction: STUNTransactionID(high: 7, low: transaction), attributes: [.username(username)] + more
    ).octets(integrity: .sha1(key: Array(key.utf8)))
  }

  /// The peer's answer to a check of ours.
  static func answer(to check: Sent, key: String = checkKey) -> [UInt8] {
    let transaction = (try? STUNMessage(parsing: check.octets))?.transaction ?? STUNTransactionID(high: 0, low: 0)
    return STUNMessage(.success, transaction: transaction, attributes: [.xorMappedAddress(reflexive)])
      .octets(integrity: .sha1(key: Array(key.utf8)))
  }
}
