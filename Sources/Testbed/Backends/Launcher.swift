import CLinux
import Glibc
import LinuxNetwork

/// Where `homebed-launcher` is: it puts programs into namespaces.
public struct Launcher: Sendable, Hashable {
  public var path: String

  public init(path: String) { self.path = path }

  /// The one that `HOMEBED_LAUNCHER` names, else the one beside the running program.
  public static func find() throws -> Launcher {
    if let named = getenv("HOMEBED_LAUNCHER") { return Launcher(path: String(cString: named)) }
    let own = try Files.ownExecutable()
    let beside = own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/homebed-launcher"
    guard Files.isExecutable(String(beside)) else {
      throw BackendError(
        "homebed-launcher is missing: looked for \(beside)",
        hint: "build the whole package, or set HOMEBED_LAUNCHER to its path")
    }
    return Launcher(path: String(beside))
  }

  /// Its exit status where namespaces are not permitted.
  public static let notPermitted: Int32 = 77

  /// The arguments with which a command runs in a world of its own.
  public func world(_ command: [String]) -> [String] { [path, "world", "--"] + command }

  /// Becomes `homebed-launcher world`, with the command inside. Returns only by throwing.
  public func becomeWorld(_ command: [String]) throws -> Never { try become(world(command)) }

  /// Becomes `homebed-launcher enter`: the command runs in the world of a process, in the network namespace that the
  /// process has open as `descriptor`. Returns only by throwing.
  public func becomeVisitor(of process: Int32, descriptor: Int, resolv: String, command: [String]) throws -> Never {
    let way = ["--pid", "\(process)", "--descriptor", "\(descriptor)", "--resolv", resolv, "--"]
    try become([path, "enter"] + way + command)
  }

  private func become(_ arguments: [String]) throws -> Never {
    try CStrings.with(arguments) { arguments in
      execv(path, arguments)
      throw SystemError("run \(path)", number: errno)
    }
  }

  /// Tries to make a world with a link in it.
  public func probe() -> Availability {
    do {
      let result = try Commands.run(path, ["probe"])
      if result.status == 0 { return .available }
      let words = result.errors.split(separator: "\n").first.map(String.init) ?? "the probe ended with \(result.status)"
      let prefix = "homebed-launcher: "
      return .unavailable(words.hasPrefix(prefix) ? String(words.dropFirst(prefix.count)) : words)
    } catch {
      return .unavailable("\(error)")
    }
  }
}
