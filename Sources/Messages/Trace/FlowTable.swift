import Messages
import Octets

/// Packets between the same two ends on one network, both ways.
struct FlowKey: Hashable, Sendable {
  /// Protocol number and network.
  var scope: UInt32
  /// Address and port of either end, the smaller first.
  var lower: UInt64
  var higher: UInt64

  init(network: Int, protocolNumber: UInt8, _ a: UInt64, _ b: UInt64) {
    scope = UInt32(truncatingIfNeeded: network) << 8 | UInt32(protocolNumber)
    lower = min(a, b)
    higher = max(a, b)
  }

  static func end(_ address: UInt32, _ port: UInt16) -> UInt64 { UInt64(address) << 16 | UInt64(port) }
}

/// One leg of a flow: where its first sender sent it, or where a gateway passed it on under other addresses.
struct FlowLeg: Sendable {
  /// The flow as its first sender sees it.
  var origin: FlowKey
  /// Who began the flow.
  var client: Party
  /// The ends in the first sender's view.
  var clientEnd: UInt64
  var serverEnd: UInt64
  /// The end of the one who began it, as this leg shows it.
  var clientEndHere: UInt64
  /// The network of the first sender.
  var network: Int
  var isRelay = false
  /// TCP: who answered, on whichever side of a gateway.
  var server: Party?
  /// TCP: the handshake was answered, or refused.
  var isAnswered = false
  /// TCP: the handshake was not seen.
  var startedMidStream = false
}

/// Flows by leg, and the signatures that tell which legs are the same flow (rule S1): bounded, the oldest go first.
struct FlowTable: Sendable {
  /// A packet that may show again behind a gateway.
  struct Memory: Sendable {
    var leg: FlowLeg
    var sender: Party
    var isFromClient: Bool
    var time: Int64
    /// The ends that it was sent between, as this sighting of it shows them, and where.
    var ends = Ends(from: 0, to: 0)
    var network = 0
  }

  struct Ends: Sendable, Hashable {
    var from: UInt64
    var to: UInt64
  }

  private struct Binding: Hashable {
    var network: Int
    var end: UInt64
  }

  private var legs: [FlowKey: FlowLeg] = [:]
  private var order: [FlowKey] = []
  private var orderHead = 0
  /// Flows that a gateway passed on: it is no end of them.
  private var relayed: Set<FlowKey> = []
  /// Who stands behind an address and port that a gateway put in the place of another.
  private var bindings: [Binding: Party] = [:]
  /// By signature, the newest last: equal octets may be under way between several pairs of ends.
  private var memories: [UInt64: [Memory]] = [:]
  private var memoryCount = 0
  private var memoryOrder: [(signature: UInt64, time: Int64)] = []
  private var memoryHead = 0

  static let legLimit = 65_536
  static let memoryLimit = 65_536
  static let memoriesOfSignature = 16
  /// How long after the first sighting a packet may show on the other side of a gateway: 10 s.
  static let memoryAge: Int64 = 10_000_000_000

  subscript(key: FlowKey) -> FlowLeg? { legs[key] }

  /// Who stands behind an address and port, where a gateway was seen to put them in that one's place.
  func bound(_ end: UInt64, on network: Int) -> Party? { bindings[Binding(network: network, end: end)] }

  func isRelayed(_ origin: FlowKey) -> Bool { relayed.contains(origin) }

  /// Adds the leg on which a flow begins.
  mutating func add(_ leg: FlowLeg, at key: FlowKey) {
    if legs.updateValue(leg, forKey: key) == nil { order.append(key) }
    if !leg.isRelay { relayed.remove(key) }
    while legs.count > FlowTable.legLimit, orderHead < order.count {
      let oldest = order[orderHead]
      orderHead += 1
      legs[oldest] = nil
      relayed.remove(oldest)
    }
    if orderHead > 1024, orderHead * 2 > order.count {
      order.removeFirst(orderHead)
      orderHead = 0
    }
  }

  /// Adds a leg on which a gateway passes a flow on.
  mutating func relay(_ leg: FlowLeg, at key: FlowKey, clientEnd: UInt64, on network: Int) {
    relayed.insert(leg.origin)
    if clientEnd != leg.clientEnd {
      if bindings.count >= FlowTable.legLimit { bindings.removeAll(keepingCapacity: true) }
      bindings[Binding(network: network, end: clientEnd)] = leg.client
    }
    guard key != leg.origin else { return }
    var leg = leg
    leg.clientEndHere = clientEnd
    leg.isRelay = true
    add(leg, at: key)
  }

  /// The server of a flow showed itself; `isAnswered` once it took or refused the connection.
  mutating func answer(_ key: FlowKey, _ leg: FlowLeg, by server: Party, isAnswered: Bool) {
    for key in [key, leg.origin] {
      legs[key]?.server = server
      if isAnswered { legs[key]?.isAnswered = true }
    }
  }

  /// Whoever stands behind an end on a network is known from now on.
  mutating func bind(_ end: UInt64, on network: Int, to party: Party) {
    if bindings.count >= FlowTable.legLimit { bindings.removeAll(keepingCapacity: true) }
    bindings[Binding(network: network, end: end)] = party
  }

  /// Remembers what a packet of the flow looks like, to know it again behind a gateway.
  mutating func remember(_ signature: UInt64, _ memory: Memory) {
    if memories[signature, default: []].count >= FlowTable.memoriesOfSignature { forgetOldest(of: signature) }
    memories[signature, default: []].append(memory)
    memoryCount += 1
    memoryOrder.append((signature, memory.time))
    while memoryHead < memoryOrder.count,
      memoryCount > FlowTable.memoryLimit || memoryOrder[memoryHead].time < memory.time - FlowTable.memoryAge
    {
      let oldest = memoryOrder[memoryHead]
      memoryHead += 1
      if memories[oldest.signature]?.first?.time == oldest.time { forgetOldest(of: oldest.signature) }
    }
    if memoryHead > 1024, memoryHead * 2 > memoryOrder.count {
      memoryOrder.removeFirst(memoryHead)
      memoryHead = 0
    }
  }

  private mutating func forgetOldest(of signature: UInt64) {
    memories[signature]?.removeFirst()
    memoryCount -= 1
    if memories[signature]?.isEmpty ?? false { memories[signature] = nil }
  }

  func recall(_ signature: UInt64, at time: Int64) -> Memory? {
    recall(signature, at: time) { _ in true }
  }

  /// The newest packet of the signature that fits.
  func recall(_ signature: UInt64, at time: Int64, where fits: (Memory) -> Bool) -> Memory? {
    guard let found = memories[signature]?.last(where: fits), found.time >= time - FlowTable.memoryAge else {
      return nil
    }
    return found
  }
}

/// FNV-1a with a finishing mix: the same in every run, unlike Swift's own hashing.
struct MessageDigest: Sendable {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  mutating func add(_ octets: some Sequence<UInt8>) {
    for octet in octets { value = (value ^ UInt64(octet)) &* 0x100_0000_01B3 }
  }

  mutating func add(_ text: String) {
    add(text.utf8)
    add(number: 0x1_0000)
  }

  mutating func add(number: UInt64) {
    var rest = number
    for _ in 0..<8 {
      value = (value ^ (rest & 0xFF)) &* 0x100_0000_01B3
      rest >>= 8
    }
  }

  var finished: UInt64 {
    let mixed = (value ^ value >> 33) &* 0xFF51_AFD7_ED55_8CCD
    return mixed ^ mixed >> 33
  }
}
