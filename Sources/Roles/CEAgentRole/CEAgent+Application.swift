import Messages
import RoleKit

/// The CE application: a small media server for each TCP application of the device, on that application's own port. It
/// is what 4.4 step 7 connects to.
///
/// `GET /<application>` is a page, `GET /<application>/picture.png` a test picture. Both want the token of a connection
/// to that application. Behind a mapping `Host` names an address that the device does not know, so it is not looked at.
extension CEAgent {
  /// Whether an application is on: the configuration has the last word.
  func isEnabled(_ application: CEAgentSettings.Application) -> Bool {
    memory.document.isEnabled(application.name) ?? application.isEnabled
  }

  /// Opens and closes ports until each enabled TCP application has its own.
  mutating func servePorts() -> [Effect] {
    let wanted = Set(
      settings.applications.filter { isEnabled($0) && !stopped.contains($0.name) && $0.transport == .tcp }.map {
        memory.document.port(of: $0)
      }
    ).subtracting([settings.httpPort])
    let effects =
      servedPorts.subtracting(wanted).sorted().map { Effect.stopListening(port: $0) }
      + wanted.subtracting(servedPorts).sorted().map { Effect.listen(port: $0) }
    servedPorts = wanted
    return effects
  }

  /// The system gave no port for an application.
  mutating func portRefused(_ port: UInt16, _ failure: Failure, at now: Moment) -> [Effect] {
    guard servedPorts.contains(port) else { return ignored(.portRefused(port, failure), "no application is there") }
    return show(.applicationDown, "Port \(port) cannot be opened: \(failure).", at: now)
  }

  /// A request to an application's port: `connection` (4.4 step 7).
  func applicationRequested(
    _ exchange: Exchange, _ request: HTTPRequest, from: Endpoint, to local: Endpoint, at now: Moment
  ) -> [Effect] {
    let response: HTTPResponse
    do throws(Refusal) {
      if let broken = broken(at: local) { response = broken } else { response = try serve(request, at: local, now) }
    } catch {
      response = error.response
    }
    return [
      .reply(exchange, response.repeating(correlation: request.correlation)),
      .report(
        Report(
          .info, "application-request",
          "\(request.method) \(request.path.prefix(200)) from \(from): \(response.status)")),
    ]
  }

  /// The answer of an application that was told to be out of order.
  private func broken(at local: Endpoint) -> HTTPResponse? {
    let application = settings.applications.first { memory.document.port(of: $0) == local.port && $0.transport == .tcp }
    return application?.answers.map { Problem(status: $0, title: "Out of order", "told to answer so").response }
  }

  private func serve(_ request: HTTPRequest, at local: Endpoint, _ now: Moment) throws(Refusal) -> HTTPResponse {
    // RFC 9112 clause 3.2: exactly one, whatever it names.
    guard request.fields.all("Host").count == 1 else { throw .badRequest("expected one Host field") }
    guard let path = RequestPath(target: request.target) else { throw .badRequest("the request target is no path") }
    // 401 comes before 404, so that a stranger learns nothing about what is there.
    guard let token = request.bearerToken else { throw .unauthorized("the token of a connection is needed") }
    let connections = memory.connections.values.filter { $0.expires > now.wall && $0.token.equalsSecret(token) }
    guard !connections.isEmpty else { throw .unauthorized("this is not the token of a connection that lasts") }
    guard let name = path.segments.first,
      let application = settings.applications.first(where: {
        $0.name == name && isEnabled($0) && $0.transport == .tcp && memory.document.port(of: $0) == local.port
      })
    else {
      throw .notFound("nothing is at \(request.path.prefix(200))")
    }
    guard connections.contains(where: { $0.application == name }) else {
      throw Refusal(.forbidden, "the token is for another application")
    }
    guard let item = item(at: path.segments.dropFirst(), of: application) else {
      throw .notFound("nothing is at \(request.path.prefix(200))")
    }
    guard request.method == "GET" || request.method == "HEAD" else {
      throw .methodNotAllowed(request.method, allowed: ["GET", "HEAD"])
    }
    return item.response(to: request)
  }

