import Messages
import RoleKit

/// A change of the interface that a configuration asks for.
struct AddressMove: Sendable, Hashable {
  var interface: String
  var address: CIDR?
  var gateway: IPAddress?
}

/// A move that waits until its `configure-reply` has left.
struct PendingMove: Sendable, Hashable {
  var move: AddressMove
  /// The exchange that is answered first; `nil` where there is none.
  var after: Exchange?
}

/// 4.2 step 7, 4.3 step 8: the configurator configures the device.
extension CEAgent {
  /// Nanoseconds after which the move is made even if nothing is heard of the reply; the profile allows 1 s.
  static let moveDelay: UInt64 = .milliseconds(500)

  /// `configuration-read`.
  var configurationRead: HTTPResponse {
    var response = HTTPResponse.json(200, memory.document.content)
    response.fields["ETag"] = memory.document.etag
    return response
  }

  /// `configure`.
  mutating func configure(
    _ exchange: Exchange, _ request: HTTPRequest, at now: Moment
  ) throws(Refusal) -> [Effect] {
    let patch = try front.object(in: request, type: ProfileNames.mergePatchType)
    try checkRevision(request)
    let device = ConfiguredDevice(
      applications: Set(settings.applications.map(\.name)), addresses: primaryInterface?.addresses ?? [])
    let next: ConfigurationDocument
    do {
      next = try memory.document.applying(patch, on: device)
    } catch {
      let refusal = Refusal(.unsupportedSetting, error.description, pointer: error.pointer)
      return show(.configurationRefused, "A setting was refused: \(error).", at: now)
        + [.reply(exchange, refusal.response.repeating(correlation: request.correlation))]
    }
    let isChanged = next != memory.document
    memory.document = next
    var effects: [Effect] = isChanged ? [.save([memory.configurationRow()])] : []
    effects += withdraw(.configurationRefused)
    if isChanged { effects += servePorts() }
    effects.append(.reply(exchange, configurationRead.repeating(correlation: request.correlation)))
    let names = patch.value?.object?.names.joined(separator: ", ") ?? ""
    effects.append(
      .report(Report(.info, "configured", isChanged ? "\(names); now \(next.etag)" : "no change; still \(next.etag)")))
    // The answer goes out first, from the address that it was asked for at; the move follows.
    let touchesAddress = !patch["ipAddress"].isAbsent || !patch["defaultGateway"].isAbsent
    if touchesAddress, let move = moveOwed(on: primaryInterface) {
      pendingMove = PendingMove(move: move, after: exchange)
      effects.append(.arm(Timer.move, after: Self.moveDelay))
    }
    return effects
  }

  /// `If-Match` by RFC 9110 clause 13.1.1, with the strong comparison.
  private func checkRevision(_ request: HTTPRequest) throws(Refusal) {
    let current = memory.document.etag
    let tags = request.fields.all("If-Match")
      .flatMap { $0.split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" } } }
    let etag = HTTPFields.Field("ETag", current)
    guard !tags.isEmpty else {
      throw Refusal(
        Problem(.staleRevision, status: 428, "If-Match is missing; the document is at \(current)"), fields: [etag])
    }
    guard tags == ["*"] || tags.contains(current) else {
      throw Refusal(
        Problem(.staleRevision, "the document is at \(current), not \(tags.joined(separator: ", "))"), fields: [etag])
    }
  }

  /// How the interface differs from what the configuration says of it; `nil` where it does not.
  func moveOwed(on interface: InterfaceState?) -> AddressMove? {
    guard let interface else { return nil }
    let wanted = memory.document.address.flatMap { interface.addresses.contains($0) ? nil : $0 }
    let subnets = wanted.map { [$0] } ?? interface.addresses
    // An address that moves takes the old gateway along, as long as that can still be reached.
    let gateway = (memory.document.gateway ?? interface.defaultGateway)
      .flatMap { gateway in subnets.contains { $0.contains(gateway) && $0.address != gateway } ? gateway : nil }
    guard wanted != nil || (gateway != nil && gateway != interface.defaultGateway) else { return nil }
    return AddressMove(interface: interface.name, address: wanted, gateway: gateway)
  }

  mutating func replied(_ exchange: Exchange) -> [Effect] {
    guard let pendingMove, pendingMove.after == exchange else { return [] }
    return [.disarm(Timer.move)] + move()
  }

  /// Makes the move that is owed; Sequence 2 follows when the interface tells of it.
  mutating func move() -> [Effect] {
    guard let move = pendingMove?.move else { return ignored(.fired(Timer.move), "no move is owed") }
    pendingMove = nil
    let what = [move.address?.description, move.gateway.map { "gateway \($0)" }].compactMap(\.self)
    return [
      .report(Report(.notice, "moving", "\(move.interface) to \(what.joined(separator: ", "))")),
      .address(interface: move.interface, move.address, gateway: move.gateway),
    ]
  }
}
