import Messages
import RoleKit

/// What a home gateway keeps. Every row is a JSON document under a text key.
///
/// | table | key | document |
/// |---|---|---|
/// | `mappings` | `tcp/8200/203.0.113.5`, or `*` for any remote host | `{internalClient, internalPort, enabled, description, expires, order}`; expires in ms since 1970 |
public enum GatewayTables {
  public static let mappings = "mappings"
  public static let all = [mappings]

  static func key(_ key: MappingEntry.Key) -> String {
    "\(key.transport.rawValue)/\(key.externalPort)/\(key.remoteHost.map { "\($0)" } ?? "*")"
  }

  static func row(_ entry: MappingEntry) -> Row {
    Row(
      mappings, key(entry.key),
      [
        "internalClient": .string("\(entry.client.address)"), "internalPort": .int(Int(entry.client.port)),
        "enabled": .bool(entry.isEnabled), "description": .string(entry.text), "expires": .int(Int(entry.expires)),
        "order": .int(entry.order),
      ])
  }

  static func deletion(_ key: MappingEntry.Key) -> Row { Row(mappings, self.key(key), nil) }

  /// The mapping of a row; `nil` where the row is none.
  static func entry(_ row: Row) -> MappingEntry? {
    let parts = row.key.split(separator: "/", omittingEmptySubsequences: false)
    guard row.table == mappings, parts.count == 3, let transport = PortMapping.Transport(rawValue: String(parts[0])),
      let port = UInt16(parts[1]), parts[2] == "*" || IPAddress(parts[2]) != nil, let value = row.value,
      let client = value["internalClient"]?.string.flatMap({ IPAddress($0) }),
      let internalPort = value["internalPort"]?.int.flatMap({ UInt16(exactly: $0) }),
      let isEnabled = value["enabled"]?.bool, let expires = value["expires"]?.int
    else { return nil }
    let key = MappingEntry.Key(transport: transport, externalPort: port, remoteHost: IPAddress(parts[2]))
    return MappingEntry(
      key: key, client: Endpoint(client, internalPort), isEnabled: isEnabled,
      text: value["description"]?.string ?? "", expires: Int64(expires), order: value["order"]?.int ?? 0)
  }
}
