import Messages
import RoleKit
import Testing

/// Runs a courier as a role would, and shows what it asks its host for.
private struct Desk {
  var courier = Courier<String>()
  var bits: RandomBits
  var now = Moment(monotonic: 0, wall: 1_790_000_000_000)

  /// `word` is what every draw of random bits gives.
  init(word: UInt64 = 0) { bits = RandomBits { word } }

  mutating func handle(_ input: Input) -> Courier<String>.Outcome { courier.handle(input, at: now, bits: &bits) }

  /// The pause that an outcome asks for, in microseconds.
  static func pause(_ outcome: Courier<String>.Outcome) -> UInt64? {
    guard case .working(let effects) = outcome else { return nil }
    return effects.compactMap {
      if case .arm(let timer, let after) = $0, timer.name == "retry" { after / 1000 } else { nil }
    }
    .first
  }

  static func call(_ outcome: Courier<String>.Outcome) -> (Call, HTTPRequest)? {
    guard case .working(let effects) = outcome else { return nil }
    return calls(effects).first
  }

  static func calls(_ effects: [Effect]) -> [(Call, HTTPRequest)] {
    effects.compactMap { if case .call(let call, let request, _, _) = $0 { (call, request) } else { nil } }
  }
}

private let there = Endpoint("192.168.10.2:49200")!
private let request = HTTPRequest("PUT", "/agents/a", fields: ["Idempotency-Key": "k"], body: [0x7B, 0x7D])

@Suite("The retry rule of profile section 1") struct CourierTests {
  @Test("four tries in all, 0.5, 1 and 2 s apart, each with the same octets")
  func fourTries() throws {
    var desk = Desk()
    var (errand, effects) = desk.courier.send(request, to: there, for: "register")
    #expect(effects == [.call(Call(1), request, to: there, timeout: .seconds(5))])
    var call = Call(1)
    // The lowest draw gives 80 % of each pause.
    for lowest: UInt64 in [400_000, 800_000, 1_600_000] {
      let paused = desk.handle(.failed(call, .timeout))
      #expect(Desk.pause(paused) == lowest)
      let again = try #require(Desk.call(desk.handle(.fired(TimerName("retry", String(errand.number))))))
      #expect(again.1 == request)
      #expect(again.0 != call)
      call = again.0
    }
    guard case .ended(let ended, "register", .failed(.timeout)) = desk.handle(.failed(call, .timeout)) else {
      Issue.record("the fourth failure must end the errand")
      return
    }
    #expect(ended == errand)
    #expect(desk.courier.errands.isEmpty)
    effects = desk.courier.cancel(errand)
    #expect(effects.isEmpty)
  }

  @Test("pauses stay within 20 % of their middle", arguments: [0, 1, 99_999, 200_000, .max, 0x9E37_79B9_7F4A_7C15])
  func jitter(word: UInt64) {
    var desk = Desk(word: word)
    let (errand, _) = desk.courier.send(request, to: there, for: "x")
    var call = Call(1)
    for middle: UInt64 in [500_000, 1_000_000, 2_000_000] {
      let pause = Desk.pause(desk.handle(.failed(call, .reset)))
      #expect(pause.map { (middle * 4 / 5...middle * 6 / 5).contains($0) } == true)
      guard let next = Desk.call(desk.handle(.fired(TimerName("retry", String(errand.number))))) else { return }
      call = next.0
    }
  }

  @Test("no answer, a reset, a refusal, an unreachable address, 429 and 503 are tried again; other answers end it")
  func whatIsRetried() {
    for failure in [Failure.timeout, .reset, .refused, .unreachable] {
      var desk = Desk()
      _ = desk.courier.send(request, to: there, for: "x")
      #expect(Desk.pause(desk.handle(.failed(Call(1), failure))) != nil, "\(failure)")
    }
    for status in [429, 503] {
      var desk = Desk()
      _ = desk.courier.send(request, to: there, for: "x")
      #expect(Desk.pause(desk.handle(.answered(Call(1), HTTPResponse(status)))) != nil)
    }
    for status in [200, 201, 204, 400, 401, 404, 409, 422, 500, 502, 504] {
      var desk = Desk()
      _ = desk.courier.send(request, to: there, for: "x")
      guard case .ended(_, "x", .answered(let response)) = desk.handle(.answered(Call(1), HTTPResponse(status))) else {
        Issue.record("\(status) must end the errand")
        continue
      }
      #expect(response.status == status)
    }
    var desk = Desk()
    _ = desk.courier.send(request, to: there, for: "x")
    guard case .ended(_, _, .failed(.malformed)) = desk.handle(.failed(Call(1), .malformed("nonsense"))) else {
      Issue.record("what is no HTTP is not asked again")
      return
    }
  }

