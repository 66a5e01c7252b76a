import Glibc
import LinuxNetwork
import Octets
import RoleKit
import Synchronization

/// A home gateway's address translation: UDP in user space, exactly as its ``NATBehaviour`` says, TCP and ICMP by the
/// kernel's nftables.
///
/// Works in the network namespace of the thread that calls ``start()``; an ordinary user's own namespace will do.
public final class Translator: PortMapper {
  /// What a translator is told.
  public struct Settings: Sendable {
    public var outside: [String]
    public var inside: [String]
    public var behaviour: NATBehaviour
    /// How many times as fast as the clock mappings age.
    public var pace = 1.0
    /// Nanoseconds of role time for which a UDP mapping lives after what left by it last.
    public var timeout: UInt64 = 300_000_000_000
    /// UDP ports from 1024 at the outer addresses that the gateway's own services have; those below are all its own.
    public var ownPorts: Set<UInt16> = [1900, 5351]

    public init(outside: [String], inside: [String], behaviour: NATBehaviour = NATBehaviour()) {
      self.outside = outside
      self.inside = inside
      self.behaviour = behaviour
    }
  }

  private let settings: Settings
  private let log: @Sendable (String) -> Void
  /// The forwarding thread and the threads that map ports work on one table; each holds the lock for one packet, or one
  /// mapping.
  private let state: Mutex<TranslatorState>
  /// Commands to the kernel go one after the other, the rules that they leave stand beside them.
  private let kernel: Mutex<KernelSide>

  /// - Parameter log: takes a line for a person, such as a table that is full.
  public init(_ settings: Settings, log: @escaping @Sendable (String) -> Void = { _ in }) {
    self.settings = settings
    self.log = log
    var seed = SystemRandomNumberGenerator()
    let table = TranslationTable(settings.behaviour, timeout: settings.timeout, seed: seed.next())
    state = Mutex(TranslatorState(PacketTranslator(table)))
    kernel = Mutex(
      KernelSide(
        rules: KernelRules(
          outside: settings.outside, inside: settings.inside, hairpin: settings.behaviour.hairpin)))
  }

  /// Starts translating.
  ///
  /// - Throws: ``SystemError``: an interface that is not there, no nftables, too little privilege.
  public func start() throws {
    let monitor = try InterfaceMonitor()
    let interfaces = try monitor.list()
    for name in settings.outside + settings.inside where !interfaces.contains(where: { $0.name == name }) {
      throw SystemError(
        "find the interface \(name)", number: ENODEV, detail: "hint: `ip link` lists those that there are")
    }
    let inlet = try InletOpening()
    try kernel.withLock { kernel in
      try kernel.switches.turnOn()
      kernel.filter = try PacketFilter()
      let ephemeral = kernel.switches.ephemeralPorts
      kernel.rules.ownPorts = [0...1023] + settings.ownPorts.sorted().map { $0...$0 } + [ephemeral]
      let rules = kernel.rules
      state.withLock { state in
        let table = TranslationTable(
          settings.behaviour, timeout: settings.timeout,
          pool: ephemeral.lowerBound > 32_768 ? 1024...(ephemeral.lowerBound - 1) : 1024...65_535,
          reserved: settings.ownPorts.union(ephemeral.lowerBound > 32_768 ? [] : Array(ephemeral)),
          seed: state.seed)
        state.translator = PacketTranslator(table) { rules.isOwn($0) }
      }
    }
    try follow(interfaces)
    let forwarder = Forwarder(
      inlet: try inlet.wait(), outlet: try PacketOutlet(), monitor: monitor, translator: self, wake: try WakeUp())
    state.withLock { $0.wake = forwarder.wake }
    try SystemThread.start("translation") { forwarder.run() }
  }

  /// Stops translating and takes the rules away; connections that are under way lose their translation.
  public func stop() {
    state.withLock { state in
      state.wake?.signal()
      state.wake = nil
    }
    kernel.withLock { kernel in
      do {
        try kernel.filter?.run(KernelRules.removal)
      } catch {
        log("the rules stay: \(error)")
      }
      kernel.filter = nil
      kernel.switches.turnBack()
    }
  }

