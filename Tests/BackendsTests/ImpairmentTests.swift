import Testing
import TopologyLanguage

@testable import Backends

/// Pure arithmetic: no clock, no socket.
struct ImpairmentTests {
  private static let millisecond: Int64 = 1_000_000

  private func direction(seed: UInt64 = 7, _ kinds: LinkQuality.Kind...) -> ImpairedDirection {
    var impairment = Impairment()
    for kind in kinds { impairment.set(kind) }
    return ImpairedDirection(impairment, seed: seed)
  }

  /// Frame number `n`, all of one length.
  private func frame(_ n: Int, length: Int = 100) -> [UInt8] {
    [UInt8(n & 0xFF), UInt8(n >> 8 & 0xFF)] + [UInt8](repeating: 0, count: length - 2)
  }

  @Test func aHealthyLinkPassesFramesAsTheyCome() {
    var link = direction()
    #expect(link.send(frame(1), at: 5).arrivals == [5])
    #expect(link.send(frame(2), at: 9).arrivals == [9])
  }

  @Test func aDelayIsExact() {
    var link = direction(.delay(20 * Self.millisecond))
    #expect(link.send(frame(1), at: 1000).arrivals == [1000 + 20 * Self.millisecond])
  }

  @Test func jitterStaysInItsBoundsAndReordersNothing() {
    var link = direction(.delay(20 * Self.millisecond), .jitter(5 * Self.millisecond))
    var last: Int64 = 0
    var spread: Set<Int64> = []
    for n in 0..<1000 {
      let now = Int64(n) * Self.millisecond
      let arrival = link.send(frame(n), at: now).arrivals[0]
      #expect(arrival >= last)
      #expect((15 * Self.millisecond...25 * Self.millisecond).contains(arrival - now) || arrival == last)
      spread.insert((arrival - now) / Self.millisecond)
      last = arrival
    }
    #expect(spread.count >= 8)
  }

  @Test(arguments: [0.05, 0.3, 0.9]) func lossIsWhatWasAskedFor(_ share: Double) {
    var link = direction(.loss(share))
    let lost = (0..<20_000).filter { link.send(frame($0), at: Int64($0)).arrivals.isEmpty }.count
    #expect(abs(Double(lost) / 20_000 - share) < 0.015)
  }

  @Test func everythingAndNothingAreExact() {
    var all = direction(.loss(1))
    var none = direction(.loss(0), .duplicate(1))
    for n in 0..<1000 {
      #expect(all.send(frame(n), at: Int64(n)).arrivals.isEmpty)
      #expect(none.send(frame(n), at: Int64(n)).arrivals.count == 2)
    }
  }

  @Test func theSameSeedLosesTheSameFrames() {
    func lost(_ seed: UInt64, _ frames: [Int]) -> Set<Int> {
      var link = direction(seed: seed, .loss(0.3))
      return Set(frames.filter { link.send(frame($0), at: 0).arrivals.isEmpty })
    }
    let all = Array(0..<2000)
    #expect(lost(1, all) == lost(1, all))
    #expect(lost(1, all) != lost(2, all))
    // Whatever else crosses the link, and in whatever order.
    let half = Set(all.filter { $0 % 2 == 0 })
    #expect(lost(1, half.sorted().reversed()) == lost(1, all).intersection(half))
  }

  @Test func copiesOfAFrameAreDrawnAnew() {
    var link = direction(.loss(0.5))
    let fates = (0..<64).map { _ in link.send(frame(1), at: 0).arrivals.isEmpty }
    #expect(fates.contains(true) && fates.contains(false))
  }

  @Test func aRateSpacesFrames() {
    // 1,000 octets on the wire (framing included) at 8 Mbit/s take 1 ms.
    var link = direction(.rate(8_000_000))
    for n in 1...5 {
      #expect(link.send(frame(n, length: 976), at: 0).arrivals == [Int64(n) * Self.millisecond])
    }
    // An idle link starts anew.
    #expect(link.send(frame(6, length: 976), at: 100 * Self.millisecond).arrivals == [101 * Self.millisecond])
  }

  @Test func aFullQueueLosesWhatComes() {
    var link = direction(.rate(8_000_000))
    let passed = (0..<2000).filter { !link.send(frame($0, length: 976), at: 0).arrivals.isEmpty }.count
    #expect(passed == ImpairedDirection.queueLimit / 1000 + 1)
  }

  @Test func whatIsReorderedIsOvertaken() {
    var link = direction(.reorder(1))
    let fate = link.send(frame(1), at: 0)
    #expect(fate.isOvertaken)
    #expect(fate.arrivals == [ImpairedDirection.overtakingLimit])
  }

  @Test func qualitiesHoldTowardsTheirEnd() {
    let qualities = [
      LinkQuality(kind: .loss(0.1), towards: nil), LinkQuality(kind: .delay(5), towards: "tv"),
      LinkQuality(kind: .delay(7), towards: "sw1"),
    ]
    #expect(Impairment(qualities, towards: "tv").delay == 5)
    #expect(Impairment(qualities, towards: "sw1").delay == 7)
    #expect(Impairment(qualities, towards: "tv").loss == 0.1)
  }

  @Test func theHeapGivesTheSmallestFirst() {
    var heap = Heap<Int> { $0 < $1 }
    var chance = Chance(3)
    let numbers = (0..<500).map { _ in Int(chance.next() * 1000) }
    for number in numbers { heap.insert(number) }
    #expect(heap.remove { $0 == numbers[17] } == numbers[17])
    var rest = numbers.sorted()
    rest.remove(at: rest.firstIndex(of: numbers[17]) ?? 0)
    var taken: [Int] = []
    while let next = heap.removeFirst() { taken.append(next) }
    #expect(taken == rest)
  }
}
