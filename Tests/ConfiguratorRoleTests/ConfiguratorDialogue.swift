import ConfiguratorRole
import Messages
import RoleKit
import Testing

/// The host of one configurator: a virtual clock, a store in memory, and everything that the role did.
struct ConfiguratorDialogue {
  static let address = Endpoint("192.168.10.2:49200")!
  static let server = Endpoint("198.51.100.10:8080")!
  static let device = Endpoint("192.168.10.21:49210")!
  static let gateway = Endpoint("192.168.10.1:5000")!
  static let configuratorId = "cf900000-0000-4000-8000-000000000001"
  static let tv = "7f9c0000-0000-4000-8000-000000000001"

  static let interface = InterfaceState(
    name: "eth0", isUp: true, macAddress: MACAddress("02:00:00:00:00:02"), addresses: [CIDR("192.168.10.2/24")!],
    defaultGateway: IPAddress("192.168.10.1"), dnsServers: [])

  static func settings(
    withServer: Bool = true, serverRegistration: Bool = true, configurationPull: Bool = true
  ) -> ConfiguratorSettings {
    ConfiguratorSettings(
      configuratorId: configuratorId,
      server: withServer ? .init(endpoint: server, homeId: "home-a", homeToken: "home-a-token") : nil,
      operatorToken: "operator-token", serverRegistration: serverRegistration, configurationPull: configurationPull,
      longestReplyDelay: .milliseconds(20))
  }

  /// A request that the role made and nobody answered yet.
  struct Asked: Sendable {
    var call: Call
    var request: HTTPRequest
    var to: Endpoint
    var isStream: Bool
  }

  var settings: ConfiguratorSettings
  var role: Configurator
  var now = Moment(monotonic: 1, wall: 1_700_000_000_000)
  var bits: RandomBits
  var store: [String: [String: JSONValue]] = [:]
  var timers: [TimerName: UInt64] = [:]
  var asked: [Asked] = []
  var reports: [Report] = []
  var datagrams: [(octets: [UInt8], to: Endpoint?, interface: String, at: UInt64)] = []
  /// Searches for gateways.
  var searches: [String] = []
  /// What was sent from sockets of the role's own, since the last look.
  var udp: [(octets: [UInt8], from: Endpoint, to: Endpoint)] = []
  var storeFails = false
  private var lastExchange: UInt64 = 0

  init(settings: ConfiguratorSettings = ConfiguratorDialogue.settings()) {
    self.settings = settings
    role = Configurator(settings: settings)
    nonisolated(unsafe) var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    bits = RandomBits {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 29
    }
  }

  @discardableResult mutating func start() -> [Effect] {
    perform(.started(rows: rows, interfaces: [ConfiguratorDialogue.interface]))
  }

  /// The process is killed and started again over the same store.
  @discardableResult mutating func restart() -> [Effect] {
    role = Configurator(settings: settings)
    timers = [:]
    asked = []
    reports = []
    datagrams = []
    return start()
  }

  var rows: [Row] {
    store.flatMap { table, rows in rows.map { Row(table, $0.key, $0.value) } }.sorted { $0.key < $1.key }
  }

  /// One turn, as a host does it.
  @discardableResult mutating func perform(_ input: Input) -> [Effect] {
    var next = role
    var effects = next.handle(input, at: now, bits: &bits)
    let saves = effects.contains { if case .save = $0 { true } else { false } }
    if saves, storeFails {
      effects = role.handle(.commitFailed(.storage("disk full"), of: input), at: now, bits: &bits)
      #expect(!effects.contains { if case .save = $0 { true } else { false } })
    } else {
      for case .save(let rows) in effects {
        for row in rows { store[row.table, default: [:]][row.key] = row.value }
      }
      role = next
    }
    for effect in effects {
      switch effect {
      case .arm(let name, let after): timers[name] = now.monotonic + after
      case .disarm(let name): timers[name] = nil
      case .call(let call, let request, let to, _):
        asked.append(Asked(call: call, request: request, to: to, isStream: false))
      case .subscribe(let call, let request, let to, _):
        asked.append(Asked(call: call, request: request, to: to, isStream: true))
      case .cancel(let call): asked.removeAll { $0.call == call }
      case .report(let report): reports.append(report)
      case .ssdp(let octets, nil, _) where String(decoding: octets, as: UTF8.self).hasPrefix("M-SEARCH"):
        searches.append(String(decoding: octets, as: UTF8.self))
      case .datagram(let octets, let from, let to): udp.append((octets, from, to))
      case .ssdp(let octets, let to, let interface): datagrams.append((octets, to, interface, now.monotonic))
      default: break
      }
    }
    return effects
  }

