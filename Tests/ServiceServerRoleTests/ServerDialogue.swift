import Messages
import RoleKit
import ServiceServerRole
import Testing

/// The host of one service server: a virtual clock, a store in memory, and everything that the role did.
struct ServerDialogue {
  static let address = Endpoint("198.51.100.10:8080")!
  static let operatorToken = "operator-token"
  static let tv = "7f9c0000-0000-4000-8000-000000000001"
  static let configuratorId = "cf900000-0000-4000-8000-000000000001"

  var role: ServiceServer
  var now = Moment(monotonic: 1, wall: 1_700_000_000_000)
  var bits: RandomBits
  var store: [String: [String: JSONValue]] = [:]
  var timers: [TimerName: UInt64] = [:]
  var storeFails = false
  private var lastExchange: UInt64 = 0
  /// The exchange of the newest request.
  var lastExchangeNumber: UInt64 { lastExchange }

  init(settings: ServiceServerSettings = ServerDialogue.settings) {
    role = ServiceServer(settings: settings)
    bits = ServerDialogue.counter()
    _ = perform(.started(rows: [], interfaces: []))
  }

  static let settings = ServiceServerSettings(
    operatorToken: operatorToken,
    homes: [
      "home-a": HomeTokens(homeToken: "home-a-token", userToken: "user-a-token"),
      "home-b": HomeTokens(homeToken: "home-b-token", userToken: "user-b-token"),
    ])

  private static func counter() -> RandomBits {
    nonisolated(unsafe) var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    return RandomBits {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 29
    }
  }

  var rows: [Row] {
    store.flatMap { table, rows in rows.map { Row(table, $0.key, $0.value) } }.sorted { $0.key < $1.key }
  }

  /// One turn, as a host does it.
  @discardableResult mutating func perform(_ input: Input) -> [Effect] {
    var next = role
    var effects = next.handle(input, at: now, bits: &bits)
    var isSaved = false
    for case .save(let rows) in effects {
      if storeFails {
        effects = role.handle(.commitFailed(.storage("disk full"), of: input), at: now, bits: &bits)
        note(effects)
        return effects
      }
      isSaved = true
      for row in rows { store[row.table, default: [:]][row.key] = row.value }
    }
    // What is acknowledged was stored first.
    let save = effects.firstIndex { if case .save = $0 { true } else { false } }
    let reply = effects.firstIndex { if case .reply = $0 { true } else { false } }
    if isSaved, let save, let reply { #expect(save < reply) }
    role = next
    note(effects)
    return effects
  }

  private mutating func note(_ effects: [Effect]) {
    for effect in effects {
      switch effect {
      case .arm(let name, let after): timers[name] = now.monotonic + after
      case .disarm(let name): timers[name] = nil
      default: break
      }
    }
  }

  /// Lets time pass, and fires what is due on the way.
  @discardableResult mutating func wait(seconds: Double) -> [Effect] {
    let end = now.monotonic + .seconds(seconds)
    var effects: [Effect] = []
    while let next = timers.filter({ $0.value <= end }).min(by: { $0.value < $1.value }) {
      timers[next.key] = nil
      advance(to: next.value)
      effects += perform(.fired(next.key))
    }
    advance(to: end)
    return effects
  }

  private mutating func advance(to monotonic: UInt64) {
    now.wall += Int64((monotonic - now.monotonic) / 1_000_000)
    now.monotonic = monotonic
  }

  /// The process is killed and started again over the same store.
  mutating func restart(settings: ServiceServerSettings = ServerDialogue.settings) -> [Effect] {
    role = ServiceServer(settings: settings)
    timers = [:]
    return perform(.started(rows: rows, interfaces: []))
  }

  mutating func exchange() -> Exchange {
    lastExchange += 1
    return Exchange(lastExchange)
  }

  func request(
    _ method: String, _ target: String, token: String? = nil, body: JSONValue? = nil, _ fields: HTTPFields = [:]
  ) -> HTTPRequest {
    var request = body.map { HTTPRequest.json(method, target, $0) } ?? HTTPRequest(method, target)
    request.fields["Host"] = "\(ServerDialogue.address)"
    request.bearerToken = token
    request.fields.list += fields.list
    return request
  }

  /// Sends a request and returns its response; every effect of the turn comes along.
  mutating func ask(
    _ method: String, _ target: String, token: String? = nil, body: JSONValue? = nil, _ fields: HTTPFields = [:]
  ) -> (response: HTTPResponse, effects: [Effect]) {
    send(request(method, target, token: token, body: body, fields))
  }

  mutating func send(_ request: HTTPRequest) -> (response: HTTPResponse, effects: [Effect]) {
    let exchange = exchange()
    let effects = perform(
      .requested(exchange, request, from: Endpoint("203.0.113.1:40000")!, to: ServerDialogue.address))
    var response = HTTPResponse(0)
    for case .reply(exchange, let reply) in effects { response = reply }
    return (response, effects)
  }

  mutating func openStream(_ home: String = "home-a", token: String = "home-a-token") -> (Exchange, [Effect]) {
    let exchange = exchange()
    let effects = perform(
      .requested(
        exchange, request("GET", "/v1/homes/\(home)/requests", token: token), from: Endpoint("203.0.113.1:40001")!,
        to: ServerDialogue.address))
    return (exchange, effects)
  }

  static func registration(_ agentId: String = tv, lifetime: Int = 3600) -> JSONValue {
    [
      "agentId": .string(agentId), "reason": "new-device",
      "device": [
        "deviceCategory": ["AV_TV"], "manufacturerOUI": "02CE01", "modelName": "TV-1", "serialNumber": "S1",
      ],
      "interfaces": [], "applications": [["name": "media", "protocol": "tcp", "port": 8200, "remoteAccess": true]],
      "configurationURL": "http://192.168.10.21:49210/configuration", "lifetime": .int(lifetime),
      "configuratorId": .string(configuratorId), "revision": nil,
    ]
  }

  mutating func register(_ agentId: String = tv, lifetime: Int = 3600) -> HTTPResponse {
    ask(
      "PUT", "/v1/homes/home-a/agents/\(agentId)", token: "home-a-token",
      body: ServerDialogue.registration(agentId, lifetime: lifetime)
    ).response
  }

  mutating func hold(_ document: JSONValue, for agentId: String = tv, home: String = "home-a") -> (
    response: HTTPResponse, effects: [Effect]
  ) {
    ask(
      "PUT", "/v1/homes/\(home)/agents/\(agentId)/configuration", token: ServerDialogue.operatorToken, body: document)
  }
}

extension HTTPResponse {
  /// The problem's name, without what all of them begin with.
  var problem: String? { json?["type"]?.string.map { $0.replacing("urn:homebed:problem:", with: "") } }
}

extension [Effect] {
  /// The data of the events sent on a stream.
  func events(on stream: Exchange) -> [JSONValue] {
    compactMap {
      guard case .event(stream, let event) = $0 else { return nil }
      return try? JSONValue(parsing: event.data)
    }
  }
}
