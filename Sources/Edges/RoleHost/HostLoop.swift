import LinuxNetwork
import Logging
import ManagementStore
import Messages
import NIOCore
import RoleKit
import Synchronization
import Taps
import Transports

/// The one task that a role's turns happen in.
final class HostLoop<R: Role> {
  /// What may come in.
  private enum Arrival: Sendable {
    case input(Input)
    case datagram(Input)
    case fired(TimerName, generation: UInt64)
    case interfaces([NetworkInterface])
    /// The runner's tap tells of the links.
    case links(TapLinks)
    case stop
    /// The role did not exit in time.
    case stopOverdue
  }

  /// The host's time from SIGTERM to the end whatever the role does; a program is to be gone after 500 ms.
  private static var stopLimit: TimeAmount { .milliseconds(350) }
  /// Datagrams that wait for their turn; more are dropped.
  private static var datagramLimit: Int { 1024 }

  private var role: R
  private let settings: HostSettings
  private let store: RowStore?
  private let readyLine: @Sendable () -> Void
  private let log: Logger
  private let clock: RoleClock
  private let loop: any EventLoop
  private let arrivals: AsyncStream<Arrival>
  private let feed: AsyncStream<Arrival>.Continuation
  private let server: HTTPServer
  private let client: HTTPClient
  private let ssdp: SSDPTransport?
  private let datagrams: DatagramTransport
  private let echoes: EchoTransport
  private let frames: FrameTransport
  private var bridges: [String: BridgeWatcher] = [:]
  private let portMapper: (any PortMapper)?
  private let watcher: InterfaceWatcher
  private let network: HostNetwork
  private let waitingDatagrams: DatagramCount
  private var bits: RandomBits
  private var timers: [TimerName: (generation: UInt64, task: Scheduled<Void>)] = [:]
  private var lastGeneration: UInt64 = 0
  private var isStopping = false
  private var exitStatus: Int32?

  init(
    _ role: R, _ settings: HostSettings, _ store: RowStore?, _ portMapper: (any PortMapper)?,
    _ readyLine: @escaping @Sendable () -> Void, tap: TapChannel?, loop: any EventLoop
  ) {
    self.role = role
    self.settings = settings
    self.store = store
    self.portMapper = portMapper
    self.readyLine = readyLine
    self.loop = loop
    log = settings.log
    clock = RoleClock(pace: settings.pace)
    bits = RandomBits {
      var generator = SystemRandomNumberGenerator()
      return generator.next()
    }
    let (arrivals, feed) = AsyncStream<Arrival>.makeStream()
    (self.arrivals, self.feed) = (arrivals, feed)
    let sources = SourceAddresses()
    let count = DatagramCount()
    waitingDatagrams = count
    server = HTTPServer(loop: loop, clock: clock, limits: settings.limits, tap: tap, log: log) {
      feed.yield(.input($0))
    }
    client = HTTPClient(loop: loop, clock: clock, tap: tap, source: { sources.source(for: $0) }) {
      feed.yield(.input($0))
    }
    let take: @Sendable (Input) -> Void = { input in
      guard count.value.load(ordering: .relaxed) < Self.datagramLimit else { return }
      count.value.add(1, ordering: .relaxed)
      feed.yield(.datagram(input))
    }
    ssdp = settings.ssdp.map { group in
      SSDPTransport(loop: loop, group: group, tap: tap, log: settings.log) { octets, from, delivery, interface in
        take(.ssdp(octets, from: from, delivery, interface: interface))
      }
    }
    echoes = EchoTransport(loop: loop, clock: clock, log: log) { feed.yield(.input($0)) }
    datagrams = DatagramTransport(loop: loop, tap: tap, log: log) { take(.datagram($0, from: $1, to: $2)) }
    frames = FrameTransport(loop: loop, log: log) { take(.frame($0, from: $1, interface: $2)) }
    watcher = InterfaceWatcher(loop: loop, log: log) { feed.yield(.interfaces($0)) }
    network = HostNetwork(
      settings, server: server, ssdp: ssdp, datagrams: datagrams, watcher: watcher, sources: sources, tap: tap)
    tap?.observe { feed.yield(.links($0)) }
  }

