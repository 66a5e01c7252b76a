import Messages
import RoleKit

/// A connection from outside that the configurator has announced.
struct GrantedConnection: Sendable, Hashable {
  var connectionId: String
  var application: String
  /// What the mobile device shows.
  var token: String
  /// Milliseconds since 1970.
  var expires: Int64
}

/// 4.4 step 3 and its end: the agent takes a connection, and forgets it (profile section 5).
extension CEAgent {
  /// Connections that are held at once.
  static let connectionLimit = 256

  /// `control` and `control-reply` (4.4 step 3).
  mutating func control(_ served: ServedRequest, to local: Endpoint) throws(Refusal) -> ServedOutcome {
    let body = try front.object(in: served.request)
    let connection: GrantedConnection
    do throws(FieldFault) {
      connection = try GrantedConnection(body)
      guard connection.expires > served.now.wall else { throw body["expires"].fault("has passed") }
    } catch {
      throw Refusal(error)
    }
    guard let application = settings.applications.first(where: { $0.name == connection.application }) else {
      throw Refusal(.noApplication, "the device has no application \(connection.application)")
    }
    guard isEnabled(application) else {
      throw Refusal(.applicationDisabled, "\(application.name) is switched off")
    }
    guard application.remoteAccess else {
      throw Refusal(.applicationDisabled, "\(application.name) is not to be reached from outside the home")
    }
    let isKnown = memory.connections[connection.connectionId] != nil
    guard isKnown || memory.connections.count < CEAgent.connectionLimit else {
      throw Refusal(.tooManyRequests, "there are \(CEAgent.connectionLimit) connections already")
    }
    let reply = HTTPResponse.json(
      200,
      [
        "address": .text(local.address), "port": .int(memory.document.port(of: application)),
        "protocol": .string(application.transport.rawValue),
      ])
    return ServedOutcome(
      reply, rows: [memory.grant(connection)],
      then: [
        armExpiry(of: connection, at: served.now),
        .report(Report(.info, "connection-granted", "\(connection.connectionId): \(application.name)")),
      ])
  }

  /// `connection-end`.
  mutating func endConnection(_ served: ServedRequest) throws(Refusal) -> ServedOutcome {
    let connectionId = served["connectionId"]
    guard memory.connections[connectionId] != nil else {
      throw .notFound("there is no connection \(connectionId.prefix(64))")
    }
    return ServedOutcome(
      HTTPResponse(204), rows: [memory.revoke(connectionId)],
      then: [
        .disarm(TimerName(Timer.connectionEnd, connectionId)),
        .report(Report(.info, "connection-ended", connectionId)),
      ])
  }

  /// At `expires` the token goes by itself.
  mutating func connectionExpired(_ connectionId: String) -> [Effect] {
    guard memory.connections[connectionId] != nil else {
      return ignored(.fired(TimerName(Timer.connectionEnd, connectionId)), "the connection is gone")
    }
    return [
      .save([memory.revoke(connectionId)]), .report(Report(.info, "connection-expired", connectionId)),
    ]
  }

  /// What is left of the connections of an earlier run, and the rows of those that have ended since.
  mutating func resumeConnections(at now: Moment) -> (rows: [Row], effects: [Effect]) {
    let over = memory.connections.values.filter { $0.expires <= now.wall }.map(\.connectionId).sorted()
    let rows = over.map { memory.revoke($0) }
    return (rows, memory.connections.values.map { armExpiry(of: $0, at: now) })
  }

  private func armExpiry(of connection: GrantedConnection, at now: Moment) -> Effect {
    .arm(
      TimerName(Timer.connectionEnd, connection.connectionId),
      after: .milliseconds(UInt64(max(0, connection.expires - now.wall))))
  }
}

extension GrantedConnection {
  /// Reads the body of a `control`.
  init(_ body: BodyField) throws(FieldFault) {
    connectionId = try body["connectionId"].uuid()
    application = try body["application"].text(1...64)
    token = try body["connectionToken"].text()
    guard let expires = ProfileTime.milliseconds(rfc3339: try body["expires"].text(0...64)) else {
      throw body["expires"].fault("is no time of RFC 3339")
    }
    self.expires = expires
  }
}
