import CEAgentRole
import Messages
import RoleKit
import Synchronization
import Testing

let agentId = "7f9c0000-0000-4000-8000-000000000021"
let configuratorA = "aaaaaaaa-0000-4000-8000-000000000001"
let configuratorB = "bbbbbbbb-0000-4000-8000-000000000002"
let addressA = Endpoint("192.168.10.2:49200")!
let addressB = Endpoint("192.168.10.3:49200")!

let device: JSONValue = [
  "deviceCategory": ["AV_TV"], "manufacturerOUI": "02CE01", "modelName": "TV-1", "modelNumber": "2026",
  "serialNumber": "S1", "friendlyName": "Living room <TV>",
]

func interface(
  _ addresses: [String] = ["192.168.10.21/24"], name: String = "eth0", up: Bool = true,
  gateway: String? = "192.168.10.1"
) -> InterfaceState {
  InterfaceState(
    name: name, isUp: up, macAddress: MACAddress("02:00:00:00:00:21"), addresses: addresses.compactMap { CIDR($0) },
    defaultGateway: gateway.flatMap { IPAddress($0) }, dnsServers: [IPAddress("192.168.10.1")!])
}

func settings(deregisters: Bool = false, lifetime: Int = 3600, ssdpMaxDelay: UInt64? = nil) -> CEAgentSettings {
  CEAgentSettings(
    agentId: agentId, device: device,
    applications: [.init(name: "media", transport: .tcp, port: 8200, remoteAccess: true)], lifetime: lifetime,
    deregistersOnStop: deregisters, hostNames: ["tv.home"], ssdpMaxDelay: ssdpMaxDelay)
}

/// A CE agent in a living room made of values: it performs the agent's effects on a clock, a store and a network of its
/// own, as a host does, and lets a test be everybody else.
struct Living {
  struct OpenCall: Equatable {
    var call: Call
    var request: HTTPRequest
    var to: Endpoint
    var due: UInt64
  }

  struct Sent: Equatable {
    var octets: [UInt8]
    var from: Endpoint
    var to: Endpoint
  }

  var agent: CEAgent
  var now = Moment(monotonic: 1_000_000_000, wall: 1_790_000_000_000)
  var bits: RandomBits
  var timers: [TimerName: UInt64] = [:]
  var calls: [OpenCall] = []
  var store: [String: Row] = [:]
  /// What the network saw since it was last asked: datagrams, requests, replies, moves.
  var datagrams: [(text: String, to: Endpoint?, interface: String)] = []
  var requests: [HTTPRequest] = []
  var replies: [Exchange: HTTPResponse] = [:]
  var moves: [Effect] = []
  var reports: [Report] = []
  var order: [Effect] = []
  var ports: Set<UInt16> = []
  /// UDP sockets that are open, and what was sent from them since the last look.
  var sockets: Set<UInt16> = []
  var sent: [Sent] = []
  /// Whether the home's name servers answer what they are asked.
  var nameServersAnswer = true
  private var questions: [Sent] = []
  /// ICMP echoes that were asked for.
  var echoes: [(call: Call, to: IPAddress)] = []
  var exit: Int32?
  var isReady = false
  /// While it is set, every commit fails with it.
  var storeFailure: Failure?
  private var lastExchange: UInt64 = 0

  init(_ settings: CEAgentSettings = settings(), word: UInt64 = 0x0123_4567_89AB_CDEF, rows: [Row] = []) {
    agent = CEAgent(settings)
    let counter = Counter(word)
    bits = RandomBits { counter.next() }
    for row in rows { store["\(row.table)/\(row.key)"] = row }
  }

  var rows: [Row] { store.sorted { $0.key < $1.key }.map(\.value) }

  /// One turn, as ``Role`` tells a host to run it.
  mutating func receives(_ input: Input) {
    var next = agent
    var effects = next.handle(input, at: now, bits: &bits)
    let saved = effects.compactMap { if case .save(let rows) = $0 { rows } else { nil } }
    #expect(saved.count <= 1, "a turn saves at most once")
    if let storeFailure, !saved.isEmpty {
      if case .commitFailed = input { Issue.record("a failed commit may not save") }
      next = agent
      effects = next.handle(.commitFailed(storeFailure, of: input), at: now, bits: &bits)
    } else {
      for row in saved.joined() { store["\(row.table)/\(row.key)"] = row.value == nil ? nil : row }
    }
    agent = next
    for effect in effects { perform(effect) }
    let asked = questions
    questions = []
    guard nameServersAnswer else { return }
    for question in asked { receives(.datagram(answer(question.octets), from: question.to, to: question.from)) }
  }

