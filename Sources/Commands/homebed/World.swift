import ArgumentParser
import Backends
import Glibc
import Runner

/// Namespaces in which the command runs a second time, as root of its own.
enum World {
  /// Set in the process that runs inside.
  static let mark = "HOMEBED_INSIDE"

  static var isInside: Bool { getenv(mark) != nil }

  /// Becomes the launcher, which starts this command again in namespaces of its own.
  static func enter() throws -> Never {
    do {
      let launcher = try Launcher.find()
      setenv(mark, "1", 1)
      try launcher.becomeWorld([try ProgramFolder.ownExecutable()] + CommandLine.arguments.dropFirst())
    } catch {
      complain("error: \(error)")
      throw ExitCode(3)
    }
  }
}
