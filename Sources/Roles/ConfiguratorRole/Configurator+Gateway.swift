import Messages
import RoleKit

/// 4.4 step 4: the configurator configures the home gateway, as a control point of IGD:2 or IGD:1 (profile section 7).
///
/// ``requestMapping(for:_:to:until:correlation:at:)`` ends with one ``mappingEnded(_:_:at:)``, and
/// ``removeMapping(of:at:)`` with one ``mappingRemoved(_:at:)``; either may be in the same turn. What a gateway holds
/// for us is in the management database, so that it is deleted also after a crash.
extension Configurator {
  /// UPnP errors of AddPortMapping and DeletePortMapping that lead on.
  enum GatewayError {
    static let noSuchEntry = 714
    static let conflict = 718
    static let onlyPermanentLeases = 725
  }
  /// How many ports are tried at a gateway that cannot choose one itself.
  static let portTries = 6
  static let mappingLimit = 512

  // MARK: The wish

  /// Asks for a port of the gateway that leads to `client`, if one is needed.
  ///
  /// - Parameter expires: in ms since 1970; the lease is what is left.
  mutating func requestMapping(
    for owner: MappingOwner, _ transport: PortMapping.Transport, to client: Endpoint, until expires: Int64,
    correlation: String?, at now: Moment
  ) -> [Effect] {
    guard mappings[owner] != nil || mappings.count < Configurator.mappingLimit else {
      return mappingEnded(owner, .refused("\(mappings.count) ports are mapped already"), at: now)
    }
    var work = MappingWork(
      owner: owner, transport: transport, client: client, expires: expires, correlation: correlation, step: .waiting)
    if let earlier = mappings[owner], case .held(let held) = earlier.step, earlier.client == client {
      work.knownPort = held.external.port
    }
    mappings[owner] = work
    return pursue(owner, at: now)
  }

  /// It is clear now whether there is a gateway: whoever waits for that goes on.
  mutating func gatewayDecided(at now: Moment) -> [Effect] {
    var effects: [Effect] = []
    for (owner, work) in mappings.sorted(by: { $0.key.text < $1.key.text }) {
      switch work.step {
      case .waiting: effects += pursue(owner, at: now)
      case .owingDeletion(let held): effects += delete(owner, held, at: now)
      case .askingAddress, .adding, .held, .deleting: continue
      }
    }
    return effects
  }

  private mutating func pursue(_ owner: MappingOwner, at now: Moment) -> [Effect] {
    switch gateway {
    case .none(isListening: true), .reading: return []
    case .none(isListening: false): return conclude(owner, .notNeeded, at: now)
    case .unusable(_, let reason): return conclude(owner, .refused("the gateway cannot be used: \(reason)"), at: now)
    case .known(_, let service):
      return call("GetExternalIPAddress", [], at: service, for: .externalAddress(owner), owner) { .askingAddress($0) }
    }
  }

  /// The wish has come to an end that leaves nothing at the gateway.
  private mutating func conclude(_ owner: MappingOwner, _ outcome: MappingOutcome, at now: Moment) -> [Effect] {
    guard let work = mappings.removeValue(forKey: owner) else { return [] }
    return work.isUnwanted ? mappingRemoved(owner, at: now) : mappingEnded(owner, outcome, at: now)
  }

  private mutating func call(
    _ action: String, _ arguments: [SOAPArgument], at service: GatewayService, for purpose: Purpose,
    _ owner: MappingOwner, then step: (Courier<Purpose>.Errand) -> MappingWork.Step
  ) -> [Effect] {
    let soap = SOAPCall(serviceType: service.type, action: action, arguments: arguments)
    var request = HTTPRequest(
      "POST", service.target,
      fields: ["Content-Type": "text/xml; charset=\"utf-8\"", "SOAPAction": soap.actionField], body: soap.octets)
    request.correlation = mappings[owner]?.correlation
    let (errand, effects) = courier.send(request, to: service.endpoint, for: purpose)
    mappings[owner]?.step = step(errand)
    return effects
  }

  // MARK: The external address

  mutating func externalAddressEnded(
    _ owner: MappingOwner, _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    guard let work = mappings[owner], case .askingAddress(errand) = work.step else {
      return unexpected("an external address for \(owner.text), which asked for none")
    }
    if work.isUnwanted { return conclude(owner, .notNeeded, at: now) }
    let answer = answer(in: ending)
    guard case .reply(let reply) = answer else { return refused(owner, answer, at: now) }
    guard let address = reply["NewExternalIPAddress"].flatMap({ IPAddress($0) }), !address.isUnspecified else {
      return conclude(owner, .refused("the gateway has no external address"), at: now)
    }
    if address == work.client.address { return conclude(owner, .notNeeded, at: now) }
    guard case .known(let found, let service) = gateway else {
      return conclude(owner, .refused("the gateway has gone"), at: now)
    }
    let wish = MappingWish(
      gatewayUUID: found.uuid, givesAnyPort: service.givesAnyPort, external: address, port: wishedPort(of: work))
    return add(owner, wish, at: now)
  }

