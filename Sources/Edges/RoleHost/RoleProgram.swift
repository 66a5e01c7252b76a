import ArgumentParser
import Dispatch
import Glibc
import Logging
import ManagementStore
import RoleKit

/// A program that runs one role: exit 0 after a stop, 1 where the system refuses something, 2 for a wrong argument.
public protocol RoleProgram: AsyncParsableCommand {}

/// The version that `--version` tells.
public let programVersion = "0.1.0"

extension RoleProgram {
  public static func main() async {
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      Glibc.exit(0)
    } catch let error as HostError {
      end(error.exitStatus, "\(error)")
    } catch let error as StoreError {
      end(1, "\(error)")
    } catch let code as ExitCode {
      Glibc.exit(code.rawValue)
    } catch {
      // Help and the version come as errors too.
      if exitCode(for: error) == .success {
        print(message(for: error))
        Glibc.exit(0)
      }
      end(2, message(for: error) + "; hint: --help tells the arguments")
    }
  }

  /// Runs a role until it exits; throws its exit status where that is not 0.
  ///
  /// - Parameter tables: of the role's store; with none it keeps nothing.
  public static func host<R: Role>(
    _ role: R, _ common: CommonSettings, tables: [String], portMapper: (any PortMapper)? = nil
  ) async throws {
    let store = tables.isEmpty ? nil : try common.state.store(tables: tables)
    defer { store?.close() }
    try await run(RoleHost(role, settings: common.host, store: store, portMapper: portMapper))
  }

  /// Runs a role that keeps nothing until it exits; throws its exit status where that is not 0.
  public static func host<R: Role>(_ role: R, _ settings: HostSettings) async throws {
    try await run(RoleHost(role, settings: settings, store: nil))
  }

  private static func run<R: Role>(_ host: RoleHost<R>) async throws {
    let stop = StopRequest()
    let signals = StopSignals(stop)
    defer { signals.cancel() }
    let status = try await host.run(stop: stop)
    if status != 0 { throw ExitCode(status) }
  }

  private static func end(_ status: Int32, _ sentence: String) -> Never {
    let line = Array("\(_commandName): \(sentence)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    Glibc.exit(status)
  }
}

/// SIGTERM and SIGINT as requests to stop.
final class StopSignals {
  /// From the first signal to the end of the program, whatever hangs.
  private static let limit = DispatchTimeInterval.milliseconds(450)

  private let sources: [any DispatchSourceSignal]

  init(_ stop: StopRequest) {
    // A reader that has gone and a limit of the file's size are errors of a write, not ends of the program.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    let queue = DispatchQueue(label: "signals")
    sources = [SIGTERM, SIGINT].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        stop.ask()
        queue.asyncAfter(deadline: .now() + StopSignals.limit) { _exit(0) }
      }
      source.resume()
      return source
    }
  }

  func cancel() {
    for source in sources { source.cancel() }
  }
}
