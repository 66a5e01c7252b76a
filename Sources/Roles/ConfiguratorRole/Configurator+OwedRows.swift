import Messages
import RoleKit

/// What the store did not take. An answer to a call comes once: where its turn could not be committed, what it changed
/// goes on in memory, and its rows are stored as soon as the store takes them.
extension Configurator {
  /// The effects without their rows, which are kept for later.
  mutating func owing(_ effects: [Effect]) -> [Effect] {
    let rows = effects.flatMap { effect in if case .save(let rows) = effect { rows } else { [Row]() } }
    guard !rows.isEmpty else { return effects }
    forgetOwed(rows)
    owedRows += rows
    return effects.filter { if case .save = $0 { false } else { true } }
      + [.arm(TimerName(Timer.owedRows), after: .seconds(1))]
  }

  /// Newer rows of the same keys make older ones void.
  mutating func forgetOwed(_ rows: [Row]) {
    guard !owedRows.isEmpty else { return }
    owedRows.removeAll { owed in rows.contains { $0.table == owed.table && $0.key == owed.key } }
  }

  mutating func saveOwed() -> [Effect] {
    let rows = owedRows
    owedRows = []
    return rows.isEmpty ? [] : [.save(rows)]
  }
}
