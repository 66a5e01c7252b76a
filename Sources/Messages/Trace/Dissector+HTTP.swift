import HTTPWire
import JSONText
import Messages
import Octets
import Packets

extension Dissector {
  /// Names what was read of a connection.
  mutating func take(_ items: [HTTPConnectionParser.Located], of id: Int, at now: TCPOrigin) {
    for located in items {
      guard let index = conversations.index(forKey: id) else { return }
      let ends = conversations.values[index].ends
      let origins = conversations.values[index].origins(of: located.range, from: located.side)
      let place = Place(
        id: id, client: ends.client, server: server(of: ends), first: origins?.first ?? now, last: origins?.last ?? now)
      switch located.item {
      case .request(let request, let number, _):
        take(addresses.restored(request), number: number, ends, place)
      case .response(let response, let request, let number):
        guard response.status >= 200 else { continue }
        let pending = number.flatMap { conversations[id]?.pending.removeValue(forKey: $0) }
        take(
          addresses.restored(response), to: request,
          pending ?? request.flatMap { name(addresses.restored($0), ends, place) }, place)
      case .streamHead(let response, let request, let number):
        let pending = number.flatMap { conversations[id]?.pending.removeValue(forKey: $0) }
        let stream = pending ?? request.flatMap { name(addresses.restored($0), ends, place) }
        conversations[id]?.stream = stream
        take(addresses.restored(response), to: request, stream, place)
      case .streamEvent(let event, _, _):
        take(addresses.restored(event), conversations[id]?.stream, place)
      case .streamEnd: conversations[id]?.stream = nil
      case .streamComment, .streamRetry: break
      case .upgraded: counts.add(.connection(ends.server.address, ends.server.port, "another protocol"))
      case .garbage(let fault):
        guard !conversations.values[index].isCounted else { continue }
        conversations[id]?.isCounted = true
        let isStart = located.range.lowerBound == 0 && fault.offset < 32 && fault.reason.hasPrefix("not an HTTP")
        counts.add(
          .connection(
            ends.server.address, ends.server.port,
            isStart ? "not a message" : "\(fault.reason), at octet \(fault.offset) of the \(located.side)"))
      }
    }
  }

  /// Whose message it is, and where it stands.
  private struct Place {
    var id: Int
    var client: Party
    var server: Party
    var first: TCPOrigin
    var last: TCPOrigin
  }

  private mutating func take(_ request: HTTPRequest, number: Int, _ ends: Conversation.Ends, _ place: Place) {
    guard var pending = name(request, ends, place) else {
      counts.add(.http("\(request.method) \(request.path.prefix(80))"))
      return
    }
    var fields =
      pending.definition.isSOAP
      ? SOAPFields.request(request.body, pending.definition) : MessageFields.body(request.body, request.fields)
    for (name, value) in pending.parameters where fields[name] == nil { fields[name] = .string(value) }
    MessageFields.addHeaders(request.fields, pending.definition, to: &fields)
    if pending.definition.fields.contains(where: { $0.name == "path" }) { fields["path"] = .string(request.path) }
    pending.isBackground = pending.definition.background.holds(for: fields, request: false)
    conversations[place.id]?.pending[number] = pending
    learn(pending.definition, fields, ends, place)
    var digest = MessageDigest()
    digest.add(request.method)
    digest.add(request.target)
    MessageFields.digest(request.fields, request.body, into: &digest)
    tell(
      pending.definition, from: place.client, to: place.server, fields: fields, at: place.last,
      firstFrame: place.first.frame, digest: digest.finished, isBackground: pending.isBackground)
  }