  /// A name server that refuses: it is there.
  private func answer(_ question: [UInt8]) -> [UInt8] {
    question.prefix(2) + [0x81, 0x05] + question.dropFirst(4)
  }

  private mutating func perform(_ effect: Effect) {
    order.append(effect)
    switch effect {
    case .reply(let exchange, let response):
      #expect(replies[exchange] == nil, "one reply an exchange")
      replies[exchange] = response
    case .call(let call, let request, let to, let timeout):
      requests.append(request)
      calls.append(OpenCall(call: call, request: request, to: to, due: now.monotonic + timeout))
    case .cancel(let call):
      #expect(calls.contains { $0.call == call }, "only what is open can be cancelled")
      calls.removeAll { $0.call == call }
    case .ssdp(let octets, let to, let interface):
      datagrams.append((String(decoding: octets, as: UTF8.self), to, interface))
    case .arm(let timer, let after): timers[timer] = now.monotonic + after
    case .disarm(let timer): timers[timer] = nil
    case .address: moves.append(effect)
    case .report(let report): reports.append(report)
    case .ready: isReady = true
    case .exit(let status): exit = status
    case .save: break
    case .listen(let port): ports.insert(port)
    case .stopListening(let port): ports.remove(port)
    case .openFrames, .frame: break
    case .openDatagrams(let port): sockets.insert(port)
    case .closeDatagrams(let port): sockets.remove(port)
    case .datagram(let octets, let from, let to):
      #expect(sockets.contains(from.port), "a datagram leaves from an open socket")
      // The questions of every look around are answered by themselves, see above.
      if to.port == 53 {
        questions.append(Sent(octets: octets, from: from, to: to))
      } else {
        sent.append(Sent(octets: octets, from: from, to: to))
      }
    case .refreshInterfaces: break
    case .echo(let call, let to, _): echoes.append((call, to))
    case .readNeighbours, .watchBridge, .openStream, .event, .comment, .close, .subscribe, .map, .unmap, .count,
      .output:
      Issue.record("the agent has no business with \(effect)")
    }
  }

  /// Lets time pass: timers fire and calls run out in their order.
  mutating func passes(_ seconds: Double) {
    let end = now.monotonic + UInt64((seconds * 1000).rounded()) * 1_000_000
    while true {
      let timer = timers.min { ($0.value, $0.key.name, $0.key.key) < ($1.value, $1.key.name, $1.key.key) }
      let call = calls.min { $0.due < $1.due }
      let next = min(timer?.value ?? .max, call?.due ?? .max)
      guard next <= end else { break }
      move(to: next)
      if let call, call.due == next {
        calls.removeAll { $0.call == call.call }
        receives(.failed(call.call, .timeout))
      } else if let timer {
        timers[timer.key] = nil
        receives(.fired(timer.key))
      }
    }
    move(to: end)
  }

  private mutating func move(to monotonic: UInt64) {
    now.wall += Int64((monotonic - now.monotonic) / 1_000_000)
    now.monotonic = monotonic
  }

  // MARK: The others in the home

  mutating func starts(_ interfaces: [InterfaceState] = [interface()]) {
    receives(.started(rows: rows, interfaces: interfaces))
  }

  /// The configurator replies its ID.
  mutating func discovered(
    _ id: String = configuratorA, at location: String? = nil, on interface: String = "eth0",
    type: String = ProfileNames.configuratorType
  ) {
    let location = location ?? "http://\(id == configuratorB ? addressB : addressA)/description.xml"
    let reply =
      "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=1800\r\nEXT:\r\nLOCATION: \(location)\r\n"
      + "ST: \(type)\r\nUSN: uuid:\(id)::\(type)\r\n\r\n"
    receives(.ssdp(Array(reply.utf8), from: Endpoint("192.168.10.2:1900")!, .unicast, interface: interface))
  }

