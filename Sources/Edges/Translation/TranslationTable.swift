import Octets

/// The UDP mappings of a NAT with one outer address, after RFC 4787: which outer port stands for which inner endpoint,
/// and who may send to it. A value without clock, sockets or packets.
///
/// Times are nanoseconds of role time that never go back.
public struct TranslationTable: Sendable {
  /// What the table takes at most; beyond it a host inside gets no new mapping.
  public struct Limits: Sendable, Hashable {
    public var mappings = 32_768
    /// Of one address inside, so that one host cannot take all.
    public var mappingsOfHost = 16_384
    /// Remote ends remembered for a mapping; beyond it the one that was silent longest is forgotten.
    public var remotes = 256
    /// Ports that hosts outside use of statically mapped clients.
    public var sessions = 16_384
    public var staticMappings = 65_536

    public init() {}
  }

  /// A port that is mapped by configuration, as a control point asks for it.
  public struct StaticMapping: Sendable, Hashable {
    public var port: UInt16
    /// The only address outside that may come in; `nil`: any.
    public var remoteHost: UInt32?
    public var client: UDPEnd

    public init(port: UInt16, remoteHost: UInt32? = nil, client: UDPEnd) {
      self.port = port
      self.remoteHost = remoteHost
      self.client = client
    }
  }

  struct Mapping: Sendable {
    var inner: UDPEnd
    var key: MappingKey
    var port: UInt16
    /// When something left by it last.
    var lastSent: UInt64
    /// The remote ends that were sent to, and when last.
    var remotes: [UDPEnd: UInt64]
  }

  /// What tells mappings apart: by the mapping behaviour, more or less of the remote end counts.
  struct MappingKey: Hashable, Sendable {
    var inner: UDPEnd
    var scope: UInt64
  }

  /// An inner endpoint and an address that it sent to.
  struct Contact: Hashable, Sendable {
    var inner: UDPEnd
    var address: UInt32
  }

  struct SessionKey: Hashable, Sendable {
    var client: UDPEnd
    var remote: UDPEnd
  }

  struct Session: Sendable {
    var port: UInt16
    var lastUsed: UInt64
  }

  public let behaviour: NATBehaviour
  public let limits: Limits
  /// Nanoseconds for which a mapping lives after what left by it last (RFC 4787, REQ-5: two minutes at least).
  public let timeout: UInt64
  /// The outer ports that mappings may get; a host's own port is kept where it lies in here and is free.
  public private(set) var pool: ClosedRange<UInt16>
  /// Ports of the pool that the gateway itself uses.
  public private(set) var reserved: Set<UInt16>

  var mappings: [Mapping?] = []
  private var vacant: [Int] = []
  private var byKey: [MappingKey: Int] = [:]
  /// By outer port: the place in `mappings`, or -1.
  private var byPort = [Int32](repeating: -1, count: 65_536)
  private var perHost: [UInt32: Int] = [:]
  var statics: [UInt16: [StaticMapping]] = [:]
  var staticsOfClient: [UDPEnd: [StaticMapping]] = [:]
  private var staticCount = 0
  var sessions: [SessionKey: Session] = [:]
  /// When each inner endpoint sent to an address last, where mappings alone do not tell; no more than mappings.
  var contacts: [Contact: UInt64] = [:]
  private var lastSweep: UInt64 = 0
  private var random: UInt64

  /// - Parameters:
  ///   - pool: the outer ports to give; the gateway's own sockets use none of them but `reserved`.
  ///   - seed: of the ports that are chosen where a host's own is taken.
  public init(
    _ behaviour: NATBehaviour, timeout: UInt64 = 300_000_000_000, pool: ClosedRange<UInt16> = 1024...65_535,
    reserved: Set<UInt16> = [], seed: UInt64 = 1, limits: Limits = Limits()
  ) {
    self.behaviour = behaviour
    self.timeout = timeout
    self.pool = pool
    self.reserved = reserved
    self.limits = limits
    random = seed
  }

  /// Dynamic mappings that live.
  public var count: Int { byKey.count }

  // MARK: Static mappings

  /// Adds a static mapping, or replaces the one of its port and remote host. Hosts outside that a dynamic mapping of the
  /// port already sends to keep reaching that one; everybody else reaches the client from now on.
  ///
  /// - Returns: false where there are too many.
  public mutating func add(_ mapping: StaticMapping) -> Bool {
    if let old = statics[mapping.port]?.first(where: { $0.remoteHost == mapping.remoteHost }) {
      if old == mapping { return true }
      remove(old)
    }
    guard staticCount < limits.staticMappings else { return false }
    statics[mapping.port, default: []].append(mapping)
    staticsOfClient[mapping.client, default: []].append(mapping)
    staticCount += 1
    return true
  }

