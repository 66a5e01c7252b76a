@testable import Translation

/// A table that expectations can ask, which take no calls that change a value.
final class TableUnderTest {
  private var table: TranslationTable

  init(
    _ behaviour: NATBehaviour, timeout: UInt64 = 300_000_000_000, pool: ClosedRange<UInt16> = 1024...65_535,
    reserved: Set<UInt16> = [], seed: UInt64 = 1, limits: TranslationTable.Limits = TranslationTable.Limits()
  ) {
    table = TranslationTable(
      behaviour, timeout: timeout, pool: pool, reserved: reserved, seed: seed, limits: limits)
  }

  var count: Int { table.count }

  func outbound(from inner: UDPEnd, to remote: UDPEnd, at now: UInt64) -> Result<UInt16, TranslationTable.Refusal> {
    table.outbound(from: inner, to: remote, at: now)
  }

  func inbound(from remote: UDPEnd, toPort port: UInt16, at now: UInt64) -> Result<UDPEnd, TranslationTable.Refusal> {
    table.inbound(from: remote, toPort: port, at: now)
  }

  func add(_ mapping: TranslationTable.StaticMapping) -> Bool { table.add(mapping) }
  func remove(_ mapping: TranslationTable.StaticMapping) { table.remove(mapping) }
  func forgetDynamic() { table.forgetDynamic() }
}