  /// Lets time pass, and fires what is due on the way.
  @discardableResult mutating func wait(seconds: Double) -> [Effect] {
    let end = now.monotonic + .seconds(seconds)
    var effects: [Effect] = []
    while let next = timers.filter({ $0.value <= end }).min(by: { ($0.value, $0.key.key) < ($1.value, $1.key.key) }) {
      timers[next.key] = nil
      advance(to: next.value)
      effects += perform(.fired(next.key))
    }
    advance(to: end)
    return effects
  }

  private mutating func advance(to monotonic: UInt64) {
    let whole = Int64((monotonic - 1) / 1_000_000)
    now.wall = 1_700_000_000_000 + whole
    now.monotonic = monotonic
  }

  mutating func exchange() -> Exchange {
    lastExchange += 1
    return Exchange(lastExchange)
  }

  // MARK: Requests to the configurator

  static func registration(
    _ agentId: String = tv, reason: String = "new-device", lifetime: Int = 3600, serial: String = "S1"
  ) -> JSONValue {
    [
      "agentId": .string(agentId), "reason": .string(reason),
      "device": [
        "deviceCategory": ["AV_TV"], "manufacturerOUI": "02CE01", "modelName": "TV-1", "modelNumber": "2026",
        "serialNumber": .string(serial), "friendlyName": "Living room TV",
      ],
      "interfaces": [
        [
          "name": "eth0", "ifType": 6, "macAddress": "02:00:00:00:00:21", "ipAddresses": ["192.168.10.21/24"],
          "defaultGateway": "192.168.10.1", "dnsServers": ["192.168.10.1"],
        ]
      ],
      "applications": [["name": "media", "protocol": "tcp", "port": 8200, "remoteAccess": true]],
      "configurationURL": "http://192.168.10.21:49210/configuration", "lifetime": .int(lifetime),
    ]
  }

  func request(
    _ method: String, _ target: String, token: String? = nil, body: JSONValue? = nil, _ fields: HTTPFields = [:]
  ) -> HTTPRequest {
    var request = body.map { HTTPRequest.json(method, target, $0) } ?? HTTPRequest(method, target)
    request.fields["Host"] = "\(ConfiguratorDialogue.address)"
    request.bearerToken = token
    request.fields.list += fields.list
    return request
  }

  /// Sends a request; its reply is not written yet.
  mutating func send(_ request: HTTPRequest, from: String = "192.168.10.21") -> (Exchange, HTTPResponse) {
    let exchange = exchange()
    let effects = perform(
      .requested(exchange, request, from: Endpoint(IPAddress(from)!, 40_000), to: ConfiguratorDialogue.address))
    var response = HTTPResponse(0)
    for case .reply(exchange, let reply) in effects { response = reply }
    return (exchange, response)
  }

  mutating func ask(
    _ method: String, _ target: String, token: String? = nil, body: JSONValue? = nil, _ fields: HTTPFields = [:]
  ) -> HTTPResponse {
    let (exchange, response) = send(request(method, target, token: token, body: body, fields))
    perform(.replied(exchange))
    return response
  }

  /// `register` and the writing of its reply.
  mutating func register(
    _ body: JSONValue = registration(), token: String? = nil, key: String? = nil
  ) -> HTTPResponse {
    let agentId = body["agentId"]?.string ?? ""
    return ask("PUT", "/agents/\(agentId)", token: token, body: body, key.map { ["Idempotency-Key": $0] } ?? [:])
  }

