import Glibc

/// The few file operations that are needed where Foundation would cost its start-up time.
public enum Files {
  /// Writes a text file anew.
  public static func write(_ text: String, to path: String) throws {
    try open(path, O_WRONLY | O_CREAT | O_TRUNC).write(Array(text.utf8), path)
  }

  /// Opens a file; made with mode 0644 where `flags` say so, and closed on exec.
  public static func open(_ path: String, _ flags: Int32) throws -> Descriptor {
    let number = Glibc.open(path, flags | O_CLOEXEC, 0o644)
    guard number >= 0 else { throw SystemError("open \(path)", number: errno) }
    return Descriptor(number)
  }

  /// The whole of a small file; at most 64 KiB in one read, as files under /proc want it.
  public static func read(_ path: String) throws -> [UInt8] {
    try open(path, O_RDONLY).read(atMost: 65_536, path) ?? []
  }

  /// An executable by its name: in the folders of PATH, then in `more`. `nil` if there is none.
  public static func executable(_ name: String, alsoIn more: [String] = []) -> String? {
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    let folders = path.split(separator: ":").map(String.init) + more
    return folders.map { $0 + "/" + name }.first(where: isExecutable)
  }

  public enum Standard: Int32, Sendable { case output = 1, errors = 2 }

  /// Standard output or standard error, through a descriptor of its own.
  public static func standard(_ stream: Standard) throws -> Descriptor {
    let number = fcntl(stream.rawValue, F_DUPFD_CLOEXEC, 3)
    guard number >= 0 else { throw SystemError("use standard \(stream)", number: errno) }
    return Descriptor(number)
  }

  public static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

  /// The path of the running program.
  public static func ownExecutable() throws -> String {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = buffer.withUnsafeMutableBytes {
      readlink("/proc/self/exe", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    guard count >= 0 else { throw SystemError("find the path of this program", number: errno) }
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }
}

/// How many files this process may have open.
public enum DescriptorLimit {
  /// Raises the limit as far as the system permits; a home needs some two a node.
  public static func raise() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < limit.rlim_max else {
      return
    }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}

extension DescriptorLimit {
  /// Raises the limit, and throws where less than `count` files could be open then: better before a home is begun than
  /// in its midst, where not even its folder could be listed and removed.
  public static func require(_ count: Int) throws {
    raise()
    guard case .openFiles(let limit)? = Shortage(errno: EMFILE), limit < count else { return }
    throw SystemError("have the \(count) files open that a home takes at least", number: EMFILE)
  }
}

/// CLOCK_REALTIME.
public enum WallClock {
  /// Nanoseconds since 1970-01-01 UTC.
  public static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// CLOCK_MONOTONIC.
public enum MonotonicClock {
  /// Nanoseconds since a moment that stays the same while the machine runs.
  public static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
