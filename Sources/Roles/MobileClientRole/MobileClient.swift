import Messages
import RoleKit

/// The mobile device of clause 4.4: it asks the service server for a connection to a CE device, and connects.
///
/// It does one task and exits with a ``MobileClientStatus``. It keeps nothing.
public struct MobileClient: Role {
  enum Purpose: Sendable, Hashable { case list, connect, visit, disconnect }

  /// A connection that the server has given.
  struct Connection: Sendable, Hashable {
    var connectionId: String
    var transport: PortMapping.Transport
    var endpoint: Endpoint
    var token: String
    var expires: String
  }

  /// The legal ways are: dormant -> listing -> over, or dormant -> connecting -> pausing -> visiting ->
  /// disconnecting -> over; pausing and disconnecting may be left out, and each step leads also -> over.
  enum Phase: Sendable {
    case dormant
    case listing(since: UInt64)
    case connecting(MobileClientSettings.Wish, since: UInt64)
    case pausing(MobileClientSettings.Wish, Connection)
    case visiting(MobileClientSettings.Wish, Connection, since: UInt64)
    /// With the status that the task has come to, whatever the disconnect comes to.
    case disconnecting(MobileClientStatus, since: UInt64)
    case over
  }

  static let pauseTimer = TimerName("visit")

  let settings: MobileClientSettings
  var phase = Phase.dormant
  var courier = Courier<Purpose>()
  var correlation = ""
  /// What is told at the end in JSON.
  var story: JSONObject = [:]
  /// The body of the application's answer.
  public internal(set) var page: [UInt8]?

  public init(_ settings: MobileClientSettings) { self.settings = settings }

  public mutating func handle(_ input: Input, at now: Moment, bits: inout RandomBits) -> [Effect] {
    switch (phase, input) {
    case (.dormant, .started): return start(at: now, bits: &bits)
    case (_, .stopping):
      phase = .over
      return courier.cancel { _ in true } + [.exit(0)]
    case (.pausing(let wish, let connection), .fired(MobileClient.pauseTimer)):
      return visit(wish, connection, at: now)
    default: break
    }
    switch courier.handle(input, at: now, bits: &bits) {
    case .notMine: return [.report(Report(.debug, "ignored", "\("\(input)".prefix(80))"))]
    case .working(let effects): return effects
    case .ended(_, _, let ending):
      switch phase {
      case .listing(let since): return listed(ending, since, at: now)
      case .connecting(let wish, let since): return connected(wish, ending, since, at: now)
      case .visiting(let wish, let connection, let since): return visited(wish, connection, ending, since, at: now)
      case .disconnecting(let status, let since): return disconnected(status, ending, since, at: now)
      case .dormant, .pausing, .over: return [.report(Report(.debug, "ignored", "an answer that nothing waits for"))]
      }
    }
  }

  private mutating func start(at now: Moment, bits: inout RandomBits) -> [Effect] {
    correlation = bits.uuid()
    switch settings.task {
    case .list:
      phase = .listing(since: now.monotonic)
      return ask(request("GET", "/agents"), .list, .ordinary)
    case .connect(let wish):
      phase = .connecting(wish, since: now.monotonic)
      var request = request(
        "POST", "/connections", ["agentId": .string(wish.agentId), "application": .string(wish.application)])
      request.idempotencyKey = bits.uuid()
      // 4.4 step 1; the reply is held.
      return ask(request, .connect, .held)
    }
  }

  private mutating func ask(_ request: HTTPRequest, _ purpose: Purpose, _ patience: Patience) -> [Effect] {
    courier.send(request, to: settings.server, for: purpose, patience: patience).effects
  }

  /// A request to the server below the home's own path.
  private func request(_ method: String, _ path: String, _ body: JSONValue? = nil) -> HTTPRequest {
    let target = "/v1/homes/\(settings.homeId)\(path)"
    var request = body.map { HTTPRequest.json(method, target, $0) } ?? HTTPRequest(method, target)
    request.bearerToken = settings.userToken
    request.correlation = correlation
    return request
  }

  // MARK: agents-list

  private mutating func listed(_ ending: Courier<Purpose>.Ending, _ since: UInt64, at now: Moment) -> [Effect] {
    guard let (response, body) = answered(ending, 200), let agents = body["agents"]?.array else {
      return refused(ending, "the list", at: now)
    }
    story["status"] = .int(response.status)
    story["agents"] = .array(agents)
    let lines = agents.map { agent in
      let applications = (agent["applications"]?.array ?? []).map { application in
        let remote = application["remoteAccess"]?.bool == false ? " (not from outside)" : ""
        return (application["name"]?.string ?? "?") + remote
      }
      let name = agent["device"]?["friendlyName"]?.string ?? agent["device"]?["modelName"]?.string ?? "?"
      return "\(agent["agentId"]?.string ?? "?")  \(agent["state"]?.string ?? "?")  \(name)  "
        + (applications.isEmpty ? "-" : applications.joined(separator: ", "))
    }
    return say(lines.isEmpty ? ["the home has no CE devices"] : lines) + end(.done)
  }

  // MARK: 4.4 steps 6 and 7