  private func item(at path: ArraySlice<String>, of application: CEAgentSettings.Application) -> MediaItem? {
    switch Array(path) {
    case []: MediaItem("text/html; charset=utf-8", Array(page(of: application).utf8))
    case ["picture.png"]: MediaItem.picture
    default: nil
    }
  }

  private func page(of application: CEAgentSettings.Application) -> String {
    let device = settings.device["friendlyName"]?.string ?? settings.device["modelName"]?.string ?? settings.agentId
    let name = escaped(application.name)
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head><meta charset="utf-8"><title>\(name) on \(escaped(device))</title></head>
      <body>
      <h1>\(name)</h1>
      <p>Served by \(escaped(device)).</p>
      <p><img src="/\(name)/picture.png" width="\(TestPicture.width)" height="\(TestPicture.height)" alt="test picture"></p>
      </body>
      </html>

      """
  }
}

/// Something that the media server has, whole or in part (RFC 9110 clause 14).
struct MediaItem: Sendable, Hashable {
  var type: String
  var octets: [UInt8]
  var etag: String

  init(_ type: String, _ octets: [UInt8]) {
    self.type = type
    self.octets = octets
    etag = "\"\(IdempotencyCache.Digest(octets).text)\""
  }

  static let picture = MediaItem("image/png", TestPicture.octets)

  /// 200 with all of it, 206 with the part that was asked for, or 416.
  func response(to request: HTTPRequest) -> HTTPResponse {
    var fields: HTTPFields = [
      "Content-Type": type, "ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "no-store",
    ]
    switch range(wantedBy: request) {
    case .whole: return HTTPResponse(200, fields: fields, body: octets)
    case .part(let range):
      fields["Content-Range"] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(octets.count)"
      return HTTPResponse(206, fields: fields, body: Array(octets[range]))
    case .unsatisfiable:
      var response = Problem(
        status: 416, title: "Range Not Satisfiable", "there are \(octets.count) octets"
      ).response
      response.fields["Content-Range"] = "bytes */\(octets.count)"
      return response
    }
  }

  private func range(wantedBy request: HTTPRequest) -> ByteRange {
    let values = request.fields.all("Range")
    // RFC 9110 clause 14.2: a range counts with GET alone; clause 13.1.5: of what has changed since, all is sent.
    guard request.method == "GET", values.count == 1, request.fields["If-Range"].map({ $0 == etag }) ?? true else {
      return .whole
    }
    return ByteRange(values[0], of: octets.count)
  }
}

/// What a `Range` field asks for (RFC 9110 clause 14.1.2).
enum ByteRange: Sendable, Hashable {
  /// No range, one that is none of bytes or not well formed, or several: the field is passed by (clause 14.2).
  case whole
  case part(Range<Int>)
  case unsatisfiable

  init(_ text: String, of length: Int) {
    self = .whole
    guard let equals = text.firstIndex(of: "="), text[..<equals].lowercased() == "bytes" else { return }
    let spec = text[text.index(after: equals)...].filter { $0 != " " && $0 != "\t" }
    let ends = spec.split(separator: "-", omittingEmptySubsequences: false)
    guard ends.count == 2, ends.allSatisfy({ $0.utf8.allSatisfy(\.isDecimalDigit) }) else { return }
    if ends[0].isEmpty {
      // The last octets.
      guard !ends[1].isEmpty else { return }
      let count = min(Int(ends[1]) ?? .max, length)
      self = count == 0 ? .unsatisfiable : .part(length - count..<length)
      return
    }
    let first = Int(ends[0]) ?? .max
    let last = ends[1].isEmpty ? length - 1 : min(Int(ends[1]) ?? .max, length - 1)
    if !ends[1].isEmpty, let given = Int(ends[1]), given < first { return }
    self = first >= length ? .unsatisfiable : .part(first..<last + 1)
  }
}
