import Messages
import RoleKit

/// The STUN server (profile section 6, RFC 8489 and RFC 5780): it tells whoever asks from where the request came.
extension ServiceServer {
  var stunSockets: [Effect] { settings.stun.ports.map { .openDatagrams(port: $0) } }

  /// Answers a binding request; whatever else came gets no answer, since the sender's address may be forged.
  func answerSTUN(_ octets: [UInt8], from client: Endpoint, to local: Endpoint) -> [Effect] {
    guard settings.stun.ports.contains(local.port) else {
      return [ignored("a datagram to port \(local.port), where nothing is spoken")]
    }
    let request: STUNMessage
    do {
      request = try STUNMessage(parsing: octets)
    } catch {
      return [ignored("no STUN from \(client): \(error)")]
    }
    guard request.messageClass == .request, request.method == STUNMessage.binding else {
      return [ignored("a STUN message from \(client) that is no binding request")]
    }
    // RFC 8489, 6.3.1
    let unknown = notUnderstood(request)
    guard unknown.isEmpty else {
      let refusal: [STUNAttribute] = [.errorCode(420, "Unknown Attribute"), .unknownAttributes(unknown)]
      return [answer(request, .error, refusal, from: local, to: client)]
    }
    // RFC 5780, 7.6
    guard request.responsePort == nil || request.padding == nil else {
      return [answer(request, .error, [.errorCode(400, "Bad Request")], from: local, to: client)]
    }
    guard let origin = origin(of: request.changeRequest ?? [], asked: local) else { return [] }
    var attributes: [STUNAttribute] = [.xorMappedAddress(client), .responseOrigin(origin)]
    if let addresses = settings.stun.addresses {
      attributes.append(
        .otherAddress(
          Endpoint(addresses.other(than: local.address), settings.stun.otherPort(than: local.port))))
    }
    if request.padding != nil { attributes.append(.padding(ServiceServer.stunPadding)) }
    let receiver = Endpoint(client.address, request.responsePort ?? client.port)
    return [answer(request, .success, attributes, from: origin, to: receiver)]
  }

  /// As long as a packet of Ethernet.
  private static let stunPadding = 1500

  /// What must be understood and is not: with one address, also what RFC 5780 adds and a server of the profile need not
  /// have.
  private func notUnderstood(_ request: STUNMessage) -> [UInt16] {
    guard settings.stun.addresses == nil else { return request.notUnderstood }
    return request.notUnderstood + (request.padding == nil ? [] : [0x0026])
      + (request.responsePort == nil ? [] : [0x0027])
  }

  /// From where to answer (RFC 5780, 7.2); `nil` where another address is asked for and there is none (profile section 6).
  private func origin(of change: STUNChangeRequest, asked local: Endpoint) -> Endpoint? {
    var origin = local
    if change.contains(.port) { origin.port = settings.stun.otherPort(than: local.port) }
    if change.contains(.address) {
      guard let addresses = settings.stun.addresses else { return nil }
      origin.address = addresses.other(than: local.address)
    }
    return origin
  }

  private func answer(
    _ request: STUNMessage, _ messageClass: STUNMessage.Class, _ attributes: [STUNAttribute], from origin: Endpoint,
    to client: Endpoint
  ) -> Effect {
    let response = STUNMessage(
      messageClass, transaction: request.transaction, attributes: attributes + [.software("homebed")])
    // RFC 8489, 7: a client that uses FINGERPRINT is answered with it.
    return .datagram(
      response.octets(fingerprint: request.hasFingerprint ? .present : .absent), from: origin, to: client)
  }

  private func ignored(_ what: String) -> Effect { .report(Report(.debug, "ignored", what)) }
}
