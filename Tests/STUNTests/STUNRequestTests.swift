import Testing

@testable import STUN

struct STUNRequestTests {
  private let message = STUNMessage(.request, transaction: STUNTransactionID(high: 1, low: 2))

  @Test("RFC 8489, 6.2.1: requests at 0, 500, 1500, 3500, 7500, 15500 and 31500 ms; given up at 39500 ms")
  func defaultTimes() {
    var request = STUNRequest(message)
    var (now, times) = (0, [Int]())
    while case .send(let pause) = request.next() {
      times.append(now)
      now += pause
    }
    #expect(times == [0, 500, 1500, 3500, 7500, 15500, 31500])
    #expect(now == 39500)
    #expect(request.timing.whole == 39500)
    #expect(request.next() == .giveUp)
    #expect(request.sent == 7)
  }

  @Test("A single try waits its last pause")
  func single() {
    var request = STUNRequest(message, timing: STUNRequest.Timing(firstPause: 100, requests: 1, lastPause: 3))
    #expect(request.next() == .send(again: 300))
    #expect(request.next() == .giveUp)
  }

  @Test("Only a response of the same transaction answers")
  func answers() {
    let request = STUNRequest(message)
    #expect(request.isAnswered(by: STUNMessage(.success, transaction: message.transaction)))
    #expect(request.isAnswered(by: STUNMessage(.error, transaction: message.transaction)))
    #expect(!request.isAnswered(by: message))
    #expect(!request.isAnswered(by: STUNMessage(.success, transaction: STUNTransactionID(high: 1, low: 3))))
  }
}
