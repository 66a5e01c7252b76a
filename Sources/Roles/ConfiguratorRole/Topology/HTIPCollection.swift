import Messages
import RoleKit

/// What HTIP frames have told, each for as long as it holds, within bounds that no forger can pass.
struct HTIPCollection: Sendable {
  /// A port of a device: what one LLDPDU tells of, and the next one of the same port replaces.
  struct Key: Sendable, Hashable {
    var chassis: ChassisID
    var port: PortID

    /// The row that it is kept under.
    var text: String { "\(chassis)/\(port)" }
  }

  struct Entry: Sendable, Hashable {
    var frame: HTIPFrame
    var octets: [UInt8]
    var source: MACAddress
    /// Milliseconds since 1970.
    var heardAt: Int64
    /// Nanoseconds of the monotonic clock.
    var expiresAt: UInt64
    /// Came in a flood of newcomers and has not been heard again since: it counts for nothing yet.
    var isOnProbation = false
    /// When it was stored last; milliseconds since 1970.
    var storedAt: Int64 = 0
  }

  /// What became of a frame.
  enum Outcome: Sendable, Hashable {
    /// Something is new, or told again; with `false` nothing of it differs from before.
    case taken(Key, isNews: Bool)
    case withdrawn(Key)
    /// Nothing was taken; the words are for people.
    case malformed(String)
    case forged(String)
  }

  private(set) var entries: [Key: Entry] = [:]
  /// How many entries each sender has.
  private var counts: [MACAddress: Int] = [:]
  /// Those on probation in the order in which they came, and some that are not any more.
  private var probation: [Key] = []
  /// Senders that have fallen silent or said goodbye, and until when that counts; nanoseconds of the monotonic clock.
  /// Switches further away go on showing their addresses until these age.
  private var silent: [MACAddress: UInt64] = [:]
  /// Newcomers of the last while.
  private var newcomers: (since: UInt64, count: Int) = (0, 0)

  /// Entries that count at most: some 3 MB.
  static let limit = 2048
  /// Entries on probation at most; the oldest of them makes room.
  static let probationLimit = 256
  /// Ports and further frames of one sender; a table of 2,000 addresses takes nine frames.
  static let senderLimit = 32
  /// Different devices that one sender may speak for: it is one, or passes frames of a few on.
  static let chassisLimit = 4
  /// Newcomers within ten seconds that are taken at their word.
  static let newcomerLimit = 256
  static let newcomerWindow: UInt64 = .seconds(10)

  /// Those that count, by key.
  var counting: [(key: Key, value: Entry)] {
    entries.filter { !$0.value.isOnProbation }.sorted { $0.key.text < $1.key.text }
  }

  mutating func hear(_ octets: [UInt8], from source: MACAddress, at now: Moment) -> Outcome {
    let frame: HTIPFrame
    do {
      frame = try HTIPFrame.parse(octets[...]).frame
    } catch {
      return .malformed("\(error)")
    }
    let key = Key(chassis: frame.chassis, port: frame.port)
    let known = entries[key]
    if let known, known.source != source, !isGenuine(key, source) {
      return .forged("\(source) tells of \(key.chassis), port \(key.port), which \(known.source) speaks for")
    }
    if frame.timeToLive == 0 {
      remove(key)
      fallSilent(source, at: now)
      probation.removeAll { $0 == key }
      return .withdrawn(key)
    }
    silent[source] = nil
    if known == nil, let reason = refusal(of: key, from: source) { return .forged(reason) }
    var entry = Entry(
      frame: frame, octets: octets, source: source, heardAt: now.wall,
      expiresAt: now.monotonic + .seconds(Double(frame.timeToLive)))
    if known == nil {
      if isFlood(at: now) {
        entry.isOnProbation = true
        makeRoom(for: key)
      } else if entries.count - probation.count >= Self.limit {
        return .forged("\(source) is one device more than the \(Self.limit) that are kept")
      }
      counts[source, default: 0] += 1
    } else if known?.source != source {
      counts[source, default: 0] += 1
      release(known)
    }
    entry.storedAt = known?.storedAt ?? 0
    entries[key] = entry
    if known?.isOnProbation == true { probation.removeAll { $0 == key } }
    return .taken(key, isNews: known?.octets != octets || known?.isOnProbation == true)
  }

  /// A device that speaks with the address that names it speaks for itself, whoever did before.
  private func isGenuine(_ key: Key, _ source: MACAddress) -> Bool { key.chassis == .mac(source) }

  private func refusal(of key: Key, from source: MACAddress) -> String? {
    guard let count = counts[source], count > 0 else { return nil }
    if count >= Self.senderLimit { return "\(source) tells of more than \(Self.senderLimit) ports" }
    if isGenuine(key, source) { return nil }
    let chassis = Set(entries.filter { $0.value.source == source }.map(\.key.chassis))
    guard !chassis.contains(key.chassis), chassis.count >= Self.chassisLimit else { return nil }
    return "\(source) tells of more than \(Self.chassisLimit) devices"
  }

  private mutating func isFlood(at now: Moment) -> Bool {
    if now.monotonic - newcomers.since > Self.newcomerWindow { newcomers = (now.monotonic, 0) }
    newcomers.count += 1
    return newcomers.count > Self.newcomerLimit
  }

  mutating func markStored(_ key: Key, at now: Moment) { entries[key]?.storedAt = now.wall }

  /// The oldest of those on probation goes.
  private mutating func makeRoom(for key: Key) {
    if probation.count >= Self.probationLimit { remove(probation.removeFirst()) }
    probation.append(key)
  }

  private mutating func remove(_ key: Key) { release(entries.removeValue(forKey: key)) }

  private mutating func release(_ entry: Entry?) {
    guard let source = entry?.source, let count = counts[source] else { return }
    counts[source] = count > 1 ? count - 1 : nil
  }

  /// A switch forgets an address after 300 s as a rule, and later ones are given the same again.
  private static let silence: UInt64 = .seconds(600)

  private mutating func fallSilent(_ source: MACAddress, at now: Moment) {
    guard counts[source] == nil, silent.count < Self.limit else { return }
    silent[source] = now.monotonic + Self.silence
  }

  /// Addresses that tables may show although their devices are not there any more.
  var silentSenders: Set<MACAddress> { Set(silent.keys) }

  /// Forgets what has had its time; gives what that was.
  mutating func expire(at now: Moment) -> [Key] {
    let over = entries.filter { $0.value.expiresAt <= now.monotonic }.map(\.key)
    for key in over {
      let source = entries[key]?.source
      remove(key)
      if let source { fallSilent(source, at: now) }
    }
    silent = silent.filter { $0.value > now.monotonic }
    probation.removeAll { entries[$0] == nil }
    return over
  }

  /// When the next entry has had its time; nanoseconds of the monotonic clock.
  var nextExpiry: UInt64? { entries.values.map(\.expiresAt).min() }

  /// Takes back what was kept over a restart.
  mutating func restore(_ entry: Entry) {
    let key = Key(chassis: entry.frame.chassis, port: entry.frame.port)
    guard entries.count < Self.limit, entries[key] == nil else { return }
    entries[key] = entry
    counts[entry.source, default: 0] += 1
  }
}
