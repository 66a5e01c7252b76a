import Logging
import Messages
import NIOCore
import NIOPosix
import RoleKit
import Testing

@testable import Transports

@Suite(.timeLimit(.minutes(2)))
struct EchoTransportTests {
  private func withEchoes(_ body: (EchoTransport, Inputs) async throws -> Void) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let inputs = Inputs()
    let echoes = EchoTransport(
      loop: group.next(), clock: RoleClock(pace: 1), log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      sink: inputs.sink)
    try await body(echoes, inputs)
    await echoes.shutDown()
    try await group.shutdownGracefully()
  }

  /// An ordinary user may open neither kind of socket on many machines; then each call says so.
  @Test func aHostAnswersOrTheCallSaysThatItMayNotAsk() async throws {
    try await withEchoes { echoes, inputs in
      let host = try #require(IPAddress("127.0.0.77"))
      echoes.echo(Call(1), to: host, timeout: .seconds(100))
      let first = try await inputs.next()
      guard first != .failed(Call(1), .notPermitted) else {
        echoes.echo(Call(2), to: host, timeout: .seconds(100))
        return #expect(try await inputs.next() == .failed(Call(2), .notPermitted))
      }
      #expect(first == .echoed(Call(1)))
      // Several at once, each with its own answer.
      for number in 2...9 { echoes.echo(Call(UInt64(number)), to: host, timeout: .seconds(100)) }
      var answered: Set<UInt64> = []
      for _ in 2...9 {
        guard case .echoed(let call) = try await inputs.next() else { throw Inputs.Surprise() }
        answered.insert(call.number)
      }
      #expect(answered == Set(2...9))
    }
  }

  @Test func whatCannotBeReachedFailsAndWhatIsCancelledIsSilent() async throws {
    try await withEchoes { echoes, inputs in
      // A broadcast address takes no echo request from an ordinary socket.
      echoes.echo(Call(1), to: .v4(.max), timeout: .seconds(100))
      guard case .failed(Call(1), let failure) = try await inputs.next() else { throw Inputs.Surprise() }
      #expect(failure == .unreachable || failure == .notPermitted)
      echoes.echo(Call(2), to: try #require(IPAddress("127.0.0.77")), timeout: .seconds(100))
      echoes.cancel(Call(2))
      echoes.echo(Call(3), to: .v4(.max), timeout: .seconds(100))
      guard case .failed(let call, _) = try await inputs.next() else { return }
      #expect(call == Call(3) || failure == .notPermitted)
    }
  }
}
