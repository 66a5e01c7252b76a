import Messages
import RoleKit

/// A check of the device, from the `check` that asked for it to its reply (4.6.3 and 4.6.4; profile section 8).
struct AgentCheck: Sendable {
  enum Kind: String, Sendable, Hashable, CaseIterable { case reachability, application }

  /// What the device's own application answered.
  enum Application: Sendable, Hashable {
    case asking(Call, since: UInt64)
    case answered(status: Int, roundTrip: Double)
    case failed(Failure)
    /// It is there for UDP alone, where nothing can be asked that proves anything.
    case skipped(String)
    /// The device has none of this name.
    case unknown
  }

  var exchange: Exchange
  var requestId: String
  var kind: Kind
  /// The name of the application that is looked at.
  var applicationName: String?
  var application: Application?
  /// Where the device's datagrams leave from; its port is open while the check lasts.
  var local: Endpoint
  var trains: [CheckName: ProbeTrain] = [:]
  var isSocketOpen = false

  var isOver: Bool {
    if case .asking = application { return false }
    return trains.values.allSatisfy(\.isOver)
  }
}

extension AgentCheck {
  /// How many questions a row has: enough that a loss of 30 % shows.
  static let echoes = 20
  static let bindings = 20

  /// Reads the body of a `check`.
  ///
  /// - Parameter local: where it came in; the device's datagrams leave from that address.
  init(_ body: BodyField, exchange: Exchange, at local: Endpoint) throws(FieldFault) {
    self.exchange = exchange
    self.local = Endpoint(local.address, 0)
    requestId = try body["requestId"].uuid()
    kind = try body["kind"].word(Kind.self)
    if kind == .application { applicationName = try body["application"].text(1...64) }
    let targets = body["targets"]
    guard kind == .reachability, !targets.isAbsent else { return }
    if !targets["gateway"].isAbsent {
      let address = try targets["gateway"].address()
      let port = targets["echoPort"].isAbsent ? DefaultPort.echo : try targets["echoPort"].port()
      let byUDP = Endpoint(address, port)
      // On one machine ICMP proves nothing: the system answers for every address by itself.
      trains[.gateway] =
        ProbeTrain.isOnThisMachine(address)
        ? ProbeTrain(.datagramEcho(byUDP), count: AgentCheck.echoes)
        : ProbeTrain(.echo(address), count: AgentCheck.echoes, fallback: byUDP)
    }
    if !targets["stun"].isAbsent {
      guard let stun = Endpoint(try targets["stun"].text()) else {
        throw targets["stun"].fault("is no address with a port")
      }
      trains[.agentServer] = ProbeTrain(.stun(stun, username: "\(requestId):agent"), count: AgentCheck.bindings)
    }
  }
}
