import GRDB
import Glibc
import Messages
import RoleKit
import Testing

@testable import ManagementStore

private typealias Row = RoleKit.Row

@Suite(.timeLimit(.minutes(2)))
struct RowStoreTests {
  /// A folder that goes with the test.
  final class Folder {
    let path: String

    init() throws {
      var template = Array("/tmp/row-store-XXXXXX".utf8CString)
      path = String(cString: try #require(mkdtemp(&template)))
    }

    deinit {
      for name in names { unlink("\(path)/\(name)") }
      rmdir(path)
    }

    var file: String { path + "/store.sqlite" }

    var names: [String] {
      guard let folder = opendir(path) else { return [] }
      defer { closedir(folder) }
      var names: [String] = []
      while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
      }
      return names
    }

    func read(_ name: String = "store.sqlite") -> [UInt8] {
      guard let file = fopen("\(path)/\(name)", "r") else { return [] }
      defer { fclose(file) }
      var octets: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { octets += buffer[..<count] }
      return octets
    }

    func write(_ octets: [UInt8], _ name: String = "store.sqlite") throws {
      let file = try #require(fopen("\(path)/\(name)", "w"))
      defer { fclose(file) }
      try #require(fwrite(octets, 1, octets.count, file) == octets.count)
    }
  }

  static let tables = ["agents", "requests"]

  @Test func rowsComeBack() throws {
    let folder = try Folder()
    let store = try RowStore(path: folder.file, tables: Self.tables)
    #expect(try store.rows() == [])
    try store.commit([
      Row("requests", "r", ["n": 1]), Row("agents", "b", "x"), Row("agents", "a", ["é": [.double(1.5), nil]]),
    ])
    try store.commit([Row("agents", "b", ["new": true]), Row("requests", "r", nil), Row("requests", "never", nil)])
    let rows = [Row("agents", "a", ["é": [.double(1.5), nil]]), Row("agents", "b", ["new": true])]
    #expect(try store.rows() == rows)
    store.close()
    #expect(try RowStore(path: folder.file, tables: Self.tables).rows() == rows)
  }

  @Test func everyCommitWaitsForTheDisk() throws {
    let folder = try Folder()
    let store = try RowStore(path: folder.file, tables: Self.tables)
    #expect(store.pragma("journal_mode") == "wal")
    #expect(store.pragma("synchronous") == "2")
  }

  /// What a killed program leaves is what its files hold while it has them open.
  @Test func whatWasCommittedSurvivesAKilledProgram() throws {
    let (folder, copy) = (try Folder(), try Folder())
    let store = try RowStore(path: folder.file, tables: Self.tables)
    for number in 0..<50 {
      try store.commit([Row("agents", "\(number)", .int(number)), Row("requests", "\(number)", .int(number))])
      for name in folder.names where !name.hasSuffix("-shm") { try copy.write(folder.read(name), name) }
      let survivor = try RowStore(path: copy.file, tables: Self.tables)
      #expect(try survivor.rows().count == 2 * (number + 1))
      survivor.close()
    }
    store.close()
  }

