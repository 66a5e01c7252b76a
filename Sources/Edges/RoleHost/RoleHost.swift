import Glibc
import Logging
import ManagementStore
import Messages
import NIOCore
import NIOPosix
import RoleKit
import Synchronization
import Transports

/// Runs one role as a program: feeds it what happens, commits what it saves, and performs what it wants.
///
/// Turns happen one after the other in one task, each a transaction (see ``Role``). Transports work on one event loop
/// and only add to the queue that this task empties.
public struct RoleHost<R: Role>: Sendable {
  private let role: R
  private let settings: HostSettings
  private let store: RowStore?
  private let portMapper: (any PortMapper)?
  private let readyLine: @Sendable () -> Void

  /// - Parameters:
  ///   - store: `nil` for a role that keeps nothing; rows that it saves are refused then.
  ///   - portMapper: performs a gateway's mappings; without one each is refused.
  ///   - readyLine: performs ``Effect/ready``; without one `ready` is printed.
  public init(
    _ role: R, settings: HostSettings, store: RowStore?, portMapper: (any PortMapper)? = nil,
    readyLine: (@Sendable () -> Void)? = nil
  ) {
    self.role = role
    self.settings = settings
    self.store = store
    self.portMapper = portMapper
    self.readyLine = readyLine ?? { StandardOutput.write("ready") }
  }

  /// Runs until the role exits.
  ///
  /// - Parameter stop: asked to stop by this, beside SIGTERM and SIGINT.
  /// - Returns: the exit status that the role gave.
  /// - Throws: ``HostError`` and ``StoreError`` where the program cannot start.
  public func run(stop: StopRequest = StopRequest()) async throws -> Int32 {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let status: Result<Int32, any Error>
    do {
      let tap = try settings.tap.map { try TapChannel(path: $0, node: settings.node) }
      let turns = HostLoop(role, settings, store, portMapper, readyLine, tap: tap, loop: group.next())
      status = .success(try await turns.run(stop))
    } catch {
      status = .failure(error)
    }
    try? await group.shutdownGracefully()
    return try status.get()
  }
}

/// Asks a host to stop, from anywhere and any number of times.
public final class StopRequest: Sendable {
  // A lock, since the request may come before the host listens and from another thread.
  private let state = Mutex<(isAsked: Bool, listener: (@Sendable () -> Void)?)>((false, nil))

  public init() {}

  public func ask() {
    state.withLock { state -> (@Sendable () -> Void)? in
      state.isAsked = true
      return state.listener
    }?()
  }

  func listen(_ listener: @escaping @Sendable () -> Void) {
    let isAsked = state.withLock { state in
      state.listener = listener
      return state.isAsked
    }
    if isAsked { listener() }
  }
}