  @Test("Retry-After wins over the pauses, in seconds or as a date")
  func retryAfter() {
    var desk = Desk(word: 77)
    _ = desk.courier.send(request, to: there, for: "x")
    let busy = HTTPResponse(503, fields: ["Retry-After": "7"])
    #expect(Desk.pause(desk.handle(.answered(Call(1), busy))) == 7_000_000)

    let wall = ProfileTime.milliseconds(rfc3339: "2026-11-22T21:52:39.500Z")!
    func wait(_ text: String) -> UInt64? { HTTPResponse(429, fields: ["Retry-After": text]).retryAfter(at: wall) }
    #expect(wait("0") == 0)
    #expect(wait("Sun, 22 Nov 2026 21:52:42 GMT") == 3)
    #expect(wait("Sun, 22 Nov 2026 21:52:30 GMT") == 0)
    #expect(wait("99999999999999999999999") == 3600)
    #expect(wait("86400") == 3600)
    for text in ["", "-1", "1.5", "soon", "Sun, 22 Nxx 2026 21:52:42 GMT", "22 Nov 2026", "Sun, 1 Nov 2026 1:2:3 GMT"] {
      #expect(wait(text) == nil, "\(text)")
    }
  }

  @Test("429 and 503 at the last try are the answer")
  func lastAnswer() throws {
    var desk = Desk()
    let (errand, _) = desk.courier.send(request, to: there, for: "x")
    var call = Call(1)
    for _ in 0..<3 {
      _ = desk.handle(.answered(call, HTTPResponse(503)))
      call = try #require(Desk.call(desk.handle(.fired(TimerName("retry", String(errand.number)))))).0
    }
    guard case .ended(_, _, .answered(let response)) = desk.handle(.answered(call, HTTPResponse(503))) else {
      Issue.record("expected the 503")
      return
    }
    #expect(response.status == 503)
  }

  @Test("held replies are waited for longer, and further statuses may be tried again")
  func patience() {
    #expect(Patience.held.timeout == .seconds(15))
    #expect(Patience.longHeld.timeout == .seconds(40))
    var desk = Desk()
    let patient = Patience(timeout: .seconds(15), retried: [401, 429, 503])
    let (_, effects) = desk.courier.send(request, to: there, for: "x", patience: patient)
    #expect(effects == [.call(Call(1), request, to: there, timeout: .seconds(15))])
    #expect(Desk.pause(desk.handle(.answered(Call(1), HTTPResponse(401)))) != nil)
  }

  @Test("what belongs to nobody is told apart: late answers, foreign calls and timers")
  func notMine() {
    var desk = Desk()
    let (errand, _) = desk.courier.send(request, to: there, for: "x")
    let foreign = desk.courier.newCall()
    #expect(foreign != Call(1))
    let strangers: [Input] = [
      .answered(foreign, HTTPResponse(200)), .failed(foreign, .reset), .fired(TimerName("retry", "1")),
      .fired(TimerName("retry", "x")), .fired(TimerName("other", "1")), .stopping,
      .commitFailed(.storage("full"), of: .stopping),
    ]
    for input in strangers {
      guard case .notMine = desk.handle(input) else {
        Issue.record("\(input) belongs to no errand now")
        continue
      }
    }
    // The answer to the first try, after it was given up.
    _ = desk.handle(.failed(Call(1), .timeout))
    guard case .notMine = desk.handle(.answered(Call(1), HTTPResponse(200))) else {
      Issue.record("a late answer must not end the errand")
      return
    }
    #expect(desk.courier.cancel(errand) == [.disarm(TimerName("retry", "1"))])
  }

  @Test("errands are independent, and are cancelled by what they are for")
  func several() {
    var desk = Desk()
    let (first, _) = desk.courier.send(request, to: there, for: "a")
    let (second, _) = desk.courier.send(request, to: there, for: "b")
    #expect(desk.courier.errands.map(\.purpose) == ["a", "b"])
    #expect(desk.courier.cancel { $0 == "a" } == [.cancel(Call(first.number))])
    guard case .ended(second, "b", .answered) = desk.handle(.answered(Call(second.number), HTTPResponse(204))) else {
      Issue.record("the other errand goes on")
      return
    }
  }

  @Test("an ending whose turn could not be committed ends the errand, since it will not come again")
  func commitFailed() {
    var desk = Desk()
    _ = desk.courier.send(request, to: there, for: "x")
    let lost = Input.commitFailed(.storage("disk full"), of: .answered(Call(1), HTTPResponse(201)))
    guard case .ended(_, "x", .failed(.storage("disk full"))) = desk.handle(lost) else {
      Issue.record("expected the errand to end")
      return
    }
    #expect(desk.courier.errands.isEmpty)
  }
}
