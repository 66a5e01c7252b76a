/// How the languages get at files without doing any input or output themselves.
public struct SourceLoader: Sendable {
  /// Why a file could not be had.
  public enum Failure: Error, Sendable, Hashable {
    case notFound
    /// It is there; the reason says why it can't be read.
    case unreadable(String)

    /// For people.
    public var reason: String {
      switch self {
      case .notFound: "no such file"
      case .unreadable(let reason): reason
      }
    }
  }

  public var read: @Sendable (_ path: String) -> Result<[UInt8], Failure>

  public init(_ read: @escaping @Sendable (_ path: String) -> Result<[UInt8], Failure>) { self.read = read }

  /// Files held in memory, by path.
  public init(files: [String: String]) {
    self.init { path in files[path].map { .success(Array($0.utf8)) } ?? .failure(.notFound) }
  }
}

/// Paths as text, with `/` between their parts.
public enum FilePath {
  /// Without the last part: `a/b` of `a/b/c`, the empty text of `c`, `/` of `/c`.
  public static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  public static func join(_ folder: String, _ name: String) -> String {
    if folder.isEmpty || name.hasPrefix("/") { return name }
    return folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }

  /// The last part, without `.topology` or `.scenario` or another ending.
  public static func stem(of path: String) -> String {
    let last = path.lastIndex(of: "/").map { path[path.index(after: $0)...] } ?? path[...]
    guard let dot = last.lastIndex(of: "."), dot != last.startIndex else { return String(last) }
    return String(last[..<dot])
  }

  /// Without `.` and `..` where that is possible, so that the same file has one name.
  public static func normalised(_ path: String) -> String {
    var parts: [Substring] = []
    let isAbsolute = path.hasPrefix("/")
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." {
        parts.removeLast()
      } else if part != ".." || !isAbsolute {
        parts.append(part)
      }
    }
    return (isAbsolute ? "/" : "") + parts.joined(separator: "/")
  }
}
