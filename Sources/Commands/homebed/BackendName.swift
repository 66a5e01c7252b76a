import ArgumentParser
import Backends

/// What `--backend` takes.
enum BackendName: String, ExpressibleByArgument, CaseIterable {
  case auto, namespaces, loopback

  /// The backend that was asked for, or what the kernel allows, which is then told.
  func chosen() throws -> Backend {
    switch self {
    case .namespaces: return .namespaces
    case .loopback: return .loopback
    case .auto:
      do {
        switch try Launcher.find().probe() {
        case .available:
          complain("backend: namespaces, since the kernel allows them here")
          return .namespaces
        case .unavailable(let reason):
          complain("backend: loopback, since namespaces are not to be had here: \(reason)")
          return .loopback
        }
      } catch {
        complain("error: \(error)")
        throw ExitCode(3)
      }
    }
  }
}