  func run(_ stop: StopRequest) async throws -> Int32 {
    // Only a word in the queue: whoever asks, on whatever thread, may come when the event loop is gone already.
    stop.listen { [feed] in _ = feed.yield(.stop) }
    let rows = try store?.rows() ?? []
    try await network.start()
    await turn(.started(rows: rows, interfaces: network.states))
    if exitStatus == nil {
      for await arrival in arrivals {
        await take(arrival)
        if exitStatus != nil { break }
      }
    }
    for (_, task) in timers.values { task.cancel() }
    // The goodbyes, which were handed to the event loop before, leave first.
    await ssdp?.shutDown()
    await datagrams.shutDown()
    await echoes.shutDown()
    await frames.shutDown()
    for bridge in bridges.values { await bridge.shutDown() }
    await client.shutDown()
    await server.shutDown()
    await watcher.shutDown()
    return exitStatus ?? 0
  }

  private func take(_ arrival: Arrival) async {
    switch arrival {
    case .input(.callerLeft(let exchange)):
      await turn(.callerLeft(exchange))
      server.abandon(exchange)
    case .input(let input): await turn(input)
    case .datagram(let input):
      waitingDatagrams.value.subtract(1, ordering: .relaxed)
      await turn(input)
    case .fired(let name, let generation):
      // One that was disarmed or armed anew while this stood in the queue does not count.
      guard timers[name]?.generation == generation else { return }
      timers[name] = nil
      await turn(.fired(name))
    case .interfaces(let interfaces):
      for state in await network.apply(interfaces) { await turn(.interface(state)) }
    case .links(let links):
      for state in await network.apply(links) { await turn(.interface(state)) }
    case .stop where isStopping: break
    case .stop:
      isStopping = true
      loop.scheduleTask(in: Self.stopLimit) { [feed] in _ = feed.yield(.stopOverdue) }
      await turn(.stopping)
    case .stopOverdue:
      log.warning("the goodbyes took too long; stopping without their end")
      exitStatus = 0
    }
  }

  // MARK: A turn

  private func turn(_ input: Input) async {
    var next = role
    let now = clock.now
    let effects = next.handle(input, at: now, bits: &bits)
    do {
      try commit(effects)
      role = next
      await perform(effects)
    } catch {
      log.error("commit-failed: \(error)")
      var other = role
      // The path of the store is for the log; the role may tell its callers the reason.
      let failure = Failure.storage((error as? StoreError)?.reason ?? "\(error)")
      let instead = other.handle(.commitFailed(failure, of: input), at: now, bits: &bits)
      role = other
      // The store has just refused: rows of this turn are not tried, and the role must not count on them.
      for case .save(let rows) in instead { log.error("commit-failed: \(rows.count) rows of the answer to a failure") }
      await perform(instead)
    }
  }

  private func commit(_ effects: [Effect]) throws {
    var rows: [Row] = []
    for case .save(let more) in effects { rows += more }
    guard !rows.isEmpty else { return }
    guard let store else { throw StoreError(.unknownTable, "", "this program keeps nothing") }
    try store.commit(rows)
  }

  private func perform(_ effects: [Effect]) async {
    for effect in effects { await perform(effect) }
  }

