import Octets
import Packets
import Testing

/// One direction of a connection whose client began at `initial`.
struct Stream {
  var reassembler: TCPReassembler
  var deliveries: [TCPDelivery] = []
  let initial: UInt32
  private var frame = 0

  init(initial: UInt32 = 1000, limits: TCPReassembler.Limits = .init()) {
    reassembler = TCPReassembler(limits: limits)
    self.initial = initial
  }

  /// `at` counts from the first octet after the SYN.
  mutating func feed(_ text: String, at place: Int, _ flags: TCPFlags = [.ack]) {
    feed(Array(text.utf8)[...], at: place, flags)
  }

  mutating func feed(_ octets: ArraySlice<UInt8>, at place: Int, _ flags: TCPFlags = [.ack]) {
    frame += 1
    let sequence = initial &+ 1 &+ UInt32(truncatingIfNeeded: place)
    let segment = TCPSegment(
      sourcePort: 1, destinationPort: 2, sequence: sequence, flags: flags, payload: octets)
    reassembler.feed(segment, from: TCPOrigin(time: Int64(frame) * 1000, frame: frame), into: &deliveries)
  }

  mutating func feedSYN() { feed("", at: -1, [.syn]) }

  mutating func flush() { reassembler.flush(into: &deliveries) }

  /// The stream as text: octets as they are, `[n]` for a gap, `.` for FIN, `!` for a reset.
  var text: String {
    deliveries.map { delivery in
      switch delivery {
      case .octets(let octets, _): String(decoding: octets, as: UTF8.self)
      case .gap(let count, _): "[\(count)]"
      case .end(.finished, _): "."
      case .end(.reset, _): "!"
      case .end: "?"
      }
    }.joined()
  }

  var origins: [Int] {
    deliveries.map { delivery in
      switch delivery {
      case .octets(_, let origin), .gap(_, let origin), .end(_, let origin): origin.frame
      }
    }
  }
}

@Suite struct TCPReassemblerTests {
  @Test func segmentsInOrderPassAtOnce() {
    var stream = Stream()
    stream.feedSYN()
    stream.feed("GET ", at: 0)
    stream.feed("/", at: 4)
    #expect(stream.text == "GET /")
    stream.feed("", at: 5, [.fin, .ack])
    #expect(stream.text == "GET /.")
    #expect(stream.origins == [2, 3, 4])
  }

  @Test func reorderedSegmentsKeepTheirOwnOrigin() {
    var stream = Stream()
    stream.feedSYN()
    stream.feed("ghi", at: 6, [.fin, .ack])
    stream.feed("def", at: 3)
    #expect(stream.text == "")
    stream.feed("abc", at: 0)
    #expect(stream.text == "abcdefghi.")
    #expect(stream.origins == [4, 3, 2, 2])
  }

  @Test func aRetransmissionGivesNothing() {
    var stream = Stream()
    stream.feedSYN()
    stream.feed("abc", at: 0)
    stream.feed("abc", at: 0)
    stream.feedSYN()
    stream.feed("def", at: 3)
    #expect(stream.text == "abcdef")
    #expect(stream.reassembler.ignoredSegments == 1)
  }

  @Test func ofOverlappingOctetsTheFirstCount() {
    var stream = Stream()
    stream.feedSYN()
    stream.feed("CD", at: 2)
    stream.feed("GH", at: 6)
    stream.feed("bcdefghi", at: 1)
    #expect(stream.text == "")
    stream.feed("abcd", at: 0)
    #expect(stream.text == "abCDefGHi")
    stream.feed("XYZj", at: 6)
    #expect(stream.text == "abCDefGHij")
  }

  @Test func sequenceNumbersWrap() {
    var stream = Stream(initial: UInt32.max - 3)
    stream.feedSYN()
    stream.feed("defgh", at: 3)
    stream.feed("abc", at: 0)
    stream.feed("ij", at: 8, [.fin, .ack])
    #expect(stream.text == "abcdefghij.")
  }

  @Test func keepAlivesAddNothing() {
    var stream = Stream()
    stream.feedSYN()
    stream.feed("abc", at: 0)
    stream.feed("", at: 2)
    stream.feed("\0", at: 2)
    stream.feed("def", at: 3)
    #expect(stream.text == "abcdef")
  }

  @Test func aCaptureMayBeginInTheMiddle() {
    var stream = Stream(initial: 77)
    stream.feed("", at: 5)
    stream.feed("abc", at: 100)
    stream.feed("def", at: 103)
    stream.feed("", at: 106, [.fin, .ack])
    #expect(stream.text == "abcdef.")
    #expect(stream.reassembler.initialSequence == nil)
  }

  @Test func aResetGivesWhatWaitsAndEnds() {
    var stream = Stream()
    stream.feedSYN()
    stream.feed("abc", at: 0)
    stream.feed("ghi", at: 6)
    stream.feed("", at: 9, [.rst])
    #expect(stream.text == "abc[3]ghi!")
    stream.feed("def", at: 3)
    #expect(stream.text == "abc[3]ghi!")
  }

