import Messages
import RoleKit

/// A search that goes on until a configurator is found (profile section 2).
struct Search: Sendable {
  /// Searches sent since the last start or change, this one included; from 1.
  var number: Int
  /// One for the whole procedure, for readers of traces.
  var correlation: String
  /// What configurators outside our subnets were heard of, since that tells a misconfigured device from a lonely one.
  var strangers: Set<String> = []

  /// After so many failures the user is told, and another configurator than the known one will do.
  static let patienceLimit = 4
  /// Nanoseconds after which a search has failed.
  static let window: UInt64 = .milliseconds(1500)
  static let strangerLimit = 16

  /// Nanoseconds from this search to the next: they go out at 0, 1.5, 3.5 and 7.5 s, then every 60 s.
  var interval: UInt64 {
    switch number {
    case 1: .milliseconds(1500)
    case 2: .milliseconds(2000)
    case 3: .milliseconds(4000)
    default: .seconds(60)
    }
  }
}

/// A configurator that answered a search, and how it is reached.
struct Candidate: Sendable, Hashable {
  var configuratorId: String
  /// Where its API lies: the host and port of LOCATION.
  var endpoint: Endpoint
  var interface: String
  /// Our address in the subnet of LOCATION.
  var ownAddress: IPAddress
}

/// The answers to one search, while they are listened for.
struct ReplyWindow: Sendable {
  /// The first answer of each configurator, in order of arrival.
  private(set) var answers: [Candidate] = []
  /// More than any home has; further ones change nothing.
  static let limit = 16

  mutating func add(_ candidate: Candidate) {
    guard answers.count < Self.limit, !answers.contains(where: { $0.configuratorId == candidate.configuratorId })
    else { return }
    answers.append(candidate)
  }
}

extension CEAgent {
  /// 4.2 step 1, 4.3 step 2: begins the ladder of searches.
  mutating func beginSearch(at now: Moment, bits: inout RandomBits) -> [Effect] {
    phase = .searching(Search(number: 0, correlation: bits.uuid()))
    guard case .searching(let search) = phase else { return [] }
    return sendSearch(after: search, at: now, bits: &bits)
  }

  mutating func sendSearch(after last: Search, at now: Moment, bits: inout RandomBits) -> [Effect] {
    var search = last
    search.number += 1
    phase = .searching(search)
    window = ReplyWindow()
    let datagram = DeviceSearch(mx: settings.mx).octets(group: settings.ssdpGroup)
    let sent = usableInterfaces.map { Effect.ssdp(datagram, to: nil, interface: $0.name) }
    return sent + [
      .arm(Timer.searchEnd, after: Search.window),
      .report(
        Report(
          .debug, "searching", "search \(search.number) on \(usableInterfaces.map(\.name).joined(separator: ", "))")),
    ]
  }

  /// Ends whatever search, registration attempt or wait is under way, before a new beginning or the stop.
  mutating func stopSearching() -> [Effect] {
    window = nil
    return [Timer.searchEnd, Timer.searchNext, Timer.settle, Timer.again, Timer.refresh].map { .disarm($0) }
  }

  /// A datagram came in by SSDP: it is a reply, an announcement, or somebody's search.
  mutating func heard(
    _ octets: [UInt8], from: Endpoint, delivery: Delivery, on interface: String, at now: Moment,
    bits: inout RandomBits
  ) -> [Effect] {
    let message: DiscoveryMessage
    do {
      message = try DiscoveryMessage(octets: octets)
    } catch {
      return [.report(Report(.debug, "ignored", "datagram from \(from) on \(interface): \(error)"))]
    }
    let input = Input.ssdp(octets, from: from, delivery, interface: interface)
    switch message {
    case .search(let search): return searched(search, from: from, delivery: delivery, on: interface, bits: &bits)
    case .reply(let reply):
      if let effects = gatewayHeard(reply.target, location: reply.location, on: interface) { return effects }
      return configuratorReplied(reply, from: from, on: interface, at: now, bits: &bits)
    case .alive(let notice):
      if let effects = gatewayHeard(notice.type, location: notice.location, on: interface) { return effects }
      guard notice.type == ProfileNames.configuratorType else { return ignored(input, "it announces \(notice.type)") }
      return configuratorAlive(notice, input, on: interface, at: now, bits: &bits)
    case .byebye(let notice): return ignored(input, "\(notice.usn) says goodbye; its registration holds on")
    case .other(let startLine): return ignored(input, "\"\(startLine.prefix(80))\" has no meaning here")
    }
  }

