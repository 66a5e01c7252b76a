import Messages
import RoleKit

/// The configured agent on a CE device (IEC 62608-2 clauses 4.2, 4.3 and 4.6.2; profile sections 2, 3 and 8).
///
/// It finds its configurator, registers with it, keeps the registration alive, lets itself be configured, and shows its
/// user what is wrong.
public struct CEAgent: Role {
  /// Where the agent stands with its configurator. The legal ways are:
  /// dormant -> offline or searching -> registering -> registered <-> refreshing; any of these -> offline or settling
  /// when the network changes; registering, refreshing -> refused -> searching; all -> leaving.
  enum Phase: Sendable {
    /// Before the first input.
    case dormant
    /// No interface has both a link and an address.
    case offline
    /// The network changed; the search begins when it has been quiet.
    case settling
    case searching(Search)
    case registering(Attempt)
    case registered(Registration)
    case refreshing(Registration, Courier<Attempt>.Errand)
    /// A `register` failed; a timer begins the next search.
    case refused
    /// The goodbye to the configurator is under way.
    case leaving(Call, configuratorId: String)
    case stopped
  }

  let settings: CEAgentSettings
  let front: HTTPFront
  var phase = Phase.dormant
  var interfaces: [InterfaceState] = []
  var memory = AgentMemory()
  var idempotency = IdempotencyCache(capacity: 256)
  var courier = Courier<Attempt>()
  /// Errands for connections to other homes; its calls have numbers of their own.
  var peerCourier = Courier<PeerErrand>(numberedFrom: 1 << 32)
  /// Connections to other homes, oldest first, and the number of the newest.
  var peers: [PeerConnection] = []
  var lastPeer = 0
  var troubles = Troubles()
  var health = Health()
  /// The answers to the last search, while they are still listened for.
  var window: ReplyWindow?
  /// The configurator with which the agent registered since it started.
  var registeredSinceStart: String?
  /// Replies to other devices' searches that wait for their random delay.
  var pendingReplies = PendingReplies()
  /// A move to another address that was answered and is yet to be made.
  var pendingMove: PendingMove?
  /// The ports on which applications are served.
  var servedPorts: Set<UInt16> = []
  var bootID = 1
  /// By interface.
  var advertisements: [String: Advertisement] = [:]
  /// Checks under way, by the request that asked for them.
  var checks: [Exchange: AgentCheck] = [:]
  var checkReplies = HeldReplies()
  /// Applications that the user at the device has stopped.
  var stopped: Set<String> = []

  public init(_ settings: CEAgentSettings) {
    self.settings = settings
    front = HTTPFront(hostNames: settings.hostNames)
  }

  public mutating func handle(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    let effects = take(input, at: now, bits: &bits)
    let frames = advertise(after: input)
    // The goodbyes come before the end.
    if case .exit? = effects.last { return frames + effects }
    return effects + frames
  }

