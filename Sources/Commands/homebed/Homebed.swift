import ArgumentParser
import Glibc

/// The command people type.
@main
struct Homebed: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "homebed",
    abstract: "Runs home networks and judges their devices by IEC 62608-2:2017.",
    version: version,
    subcommands: [
      Run.self, Check.self, List.self, Draw.self, Decode.self, Verify.self, MessagesCommand.self, Up.self,
      Enter.self, Do.self,
    ])

  /// Parses and runs; wrong usage ends with 2, as every other exit status is a verdict.
  static func main() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch let status as ExitCode {
      Glibc.exit(status.rawValue)
    } catch {
      let message = fullMessage(for: error)
      switch exitCode(for: error) {
      case .success:
        say(message)
        Glibc.exit(0)
      case .validationFailure:
        complain(message)
        Glibc.exit(2)
      default:
        complain(message)
        Glibc.exit(3)
      }
    }
  }
}