  /// 4.2 step 2, 4.3 step 3: a configurator replied its ID.
  private mutating func configuratorReplied(
    _ reply: DeviceReply, from: Endpoint, on interface: String, at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    func refuse(_ reason: String) -> [Effect] {
      [.report(Report(.notice, "reply-ignored", "discovery reply from \(from) on \(interface): \(reason)"))]
    }
    guard window != nil else { return refuse("no search is awaiting replies") }
    guard reply.target == ProfileNames.configuratorType else { return refuse("it is about \(reply.target)") }
    guard let id = reply.uuid, Identifier.isUUID(id) else { return refuse("its USN \"\(reply.usn)\" has no UUID") }
    guard let url = HTTPURL(reply.location), let endpoint = url.endpoint else {
      return refuse("its LOCATION \"\(reply.location)\" is no http URL with an address")
    }
    // Only what lies in the subnet of the receiving interface: LOCATION shall not point us at strangers (CallStranger).
    guard let own = subnet(of: endpoint.address, on: interface) else {
      noteStranger(reply.location)
      return refuse("its LOCATION \(reply.location) is outside the subnet of \(interface)")
    }
    let candidate = Candidate(
      configuratorId: id, endpoint: endpoint, interface: interface, ownAddress: own.address)
    window?.add(candidate)
    var effects: [Effect] = []
    if let answers = window?.answers, answers.count > 1 {
      let list = answers.map { "\($0.configuratorId) at \($0.endpoint)" }.joined(separator: ", ")
      effects += show(.severalConfigurators, "Configurators that answered: \(list).", at: now)
    }
    guard case .searching(let search) = phase else { return effects }
    // The first acceptable reply is taken at once. While a token is held only the known ID is acceptable.
    if let known = memory.known, known != id {
      return effects + refuse("\(id) is not the known configurator \(known)")
    }
    return effects + register(with: candidate, correlation: search.correlation, at: now, bits: &bits)
  }

  /// 1.5 s after a search: it has failed, or the listening on is over.
  mutating func searchEnded(at now: Moment, bits: inout RandomBits) -> [Effect] {
    guard let answers = window?.answers else { return ignored(.fired(Timer.searchEnd), "no search is under way") }
    window = nil
    var effects: [Effect] = []
    if answers.count == 1 { effects += withdraw(.severalConfigurators) }
    guard case .searching(let search) = phase else { return effects }
    if search.number >= Search.patienceLimit, let other = answers.first {
      // The known configurator has kept silent four times: another one that answered will do.
      return effects + register(with: other, correlation: search.correlation, at: now, bits: &bits)
    }
    if search.number >= Search.patienceLimit { effects += showLoneliness(search, at: now) }
    return effects + [.arm(Timer.searchNext, after: search.interval - Search.window)]
  }

  private mutating func showLoneliness(_ search: Search, at now: Moment) -> [Effect] {
    let who = memory.known.map { "configurator \($0)" } ?? "configurator"
    var effects = show(.noConfigurator, "No \(who) answered \(Search.patienceLimit) searches.", at: now)
    if !search.strangers.isEmpty {
      let seen = search.strangers.sorted().joined(separator: ", ")
      let own = usableInterfaces.flatMap(\.addresses).map(\.description).joined(separator: ", ")
      effects += show(.wrongSubnet, "A configurator announces \(seen), which is outside of \(own).", at: now)
    }
    return effects
  }

  /// An announcement ends the pause before the next search.
  private mutating func configuratorAlive(
    _ notice: DeviceNotice, _ input: Input, on interface: String, at now: Moment, bits: inout RandomBits
  ) -> [Effect] {
    guard case .searching(let search) = phase else { return ignored(input, "no search is under way") }
    if let location = notice.location, let address = HTTPURL(location)?.address,
      subnet(of: address, on: interface) == nil
    {
      noteStranger(location)
    }
    guard window == nil else { return ignored(input, "a search is awaiting replies already") }
    if let known = memory.known, search.number < Search.patienceLimit, notice.uuid != known {
      return ignored(input, "\(notice.usn) is not the known configurator \(known)")
    }
    guard case .searching(let current) = phase else { return [] }
    return [.disarm(Timer.searchNext)] + sendSearch(after: current, at: now, bits: &bits)
  }

  private mutating func noteStranger(_ location: String) {
    guard case .searching(var search) = phase, search.strangers.count < Search.strangerLimit else { return }
    search.strangers.insert(String(location.prefix(200)))
    phase = .searching(search)
  }

  /// The interface's address whose subnet has `address`.
  func subnet(of address: IPAddress, on interface: String) -> CIDR? {
    interfaces.first { $0.name == interface }?.addresses.first { $0.contains(address) }
  }
}
