/// The last lines of a log file, for people who want to know why a program ended.
enum LogTail {
  static func lines(_ path: String, count: Int = 4) -> [String] {
    guard let octets = try? Files.read(path) else { return [] }
    let text = String(decoding: octets.suffix(8192), as: UTF8.self)
    return text.split(separator: "\n").suffix(count).map(String.init)
  }
}
