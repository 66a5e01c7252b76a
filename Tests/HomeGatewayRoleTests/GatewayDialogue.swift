import HomeGatewayRole
import Messages
import RoleKit
import Testing

/// The host of one gateway: a virtual clock, a store in memory, a mapper, and everything that the role did.
struct GatewayDialogue {
  static let inside = Endpoint("192.168.10.1:49300")!
  static let outside = Endpoint("11.22.33.1:49300")!
  static let tv = IPAddress("192.168.10.21")!
  static let configurator = IPAddress("192.168.10.2")!
  static let stranger = IPAddress("11.22.33.77")!
  static let uuid = "2bc58ed6-230c-4f96-a91d-23a4ca6883cf"

  /// What the mapper says to the next mappings.
  enum Mapper { case takes, refuses, fails, waits }

  var role: HomeGateway
  var now = Moment(monotonic: 1_000_000, wall: 1_700_000_000_000)
  var bits: RandomBits
  var store: [String: [String: JSONValue]] = [:]
  var storeFails = false
  var mapper = Mapper.takes
  /// What passes.
  var passing: Set<PortMapping> = []
  var waiting: [PortMapping] = []
  var timers: [TimerName: UInt64] = [:]
  var replies: [Exchange: HTTPResponse] = [:]
  var calls: [(call: Call, request: HTTPRequest, to: Endpoint)] = []
  var datagrams: [(octets: [UInt8], to: Endpoint?, interface: String)] = []
  var echoes: [(octets: [UInt8], from: Endpoint, to: Endpoint)] = []
  var counts: [String] = []
  var reports: [Report] = []
  var isReady = false
  var exit: Int32?
  let settings: HomeGatewaySettings
  private var lastExchange: UInt64 = 0

  static func settings(_ change: (inout HomeGatewaySettings) -> Void = { _ in }) -> HomeGatewaySettings {
    var settings = HomeGatewaySettings(uuid: uuid, outside: ["eth0"])
    settings.controlPoints = [configurator]
    settings.ssdpMaxDelay = .milliseconds(20)
    change(&settings)
    return settings
  }

  static func interface(_ name: String, _ address: String?, isUp: Bool = true) -> InterfaceState {
    InterfaceState(
      name: name, isUp: isUp, macAddress: nil, addresses: address.map { [CIDR($0)!] } ?? [], defaultGateway: nil,
      dnsServers: [])
  }

  static let interfaces = [interface("eth0", "11.22.33.1/24"), interface("eth1", "192.168.10.1/24")]

  init(_ settings: HomeGatewaySettings = GatewayDialogue.settings(), starts: Bool = true) {
    self.settings = settings
    role = HomeGateway(settings: settings)
    nonisolated(unsafe) var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    bits = RandomBits {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 29
    }
    if starts { start() }
  }

  mutating func start(_ interfaces: [InterfaceState] = GatewayDialogue.interfaces) {
    let rows = store.flatMap { table, rows in rows.map { Row(table, $0.key, $0.value) } }
    perform(.started(rows: rows.sorted { $0.key < $1.key }, interfaces: interfaces))
  }

  /// The process is killed, some time passes, and it starts again over the same store.
  mutating func restart(after seconds: Double) {
    role = HomeGateway(settings: settings)
    (timers, calls, passing, isReady) = ([:], [], [], false)
    now.monotonic = 5
    now.wall += Int64(seconds * 1000)
    start()
  }

  /// One turn, as a host does it, and the turns that the mapper's answers are.
  mutating func perform(_ input: Input) {
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
    for effect in effects { perform(effect) }
  }

  private mutating func perform(_ effect: Effect) {
    switch effect {
    case .reply(let exchange, let response):
      #expect(replies[exchange] == nil, "one reply an exchange")
      replies[exchange] = response
    case .arm(let name, let after): timers[name] = now.monotonic + after
    case .disarm(let name): timers[name] = nil
    case .call(let call, let request, let to, _): calls.append((call, request, to))
    case .cancel(let call): calls.removeAll { $0.call == call }
    case .ssdp(let octets, let to, let interface): datagrams.append((octets, to, interface))
    case .datagram(let octets, let from, let to): echoes.append((octets, from, to))
    case .count(let interface): counts.append(interface)
    case .map(let mapping): map(mapping)
    case .unmap(let mapping): passing.remove(mapping)
    case .report(let report): reports.append(report)
    case .ready: isReady = true
    case .exit(let status): exit = status
    case .save, .openDatagrams: break
    default: Issue.record("unexpected effect \(effect)")
    }
  }