  /// `connect-reply` (4.4 step 6), which leads to step 7.
  private mutating func connected(
    _ wish: MobileClientSettings.Wish, _ ending: Courier<Purpose>.Ending, _ since: UInt64, at now: Moment
  ) -> [Effect] {
    guard let (_, body) = answered(ending, 201) else { return refused(ending, "the connection", at: now) }
    let connection: Connection
    do throws(FieldFault) {
      let fields = BodyField(body)
      let endpoint = fields["endpoint"]
      connection = Connection(
        connectionId: try fields["connectionId"].text(),
        transport: try endpoint["protocol"].word(PortMapping.Transport.self),
        endpoint: Endpoint(try endpoint["address"].address(), try endpoint["port"].port()),
        token: try fields["connectionToken"].text(), expires: try fields["expires"].text())
    } catch {
      story["problem"] = .string("the connect-reply cannot be used: \(error)")
      return say(["the server's answer cannot be used: \(error)"]) + end(.serverUnreachable)
    }
    let spent = note("connectMs", since, now)
    story["connectionId"] = .string(connection.connectionId)
    story["endpoint"] = body["endpoint"]
    story["expires"] = .string(connection.expires)
    let told = say([
      "connected: \(connection.endpoint) (\(connection.transport.rawValue)) until \(connection.expires), \(spent)"
    ])
    guard connection.transport == .tcp else {
      return told + say(["nothing is fetched by udp"]) + finish(wish, connection, .done, at: now)
    }
    guard wish.pause > 0 else { return told + visit(wish, connection, at: now) }
    phase = .pausing(wish, connection)
    return told + [.arm(MobileClient.pauseTimer, after: wish.pause)]
  }

  /// `connection` (4.4 step 7).
  private mutating func visit(
    _ wish: MobileClientSettings.Wish, _ connection: Connection, at now: Moment
  ) -> [Effect] {
    phase = .visiting(wish, connection, since: now.monotonic)
    var request = HTTPRequest("GET", "/\(wish.application)")
    request.bearerToken = wish.connectionToken ?? connection.token
    request.correlation = correlation
    return courier.send(request, to: connection.endpoint, for: .visit).effects
  }

  /// `connection-reply`.
  private mutating func visited(
    _ wish: MobileClientSettings.Wish, _ connection: Connection, _ ending: Courier<Purpose>.Ending, _ since: UInt64,
    at now: Moment
  ) -> [Effect] {
    let spent = note("visitMs", since, now)
    switch ending {
    case .answered(let response):
      let type = response.fields["Content-Type"] ?? "no type"
      story["status"] = .int(response.status)
      story["contentType"] = .string(type)
      story["octets"] = .int(response.body.count)
      if response.status == 200 { page = response.body }
      let problem = Problem(response).map { ": \($0.detail)" } ?? ""
      return say(["\(response.status) \(type), \(response.body.count) octets, \(spent)\(problem)"])
        + finish(wish, connection, response.status == 200 ? .done : .applicationRefused, at: now)
    case .failed(let failure):
      story["problem"] = .string("the application did not answer: \(failure)")
      return say(["no answer from \(connection.endpoint): \(failure), \(spent)"])
        + finish(wish, connection, .applicationUnreachable, at: now)
    }
  }

  // MARK: The end

  private mutating func finish(
    _ wish: MobileClientSettings.Wish, _ connection: Connection, _ status: MobileClientStatus, at now: Moment
  ) -> [Effect] {
    guard wish.ending == .disconnect else { return end(status) }
    phase = .disconnecting(status, since: now.monotonic)
    return ask(request("DELETE", "/connections/\(connection.connectionId)"), .disconnect, .ordinary)
  }

  private mutating func disconnected(
    _ status: MobileClientStatus, _ ending: Courier<Purpose>.Ending, _ since: UInt64, at now: Moment
  ) -> [Effect] {
    // 404: it has ended already.
    guard case .answered(let response) = ending, [204, 404].contains(response.status) else {
      return refused(ending, "the disconnect", at: now)
    }
    return say(["disconnected, \(note("disconnectMs", since, now))"]) + end(status)
  }

  /// The response where it has the wanted status, with its body as JSON.
  private func answered(_ ending: Courier<Purpose>.Ending, _ status: Int) -> (HTTPResponse, JSONValue)? {
    guard case .answered(let response) = ending, response.status == status, let body = response.json else { return nil }
    return (response, body)
  }

  /// The server has not done what was asked.
  private mutating func refused(_ ending: Courier<Purpose>.Ending, _ what: String, at now: Moment) -> [Effect] {
    switch ending {
    case .failed(let failure):
      story["problem"] = .string("the server did not answer: \(failure)")
      return say(["no answer from the server at \(settings.server): \(failure)"]) + end(.serverUnreachable)
    case .answered(let response):
      let problem = Problem(response)
      story["serverStatus"] = .int(response.status)
      story["problem"] = .string(problem?.name?.rawValue ?? problem?.title ?? "status \(response.status)")
      let status: MobileClientStatus =
        switch response.status {
        case 503, 504: .homeUnreachable
        case 400..<500: .refused
        default: .serverUnreachable
        }
      return say(["\(what) was refused: \(problem.map { "\($0)" } ?? "status \(response.status)")"]) + end(status)
    }
  }

  /// Remembers how long something took, and says it.
  private mutating func note(_ name: String, _ since: UInt64, _ now: Moment) -> String {
    let tenths = (now.monotonic - since + 50_000) / 100_000
    story[name] = .double(Double(tenths) / 10)
    return "\(tenths / 10).\(tenths % 10) ms"
  }

  private func say(_ lines: [String]) -> [Effect] { settings.format == .text ? lines.map { .output($0) } : [] }

  private mutating func end(_ status: MobileClientStatus) -> [Effect] {
    phase = .over
    story["exitStatus"] = .int(Int(status.rawValue))
    let told: [Effect] = settings.format == .json ? [.output(JSONValue.object(story).description)] : []
    return told + [.exit(status.rawValue)]
  }
}
