import GRDB
import Messages
import RoleKit

/// The durable rows of one role: an SQLite database in WAL mode with one table of JSON documents for each kind of fact.
///
/// What ``commit(_:)`` has returned for survives the end of the program in any manner, and, since each commit waits for
/// the disk (`synchronous = FULL`), the end of the machine's power as far as the disk tells the truth about its cache.
/// The schema's version is the number of tables: a role appends to its list and never takes away or reorders.
public final class RowStore: Sendable {
  let queue: DatabaseQueue
  private let path: String
  private let lock: FileLock
  private let tables: [String]

  /// Opens the database, or makes it, and brings it to this program's version.
  ///
  /// A file that cannot be used is left as it is.
  ///
  /// - Parameter tables: names of `a-z` and `_`, in the order in which they came to be.
  /// - Throws: ``StoreError``.
  public init(path: String, tables: [String]) throws(StoreError) {
    self.path = path
    self.tables = tables
    for table in tables where !RowStore.isName(table) {
      throw StoreError(.schema, path, "\"\(table)\" cannot be the name of a table")
    }
    let migrator = RowStore.migrator(tables)
    lock = try FileLock(path)
    do {
      try RowStore.inspect(path, migrator)
      var configuration = Configuration()
      configuration.journalMode = .wal
      configuration.busyMode = .timeout(0.25)
      configuration.label = "store"
      queue = try DatabaseQueue(path: path, configuration: configuration)
      try queue.writeWithoutTransaction { database in
        // GRDB sets NORMAL, which may lose the last commits with the machine's power.
        try database.execute(sql: "PRAGMA synchronous = FULL")
      }
      try migrator.migrate(queue)
    } catch {
      throw StoreError(error, path)
    }
  }

  /// All rows, table by table in the order of the list, by key.
  public func rows() throws(StoreError) -> [RoleKit.Row] {
    do {
      return try queue.read { database in
        try tables.flatMap { table in
          try GRDB.Row.fetchAll(database, sql: "SELECT key, value FROM \"\(table)\" ORDER BY key").map { row in
            let (key, text): (String, String) = (row["key"], row["value"])
            do {
              return RoleKit.Row(table, key, try JSONValue(parsing: text, depth: 64))
            } catch {
              throw StoreError(.damaged, path, "the row \"\(key)\" of table \(table) is not JSON: \(error)")
            }
          }
        }
      }
    } catch {
      throw StoreError(error, path)
    }
  }

  /// Writes all rows, or none of them.
  ///
  /// - Throws: ``StoreError``, such as `unknownTable` and `full`.
  public func commit(_ rows: [RoleKit.Row]) throws(StoreError) {
    for row in rows where !tables.contains(row.table) {
      throw StoreError(.unknownTable, path, "there is no table \"\(row.table)\"")
    }
    do {
      try queue.write { database in
        for row in rows {
          if let value = row.value {
            try database.cachedStatement(
              sql: """
                INSERT INTO "\(row.table)" (key, value) VALUES (?, ?)
                ON CONFLICT (key) DO UPDATE SET value = excluded.value
                """
            ).execute(arguments: [row.key, value.description])
          } else {
            try database.cachedStatement(sql: "DELETE FROM \"\(row.table)\" WHERE key = ?")
              .execute(arguments: [row.key])
          }
        }
      }
    } catch {
      throw StoreError(error, path)
    }
  }

  /// Closes the file; commits after this fail.
  public func close() {
    try? queue.close()
    lock.release()
  }

  // MARK: Schema

  /// One migration for each table, in order.
  private static func migrator(_ tables: [String]) -> DatabaseMigrator {
    var migrator = DatabaseMigrator()
    for (index, table) in tables.enumerated() {
      migrator.registerMigration("\(index + 1) \(table)", foreignKeyChecks: .immediate) { database in
        try database.execute(
          sql: "CREATE TABLE \"\(table)\" (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID")
      }
    }
    return migrator
  }

  /// Looks at a file that is there already, through a connection that cannot write.
  private static func inspect(_ path: String, _ migrator: DatabaseMigrator) throws {
    guard RowStore.holdsSomething(path) else { return }
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(0.25)
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    try queue.read { database in
      let verdict = try String.fetchOne(database, sql: "PRAGMA quick_check(1)")
      if verdict != "ok" { throw StoreError(.damaged, path, verdict ?? "the check of the file tells nothing") }
      let applied = try migrator.appliedIdentifiers(database)
      if try migrator.hasBeenSuperseded(database) {
        throw StoreError(
          .newer, path, "it has \(applied.count) tables, this program knows \(migrator.migrations.count)")
      }
      let isOurs = try database.tableExists("grdb_migrations")
      let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") == 0
      if !isOurs, !isEmpty { throw StoreError(.schema, path, "it is some other program's database") }
    }
    try queue.close()
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_") }
      && !text.hasPrefix("sqlite_") && text != "grdb_migrations"
  }
}
