import CLinux
import Glibc

/// A thread of its own, for work that waits in the kernel and must not hold one of Swift's few threads.
public enum SystemThread {
  /// Starts `body`, which must end by itself.
  /// - Parameter name: up to 15 octets, as debuggers show it.
  public static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws {
    let box = Unmanaged.passRetained(Body(name: name, run: body))
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { pthread_attr_destroy(&attributes) }
    let result = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
        clinux_name_thread(body.name)
        body.run()
        return nil
      }, box.toOpaque())
    guard result == 0 else {
      box.release()
      throw SystemError("start a thread", number: result).with(.processes, for: [EAGAIN])
    }
  }

  private final class Body: Sendable {
    let name: String
    let run: @Sendable () -> Void
    init(name: String, run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }
}