  mutating func announced(_ id: String = configuratorA, at location: String = "http://192.168.10.2:49200/d.xml") {
    let notice =
      "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nCACHE-CONTROL: max-age=1800\r\nLOCATION: \(location)\r\n"
      + "NT: \(ProfileNames.configuratorType)\r\nNTS: ssdp:alive\r\nUSN: uuid:\(id)::\(ProfileNames.configuratorType)\r\n\r\n"
    receives(.ssdp(Array(notice.utf8), from: Endpoint("192.168.10.2:1900")!, .multicast, interface: "eth0"))
  }

  static func registerReply(
    _ id: String = configuratorA, status: Int = 201, lifetime: Int = 3600, token: String = "token-of-a"
  ) -> HTTPResponse {
    .json(
      status,
      [
        "configuratorId": .string(id), "agentId": .string(agentId), "lifetime": .int(lifetime), "revision": nil,
        "controlToken": .string(token),
      ])
  }

  /// Answers the one call that is open.
  mutating func answers(_ response: HTTPResponse, sourceLocation: SourceLocation = #_sourceLocation) {
    guard calls.count == 1 else {
      Issue.record("\(calls.count) calls are open", sourceLocation: sourceLocation)
      return
    }
    receives(.answered(calls.removeFirst().call, response))
  }

  /// Sequence 1, steps 1 to 3.
  mutating func registers(with id: String = configuratorA, token: String? = nil, lifetime: Int = 3600) {
    starts()
    discovered(id)
    answers(
      Living.registerReply(id, lifetime: lifetime, token: token ?? (id == configuratorA ? "token-of-a" : "token-of-b")))
    passes(1.5)
  }

  /// What a person or the configurator asks of the agent's own API.
  @discardableResult
  mutating func asks(
    _ method: String, _ target: String, token: String? = nil, host: String? = "192.168.10.21:49210",
    fields: [(String, String)] = [], body: String = "", port: UInt16 = 49210,
    from: String = "192.168.10.2:5000"
  ) -> HTTPResponse {
    lastExchange += 1
    var list = fields.map { HTTPFields.Field($0.0, $0.1) }
    if let host { list.append(.init("Host", host)) }
    if let token { list.append(.init("Authorization", "Bearer \(token)")) }
    let request = HTTPRequest(method, target, fields: HTTPFields(list), body: Array(body.utf8))
    let exchange = Exchange(lastExchange)
    receives(
      .requested(
        exchange, request, from: Endpoint(from)!, to: Endpoint(IPAddress("192.168.10.21")!, port)))
    guard let response = replies[exchange] else {
      Issue.record("no reply to \(method) \(target)")
      return HTTPResponse(599)
    }
    return response
  }

  /// The exchange of the last `asks`.
  var exchange: Exchange { Exchange(lastExchange) }

  @discardableResult
  mutating func configures(
    _ patch: String, match: String? = "*", token: String? = "token-of-a",
    type: String = ProfileNames.mergePatchType
  ) -> HTTPResponse {
    var fields = [("Content-Type", type)]
    if let match { fields.append(("If-Match", match)) }
    return asks("PATCH", "/configuration", token: token, fields: fields, body: patch)
  }

  // MARK: What is seen

  /// The searches for a configurator since the last look.
  mutating func searches() -> Int {
    let isSearch = { (text: String) in text.hasPrefix("M-SEARCH") && text.contains(ProfileNames.configuratorType) }
    let count = datagrams.filter { isSearch($0.text) }.count
    datagrams.removeAll { $0.text.hasPrefix("M-SEARCH") }
    return count
  }

  var problems: [String] {
    mutating get { asks("GET", "/status").json?["problems"]?.array?.compactMap { $0["name"]?.string } ?? [] }
  }

  var state: String { mutating get { asks("GET", "/status").json?["state"]?.string ?? "" } }

  /// The `register` bodies since the last look.
  mutating func sentRegisters() -> [(body: JSONValue, request: HTTPRequest)] {
    defer { requests.removeAll() }
    return requests.filter { $0.method == "PUT" }.compactMap { request in
      (try? JSONValue(parsing: request.body)).map { ($0, request) }
    }
  }
}

/// Random bits that are the same in every run (SplitMix64).
final class Counter: Sendable {
  private let state: Mutex<UInt64>
  init(_ seed: UInt64) { state = Mutex(seed) }
  func next() -> UInt64 {
    state.withLock { state in
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = state
      word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
      return word ^ word >> 31
    }
  }
}
