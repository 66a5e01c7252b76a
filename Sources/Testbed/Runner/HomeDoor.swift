import JSONText
import LinuxNetwork
import Synchronization

/// The socket at which a running home is asked things; calls and hang-ups go to the home's inbox.
final class HomeDoor: Sendable {
  private let listener: Descriptor
  private let inbox: Inbox
  private let numbers = Mutex(0)

  /// Octets that a request may have: a scenario file's worth of actions, in JSON.
  private static let requestLimit = 8 << 20

  init(_ listener: Descriptor, inbox: Inbox) throws {
    self.listener = listener
    self.inbox = inbox
    try SystemThread.start("door") { [self] in
      // A refused system call ends the door; the home goes on, and can still be ended by a signal.
      while let visitor = (try? LocalSocket.accept(listener)) ?? nil {
        let number = numbers.withLock { number in
          number += 1
          return number
        }
        try? SystemThread.start("visitor") { self.attend(visitor, number) }
      }
    }
  }

  /// Nobody is let in any more.
  func close() { LocalSocket.shutDown(listener) }

  /// Takes one request, and notices when whoever asked it goes away.
  private func attend(_ visitor: Descriptor, _ number: Int) {
    var octets: [UInt8] = []
    while octets.last != 0x0A {
      guard octets.count <= HomeDoor.requestLimit, let more = (try? visitor.read(atMost: 65_536, "a request")) ?? nil,
        !more.isEmpty
      else { return }
      octets += more
    }
    guard let json = try? JSONValue(parsing: octets.dropLast()), let request = HomeCall.Request(json) else {
      return answer(
        HomeAnswer(2, "the running home does not understand this request; hint: it may be of another version"),
        to: visitor)
    }
    inbox.post(.called(HomeCall(number: number, request: request) { self.answer($0, to: visitor) }))
    _ = try? visitor.read(atMost: 1, "a visitor")
    inbox.post(.hungUp(call: number))
  }

  /// Whoever asked may have gone, and then wants no answer.
  private func answer(_ answer: HomeAnswer, to visitor: Descriptor) {
    try? LocalSocket.send(answer.json.description + "\n", on: visitor)
    LocalSocket.shutDown(visitor)
  }
}
