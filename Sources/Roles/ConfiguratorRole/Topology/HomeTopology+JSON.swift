import Messages

extension HomeTopology {
  /// As `GET /topology` tells it (profile section 8); ages are in milliseconds.
  func json(at now: Int64) -> JSONValue {
    func end(_ end: End) -> JSONValue {
      var value: JSONValue = ["node": .string(end.node)]
      if let port = end.port { value["port"] = .int(Int(port)) }
      return value
    }
    return [
      "nodes": .array(
        nodes.map { node in
          var value: JSONValue = [
            "id": .string(node.id), "macAddress": node.macAddress.map { .string("\($0)") } ?? .null,
          ]
          if let agentId = node.agentId { value["agentId"] = .string(agentId) }
          if let name = node.name { value["name"] = .string(name) }
          value["kind"] = .string(node.kind.rawValue)
          value["ageMs"] = .int(max(0, now - node.heardAt))
          return value
        }),
      "links": .array(
        links.map { ["a": end($0.a), "b": end($0.b), "ageMs": .int(max(0, now - $0.heardAt))] }),
      "complete": .bool(isComplete),
    ]
  }
}
