import Messages
import RoleKit

/// The home gateway of clause 3.3: a UPnP InternetGatewayDevice:2 that maps ports for the configurator (4.4 step 4, 4.5
/// step 6; profile section 7).
///
/// `+Discovery` and `+Description` make it known, `+Requests` takes what comes by HTTP, `+Control` reads actions,
/// `+Mappings`, `+MappingLists` and `+Connection` perform them, `+Leases` ends mappings and brings them back after a
/// restart, `+Events` tells subscribers, `+Echo` answers datagrams.
public struct HomeGateway: Role {
  /// Where the gateway stands. The legal ways are: dormant -> restoring -> running -> stopped; any -> stopped.
  enum Phase: Sendable, Hashable {
    /// Before the first input.
    case dormant
    /// Mappings of the time before the restart are being made again.
    case restoring(Set<PortMapping>)
    case running
    case stopped
  }

  let settings: HomeGatewaySettings
  let front: HTTPFront
  var phase = Phase.dormant
  var interfaces: [String: InterfaceState] = [:]
  var table = MappingTable()
  var changes = PendingChanges()
  var subscriptions = Subscriptions()
  var searches = PendingSearches()
  /// Requests that wait for an interface's counters.
  var heldCounts: [String: [HeldCount]] = [:]
  /// Grows with every change of the mappings (WANIPConnection:2, 2.3).
  var systemUpdateID: UInt32 = 0
  /// When the link to the Internet came up, on the monotonic clock.
  var connectedSince: UInt64?
  var bootID = 1

  public init(settings: HomeGatewaySettings) {
    self.settings = settings
    front = HTTPFront(hostNames: settings.hostNames)
  }

  public mutating func handle(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    let before = eventedState
    let effects = take(input, at: now, bits: &bits)
    return phase == .stopped ? effects : effects + tell(changesSince: before, at: now)
  }

  private mutating func take(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    switch (phase, input) {
    case (.dormant, .started(let rows, let states)): return start(rows, states, at: now)
    case (.dormant, .stopping): return stop()
    case (.dormant, _), (.stopped, _): return ignored("an input while the gateway is not running")
    case (_, .started): return ignored("a second start")
    case (_, .stopping): return stop()
    case (_, .requested): return requested(input, at: now, bits: &bits)
    case (_, .callerLeft(let exchange)): return subscriberLeft(exchange)
    case (_, .replied(let exchange)): return subscriberHeard(exchange, at: now)
    case (_, .answered(let call, let response)): return notified(call, response, at: now)
    case (_, .failed(let call, let failure)): return notNotified(call, failure, at: now)
    case (_, .echoed(let call)): return ignored("an echo for call \(call.number)")
    case (_, .streamed(let call, _)), (_, .ended(let call, _)): return ignored("the event stream \(call.number)")
    case (_, .ssdp(let octets, let from, let delivery, let interface)):
      return searched(octets, from: from, delivery, on: interface, bits: &bits)
    case (_, .datagram(let octets, let from, let to)): return echo(octets, from: from, to: to)
    case (_, .portRefused(let port, let failure)): return portRefused(port, failure)
    case (_, .mapped(let mapping, let failure)): return mapped(mapping, failure, at: now, bits: &bits)
    case (_, .counted(let interface, let counters)): return counted(interface, counters)
    case (_, .frame), (_, .neighbours), (_, .bridge): return ignored("what a collector of HTIP is told")
    case (_, .fired(let timer)): return fired(timer, at: now)
    case (_, .interface(let state)): return changed(state, at: now)
    case (_, .commitFailed(let failure, let lost)): return undone(lost, failure)
    }
  }

  /// Names of timers.
  enum Timer {
    /// The next round of `ssdp:alive`.
    static let alive = TimerName("alive")
    /// The delayed answer to a search; the key is its number.
    static let searchReply = "search-reply"
    /// The earliest end of a lease.
    static let lease = TimerName("lease")
    /// Changes that are told at most once in a while.
    static let events = TimerName("events")
    /// The end of a subscription; the key is its SID.
    static let subscription = "subscription"
  }

  private mutating func fired(_ timer: TimerName, at now: Moment) -> [Effect] {
    switch timer {
    case Timer.alive: return announce()
    case Timer.lease: return endLeases(at: now)
    case Timer.events: return tellModerated(at: now)
    case let timer where timer.name == Timer.searchReply: return reply(toSearch: timer.key, at: now)
    case let timer where timer.name == Timer.subscription: return endSubscription(timer.key)
    default: return ignored("the timer \(timer.name)")
    }
  }

  private mutating func start(_ rows: [Row], _ states: [InterfaceState], at now: Moment) -> [Effect] {
    // BOOTID.UPNP.ORG has to grow with every start and is at most 2^31 - 1 (UDA 2.0, 1.2.2).
    bootID = Int(max(1, now.wall / 1000 & 0x7FFF_FFFF))
    for state in states { interfaces[state.name] = state }
    noteConnection(at: now)
    var effects: [Effect] = []
    if let port = settings.echoPort { effects.append(.openDatagrams(port: port)) }
    return effects + restore(rows, at: now) + announce()
  }

  private mutating func stop() -> [Effect] {
    phase = .stopped
    return sayGoodbye() + [.exit(0)]
  }

  private mutating func changed(_ state: InterfaceState, at now: Moment) -> [Effect] {
    let old = interfaces.updateValue(state, forKey: state.name)
    noteConnection(at: now)
    let isNew = state.isUp && (old?.isUp != true || old?.addresses != state.addresses)
    return isNew && !settings.outside.contains(state.name) ? alive(on: [state]) : []
  }

  /// The turn of `lost` left no trace; what waits for it is told.
  private mutating func undone(_ lost: Input, _ failure: Failure) -> [Effect] {
    let report = Effect.report(Report(.error, "storage", "nothing was changed: \(failure)"))
    switch lost {
    case .requested(let exchange, _, _, _):
      return [report, .reply(exchange, .soap(SOAPFault(.actionFailed)))]
    case .mapped(let mapping, _): return [report] + withdraw(mapping)
    case .fired(let timer): return [report, .arm(timer, after: .seconds(1))]
    default: return [report]
    }
  }

  private func portRefused(_ port: UInt16, _ failure: Failure) -> [Effect] {
    [.report(Report(.warning, "no-echo", "UDP port \(port) cannot be opened (\(failure)): nobody gets an echo there"))]
  }

  /// What a pair of state and input comes to that is not expected.
  func ignored(_ what: String) -> [Effect] { [.report(Report(.debug, "ignored", what))] }
}

extension SOAPFault {
  /// An error of the gateway, with the text that its number has.
  init(_ error: GatewayError) { self.init(errorCode: error.rawValue, error.text) }
}
