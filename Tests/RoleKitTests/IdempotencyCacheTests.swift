import Messages
import RoleKit
import Testing

@Suite struct IdempotencyCacheTests {
  let path = RequestPath(segments: ["agents", "tv"])
  let start = Moment(monotonic: 1_000, wall: 0)

  private func request(_ key: String?, body: String = "{}", token: String? = nil, method: String = "PUT") -> HTTPRequest
  {
    var request = HTTPRequest(method, "/agents/tv", body: Array(body.utf8))
    request.idempotencyKey = key
    request.bearerToken = token
    return request
  }

  private func later(_ seconds: Double) -> Moment { Moment(monotonic: 1_000 + .seconds(seconds), wall: 0) }

  @Test func theSameKeyGetsTheSameAnswerForTenMinutes() {
    var cache = IdempotencyCache()
    #expect(cache.admit(request("k"), path: path, as: Exchange(1), at: start) == .proceed)
    let answer = HTTPResponse.json(201, ["a": 1])
    #expect(cache.settle(Exchange(1), with: answer, at: start) == [])
    #expect(cache.admit(request("k"), path: path, as: Exchange(2), at: later(599.9)) == .repeated(answer))
    #expect(cache.admit(request("k"), path: path, as: Exchange(3), at: later(600)) == .proceed)
  }

  @Test func anotherPathTokenOrMethodIsAnotherRequest() {
    var cache = IdempotencyCache()
    #expect(cache.admit(request("k"), path: path, as: Exchange(1), at: start) == .proceed)
    _ = cache.settle(Exchange(1), with: HTTPResponse(201), at: start)
    #expect(cache.admit(request("k", token: "t"), path: path, as: Exchange(2), at: start) == .proceed)
    #expect(cache.admit(request("k", method: "POST"), path: path, as: Exchange(3), at: start) == .proceed)
    let other = RequestPath(segments: ["agents", "pc"])
    #expect(cache.admit(request("k"), path: other, as: Exchange(4), at: start) == .proceed)
  }

  @Test func theSameKeyWithAnotherBodyIsRefused() {
    var cache = IdempotencyCache()
    #expect(cache.admit(request("k", body: "{}"), path: path, as: Exchange(1), at: start) == .proceed)
    #expect(cache.admit(request("k", body: "{ }"), path: path, as: Exchange(2), at: start) == .otherBody)
    _ = cache.settle(Exchange(1), with: HTTPResponse(422), at: start)
    #expect(cache.admit(request("k", body: "{ }"), path: path, as: Exchange(3), at: start) == .otherBody)
  }

  @Test func theSecondWaitsWhileTheFirstIsInWork() {
    var cache = IdempotencyCache()
    #expect(cache.admit(request("k"), path: path, as: Exchange(1), at: start) == .proceed)
    #expect(cache.admit(request("k"), path: path, as: Exchange(2), at: start) == .wait)
    #expect(cache.admit(request("k"), path: path, as: Exchange(3), at: start) == .wait)
    cache.leave(Exchange(2))
    #expect(cache.settle(Exchange(1), with: HTTPResponse(200), at: start) == [Exchange(3)])
    #expect(cache.settle(Exchange(1), with: HTTPResponse(200), at: start) == [])
  }

  @Test("408, 429 and 5xx are not kept", arguments: [408, 429, 500, 503, 504])
  func failuresAreNotKept(status: Int) {
    var cache = IdempotencyCache()
    #expect(cache.admit(request("k"), path: path, as: Exchange(1), at: start) == .proceed)
    _ = cache.settle(Exchange(1), with: HTTPResponse(status), at: start)
    #expect(cache.admit(request("k"), path: path, as: Exchange(2), at: start) == .proceed)
  }

  @Test func withoutAKeyNothingIsRemembered() {
    var cache = IdempotencyCache()
    #expect(cache.admit(request(nil), path: path, as: Exchange(1), at: start) == .proceed)
    _ = cache.settle(Exchange(1), with: HTTPResponse(200), at: start)
    #expect(cache.admit(request(nil), path: path, as: Exchange(2), at: start) == .proceed)
    #expect(cache.count == 0)
  }

  @Test func aRemovedResourceForgetsItsAnswers() {
    var cache = IdempotencyCache()
    #expect(cache.admit(request("k"), path: path, as: Exchange(1), at: start) == .proceed)
    _ = cache.settle(Exchange(1), with: HTTPResponse(201), at: start)
    cache.forget(path: path)
    #expect(cache.admit(request("k"), path: path, as: Exchange(2), at: start) == .proceed)
  }

  @Test func itIsBounded() {
    var cache = IdempotencyCache(capacity: 2)
    for number in 1...9 {
      let exchange = Exchange(UInt64(number))
      #expect(cache.admit(request("k\(number)"), path: path, as: exchange, at: start) == .proceed)
      _ = cache.settle(exchange, with: HTTPResponse(200), at: start)
      #expect(cache.count <= 2)
    }
    var busy = IdempotencyCache(capacity: 1)
    #expect(busy.admit(request("a"), path: path, as: Exchange(1), at: start) == .proceed)
    #expect(busy.admit(request("b"), path: path, as: Exchange(2), at: start) == .full)
    for number in 0..<IdempotencyCache.waitingLimit {
      #expect(busy.admit(request("a"), path: path, as: Exchange(UInt64(10 + number)), at: start) == .wait)
    }
    #expect(busy.admit(request("a"), path: path, as: Exchange(99), at: start) == .full)
  }

  @Test func digestsTravelAsText() {
    let digest = IdempotencyCache.Digest(Array("{\"a\":1}".utf8))
    #expect(IdempotencyCache.Digest(text: digest.text) == digest)
    #expect(IdempotencyCache.Digest(text: "1-2") == nil)
    #expect(IdempotencyCache.Digest(Array("{\"a\":2}".utf8)) != digest)
  }
}