  private mutating func take(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    if !checks.isEmpty, let effects = checkTook(input, at: now) { return effects }
    switch (phase, input) {
    case (.dormant, .started(let rows, let interfaces)):
      return start(rows: rows, interfaces: interfaces, at: now, bits: &bits)
    case (.dormant, .stopping): return [.exit(0)]
    case (.dormant, _), (.stopped, _): return ignored(input, "the agent is not running")
    case (_, .started): return ignored(input, "the agent has started before")
    case (_, .stopping): return stop(at: now, bits: &bits)
    case (_, .requested(let exchange, let request, let from, let local)):
      return requested(exchange, request, from: from, to: local, at: now, bits: &bits)
    case (_, .replied(let exchange)): return replied(exchange)
    case (_, .callerLeft(let exchange)):
      checkReplies.leave(exchange)
      return replied(exchange)
    case (_, .interface(let state)): return changed(state, at: now, bits: &bits)
    case (_, .ssdp(let octets, let from, let delivery, let interface)):
      return heard(octets, from: from, delivery: delivery, on: interface, at: now, bits: &bits)
    case (.leaving(let goodbye, let id), .answered(let call, _)) where call == goodbye: return left(id, by: input)
    case (.leaving(let goodbye, let id), .failed(let call, _)) where call == goodbye: return left(id, by: input)
    case (_, .answered), (_, .failed):
      return peersTook(input, at: now, bits: &bits) ?? courierTook(input, at: now, bits: &bits)
    case (_, .fired(let timer)): return fired(timer, at: now, bits: &bits)
    case (_, .commitFailed(let failure, let lost)): return undone(lost, by: failure, at: now, bits: &bits)
    case (_, .portRefused(let port, _)) where health.look?.port == port: return lookHasNoPort()
    case (_, .portRefused(let port, let failure)):
      return peerPortRefused(port, failure) ?? portRefused(port, failure, at: now)
    case (_, .datagram(let octets, let from, let to)) where isForLook(to: to):
      return nameServerAnswered(octets, from: from)
    case (_, .datagram(let octets, let from, let to)):
      return checkHeard(octets, from: from, to: to, at: now)
        ?? peerHeard(octets, from: from, to: to, at: now, bits: &bits)
    case (_, .mapped), (_, .counted): return ignored(input, "the agent maps no ports")
    case (_, .echoed): return ignored(input, "the agent asked for no echo")
    case (_, .frame), (_, .neighbours), (_, .bridge): return ignored(input, "the agent collects nothing")
    case (_, .streamed), (_, .ended): return ignored(input, "the agent reads no event stream")
    }
  }

  /// The timers of the agent, apart from the courier's own.
  enum Timer {
    /// Replies to a search are listened for until it fires.
    static let searchEnd = TimerName("search-end")
    static let searchNext = TimerName("search-next")
    static let settle = TimerName("settle")
    /// The next look around, the repetition of its questions, and its end.
    static let look = TimerName("look")
    static let lookAgain = TimerName("look-again")
    static let lookEnd = TimerName("look-end")
    static let again = TimerName("again")
    static let refresh = TimerName("refresh")
    static let move = TimerName("move")
    static let alive = TimerName("alive")
    /// The next HTIP frame.
    static let advertise = TimerName("advertise")
    static let reply = "ssdp-reply"
    /// The end of a connection from outside; the key is its connectionId.
    static let connectionEnd = "connection-end"
    // Of connections to other homes; the key is the connection's number.
    static let peerBinding = "peer-binding"
    static let peerJoin = "peer-join"
    static let peerCheck = "peer-check"
    static let peerMap = "peer-map"
    static let peerData = "peer-data"
    static let peerEnd = "peer-end"
    /// The next questions of a check; the key is its exchange.
    static let check = "check"
  }

  private mutating func fired(_ timer: TimerName, at now: Moment, bits: inout RandomBits) -> [Effect] {
    switch (phase, timer) {
    case (_, Timer.searchEnd): return searchEnded(at: now, bits: &bits)
    case (.searching(let search), Timer.searchNext): return sendSearch(after: search, at: now, bits: &bits)
    case (.settling, Timer.settle), (.refused, Timer.again): return beginSearch(at: now, bits: &bits)
    case (.registered(let registration), Timer.refresh): return refresh(registration, at: now, bits: &bits)
    case (_, Timer.look): return look(bits: &bits)
    case (_, Timer.lookAgain): return lookAgain()
    case (_, Timer.lookEnd): return lookEnded(at: now)
    case (_, Timer.move): return move()
    case (_, Timer.alive): return announce()
    case (_, Timer.advertise): return []  // done after every turn
    case (_, let timer) where timer.name == Timer.check: return checkTick(timer.key, at: now, bits: &bits)
    case (_, let timer) where timer.name == Timer.connectionEnd: return connectionExpired(timer.key)
    case (_, let timer) where timer.name == Timer.reply: return sendReply(timer.key, at: now)
    case (_, let timer) where timer.name == Courier<Attempt>.retryTimer:
      return peersTook(.fired(timer), at: now, bits: &bits) ?? courierTook(.fired(timer), at: now, bits: &bits)
    case (_, let timer) where timer.name.hasPrefix("peer-"):
      return peerFired(timer, at: now, bits: &bits) ?? ignored(.fired(timer), "not awaited now")
    default: return ignored(.fired(timer), "not awaited now")
    }
  }

