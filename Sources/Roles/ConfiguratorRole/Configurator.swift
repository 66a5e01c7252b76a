import Messages
import RoleKit

/// The configurator of clause 3.3: it makes itself known on the home network, takes the registrations of configured
/// agents, passes them on to the service server, and brings each device to the configuration that it finds there.
///
/// One sequence is one file: `Configurator+Discovery` (4.2 steps 1 and 2), `+Registration` (step 3),
/// `+ServerRegistration` (step 4), `+ConfigurationPull` (steps 5 to 7); Sequence 2 takes the same steps. Sequence 4 is
/// `+Peers` (4.5 steps 1 to 4), with `+NAT` for what is told in it, and `+PeerMapping` (step 6).
public struct Configurator: Role {
  /// Records that are kept at most; above, a new agent gets 429 (profile section 3).
  static let recordLimit = 256

  let settings: ConfiguratorSettings
  let front: HTTPFront
  var idempotency = IdempotencyCache()
  var heldReplies = HeldReplies()
  var courier = Courier<Purpose>()

  // Discovery.
  var interfaces: [String: InterfaceState] = [:]
  var searchReplies: [UInt64: SearchReply] = [:]
  var lastSearchReply: UInt64 = 0
  var bootID = 1

  // Connections to other homes, by the exchange that is held and by sessionId.
  var wishes: [Exchange: PeerWish] = [:]
  var sessions: [String: AgentSession] = [:]
  var nat = NATKnowledge.nothing

  // The management database's content, and what is being done for each agent.
  var records: [String: AgentRecord] = [:]
  var work: [String: AgentWork] = [:]
  var handled: [String: HandledRequest] = [:]
  var owedDeregistrations: Set<String> = []

  // Connections from outside, and the gateway.
  var connections: [String: RemoteConnection] = [:]
  var mappings: [MappingOwner: MappingWork] = [:]
  var gateway = GatewayContact.none(isListening: false)
  /// Searches in a row that no gateway answered.
  var gatewaySearches = 0
  /// Rows that the store did not take, of turns that cannot come again.
  var owedRows: [Row] = []

  /// What HTIP told of the home.
  var collector = Collector()
  // Troubleshooting.
  var checks: [String: RunningCheck] = [:]
  /// Results of checks, newest last, by agentId.
  var findingHistory: [String: [JSONValue]] = [:]
  /// Agents that said goodbye by SSDP and have not registered since.
  var farewells: Set<String> = []
  /// Where devices and switches were seen last.
  var lastPlaces: [MACAddress: LinkSight.Place] = [:]
  var lastWays: [MACAddress: [LinkSight.Hop]] = [:]
  /// What the home gateway calls itself.
  var gatewayName: String?

  var stream: RequestStream = .off
  /// Whether the first attempt at a stream has come to something, good or bad.
  var isStreamSettled = false

  public init(settings: ConfiguratorSettings) {
    self.settings = settings
    front = HTTPFront(hostNames: settings.hostNames)
  }

  public mutating func handle(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    let effects = turn(input, at: now, bits: &bits)
    for case .save(let rows) in effects { forgetOwed(rows) }
    return effects
  }

  private mutating func turn(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    switch courier.handle(input, at: now, bits: &bits) {
    case .notMine: break
    case .working(let effects): return effects
    case .ended(let errand, let purpose, let ending):
      let effects = ended(errand, purpose, ending, at: now, bits: &bits)
      // After a failed commit the store is not asked again in the same turn.
      if case .commitFailed = input { return owing(effects) }
      return effects
    }
    if !checks.isEmpty, let effects = checkTook(input, at: now, bits: &bits) { return effects }
    switch input {
    case .started(let rows, let states): return start(rows, states, at: now)
    case .requested(let exchange, let request, let from, let to):
      return serve(request, as: exchange, from: from, to: to, at: now, bits: &bits)
    case .callerLeft(let exchange): return callerLeft(exchange) + leaveWish(exchange, at: now)
    case .replied(let exchange): return replied(exchange, at: now)
    case .answered(let call, let response): return streamAnswered(call, response, at: now, bits: &bits)
    case .echoed(let call): return unexpected("an echo for call \(call.number)")
    case .streamed(let call, let event): return streamed(call, event, at: now, bits: &bits)
    case .ended(let call, let failure): return streamEnded(call, failure, bits: &bits)
    case .failed(let call, let failure): return streamEnded(call, failure, bits: &bits)
    case .ssdp(let octets, let from, let delivery, let interface):
      return heard(octets, from: from, delivery, on: interface, at: now, bits: &bits)
    case .fired(let timer): return fired(timer, at: now, bits: &bits)
    case .interface(let state): return changed(state, at: now)
    case .datagram(let octets, let from, _): return natHeard(octets, from: from, at: now, bits: &bits)
    case .portRefused(let port, let failure): return natPortRefused(port, failure, at: now, bits: &bits)
    case .frame(let octets, let from, _): return frameHeard(octets, from: from, at: now)
    case .neighbours(let table): return neighboursRead(table, at: now)
    case .bridge(let state): return unexpected("the state of the bridge \(state.name)")
    case .mapped(let mapping, _): return unexpected("a mapping of port \(mapping.externalPort)")
    case .counted(let interface, _): return unexpected("counters of \(interface)")
    case .commitFailed(let failure, let lost): return undone(lost, failure, bits: &bits)
    case .stopping: return byebye() + closeStream() + [.exit(0)]
    }
  }

