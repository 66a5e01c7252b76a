import Glibc

/// What a machine, or this process's share of it, has run out of.
public enum Shortage: Sendable, Hashable {
  /// How many files this process may have open at once.
  case openFiles(limit: Int)
  /// The files that all processes together may have open.
  case systemFiles
  case memory
  /// Processes and threads of this user.
  case processes
  case disk
  /// How large a file this process may write.
  case fileSize
  case networkNamespaces

  /// What a refused system call tells by its errno; `nil` where that tells of no shortage, or not of which.
  public init?(errno number: Int32) {
    switch number {
    case EMFILE: self = .openFiles(limit: Shortage.limit(RLIMIT_NOFILE.rawValue))
    case ENFILE: self = .systemFiles
    case ENOMEM: self = .memory
    case ENOSPC, EDQUOT: self = .disk
    case EFBIG: self = .fileSize
    default: return nil
    }
  }

  /// What is short at this moment, found out by trying; `nil` where nothing seems to be.
  ///
  /// For failures that show themselves elsewhere, such as a program that never gets ready, or whose last words found no
  /// room.
  /// - Parameter folder: where files are written.
  public static func now(in folder: String) -> Shortage? {
    let file = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
    if file < 0 { return Shortage(errno: errno) }
    close(file)
    // About what the start of a program takes.
    let size = 64 << 20
    let map = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    if map == MAP_FAILED { return .memory }
    munmap(map, size)
    do { try SystemThread.start("probe") {} } catch { return .processes }
    var volume = statvfs()
    if statvfs(folder, &volume) == 0, UInt64(volume.f_bavail) * UInt64(volume.f_frsize) < 128 << 10 { return .disk }
    return nil
  }

  /// What helps, as a hint.
  public var remedy: String {
    switch self {
    case .openFiles(let limit): "the limit of open files is \(limit); raise it with ulimit -n"
    case .systemFiles: "the machine's limit of open files is reached; as root: sysctl fs.file-max"
    case .memory: "memory has run out, or the limit that ulimit -v shows; run fewer homes at once with --jobs"
    case .processes: "no process or thread can be started; raise the limit with ulimit -u, or lower --jobs"
    case .disk: "the disk is full; free some space, or name another folder with --report or TMPDIR"
    case .fileSize: "the limit of a file's size is reached; raise it with ulimit -f"
    case .networkNamespaces:
      "the limit of network namespaces is reached; as root: sysctl user.max_net_namespaces=10000, or lower --jobs"
    }
  }

  private static func limit(_ resource: UInt32) -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(resource), &limit) == 0 else { return 0 }
    return Int(clamping: limit.rlim_cur)
  }
}