  /// Removes a static mapping, and with it what its remote ends may send.
  public mutating func remove(_ mapping: StaticMapping) {
    guard let place = statics[mapping.port]?.firstIndex(of: mapping) else { return }
    statics[mapping.port]?.remove(at: place)
    if statics[mapping.port]?.isEmpty ?? false { statics[mapping.port] = nil }
    staticsOfClient[mapping.client]?.removeAll { $0 == mapping }
    if staticsOfClient[mapping.client]?.isEmpty ?? false { staticsOfClient[mapping.client] = nil }
    staticCount -= 1
    sessions = sessions.filter { key, session in
      key.client != mapping.client || session.port != mapping.port
        || (mapping.remoteHost != nil && mapping.remoteHost != key.remote.address)
    }
  }

  /// Forgets all dynamic mappings, as when the outer address changed.
  public mutating func forgetDynamic() {
    for slot in mappings.indices { release(slot) }
    sessions = [:]
    contacts = [:]
  }

  // MARK: Places

  func slot(of key: MappingKey, at now: UInt64) -> Int? {
    guard let slot = byKey[key], let mapping = mappings[slot], isAlive(mapping.lastSent, at: now) else { return nil }
    return slot
  }

  func slot(ofPort port: UInt16, at now: UInt64) -> Int? {
    let slot = Int(byPort[Int(port)])
    guard slot >= 0, let mapping = mappings[slot], isAlive(mapping.lastSent, at: now) else { return nil }
    return slot
  }

  func isAlive(_ last: UInt64, at now: UInt64) -> Bool { now < last &+ timeout }

  /// A new mapping; `nil` where the host, the table or the ports are exhausted.
  mutating func allocate(_ key: MappingKey, at now: UInt64) -> Int? {
    if let dead = byKey[key] { release(dead) }
    if byKey.count >= limits.mappings { sweep(at: now) }
    guard byKey.count < limits.mappings, perHost[key.inner.address, default: 0] < limits.mappingsOfHost,
      let port = freePort(preferring: key.inner.port, at: now)
    else { return nil }
    let mapping = Mapping(inner: key.inner, key: key, port: port, lastSent: now, remotes: [:])
    let slot: Int
    if let place = vacant.popLast() {
      slot = place
      mappings[slot] = mapping
    } else {
      slot = mappings.count
      mappings.append(mapping)
    }
    byKey[key] = slot
    byPort[Int(port)] = Int32(slot)
    perHost[key.inner.address, default: 0] += 1
    return slot
  }

  private mutating func release(_ slot: Int) {
    guard let mapping = mappings[slot] else { return }
    mappings[slot] = nil
    vacant.append(slot)
    byKey[mapping.key] = nil
    byPort[Int(mapping.port)] = -1
    let left = perHost[mapping.inner.address, default: 1] - 1
    perHost[mapping.inner.address] = left > 0 ? left : nil
  }

  /// The host's own port where it is free, else one at random (RFC 6056), else the next free one after that.
  private mutating func freePort(preferring own: UInt16, at now: UInt64) -> UInt16? {
    if isFree(own, at: now) { return own }
    let width = Int(pool.upperBound) - Int(pool.lowerBound) + 1
    let start = Int(nextRandom() % UInt64(width))
    for step in 0..<width {
      let port = UInt16(Int(pool.lowerBound) + (start + step) % width)
      if isFree(port, at: now) { return port }
    }
    return nil
  }

  private mutating func isFree(_ port: UInt16, at now: UInt64) -> Bool {
    guard pool.contains(port), !reserved.contains(port), statics[port] == nil else { return false }
    let slot = Int(byPort[Int(port)])
    guard slot >= 0 else { return true }
    if let mapping = mappings[slot], isAlive(mapping.lastSent, at: now) { return false }
    release(slot)
    return true
  }

  /// splitmix64
  private mutating func nextRandom() -> UInt64 {
    random &+= 0x9E37_79B9_7F4A_7C15
    var value = random
    value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }

  /// Drops what has lived its time, now and then.
  mutating func sweepSometimes(at now: UInt64) {
    guard now &- lastSweep > timeout / 8 else { return }
    sweep(at: now)
  }

  private mutating func sweep(at now: UInt64) {
    lastSweep = now
    for slot in mappings.indices {
      guard let mapping = mappings[slot] else { continue }
      if isAlive(mapping.lastSent, at: now) {
        // Most mappings have one remote end.
        if mapping.remotes.count > 1 { forgetRemotes(of: slot, before: now) }
      } else {
        release(slot)
      }
    }
    sessions = sessions.filter { now < $0.value.lastUsed &+ timeout }
    contacts = contacts.filter { isAlive($0.value, at: now) }
  }

  private mutating func forgetRemotes(of slot: Int, before now: UInt64) {
    let living = mappings[slot]?.remotes.filter { isAlive($0.value, at: now) }
    mappings[slot]?.remotes = living ?? [:]
  }
}