  /// Names of timers.
  enum Timer {
    /// The delayed answer to a search; the key is its number.
    static let searchReply = "search-reply"
    /// The next round of `ssdp:alive`.
    static let alive = "alive"
    /// The next attempt at an event stream.
    static let stream = "stream"
    /// The end of a `peer-connect` that is held; the key is its exchange's number.
    static let peerWish = "peer-wish"
    /// A question to the STUN server is looked at again; the key is the question.
    static let natProbe = "nat-probe"
    /// The end of a session; the key is its sessionId.
    static let sessionEnd = "session-end"
    /// Another try after a 401; the key is the agentId.
    static let unauthorized = "unauthorized"
    /// The end of a search for gateways, or the next one.
    static let gatewaySearch = "gateway-search"
    /// Another `control` after a 401, the end of a control's time, and of a connection; the key is the connectionId.
    static let controlAgain = "control-again"
    static let connectionDeadline = "connection-deadline"
    static let connectionEnd = "connection-end"
    /// The end of a mapping that no connection stands for any more; the key is its owner's.
    static let mappingEnd = "mapping-end"
    /// The store is asked again to take what is owed to it.
    static let owedRows = "owed-rows"
    /// The next look at what HTIP told.
    static let collect = "collect"
    /// The next questions of a check, its probe, and the end of its time; the key is the requestId.
    static let checkTick = "check-tick"
    static let checkProbe = "check-probe"
    static let checkEnd = "check-end"
  }

  private mutating func fired(_ timer: TimerName, at now: Moment, bits: inout RandomBits) -> [Effect] {
    switch timer.name {
    case Timer.searchReply: return sendSearchReply(timer.key, at: now)
    case Timer.alive: return alive(on: interfaces.values.sorted { $0.name < $1.name }) + [armAlive()]
    case Timer.stream: return openStream()
    case Timer.unauthorized: return tryAgain(timer.key)
    case Timer.gatewaySearch: return gatewaySearchEnded(at: now)
    case Timer.controlAgain: return controlAgain(timer.key, bits: &bits)
    case Timer.connectionDeadline: return connectionOverdue(timer.key, at: now)
    case Timer.connectionEnd: return connectionExpired(timer.key, at: now)
    case Timer.mappingEnd: return MappingOwner(timer.key).map { mappingExpired($0, at: now) } ?? []
    case Timer.owedRows: return saveOwed()
    case Timer.peerWish: return wishOverdue(timer, at: now)
    case Timer.natProbe: return lookAgainAtNAT(timer, at: now, bits: &bits)
    case Timer.collect:
      rememberPlaces(at: now)
      return collect(at: now)
    case Timer.sessionEnd: return sessionExpired(timer.key, at: now)
    case Timer.checkTick: return checkTick(timer.key, at: now, bits: &bits)
    case Timer.checkProbe: return sendProbe(timer.key, bits: &bits)
    case Timer.checkEnd: return checkOverdue(timer.key, at: now)
    default: return [.report(Report(.warning, "ignored", "a timer that nobody armed: \(timer.name)"))]
    }
  }

  private mutating func ended(
    _ errand: Courier<Purpose>.Errand, _ purpose: Purpose, _ ending: Courier<Purpose>.Ending, at now: Moment,
    bits: inout RandomBits
  ) -> [Effect] {
    switch purpose {
    case .serverRegister(let agentId):
      return serverRegisterEnded(agentId, errand, ending, at: now) + distrustStream(ending, bits: &bits)
    case .serverDeregister(let agentId):
      return serverDeregisterEnded(agentId, ending) + distrustStream(ending, bits: &bits)
    case .configurationRequest(let agentId):
      return configurationRequestEnded(agentId, errand, ending, at: now) + distrustStream(ending, bits: &bits)
    case .configurationRead(let agentId): return configurationReadEnded(agentId, errand, ending, at: now)
    case .configure(let agentId): return configureEnded(agentId, errand, ending, at: now)
    case .requestResult(let requestId):
      return requestResultEnded(requestId, ending) + controlReported(requestId, ending, at: now)
        + distrustStream(ending, bits: &bits)
    case .control(let connectionId): return controlEnded(connectionId, errand, ending, at: now)
    case .connectionEnd(let connectionId): return connectionEndEnded(connectionId, errand, ending, at: now)
    case .check(let requestId): return checkReplied(requestId, ending, at: now)
    case .probe(let requestId): return probeReplied(requestId, ending, at: now)
    case .gatewayDescription: return gatewayDescriptionEnded(errand, ending, at: now)
    case .agentDescription(let uuid): return agentDescriptionEnded(uuid, ending)
    case .externalAddress(let owner): return externalAddressEnded(owner, errand, ending, at: now)
    case .addMapping(let owner): return addMappingEnded(owner, errand, ending, at: now, bits: &bits)
    case .deleteMapping(let owner): return deleteMappingEnded(owner, errand, ending, at: now)
    case .peerNegotiate(let exchange):
      return peerNegotiateEnded(exchange, errand, ending, at: now) + distrustStream(ending, bits: &bits)
    case .sessionRead(let sessionId): return sessionReadEnded(sessionId, errand, ending, at: now)
    case .sessionConfigure(let sessionId): return sessionConfigureEnded(sessionId, errand, ending, at: now)
    }
  }

