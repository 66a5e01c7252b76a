import Messages
import RoleKit

/// Mappings that are being made: who asked for each, and who has to wait for it.
struct PendingChanges: Sendable {
  struct Change: Sendable {
    var action: HomeGateway.Action
    var entry: MappingEntry
    /// Taken away to make room for this one.
    var replaced: MappingEntry?
    /// Ports that may still be tried where one turns out to be taken; 0 where the port was asked for.
    var triesLeft = 0
  }

  /// Requests that may wait for another one; beyond it they fail with 501.
  private static let limit = 64

  private var byMapping: [PortMapping: Change] = [:]
  private var postponed: [Input] = []

  mutating func add(_ change: Change) { byMapping[change.entry.mapping] = change }
  mutating func take(_ mapping: PortMapping) -> Change? { byMapping.removeValue(forKey: mapping) }
  var count: Int { byMapping.count }

  func isChanging(_ key: MappingEntry.Key) -> Bool { byMapping.values.contains { $0.entry.key == key } }

  func uses(_ port: UInt16, _ transport: PortMapping.Transport) -> Bool {
    byMapping.keys.contains { $0.externalPort == port && $0.transport == transport }
  }

  /// False where too many wait.
  mutating func postpone(_ input: Input) -> Bool {
    guard postponed.count < Self.limit else { return false }
    postponed.append(input)
    return true
  }

  mutating func takePostponed() -> [Input] {
    defer { postponed = [] }
    return postponed
  }
}
