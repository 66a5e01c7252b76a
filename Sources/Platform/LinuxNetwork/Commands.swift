import CLinux
import Glibc

/// Arrays of C strings, as exec and spawn want them.
public enum CStrings {
  public static func with<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) throws -> Result
  ) rethrows -> Result {
    let pointers = strings.map { strdup($0) }
    defer { for pointer in pointers { free(pointer) } }
    return try body(pointers + [nil])
  }
}

/// Starts programs with posix_spawn.
public enum Commands {
  /// Starts a program ; it gets no descriptor but those named here.
  /// - Parameters:
  ///   - input: its standard input; `nil`: /dev/null.
  ///   - inherited: becomes descriptor 3 of the program.
  /// - Returns: its process number; the caller waits for it.
  public static func spawn(
    _ path: String, _ arguments: [String], environment: [String], input: Descriptor? = nil, output: Descriptor,
    errors: Descriptor, inherited: Descriptor? = nil
  ) throws -> pid_t {
    var pid = pid_t()
    let result = CStrings.with([path] + arguments) { arguments in
      CStrings.with(environment) { environment in
        clinux_spawn(
          path, arguments, environment, input?.number ?? -1, output.number, errors.number, inherited?.number ?? -1,
          &pid)
      }
    }
    guard result >= 0 else { throw SystemError("start \(path)", number: -result).with(.processes, for: [EAGAIN]) }
    return pid
  }

  /// A pipe; both ends are closed on exec.
  public static func pipe() throws -> (reading: Descriptor, writing: Descriptor) {
    var ends: [Int32] = [-1, -1]
    try SystemError.check(clinux_pipe(&ends), "make a pipe")
    return (Descriptor(ends[0]), Descriptor(ends[1]))
  }

  /// Runs a short program to its end, with this process's environment; waits for it.
  /// - Returns: the exit status (128 + N for signal N) and standard error, of which at most 1 MiB is kept.
  public static func run(_ path: String, _ arguments: [String], input: String? = nil) throws
    -> (status: Int32, errors: String)
  {
    // The reading end sees the end of the text only when nobody here holds the writing end.
    func start() throws -> (pid_t, Descriptor) {
      let ends = try pipe()
      let pid = try spawn(
        path, arguments, environment: ownEnvironment(), input: input.map(filled),
        output: Files.open("/dev/null", O_WRONLY), errors: ends.writing)
      return (pid, ends.reading)
    }
    let (pid, reading) = try start()
    var text: [UInt8] = []
    while let more = try reading.read(atMost: 4096, "standard error"), !more.isEmpty, text.count < 1 << 20 {
      text += more
    }
    return (try wait(pid), String(decoding: text, as: UTF8.self))
  }

  /// A descriptor from which a text can be read.
  private static func filled(with text: String) throws -> Descriptor {
    let file = Descriptor(try SystemError.check(clinux_memory_file(), "make a memory file"))
    try file.write(Array(text.utf8), "a memory file")
    lseek(file.number, 0, SEEK_SET)
    return file
  }

  /// Waits for a child. 128 + N where signal N ended it.
  public static func wait(_ pid: pid_t) throws -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 {
      guard errno == EINTR else { throw SystemError("wait for process \(pid)", number: errno) }
    }
    return exitStatus(status)
  }

  /// The exit status in what waitpid gave.
  static func exitStatus(_ status: Int32) -> Int32 {
    let signal = status & 0x7F
    return signal == 0 ? status >> 8 & 0xFF : 128 + signal
  }

  /// `NAME=VALUE`, as this process has them.
  public static func ownEnvironment() -> [String] {
    var result: [String] = []
    guard var next = clinux_environment() else { return [] }
    while let entry = next.pointee {
      result.append(String(cString: entry))
      next += 1
    }
    return result
  }
}