  @Test func aCommitIsAllOrNothing() throws {
    let folder = try Folder()
    let store = try RowStore(path: folder.file, tables: Self.tables)
    let error = try #require(throws: StoreError.self) {
      try store.commit([Row("agents", "a", 1), Row("homes", "h", 1)])
    }
    #expect(error.code == .unknownTable)
    #expect("\(error)".contains("\"homes\""))
    #expect(try store.rows() == [])
  }

  @Test func aTableMayBeAppendedLater() throws {
    let folder = try Folder()
    let old = try RowStore(path: folder.file, tables: Self.tables)
    try old.commit([Row("agents", "a", 1)])
    old.close()
    let new = try RowStore(path: folder.file, tables: Self.tables + ["homes"])
    try new.commit([Row("homes", "h", 2)])
    #expect(try new.rows() == [Row("agents", "a", 1), Row("homes", "h", 2)])
    new.close()

    let before = folder.read()
    let error = try #require(throws: StoreError.self) { try RowStore(path: folder.file, tables: Self.tables) }
    #expect(error.code == .newer)
    #expect(folder.read() == before)
  }

  @Test(arguments: [0, 1, 2])
  func aDamagedFileIsLeftAsItIs(_ kind: Int) throws {
    let folder = try Folder()
    let store = try RowStore(path: folder.file, tables: Self.tables)
    for number in 0..<200 {
      try store.commit([Row("agents", "\(number)", .string(String(repeating: "x", count: 500)))])
    }
    store.close()
    var octets = folder.read()
    switch kind {
    case 0: octets = Array("this is no database, and it is longer than one header".utf8)
    case 1: octets.removeLast(octets.count / 2)
    default: for index in 4096..<octets.count { octets[index] = UInt8(truncatingIfNeeded: index &* 7) }
    }
    for name in folder.names where name != "store.sqlite" { unlink("\(folder.path)/\(name)") }
    try folder.write(octets)
    let error = try #require(throws: StoreError.self) { try RowStore(path: folder.file, tables: Self.tables) }
    #expect(error.code == .damaged)
    #expect("\(error)".contains(folder.file))
    #expect(folder.read() == octets)
  }

  @Test func aLockedFileIsRefused() throws {
    let folder = try Folder()
    try RowStore(path: folder.file, tables: Self.tables).close()
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: folder.file, configuration: configuration)
    try other.writeWithoutTransaction { try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE") }
    let error = try #require(throws: StoreError.self) { try RowStore(path: folder.file, tables: Self.tables) }
    #expect(error.code == .locked)
    try other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
    try other.close()
  }

  @Test func twoProgramsDoNotShareAStore() throws {
    let folder = try Folder()
    let first = try RowStore(path: folder.file, tables: Self.tables)
    let error = try #require(throws: StoreError.self) { try RowStore(path: folder.file, tables: Self.tables) }
    #expect(error.code == .locked)
    first.close()
    _ = try RowStore(path: folder.file, tables: Self.tables)
  }

  @Test func anotherProgramsDatabaseIsRefused() throws {
    let folder = try Folder()
    let other = try DatabaseQueue(path: folder.file)
    try other.write { try $0.execute(sql: "CREATE TABLE agents (x)") }
    try other.close()
    let before = folder.read()
    let error = try #require(throws: StoreError.self) { try RowStore(path: folder.file, tables: Self.tables) }
    #expect(error.code == .schema)
    #expect(folder.read() == before)
  }

  @Test func aFullDiskIsToldAndLosesNothing() throws {
    let folder = try Folder()
    let store = try RowStore(path: folder.file, tables: Self.tables)
    try store.commit([Row("agents", "a", 1)])
    // SQLite's own limit stands in for the disk's: the same error by the same way.
    try store.limitPages()
    let big = JSONValue.string(String(repeating: "x", count: 1_000_000))
    let error = try #require(throws: StoreError.self) { try store.commit([Row("agents", "b", big)]) }
    #expect(error.code == .full)
    #expect(try store.rows() == [Row("agents", "a", 1)])
    try store.commit([Row("agents", "a", 2)])
    #expect(try store.rows() == [Row("agents", "a", 2)])
  }

  @Test func aFolderThatIsNotThereIsTold() throws {
    let error = try #require(throws: StoreError.self) {
      try RowStore(path: "/nowhere/at/all/store.sqlite", tables: Self.tables)
    }
    #expect(error.code == .denied)
  }

  @Test(arguments: ["", "Agents", "a\"b", "sqlite_x", "grdb_migrations"])
  func aTableHasAPlainName(_ name: String) throws {
    let folder = try Folder()
    let error = try #require(throws: StoreError.self) { try RowStore(path: folder.file, tables: [name]) }
    #expect(error.code == .schema)
    #expect(folder.names == [])
  }
}