  private func perform(_ effect: Effect) async {
    switch effect {
    case .reply(let exchange, let response): server.reply(exchange, response)
    case .openStream(let exchange, let head): server.openStream(exchange, head)
    case .event(let exchange, let event): server.event(exchange, event)
    case .comment(let exchange, let text): server.comment(exchange, text)
    case .close(let exchange): server.close(exchange)
    case .call(let call, let request, let endpoint, let timeout):
      client.call(call, request, to: endpoint, timeout: timeout)
    case .subscribe(let call, let request, let endpoint, let timeout):
      client.subscribe(call, request, to: endpoint, timeout: timeout)
    case .echo(let call, let address, let timeout): echoes.echo(call, to: address, timeout: timeout)
    case .cancel(let call):
      client.cancel(call)
      echoes.cancel(call)
    case .ssdp(let octets, let endpoint, let interface): ssdp?.send(octets, to: endpoint, interface: interface)
    case .listen(let port): await want(.requests, port)
    case .stopListening(let port): _ = await network.want(.requests, port, false)
    case .openDatagrams(let port): await want(.datagrams, port)
    case .closeDatagrams(let port): _ = await network.want(.datagrams, port, false)
    case .datagram(let octets, let from, let to): datagrams.send(octets, from: from, to: to)
    case .openFrames(let interface): await openFrames(interface)
    case .frame(let octets, let interface): frames.send(octets, interface: interface)
    case .readNeighbours: readNeighbours()
    case .watchBridge(let name): watch(bridge: name)
    case .map(let mapping): map(mapping)
    case .unmap(let mapping): portMapper?.unmap(mapping)
    case .count(let interface): feed.yield(.input(.counted(interface: interface, InterfaceFile.counters(interface))))
    case .arm(let name, let after): arm(name, after)
    case .disarm(let name): timers.removeValue(forKey: name)?.task.cancel()
    case .save: break  // Committed before.
    case .address(let interface, let address, let gateway): network.set(interface, address, gateway: gateway)
    case .refreshInterfaces: for state in await network.refresh() { feed.yield(.input(.interface(state))) }
    case .report(let report): log.log(level: report.level.logLevel, "\(report.code): \(report.text)")
    case .output(let text): StandardOutput.write(text)
    case .ready: readyLine()
    case .exit(let status): if exitStatus == nil { exitStatus = status }
    }
  }

  /// Done before the effects that follow: a role is ready when its ports are open.
  private func want(_ kind: SocketKind, _ port: UInt16) async {
    if let failure = await network.want(kind, port, true) { feed.yield(.input(.portRefused(port, failure))) }
  }

  private func openFrames(_ interface: String) async {
    guard network.hasEthernet(interface) else {
      return log.info("no-ethernet: \(interface) is on loopback, so HTIP is not spoken there")
    }
    await frames.open(interface)
  }

  private func readNeighbours() {
    do {
      feed.yield(.input(.neighbours(try network.neighbours())))
    } catch {
      log.warning("the neighbour table cannot be read: \(error)")
      feed.yield(.input(.neighbours([])))
    }
  }

  private func watch(bridge name: String) {
    guard bridges[name] == nil else { return }
    let watcher = BridgeWatcher(bridge: name, loop: loop, log: log) { [feed] in feed.yield(.input(.bridge($0))) }
    bridges[name] = watcher
    watcher.start()
  }

  private func map(_ mapping: PortMapping) {
    do throws(Failure) {
      guard let portMapper else { throw .unreachable }
      try portMapper.map(mapping)
      feed.yield(.input(.mapped(mapping, nil)))
    } catch {
      feed.yield(.input(.mapped(mapping, error)))
    }
  }

  private func arm(_ name: TimerName, _ after: UInt64) {
    timers[name]?.task.cancel()
    lastGeneration += 1
    let generation = lastGeneration
    let task = loop.scheduleTask(in: clock.machineTime(of: after)) { [feed] in
      _ = feed.yield(.fired(name, generation: generation))
    }
    timers[name] = (generation, task)
  }
}

/// How many datagrams wait: counted up on the event loop, down in the host's task.
final class DatagramCount: Sendable {
  let value = Atomic<Int>(0)
}

extension Report.Level {
  fileprivate var logLevel: Logger.Level {
    switch self {
    case .debug: .debug
    case .info: .info
    case .notice: .notice
    case .warning: .warning
    case .error: .error
    }
  }
}