  private mutating func map(_ mapping: PortMapping) {
    switch mapper {
    case .takes:
      passing.insert(mapping)
      perform(.mapped(mapping, nil))
    case .refuses: perform(.mapped(mapping, .refused))
    case .fails: perform(.mapped(mapping, .storage("no memory")))
    case .waits: waiting.append(mapping)
    }
  }

  /// The mapper is done with what waited for it.
  mutating func mapWaiting() {
    mapper = .takes
    let mappings = waiting
    waiting = []
    for mapping in mappings { map(mapping) }
  }

  /// Lets time pass, and fires what is due on the way.
  mutating func wait(seconds: Double) {
    let end = now.monotonic + .seconds(seconds)
    while let next = timers.filter({ $0.value <= end }).min(by: { ($0.value, $0.key.key) < ($1.value, $1.key.key) }) {
      timers[next.key] = nil
      advance(to: next.value)
      perform(.fired(next.key))
    }
    advance(to: end)
  }

  private mutating func advance(to monotonic: UInt64) {
    guard monotonic > now.monotonic else { return }
    now.wall += Int64((monotonic - now.monotonic) / 1_000_000)
    now.monotonic = monotonic
  }

  // MARK: Requests

  @discardableResult mutating func send(
    _ request: HTTPRequest, from: IPAddress = tv, to local: Endpoint = inside
  ) -> Exchange {
    var request = request
    if request.fields["Host"] == nil { request.fields["Host"] = "\(local)" }
    lastExchange += 1
    perform(.requested(Exchange(lastExchange), request, from: Endpoint(from, 50_000), to: local))
    return Exchange(lastExchange)
  }

  mutating func ask(_ request: HTTPRequest, from: IPAddress = tv, to local: Endpoint = inside) throws -> HTTPResponse {
    let exchange = send(request, from: from, to: local)
    return try #require(replies[exchange])
  }

  static func request(
    _ action: String, _ arguments: [(String, String)] = [], version: Int = 2,
    of service: GatewayService = .wanIPConnection
  ) -> HTTPRequest {
    let call = SOAPCall(
      serviceType: service.type(version), action: action, arguments: arguments.map { SOAPArgument($0.0, $0.1) })
    return .soap(call, target: "/control/\(service.rawValue)")
  }

  /// The outputs of an action.
  mutating func call(
    _ action: String, _ arguments: [(String, String)] = [], version: Int = 2,
    of service: GatewayService = .wanIPConnection, from: IPAddress = tv, to local: Endpoint = inside
  ) throws -> [String: String] {
    let response = try ask(
      Self.request(action, arguments, version: version, of: service), from: from, to: local)
    return try Self.outputs(response)
  }

  static func outputs(_ response: HTTPResponse) throws -> [String: String] {
    switch try response.soapAnswer() {
    case .reply(let reply):
      #expect(response.status == 200)
      return Dictionary(uniqueKeysWithValues: reply.arguments.map { ($0.name, $0.value) })
    case .fault(let fault):
      #expect(response.status == 500)
      throw fault
    }
  }

  /// The error that an action ends with; `nil` where it does not fail.
  mutating func error(
    _ action: String, _ arguments: [(String, String)] = [], version: Int = 2,
    of service: GatewayService = .wanIPConnection, from: IPAddress = tv, to local: Endpoint = inside
  ) throws -> Int? {
    do {
      _ = try call(action, arguments, version: version, of: service, from: from, to: local)
      return nil
    } catch let fault as SOAPFault {
      return fault.errorCode
    }
  }

  /// The arguments of AddPortMapping and AddAnyPortMapping.
  static func mapping(
    _ changes: [String: String] = [:]
  ) -> [(String, String)] {
    [
      ("NewRemoteHost", ""), ("NewExternalPort", "18080"), ("NewProtocol", "TCP"), ("NewInternalPort", "8080"),
      ("NewInternalClient", "\(tv)"), ("NewEnabled", "1"), ("NewPortMappingDescription", "tv 8080"),
      ("NewLeaseDuration", "300"),
    ].map { ($0.0, changes[$0.0] ?? $0.1) }
  }

  static func key(_ port: Int = 18080, _ transport: String = "TCP", remoteHost: String = "") -> [(String, String)] {
    [("NewRemoteHost", remoteHost), ("NewExternalPort", "\(port)"), ("NewProtocol", transport)]
  }

  static let passing = PortMapping(.tcp, externalPort: 18080, client: Endpoint(tv, 8080))
}
