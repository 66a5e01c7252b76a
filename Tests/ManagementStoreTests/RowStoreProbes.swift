import GRDB

@testable import ManagementStore

extension RowStore {
  /// What SQLite says of a setting of this connection.
  func pragma(_ name: String) -> String? {
    try? queue.read { try String.fetchOne($0, sql: "PRAGMA \(name)") }
  }

  /// Lets the file not grow beyond twenty pages.
  func limitPages() throws {
    try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA max_page_count = 20") }
  }
}
