import TopologyLanguage

/// What a link does to frames in one direction.
public struct Impairment: Sendable, Hashable {
  /// Bits a second; `nil`: no limit.
  public var rate: Int64?
  /// Nanoseconds.
  public var delay: Int64 = 0
  /// The delay lies between `delay - jitter` and `delay + jitter`, evenly spread; nanoseconds.
  public var jitter: Int64 = 0
  /// Probabilities, 0 to 1.
  public var loss = 0.0
  public var duplicate = 0.0
  public var reorder = 0.0

  public init() {}

  /// The impairment of the direction towards `node` that a link's qualities make.
  public init(_ qualities: [LinkQuality], towards node: String) {
    for quality in qualities where quality.towards == nil || quality.towards == node { set(quality.kind) }
  }

  public mutating func set(_ kind: LinkQuality.Kind) {
    switch kind {
    case .rate(let bits): rate = bits
    case .delay(let nanoseconds): delay = nanoseconds
    case .jitter(let nanoseconds): jitter = nanoseconds
    case .loss(let share): loss = share
    case .duplicate(let share): duplicate = share
    case .reorder(let share): reorder = share
    }
  }

  /// Whether frames pass as they come.
  public var isNone: Bool { self == Impairment() }
}

/// Says when each frame of one direction arrives, and how often: pure arithmetic over the frames that came before.
///
/// Frames keep their order but for those that `reorder` chooses: such a frame arrives after the next one, or 20 ms late
/// where none follows. Chance is drawn from the seed, the frame's octets and how often the same octets came before: the
/// same seed gives the same fate to the same frames, whatever else crosses the link.
struct ImpairedDirection: Sendable {
  /// Octets that wait for a link of limited rate; what comes then is lost, as at a full queue.
  static let queueLimit = 1_000_000
  /// How long a frame waits at most to be overtaken; nanoseconds.
  static let overtakingLimit: Int64 = 20_000_000
  /// An Ethernet frame takes its octets, its check sequence, and preamble and gap (IEEE 802.3).
  private static let framing = 24

  var impairment: Impairment
  private let seed: UInt64
  /// How often octets of this digest were seen, bounded.
  private var copies: [UInt64: UInt32] = [:]
  /// When the link is free again: at a limited rate frames go one after the other.
  private var freeAt: Int64 = 0
  /// The latest arrival so far: jitter reorders nothing.
  private var latest: Int64 = 0

  /// What becomes of a frame: when it arrives, once for each copy; none: it is lost.
  struct Fate: Sendable, Equatable {
    var arrivals: [Int64] = []
    /// It is to arrive after the next frame, if one comes before its arrival.
    var isOvertaken = false
  }

  init(_ impairment: Impairment, seed: UInt64) {
    self.impairment = impairment
    self.seed = seed
  }

  /// - Parameter now: nanoseconds of a clock that only goes forward.
  mutating func send(_ octets: [UInt8], at now: Int64) -> Fate {
    guard !impairment.isNone else {
      latest = max(latest, now)
      return Fate(arrivals: [latest])
    }
    var chance = Chance(draw(octets))
    // One draw for each quality, always: changing one leaves the others' choices as they are.
    let (isLost, isDoubled) = (chance.next() < impairment.loss, chance.next() < impairment.duplicate)
    let (isOvertaken, spread) = (chance.next() < impairment.reorder, chance.next() * 2 - 1)
    if isLost { return Fate() }
    var leaves = now
    if let rate = impairment.rate, rate > 0 {
      let waiting = Double(max(0, freeAt - now)) * Double(rate) / 8e9
      guard waiting <= Double(ImpairedDirection.queueLimit) else { return Fate() }
      let duration = Double(octets.count + ImpairedDirection.framing) * 8e9 / Double(rate)
      freeAt = max(now, freeAt) + Int64(duration)
      leaves = freeAt
    }
    let delay = max(0, impairment.delay + Int64(Double(impairment.jitter) * spread))
    let arrival = max(latest, leaves + delay)
    if isOvertaken {
      let late = arrival + ImpairedDirection.overtakingLimit
      return Fate(arrivals: isDoubled ? [late, late] : [late], isOvertaken: true)
    }
    latest = arrival
    return Fate(arrivals: isDoubled ? [arrival, arrival] : [arrival])
  }

  private mutating func draw(_ octets: [UInt8]) -> UInt64 {
    // FNV-1a, 64 bits.
    var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    for octet in octets { digest = (digest ^ UInt64(octet)) &* 0x100_0000_01B3 }
    if copies.count >= 65_536 { copies.removeAll(keepingCapacity: true) }
    let copy = copies[digest, default: 0]
    copies[digest] = copy &+ 1
    return digest ^ seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(copy) << 40
  }
}

/// SplitMix64: a short sequence of even numbers in 0 ..< 1 from one seed.
struct Chance: Sendable {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return Double((mixed ^ mixed >> 31) >> 11) * 0x1p-53
  }
}