  mutating func read(_ agentId: String = tv) -> JSONValue? {
    let (_, response) = send(request("GET", "/agents/\(agentId)", token: "operator-token"))
    return response.status == 200 ? response.json : nil
  }

  // MARK: Requests of the configurator

  /// What was asked and not answered, as `METHOD path`.
  var waiting: [String] { asked.filter { !$0.isStream }.map { "\($0.request.method) \($0.request.path)" } }

  /// Expects that this was asked of somebody, and answers it.
  @discardableResult mutating func answer(
    _ line: String, _ response: HTTPResponse, at location: SourceLocation = #_sourceLocation
  ) -> HTTPRequest {
    guard let index = asked.firstIndex(where: { "\($0.request.method) \($0.request.path)" == line }) else {
      Issue.record("\(line) was not asked; waiting: \(waiting)", sourceLocation: location)
      return HTTPRequest("", "")
    }
    let one = asked.remove(at: index)
    let isAgent = one.request.path == "/configuration" || one.request.path.hasPrefix("/connections")
    let isGateway = one.request.path.hasSuffix(".xml") || one.request.path.hasPrefix("/ctl")
    let partner =
      isAgent
      ? ConfiguratorDialogue.device : isGateway ? ConfiguratorDialogue.gateway : ConfiguratorDialogue.server
    #expect(one.to == partner, sourceLocation: location)
    perform(.answered(one.call, response))
    return one.request
  }

  mutating func fail(_ line: String, _ failure: Failure, at location: SourceLocation = #_sourceLocation) {
    guard let index = asked.firstIndex(where: { "\($0.request.method) \($0.request.path)" == line }) else {
      Issue.record("\(line) was not asked; waiting: \(waiting)", sourceLocation: location)
      return
    }
    perform(.failed(asked.remove(at: index).call, failure))
  }

  /// The call of the stream that is open or being opened.
  var stream: Call? { asked.last { $0.isStream }?.call }

  mutating func openStream() {
    guard let stream else {
      Issue.record("no stream was asked for")
      return
    }
    perform(.answered(stream, HTTPResponse(200, fields: ["Content-Type": "text/event-stream"])))
  }

  mutating func event(
    _ requestId: String, kind: String = "configuration-changed", agentId: String = tv, revision: Int = 2
  ) {
    guard let stream else {
      Issue.record("no stream is open")
      return
    }
    let data: JSONValue = [
      "requestId": .string(requestId), "kind": .string(kind), "agentId": .string(agentId),
      "deadline": .string(ProfileTime.rfc3339(now.wall + 60_000)), "revision": .int(revision),
    ]
    perform(.streamed(stream, ServerSentEvent(id: "1", event: kind, data: data.description)))
  }

  func reported(_ code: String) -> Bool { reports.contains { $0.code == code } }

  static let registerLine = "PUT /v1/homes/home-a/agents/\(tv)"
  static let pullLine = "GET /v1/homes/home-a/agents/\(tv)/configuration"

  static func document(_ document: JSONValue, revision: Int) -> HTTPResponse {
    var response = HTTPResponse.json(200, document)
    response.fields["ETag"] = "\"\(revision)\""
    return response
  }

  /// A whole Sequence 1 that leaves the agent with this document of revision 1; returns the control token.
  mutating func configured(_ document: JSONValue = ["ntpServer": "198.51.100.10"]) -> String {
    start()
    openStream()
    let token = register().json?["controlToken"]?.string ?? ""
    answer(Self.registerLine, .json(201, ["revision": 1]))
    answer(Self.pullLine, Self.document(document, revision: 1))
    answer("GET /configuration", Self.document([:], revision: 1))
    answer("PATCH /configuration", Self.document(document, revision: 2))
    return token
  }
}

extension HTTPResponse {
  var problem: String? { json?["type"]?.string.map { $0.replacing("urn:homebed:problem:", with: "") } }
}

extension HTTPRequest {
  /// The body as JSON.
  var json: JSONValue? { try? JSONValue(parsing: body) }
}