  private mutating func start(
    rows: [Row], interfaces: [InterfaceState], at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    self.interfaces = interfaces
    memory = AgentMemory(rows: rows)
    // UDA 2.0 clause 1.2.2: a boot ID grows with every start; the time of the start does.
    bootID = max(1, Int(now.wall / 1000) & 0x7FFF_FFFF)
    let (over, timers) = resumeConnections(at: now)
    // Ready means that the applications are there too.
    var effects = saving(over) + servePorts() + [.ready] + timers
    effects += announce()
    if let move = moveOwed(on: primaryInterface) {
      // The configuration outlives a restart, and with it an address that the interface has lost meanwhile.
      pendingMove = PendingMove(move: move, after: nil)
      effects += self.move()
      // Where the host can't make the move nothing changes, and the search begins from the old address.
      return effects + networkChanged(at: now, bits: &bits, settle: .seconds(1))
    }
    return effects + networkChanged(at: now, bits: &bits, settle: nil)
  }

  private mutating func stop(at now: Moment, bits: inout RandomBits) -> [Effect] {
    var effects = stopSearching() + courier.cancel { _ in true } + sayGoodbye()
    effects += peerCourier.cancel { _ in true }
    if let (call, id, goodbye) = deregistration(bits: &bits) {
      phase = .leaving(call, configuratorId: id)
      return effects + goodbye
    }
    phase = .stopped
    effects.append(.exit(0))
    return effects
  }

  /// The turn of `lost` left no trace; the old state is asked to go on without it.
  private mutating func undone(
    _ lost: Input, by failure: Failure, at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    let report = Effect.report(Report(.error, "storage", "the store refused a change: \(failure)"))
    switch (phase, lost) {
    case (_, .requested(let exchange, let request, _, _)):
      let problem = Problem(.storageUnavailable, "the device could not keep the change")
      return [report, .reply(exchange, problem.response.repeating(correlation: request.correlation))]
    case (.leaving, .answered), (.leaving, .failed):
      phase = .stopped
      return [report, .exit(0)]
    case (_, .answered), (_, .failed):
      let failed = Input.commitFailed(failure, of: lost)
      return [report] + (peersTook(failed, at: now, bits: &bits) ?? courierTook(failed, at: now, bits: &bits))
    case (_, .fired(let timer)): return [report, .arm(timer, after: .seconds(1))]
    default: return [report]
    }
  }

  /// Names an input that has no meaning now, so that nothing is lost in silence.
  func ignored(_ input: Input, _ reason: String) -> [Effect] {
    let what =
      switch input {
      case .started: "start"
      case .requested(_, let request, let from, _): "\(request.method) \(request.path) from \(from)"
      case .callerLeft, .replied: "end of an exchange"
      case .answered(let call, let response): "answer \(response.status) to call \(call.number)"
      case .echoed(let call): "echo \(call.number)"
      case .streamed(let call, _), .ended(let call, _): "event stream \(call.number)"
      case .failed(let call, let failure): "failure of call \(call.number) (\(failure))"
      case .ssdp(_, let from, _, let interface): "datagram from \(from) on \(interface)"
      case .datagram(_, let from, let to): "datagram from \(from) to \(to)"
      case .portRefused(let port, _): "refusal of port \(port)"
      case .frame(_, let from, let interface): "frame from \(from) on \(interface)"
      case .neighbours: "neighbour table"
      case .bridge(let state): "state of the bridge \(state.name)"
      case .mapped(let mapping, _): "mapping of port \(mapping.externalPort)"
      case .counted(let interface, _): "counters of \(interface)"
      case .fired(let timer): "timer \(timer.name)"
      case .interface(let state): "change of \(state.name)"
      case .commitFailed: "failed commit"
      case .stopping: "stop"
      }
    return [.report(Report(.debug, "ignored", "\(what): \(reason)"))]
  }
}