  /// Rebuilds the state from the management database, makes itself known and looks for the server.
  private mutating func start(_ rows: [Row], _ states: [InterfaceState], at now: Moment) -> [Effect] {
    var effects = restore(rows)
    // BOOTID.UPNP.ORG has to grow with every start and is at most 2^31 - 1 (UDA 2.0 clause 1.2.2).
    bootID = Int(max(1, now.wall / 1000 & 0x7FFF_FFFF))
    for state in states { interfaces[state.name] = state }
    effects += resumeConnections(at: now) + resumeSessions(at: now)
    effects += alive(on: states) + [armAlive()] + searchGateway(at: now) + openStream()
    return effects + startCollecting(rows, at: now) + [.ready]
  }

  private mutating func restore(_ rows: [Row]) -> [Effect] {
    var effects: [Effect] = []
    for row in rows where row.table == ConfiguratorTables.agents {
      guard let record = ConfiguratorTables.record(row) else {
        effects.append(unreadable(row))
        continue
      }
      records[row.key] = record
    }
    for row in rows where row.table != ConfiguratorTables.agents {
      switch row.table {
      case ConfiguratorTables.appliedConfigurations where records[row.key] != nil && row.value != nil:
        ConfiguratorTables.restore(row.value ?? [:], into: &records[row.key]!)
      case ConfiguratorTables.sessions:
        guard let session = ConfiguratorTables.session(row) else { fallthrough }
        sessions[row.key] = session
      case ConfiguratorTables.owedDeregistrations: owedDeregistrations.insert(row.key)
      default: if !restoreWork(row) { effects.append(unreadable(row)) }
      }
    }
    return effects
  }

  /// What was under way when the row was written; false where the row cannot be read.
  private mutating func restoreWork(_ row: Row) -> Bool {
    switch row.table {
    case ConfiguratorTables.handledRequests:
      guard let request = ConfiguratorTables.handled(row) else { return false }
      handled[row.key] = request
    case ConfiguratorTables.connections:
      guard let connection = ConfiguratorTables.connection(row) else { return false }
      connections[row.key] = connection
    case ConfiguratorTables.portMappings:
      guard let mapping = ConfiguratorTables.mapping(row) else { return false }
      mappings[mapping.owner] = mapping
    case ConfiguratorTables.htipFrames: break  // read when the collector starts
    case ConfiguratorTables.findings:
      guard let results = row.value?["results"]?.array else { return false }
      findingHistory[row.key] = results
    default: return false
    }
    return true
  }

  private func unreadable(_ row: Row) -> Effect {
    .report(Report(.error, "row-unreadable", "table \(row.table), key \(row.key): left as it is and not used"))
  }

  /// The store failed: a request gets 503, and what will not come again by itself is asked for once more.
  private mutating func undone(_ lost: Input, _ failure: Failure, bits: inout RandomBits) -> [Effect] {
    let report = Effect.report(Report(.error, "storage-unavailable", "nothing was changed: \(failure)"))
    switch lost {
    case .started: return [report, .exit(1)]
    case .requested(let exchange, let request, _, _):
      let refusal = Refusal(.storageUnavailable, "the store failed, and nothing was changed: \(failure)")
      return [.reply(exchange, refusal.response.repeating(correlation: request.correlation)), report]
    case .streamed(let call, _):
      // The server sends on a new stream whatever has no result.
      return [report, .cancel(call)] + streamEnded(call, failure, bits: &bits)
    case .answered(let call, _):
      return [report, .cancel(call)] + streamEnded(call, failure, bits: &bits)
    case .fired(let timer): return [report, .arm(timer, after: .seconds(1))]
    default: return [report]
    }
  }

  /// What a pair of state and input comes to that is not expected.
  func unexpected(_ what: String) -> [Effect] { [.report(Report(.debug, "ignored", what))] }
}
