import Messages
import RoleKit

/// The history of what was found, by agent: clause 5 has a management database for that.
extension Configurator {
  /// Results that are kept of one agent; the oldest goes first.
  static let historyLimit = 20

  /// Adds a check's result to the agent's history.
  mutating func history(
    of check: RunningCheck, _ findings: [Finding], _ result: CheckResult, at now: Moment
  ) -> [Row] {
    let entry: JSONValue = [
      "requestId": .string(check.requestId), "at": .int(now.wall), "kind": .string(check.evidence.kind.rawValue),
      "result": .string(result.rawValue), "findings": .array(findings.map(\.json)),
      "checks": .array(check.items.map(\.json)),
    ]
    let entries = Array(((findingHistory[check.agentId] ?? []) + [entry]).suffix(Configurator.historyLimit))
    findingHistory[check.agentId] = entries
    return [Row(ConfiguratorTables.findings, check.agentId, ["results": .array(entries)])]
  }
}
