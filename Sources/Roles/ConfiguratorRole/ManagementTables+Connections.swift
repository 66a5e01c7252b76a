import Messages
import RoleKit

extension ConfiguratorTables {
  static func row(connection: RemoteConnection) -> Row {
    var value: JSONObject = [
      "requestId": .string(connection.requestId), "agentId": .string(connection.agentId),
      "application": .string(connection.application), "connectionToken": .string(connection.token),
      "expires": .int(connection.expires), "deadline": .int(connection.deadline),
    ]
    if case .open = connection.step { value["isOpen"] = true } else { value["isOpen"] = false }
    if let endpoint = connection.endpoint { value["endpoint"] = endpoint.json }
    if let correlation = connection.correlation { value["correlation"] = .string(correlation) }
    return Row(connections, connection.connectionId, .object(value))
  }

  static func row(noConnection connectionId: String) -> Row { Row(connections, connectionId, nil) }

  /// `nil` where the document lacks something.
  static func connection(_ row: Row) -> RemoteConnection? {
    guard let value = row.value, let requestId = value["requestId"]?.string, let agentId = value["agentId"]?.string,
      let application = value["application"]?.string, let token = value["connectionToken"]?.string,
      let expires = value["expires"]?.int, let deadline = value["deadline"]?.int, let isOpen = value["isOpen"]?.bool
    else { return nil }
    return RemoteConnection(
      connectionId: row.key, requestId: requestId, agentId: agentId, application: application, token: token,
      expires: Int64(expires), deadline: Int64(deadline), correlation: value["correlation"]?.string,
      step: isOpen ? .open : .interrupted,
      endpoint: value["endpoint"].flatMap { try? ApplicationEndpoint(BodyField($0)) })
  }

  /// The row is deleted where there is no mapping, or none that a gateway holds.
  static func row(mapping owner: MappingOwner, _ work: MappingWork?) -> Row {
    guard let work, case .held(let held) = work.step else { return Row(portMappings, owner.text, nil) }
    return Row(
      portMappings, owner.text,
      [
        "transport": .string(work.transport.rawValue), "client": .text(work.client), "external": .text(held.external),
        "gateway": .string(held.gatewayUUID), "expires": .int(work.expires), "isPermanent": .bool(held.isPermanent),
      ])
  }

  /// `nil` where the document lacks something.
  static func mapping(_ row: Row) -> MappingWork? {
    guard let value = row.value, let owner = MappingOwner(row.key),
      let transport = value["transport"]?.string.flatMap({ PortMapping.Transport(rawValue: $0) }),
      let client = value["client"]?.string.flatMap({ Endpoint($0) }),
      let external = value["external"]?.string.flatMap({ Endpoint($0) }), let gateway = value["gateway"]?.string,
      let expires = value["expires"]?.int, let isPermanent = value["isPermanent"]?.bool
    else { return nil }
    let held = HeldMapping(gatewayUUID: gateway, external: external, isPermanent: isPermanent)
    return MappingWork(owner: owner, transport: transport, client: client, expires: Int64(expires), step: .held(held))
  }
}