  // MARK: PortMapper

  public func map(_ mapping: PortMapping) throws(Failure) {
    guard let client = UDPEnd(mapping.client), mapping.externalPort != 0, client.port != 0 else {
      throw .unreachable
    }
    if mapping.transport == .udp {
      let isTaken = state.withLock { $0.translator.table.add(Self.staticMapping(mapping, client)) }
      guard isTaken else { throw .storage("too many mappings") }
    }
    guard let refusal = command({ $0.add(mapping) }) else { return }
    if mapping.transport == .udp {
      state.withLock { $0.translator.table.remove(Self.staticMapping(mapping, client)) }
    }
    throw refusal
  }

  public func unmap(_ mapping: PortMapping) {
    if mapping.transport == .udp, let client = UDPEnd(mapping.client) {
      state.withLock { $0.translator.table.remove(Self.staticMapping(mapping, client)) }
    }
    if let refusal = command({ $0.remove(mapping) }) { log("a mapping stays in the kernel: \(refusal)") }
  }

  private static func staticMapping(_ mapping: PortMapping, _ client: UDPEnd) -> TranslationTable.StaticMapping {
    let remote = mapping.remoteHost.flatMap { UDPEnd(Endpoint($0, 0))?.address }
    return TranslationTable.StaticMapping(port: mapping.externalPort, remoteHost: remote, client: client)
  }

  /// Changes the rules, and the kernel with them; on a refusal neither is changed.
  private func command(_ change: (inout KernelRules) -> String) -> Failure? {
    kernel.withLock { kernel in
      var rules = kernel.rules
      let text = change(&rules)
      do {
        if !text.isEmpty { try kernel.filter?.run(text) }
        kernel.rules = rules
        return nil
      } catch {
        return .storage("\(error)")
      }
    }
  }

  // MARK: For the forwarding thread

  /// Takes over which interfaces and addresses there are now.
  func follow(_ interfaces: [NetworkInterface]) throws {
    let sides = InterfaceSides(interfaces, outside: settings.outside, inside: settings.inside)
    state.withLock { $0.take(sides) }
    try kernel.withLock { kernel in
      var rules = kernel.rules
      (rules.outerAddresses, rules.ownAddresses) = (sides.outerAddresses, sides.ownAddresses)
      // An interface that was made anew has lost its hook.
      guard rules != kernel.rules || sides.indices != kernel.indices, sides.indices.count == sides.expected else {
        return
      }
      try kernel.filter?.run(rules.text)
      kernel.rules = rules
      kernel.indices = sides.indices
    }
  }

  func report(_ words: String) { log(words) }

  /// What becomes of a packet, and the largest packet of the side that it goes to.
  func take(_ octets: [UInt8], interface: Int32, isChecksumLeft: Bool) -> (PacketTranslator.Outcome, mtu: Int) {
    let now = now
    return state.withLock { state in
      guard let side = state.sides.indices[interface] else { return (.drop(.notOurs), 0) }
      let outcome = state.translator.take(octets, from: side, checksum: isChecksumLeft ? .left : .whole, at: now)
      return (outcome, state.mtu(towards: side, outcome))
    }
  }

  /// An error to the sender of a packet that came in at an interface.
  func refusal(
    _ type: UInt8, _ code: UInt8, nextHopMTU: UInt16, of octets: [UInt8], interface: Int32
  ) -> PacketTranslator.Outcome {
    state.withLock { state in
      guard let side = state.sides.indices[interface] else { return .drop(.notOurs) }
      return state.translator.tell(type, code, nextHopMTU: nextHopMTU, of: octets, from: side)
    }
  }

  /// Role time in nanoseconds.
  private var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let nanoseconds = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    return settings.pace == 1 ? nanoseconds : UInt64(Double(nanoseconds) * settings.pace)
  }

  /// Octets and packets that the outer interfaces sent and received since they are there, all protocols together.
  public var counters: WANCounters { WANCounters.read(interfaces: settings.outside) }
}