  /// The port outside that is wished for: one that leads there already, else the client's own.
  private func wishedPort(of work: MappingWork) -> UInt16 {
    for other in mappings.values where other.transport == work.transport && other.client == work.client {
      if case .held(let held) = other.step { return held.external.port }
    }
    return work.knownPort ?? work.client.port
  }

  // MARK: map-port

  private mutating func add(_ owner: MappingOwner, _ wish: MappingWish, at now: Moment) -> [Effect] {
    guard let work = mappings[owner], case .known(let found, let service) = gateway, found.uuid == wish.gatewayUUID,
      service.givesAnyPort == wish.givesAnyPort
    else {
      return conclude(owner, .refused("the gateway has gone"), at: now)
    }
    let lease = wish.isPermanent ? 0 : work.lease(at: now)
    guard lease > 0 || wish.isPermanent else {
      return conclude(owner, .refused("nothing is left of the time"), at: now)
    }
    let arguments = [
      SOAPArgument("NewRemoteHost", ""), SOAPArgument("NewExternalPort", String(wish.port)),
      SOAPArgument("NewProtocol", work.transport.rawValue.uppercased()),
      SOAPArgument("NewInternalPort", String(work.client.port)),
      SOAPArgument("NewInternalClient", work.client.address.description), SOAPArgument("NewEnabled", "1"),
      SOAPArgument("NewPortMappingDescription", "homebed \(owner.text)"),
      SOAPArgument("NewLeaseDuration", String(lease)),
    ]
    let action = service.givesAnyPort ? "AddAnyPortMapping" : "AddPortMapping"
    return call(action, arguments, at: service, for: .addMapping(owner), owner) { .adding($0, wish) }
  }

  mutating func addMappingEnded(
    _ owner: MappingOwner, _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment,
    bits: inout RandomBits
  ) -> [Effect] {
    guard let work = mappings[owner], case .adding(errand, var wish) = work.step else {
      return unexpected("a mapping for \(owner.text), which asked for none")
    }
    let answer = answer(in: ending)
    switch answer {
    case .reply(let reply):
      let given = wish.givesAnyPort ? reply["NewReservedPort"].flatMap { UInt16($0) } : wish.port
      guard let given, given > 0 else { return conclude(owner, .refused("the gateway named no port"), at: now) }
      let held = HeldMapping(
        gatewayUUID: wish.gatewayUUID, external: Endpoint(wish.external, given), isPermanent: wish.isPermanent)
      mappings[owner]?.step = .held(held)
      let save = Effect.save([ConfiguratorTables.row(mapping: owner, mappings[owner])])
      if work.isUnwanted { return [save] + delete(owner, held, at: now) }
      let lease = work.lease(at: now)
      let report = Report(.info, "port-mapped", "\(held.external) to \(work.client) for \(lease) s")
      return [save, .report(report)] + mappingEnded(owner, .mapped(held.external, lease: lease), at: now)
    case .fault(let fault) where fault.errorCode == GatewayError.conflict && wish.tries < Configurator.portTries:
      // IGD:1 lets the control point find a free port.
      wish.port = UInt16(bits.number(in: 49_152...65_535))
      wish.tries += 1
      return add(owner, wish, at: now)
    case .fault(let fault) where fault.errorCode == GatewayError.onlyPermanentLeases && !wish.isPermanent:
      wish.isPermanent = true
      return add(owner, wish, at: now)
    case .fault, .none: return refused(owner, answer, at: now)
    }
  }

  private func answer(in ending: Courier<Purpose>.Ending) -> GatewayAnswer {
    switch ending {
    case .answered(let response):
      do {
        switch try SOAPAnswer(parsing: response.body) {
        case .reply(let reply) where response.status == 200: return .reply(reply)
        case .reply: return .none("status \(response.status)")
        case .fault(let fault): return .fault(fault)
        }
      } catch {
        return .none("status \(response.status), \(error)")
      }
    case .failed(let failure): return .none("\(failure)")
    }
  }

  private mutating func refused(_ owner: MappingOwner, _ answer: GatewayAnswer, at now: Moment) -> [Effect] {
    let report = Effect.report(Report(.warning, "gateway-refused", "\(owner.text): \(answer)"))
    let ended = conclude(owner, .refused("\(answer)"), at: now)
    // What does not speak SOAP any more is not the gateway that was found.
    if case .none = answer { return [report] + ended + forgetGateway("\(answer)", at: now) }
    return [report] + ended
  }

  // MARK: The end of a mapping

