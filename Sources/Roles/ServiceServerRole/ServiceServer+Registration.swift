import Messages
import RoleKit

/// Homes and their agents: the server's side of 4.2 step 4 and 4.3 step 5.
extension ServiceServer {
  /// `provision-home`: gives a home its tokens, or other ones.
  mutating func provisionHome(_ served: ServedRequest) throws(Refusal) -> ServedOutcome {
    let homeId = served["homeId"]
    let body = try front.object(in: served.request)
    let tokens: HomeTokens
    do throws(FieldFault) {
      guard Identifier.isHomeId(homeId) else { throw FieldFault("/homeId", "is not 1 to 64 of a-z, 0-9 and -") }
      tokens = HomeTokens(
        homeToken: try token(body["homeToken"], of: homeId), userToken: try token(body["userToken"], of: homeId))
      guard tokens.homeToken != tokens.userToken else { throw body["userToken"].fault("is the homeToken too") }
    } catch {
      throw Refusal(error)
    }
    var closed: [Effect] = []
    if var home = homes[homeId] {
      if !home.tokens.homeToken.equalsSecret(tokens.homeToken) {
        // Whoever reads the home's events with the old token has lost the right to them.
        closed = home.streams.flatMap { close($0) }
        home.streams = []
      }
      home.tokens = tokens
      homes[homeId] = home
      return ServedOutcome(
        .json(200, ["homeId": .string(homeId)]), rows: [ServiceServerTables.row(home: homeId, tokens)], then: closed)
    }
    guard homes.count < ServiceServer.homeLimit else {
      throw Refusal(.tooManyRequests, "there are \(homes.count) homes already")
    }
    homes[homeId] = Home(tokens: tokens)
    return ServedOutcome(
      .json(201, ["homeId": .string(homeId)]), rows: [ServiceServerTables.row(home: homeId, tokens)])
  }

  /// A token that says by itself whose it is.
  private func token(_ field: BodyField, of homeId: String) throws(FieldFault) -> String {
    let token = try field.text(1...256)
    guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw field.fault("has characters that no token has")
    }
    let isTaken =
      token == settings.operatorToken
      || homes.contains {
        $0.key != homeId && ($0.value.tokens.homeToken == token || $0.value.tokens.userToken == token)
      }
    guard !isTaken else { throw field.fault("is in use already") }
    return token
  }

  /// `server-register` (4.2 step 4, 4.3 step 5).
  mutating func serverRegister(_ served: ServedRequest) throws(Refusal) -> ServedOutcome {
    let (homeId, agentId) = (served["homeId"], served["agentId"])
    let body = try front.object(in: served.request)
    let registration: AgentRegistration
    do throws(FieldFault) {
      registration = try AgentRegistration(body, agentId: agentId)
      _ = try body["configuratorId"].uuid()
      if !body["revision"].isAbsent { _ = try body["revision"].int(1...Int(Int32.max)) }
    } catch {
      throw Refusal(error)
    }
    let isKnown = homes[homeId]?.agents[agentId] != nil
    guard isKnown || (homes[homeId]?.agents.count ?? 0) < ServiceServer.agentLimit else {
      throw Refusal(.tooManyRequests, "the home has \(ServiceServer.agentLimit) agents already")
    }
    let agent = RegisteredAgent(
      body: registration.body, registeredAt: served.now.wall, lifetime: registration.lifetime)
    homes[homeId]?.agents[agentId] = agent
    let revision = homes[homeId]?.configurations[agentId]?.revision
    return ServedOutcome(
      .json(isKnown ? 200 : 201, ["revision": revision.map { .int($0) } ?? .null]),
      rows: [ServiceServerTables.row(agent: agentId, of: homeId, agent)])
  }

  /// `server-deregister`: the configuration stays.
  mutating func serverDeregister(_ served: ServedRequest) throws(Refusal) -> ServedOutcome {
    let (homeId, agentId) = (served["homeId"], served["agentId"])
    guard homes[homeId]?.agents.removeValue(forKey: agentId) != nil else { throw noAgent(agentId) }
    return ServedOutcome(HTTPResponse(204), rows: [ServiceServerTables.row(agent: agentId, of: homeId, nil)])
  }

  /// `agents-list`.
  func listAgents(_ served: ServedRequest) throws(Refusal) -> ServedOutcome {
    let agents = homes[served["homeId"]]?.agents ?? [:]
    let list = agents.sorted { $0.key < $1.key }.map { agentId, agent -> JSONValue in
      [
        "agentId": .string(agentId), "device": agent.body["device"] ?? [:],
        "applications": agent.body["applications"] ?? [],
        "state": agent.isLive(at: served.now) ? "live" : "expired",
      ]
    }
    return ServedOutcome(.json(200, ["agents": .array(list)]))
  }
}
