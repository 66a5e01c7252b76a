import Messages
import RoleKit

/// A mapping as a control point asked for it, and until when it holds.
struct MappingEntry: Sendable, Hashable {
  /// What tells mappings apart (WANIPConnection:2, 2.3).
  struct Key: Sendable, Hashable {
    var transport: PortMapping.Transport
    var externalPort: UInt16
    /// `nil`: whoever comes from outside.
    var remoteHost: IPAddress?
  }

  var key: Key
  var client: Endpoint
  var isEnabled: Bool
  var text: String
  /// Milliseconds since 1970.
  var expires: Int64
  /// Grows with each new mapping; lists keep to it.
  var order: Int

  var mapping: PortMapping {
    PortMapping(key.transport, externalPort: key.externalPort, remoteHost: key.remoteHost, client: client)
  }

  /// Whole seconds that are left, 1 at least: 0 would say something else.
  func secondsLeft(at wall: Int64) -> UInt32 { UInt32(max(1, (expires - wall + 999) / 1000)) }
}

/// The mappings of a gateway, in the order in which they were made.
struct MappingTable: Sendable {
  private var entries: [MappingEntry.Key: MappingEntry] = [:]
  private var order: [MappingEntry.Key] = []
  /// How many mappings of any remote host an external port has.
  private var ports: [PortMapping.Transport: [UInt16: Int]] = [:]

  var count: Int { order.count }
  /// For the next new mapping.
  private(set) var nextOrder = 1
  var all: [MappingEntry] { order.compactMap { entries[$0] } }
  /// The earliest end of a lease.
  var nextEnd: Int64? { entries.values.map(\.expires).min() }

  subscript(key: MappingEntry.Key) -> MappingEntry? { entries[key] }
  subscript(index: Int) -> MappingEntry? { order.indices.contains(index) ? entries[order[index]] : nil }

  func uses(_ port: UInt16, _ transport: PortMapping.Transport) -> Bool { ports[transport]?[port] != nil }

  mutating func put(_ entry: MappingEntry) {
    nextOrder = max(nextOrder, entry.order + 1)
    if entries.updateValue(entry, forKey: entry.key) == nil {
      order.append(entry.key)
      ports[entry.key.transport, default: [:]][entry.key.externalPort, default: 0] += 1
    }
  }

  @discardableResult mutating func remove(_ key: MappingEntry.Key) -> MappingEntry? {
    guard let entry = entries.removeValue(forKey: key) else { return nil }
    order.removeAll { $0 == key }
    let left = (ports[key.transport]?[key.externalPort] ?? 1) - 1
    ports[key.transport]?[key.externalPort] = left == 0 ? nil : left
    return entry
  }
}
