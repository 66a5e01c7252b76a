import Messages
import RoleKit

/// Configurations: the server's side of 4.2 steps 5 and 6 and of 4.3 steps 1, 6 and 7.
extension ServiceServer {
  /// `configuration-request` and `configuration-reply` (4.2 steps 5 and 6, 4.3 steps 6 and 7).
  func readConfiguration(_ served: ServedRequest) throws(Refusal) -> ServedOutcome {
    guard let configuration = homes[served["homeId"]]?.configurations[served["agentId"]] else {
      throw noConfiguration(served["agentId"])
    }
    let tag = EntityTag.write(revision: configuration.revision)
    var response =
      EntityTag.isNamed(tag, in: served.request.fields.all("If-None-Match"))
      ? HTTPResponse(304) : .json(200, configuration.document)
    response.fields["ETag"] = tag
    return ServedOutcome(response)
  }

  /// `configuration-update` (4.3 step 1). A document that differs from the one that is held gets the next revision,
  /// and the home's configurator is told where the agent is registered.
  ///
  /// What an agent can take only the agent knows, so any JSON object will do here. A member that is null says the same
  /// as none: the document is what the body makes of an empty one by RFC 7396.
  mutating func updateConfiguration(_ served: ServedRequest, bits: inout RandomBits) throws(Refusal) -> ServedOutcome {
    let (homeId, agentId) = (served["homeId"], served["agentId"])
    guard Identifier.isUUID(agentId) else { throw noAgent(agentId) }
    let document = JSONValue.object([:]).merging(try front.object(in: served.request).value ?? [:])
    let old = homes[homeId]?.configurations[agentId]
    if let old, old.document == document {
      return ServedOutcome(.json(200, ["revision": .int(old.revision)]))
    }
    guard old != nil || (homes[homeId]?.configurations.count ?? 0) < ServiceServer.configurationLimit else {
      throw Refusal(.tooManyRequests, "the home has \(ServiceServer.configurationLimit) configurations already")
    }
    let new = StoredConfiguration(revision: (old?.revision ?? 0) + 1, document: document)
    homes[homeId]?.configurations[agentId] = new
    var outcome = ServedOutcome(
      .json(old == nil ? 201 : 200, ["revision": .int(new.revision)]),
      rows: [ServiceServerTables.row(configuration: new, agent: agentId, of: homeId)])
    if homes[homeId]?.agents[agentId]?.isLive(at: served.now) == true {
      do throws(Refusal) {
        let asked = try ask(
          .configurationChanged, of: homeId, agent: agentId, details: ["revision": .int(new.revision)],
          correlation: served.correlation, at: served.now, bits: &bits)
        outcome.rows += asked.rows
        outcome.then += asked.effects
      } catch {
        // The document is held all the same: the agent gets it when it registers next.
        outcome.then.append(.report(Report(.warning, "too-many-requests", "\(homeId): \(agentId) is not told")))
      }
    }
    return outcome
  }
}