  @Test func whatWaitsIsBounded() {
    var limits = TCPReassembler.Limits()
    limits.octets = 8
    var stream = Stream(limits: limits)
    stream.feedSYN()
    stream.feed("klmno", at: 10)
    stream.feed("efgh", at: 4)
    #expect(stream.text == "[4]efgh")
    #expect(stream.reassembler.bufferedCount == 5)
    stream.flush()
    #expect(stream.text == "[4]efgh[2]klmno")
  }

  @Test func theNumberOfRunsIsBounded() {
    var limits = TCPReassembler.Limits()
    limits.runs = 2
    var stream = Stream(limits: limits)
    stream.feedSYN()
    for place in [2, 4, 6] { stream.feed("x", at: place) }
    #expect(stream.text == "[2]x")
  }

  @Test func octetsBehindTheFINAreIgnored() {
    var stream = Stream()
    stream.feedSYN()
    stream.feed("abc", at: 0, [.fin, .ack])
    stream.feed("xyz", at: 4)
    #expect(stream.text == "abc.")
  }

  @Test func aLateFINBehindAHoleIsToldAtTheEnd() {
    var stream = Stream()
    stream.feedSYN()
    stream.feed("abc", at: 0)
    stream.feed("", at: 9, [.fin, .ack])
    #expect(stream.text == "abc")
    stream.flush()
    #expect(stream.text == "abc[6].")
  }

  /// Random segmentations of a known text, reordered, repeated and with other octets where they overlap.
  @Test(arguments: 0..<200) func anySegmentationGivesTheOraclesText(seed: Int) {
    var random = SeededNumbers(seed: UInt64(seed))
    let length = Int.random(in: 1...300, using: &random)
    var segments: [(start: Int, octets: [UInt8])] = []
    var place = 0
    while place < length {
      let count = Int.random(in: 1...40, using: &random)
      segments.append((place, (0..<min(count, length - place)).map { _ in UInt8.random(in: 0...255, using: &random) }))
      place += count
    }
    for _ in 0..<Int.random(in: 0...20, using: &random) {
      let start = Int.random(in: 0..<length, using: &random)
      let count = Int.random(in: 1...60, using: &random)
      segments.append((start, (0..<min(count, length - start)).map { _ in UInt8.random(in: 0...255, using: &random) }))
    }
    segments.shuffle(using: &random)

    // The oracle: one cell an octet, filled once, in the order of arrival.
    var cells = [(octet: UInt8, frame: Int)?](repeating: nil, count: length)
    var stream = Stream(initial: UInt32.random(in: .min ... .max, using: &random))
    stream.feedSYN()
    for (index, segment) in segments.enumerated() {
      let frame = index + 2
      for (offset, octet) in segment.octets.enumerated() where cells[segment.start + offset] == nil {
        cells[segment.start + offset] = (octet, frame)
      }
      stream.feed(segment.octets[...], at: segment.start)
      let ready = cells.prefix { $0 != nil }.count
      #expect(stream.reassembler.delivered == ready, "seed \(seed)")
    }
    stream.feed("", at: length, [.fin, .ack])

    var result: [(octet: UInt8, frame: Int)] = []
    var ended = false
    for delivery in stream.deliveries {
      switch delivery {
      case .octets(let octets, let origin): result += octets.map { ($0, origin.frame) }
      case .gap: Issue.record("a gap, seed \(seed)")
      case .end(let end, _): ended = end == .finished
      }
    }
    #expect(ended, "seed \(seed)")
    #expect(result.map(\.octet) == cells.compactMap { $0?.octet }, "seed \(seed)")
    #expect(result.map(\.frame) == cells.compactMap { $0?.frame }, "seed \(seed)")
    #expect(stream.reassembler.bufferedCount == 0)
  }

  /// Losses and small bounds: what is given and what is told missing together are the whole stream.
  @Test(arguments: 0..<100) func gapsAndOctetsTogetherAreTheStream(seed: Int) {
    var random = SeededNumbers(seed: UInt64(seed) + 10_000)
    let text = (0..<400).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 256) }
    var limits = TCPReassembler.Limits()
    limits.octets = 60
    limits.runs = 5
    var stream = Stream(limits: limits)
    stream.feedSYN()
    var place = 0
    while place < text.count {
      let count = min(Int.random(in: 1...20, using: &random), text.count - place)
      if Int.random(in: 0..<4, using: &random) > 0 { stream.feed(text[place..<place + count], at: place) }
      place += count
    }
    stream.feed("", at: text.count, [.fin, .ack])
    stream.flush()
    var position = 0
    for delivery in stream.deliveries {
      switch delivery {
      case .octets(let octets, _):
        #expect(Array(octets) == Array(text[position..<position + octets.count]), "seed \(seed)")
        position += octets.count
      case .gap(let count, _): position += count
      case .end(let end, _): #expect(end == .finished)
      }
    }
    #expect(position == text.count, "seed \(seed)")
  }
}