  /// Gives up a mapping, wherever it stands.
  mutating func removeMapping(of owner: MappingOwner, at now: Moment) -> [Effect] {
    guard let work = mappings[owner] else { return mappingRemoved(owner, at: now) }
    switch work.step {
    case .waiting:
      mappings[owner] = nil
      return mappingRemoved(owner, at: now)
    case .askingAddress, .adding:
      mappings[owner]?.isUnwanted = true
      return []
    case .held(let held): return delete(owner, held, at: now)
    case .owingDeletion, .deleting: return []
    }
  }

  /// A mapping's time is over: the gateway has let it go by itself, unless it knows no leases.
  mutating func mappingExpired(_ owner: MappingOwner, at now: Moment) -> [Effect] {
    guard let work = mappings[owner] else { return [] }
    switch work.step {
    case .held(let held) where held.isPermanent: return delete(owner, held, at: now)
    case .owingDeletion(let held) where held.isPermanent: return []
    case .deleting: return []
    case .askingAddress, .adding:
      mappings[owner]?.isUnwanted = true
      return []
    case .waiting, .held, .owingDeletion:
      mappings[owner] = nil
      return [.save([ConfiguratorTables.row(mapping: owner, nil)])]
    }
  }

  private mutating func delete(_ owner: MappingOwner, _ held: HeldMapping, at now: Moment) -> [Effect] {
    guard let work = mappings[owner] else { return [] }
    let isShared = mappings.values.contains { other in
      guard other.owner != owner, other.transport == work.transport, !other.isUnwanted else { return false }
      switch other.step {
      case .held(let theirs): return theirs.external.port == held.external.port
      case .adding(_, let wish): return wish.port == held.external.port
      case .waiting, .askingAddress, .owingDeletion, .deleting: return false
      }
    }
    let isOver = work.expires <= now.wall && !held.isPermanent
    if isShared || isOver { return deleted(owner, at: now) }
    guard case .known(let found, let service) = gateway, found.uuid == held.gatewayUUID else {
      mappings[owner]?.step = .owingDeletion(held)
      return []
    }
    let arguments = [
      SOAPArgument("NewRemoteHost", ""), SOAPArgument("NewExternalPort", String(held.external.port)),
      SOAPArgument("NewProtocol", work.transport.rawValue.uppercased()),
    ]
    return call("DeletePortMapping", arguments, at: service, for: .deleteMapping(owner), owner) { .deleting($0, held) }
  }

  mutating func deleteMappingEnded(
    _ owner: MappingOwner, _ errand: Courier<Purpose>.Errand, _ ending: Courier<Purpose>.Ending, at now: Moment
  ) -> [Effect] {
    guard let work = mappings[owner], case .deleting(errand, let held) = work.step else {
      return unexpected("the end of a mapping for \(owner.text), which has none")
    }
    let answer = answer(in: ending)
    switch answer {
    case .reply: return deleted(owner, at: now)
    case .fault(let fault) where fault.errorCode == GatewayError.noSuchEntry: return deleted(owner, at: now)
    case .fault:
      // It will not let go of it now, and at the end of the lease it does by itself.
      return [.report(Report(.warning, "mapping-stays", "\(held.external): \(answer)"))] + deleted(owner, at: now)
    case .none:
      mappings[owner]?.step = .owingDeletion(held)
      return forgetGateway("\(answer)", at: now)
    }
  }

  private mutating func deleted(_ owner: MappingOwner, at now: Moment) -> [Effect] {
    mappings[owner] = nil
    return [.save([ConfiguratorTables.row(mapping: owner, nil)])] + mappingRemoved(owner, at: now)
  }

  // MARK: Whose it is

  private mutating func mappingEnded(_ owner: MappingOwner, _ outcome: MappingOutcome, at now: Moment) -> [Effect] {
    switch owner {
    case .connection(let connectionId): connectionMapped(connectionId, outcome, at: now)
    case .session(let sessionId): sessionMapped(sessionId, outcome, at: now)
    case .check(let requestId): checkMapped(requestId, outcome, at: now)
    }
  }

  private mutating func mappingRemoved(_ owner: MappingOwner, at now: Moment) -> [Effect] {
    switch owner {
    case .connection(let connectionId): connectionUnmapped(connectionId, at: now)
    case .check: []
    case .session: []
    }
  }
}

/// What a gateway said.
private enum GatewayAnswer: CustomStringConvertible {
  case reply(SOAPReply)
  case fault(SOAPFault)
  /// Nothing, or nothing of SOAP.
  case none(String)

  var description: String {
    switch self {
    case .reply(let reply): "\(reply.action)"
    case .fault(let fault): "\(fault)"
    case .none(let reason): reason
    }
  }
}

extension MappingWork {
  /// Whole seconds that are left.
  func lease(at now: Moment) -> Int { Int(max(0, expires - now.wall) / 1000) }
}
