import Glibc

/// A line on standard output, at once.
func say(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

/// A line on standard error.
func complain(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

/// Writes all of it; a reader that has gone is no reason to fail.
func write(_ text: String, to descriptor: Int32) {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
  }
}
