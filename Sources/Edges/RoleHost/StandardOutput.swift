import Glibc

/// Lines for whoever started the program, not by way of a buffer, which a pipe would keep back.
enum StandardOutput {
  /// Writes a line; a reader that has gone loses it.
  static func write(_ line: String) {
    var rest = Array((line + "\n").utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { return }
      rest = rest.dropFirst(written)
    }
  }
}