  private mutating func take(
    _ response: HTTPResponse, to request: HTTPRequest?, _ pending: Conversation.Pending?, _ place: Place
  ) {
    guard let pending, let definition = MessageCatalogue.reply(to: pending.definition.name) else {
      if request == nil { counts.add(.http("response \(response.status) to a request that was not seen")) }
      return
    }
    var fields =
      pending.definition.isSOAP
      ? SOAPFields.reply(response.body, definition) : MessageFields.body(response.body, response.fields)
    fields["status"] = .int(response.status)
    MessageFields.addHeaders(response.fields, definition, to: &fields)
    var digest = MessageDigest()
    digest.add(number: UInt64(response.status))
    MessageFields.digest(response.fields, response.body, into: &digest)
    tell(
      definition, from: place.server, to: place.client, fields: fields, at: place.last, firstFrame: place.first.frame,
      digest: digest.finished, isBackground: definition.background.holds(for: fields, request: pending.isBackground))
  }

  private mutating func take(_ event: ServerSentEvent, _ stream: Conversation.Pending?, _ place: Place) {
    guard let stream, stream.definition.name == "request-stream", let definition = MessageCatalogue["request"] else {
      counts.add(.http("server-sent event \(event.event ?? "message")"))
      return
    }
    var fields = MessageFields.body(Array(event.data.utf8), ["Content-Type": ProfileNames.jsonType])
    if fields["kind"] == nil { fields["kind"] = event.event.map { .string($0) } }
    fields["eventId"] = event.id.map { .string($0) }
    for (name, value) in stream.parameters where fields[name] == nil { fields[name] = .string(value) }
    // S2 sets the correlation aside; here it is a member.
    var content = fields
    content["correlation"] = nil
    var digest = MessageDigest()
    digest.add(event.event ?? "")
    digest.add(content.description)
    tell(
      definition, from: place.server, to: place.client, fields: fields, at: place.last, firstFrame: place.first.frame,
      digest: digest.finished, isBackground: definition.background.holds(for: fields, request: false))
  }

  /// The catalogue's name for a request, by its method, its path, and what its ends are.
  private func name(_ request: HTTPRequest, _ ends: Conversation.Ends, _ place: Place) -> Conversation.Pending? {
    let serverKind = parties.kind(of: place.server)
    func byURL(_ name: String) -> Conversation.Pending? {
      MessageCatalogue[name].map { Conversation.Pending(definition: $0, parameters: [], isBackground: false) }
    }
    if request.fields["SOAPACTION"] != nil {
      return SOAPFields.definition(of: request).map {
        Conversation.Pending(definition: $0, parameters: [], isBackground: false)
      }
    }
    let mayBeAgent = serverKind == nil || serverKind == .ce || serverKind == .host
    switch (request.method, urls.purpose(of: request.target, at: ends.server)) {
    case ("GET", .configuration?): return byURL("configuration-read")
    case ("GET", .description?): return byURL("description-read")
    case ("PATCH", _) where mayBeAgent: return byURL("configure")
    case ("GET", _) where mayBeAgent && request.path == "/configuration": return byURL("configuration-read")
    case ("GET", _) where request.path.lowercased().hasSuffix(".xml"): return byURL("description-read")
    default: break
    }
    guard
      let (definition, parameters) = MessageCatalogue.request(
        method: request.method, path: request.path, server: serverKind, client: parties.kind(of: place.client))
    else { return nil }
    // The path of an application says nothing by itself; the connection's token does.
    if definition.name == "connection", MessageFields.bearerToken(request.fields) == nil { return nil }
    return Conversation.Pending(definition: definition, parameters: parameters, isBackground: false)
  }

  /// What a request tells of its ends.
  private mutating func learn(
    _ definition: MessageDefinition, _ fields: JSONValue, _ ends: Conversation.Ends, _ place: Place
  ) {
    if definition.name == "register" {
      parties.learn(.ce, of: place.client)
      parties.learn(.configurator, of: place.server)
      if let url = fields["configurationURL"]?.string { urls.add(url, .configuration) }
    } else if case .http(_, _, .serviceServer) = definition.binding {
      parties.learn(.serviceServer, of: place.server)
      if definition.directions == [MessageDirection(.configurator, .serviceServer)] {
        parties.learn(.configurator, of: place.client)
      }
    }
  }
}
