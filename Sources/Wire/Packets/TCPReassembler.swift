import Octets

/// Where and when a segment was seen.
public struct TCPOrigin: Sendable, Hashable {
  /// Nanoseconds since the epoch.
  public var time: Int64
  /// The frame's number in its capture.
  public var frame: Int

  public init(time: Int64, frame: Int) {
    self.time = time
    self.frame = frame
  }
}

/// Why no more octets follow in one direction.
public enum TCPEnd: Sendable, Hashable {
  case finished
  case reset
  /// A new connection took the same addresses and ports.
  case replaced
  /// Forgotten for lack of room; see ``TCPConnectionTable/Limits``.
  case evicted
}

/// What a direction of a connection gives, in stream order.
public enum TCPDelivery: Sendable, Hashable {
  /// Octets with the segment in which they first arrived.
  case octets(ArraySlice<UInt8>, TCPOrigin)
  /// So many octets were never seen; the origin is that of what comes behind them.
  case gap(count: Int, TCPOrigin)
  /// The last delivery.
  case end(TCPEnd, TCPOrigin)
}

/// Puts one direction of a TCP connection in order: what was sent, each octet once.
///
/// Of octets that arrive more than once the first ones count. Without a SYN the stream begins with the first octets
/// that are fed. Octets beyond a hole wait until it fills or ``Limits`` are exceeded; then a gap is told.
public struct TCPReassembler: Sendable {
  /// Bounds on what waits beyond a hole.
  public struct Limits: Sendable, Hashable {
    public var octets = 4 << 20
    /// Separate stretches of octets.
    public var runs = 4096

    public init() {}
  }

  /// Octets beyond a hole; their place counts from the start of the stream.
  private struct Run: Sendable {
    var start: Int
    var octets: ArraySlice<UInt8>
    var origin: TCPOrigin
    var end: Int { start + octets.count }
  }

  public let limits: Limits
  /// The sequence number of the SYN, where one was seen.
  public private(set) var initialSequence: UInt32?
  /// Octets given so far, gaps included.
  public private(set) var delivered = 0
  /// Segments that brought nothing new or could not belong to the stream.
  public private(set) var ignoredSegments = 0
  public private(set) var end: TCPEnd?
  /// Octets that wait beyond a hole.
  public private(set) var bufferedCount = 0

  /// The sequence number of the octet at `delivered`.
  private var next: UInt32?
  /// In order, none touching another that it overlaps; all beyond `delivered`.
  private var runs: [Run] = []
  private var finish: (place: Int, origin: TCPOrigin)?

  public init(limits: Limits = Limits()) { self.limits = limits }

  /// True once it is known where the stream begins.
  public var isSynchronised: Bool { next != nil }

  /// Tells the sequence number of the first octet, as the other side's SYN/ACK does; later calls do nothing.
  public mutating func synchronise(at sequence: UInt32) { if next == nil { next = sequence } }

  /// Takes a segment that this direction's sender sent, and appends what it completes to `deliveries`.
  public mutating func feed(_ segment: TCPSegment, from origin: TCPOrigin, into deliveries: inout [TCPDelivery]) {
    guard end == nil else {
      if segment.sequenceLength > 0 { ignoredSegments += 1 }
      return
    }
    if segment.flags.contains(.rst) {
      flush(into: &deliveries)
      finished(.reset, origin, into: &deliveries)
      return
    }
    var sequence = segment.sequence
    if segment.flags.contains(.syn) {
      sequence &+= 1
      if next == nil { initialSequence = segment.sequence }
      guard initialSequence == nil || initialSequence == segment.sequence else {
        ignoredSegments += 1
        return
      }
      synchronise(at: sequence)
    }
    guard !segment.payload.isEmpty || segment.flags.contains(.fin) else { return }
    synchronise(at: sequence)
    take(segment, at: sequence, origin, into: &deliveries)
    if let finish, finish.place == delivered { finished(.finished, finish.origin, into: &deliveries) }
  }

  private mutating func take(
    _ segment: TCPSegment, at sequence: UInt32, _ origin: TCPOrigin, into deliveries: inout [TCPDelivery]
  ) {
    // Distances are taken modulo 2^32 and as signed numbers (RFC 9293 section 3.4), so that a wrap does not show.
    let distance = Int(Int32(bitPattern: sequence &- (next ?? sequence)))
    let start = delivered + distance
    var payload = segment.payload
    if segment.flags.contains(.fin), finish == nil, start + payload.count >= delivered {
      finish = (max(start + payload.count, runs.last?.end ?? 0), origin)
    }
    if let finish { payload = payload.prefix(max(0, finish.place - start)) }
    guard start + payload.count > delivered else {
      if !payload.isEmpty { ignoredSegments += 1 }
      return
    }
    if runs.isEmpty, start <= delivered {
      deliver(payload.dropFirst(delivered - start), origin, into: &deliveries)
      return
    }
    insert(payload, at: start, origin)
    drain(into: &deliveries)
    while bufferedCount > limits.octets || runs.count > limits.runs { skipHole(into: &deliveries) }
  }

  private mutating func deliver(
    _ octets: ArraySlice<UInt8>, _ origin: TCPOrigin, into deliveries: inout [TCPDelivery]
  ) {
    delivered += octets.count
    next = (next ?? 0) &+ UInt32(truncatingIfNeeded: octets.count)
    deliveries.append(.octets(octets, origin))
  }

  /// Puts octets into the holes between the runs; where a run has octets already, those stay.
  private mutating func insert(_ octets: ArraySlice<UInt8>, at start: Int, _ origin: TCPOrigin) {
    let limit = start + octets.count
    var place = max(start, delivered)
    let first = runs.partitioningIndex { $0.end > place }
    var last = first
    var pieces: [Run] = []
    func piece(_ range: Range<Int>) -> Run {
      // A copy: a slice would keep all of the piece that was read from the file.
      let slice = octets.dropFirst(range.lowerBound - start).prefix(range.count)
      return Run(start: range.lowerBound, octets: Array(slice)[...], origin: origin)
    }
    while last < runs.count, runs[last].start < limit {
      let run = runs[last]
      if place < run.start { pieces.append(piece(place..<run.start)) }
      pieces.append(run)
      place = run.end
      last += 1
    }
    if place < limit { pieces.append(piece(place..<limit)) }
    let added = pieces.count - (last - first)
    guard added > 0 else {
      ignoredSegments += 1
      return
    }
    bufferedCount += pieces.reduce(0) { $0 + $1.octets.count } - runs[first..<last].reduce(0) { $0 + $1.octets.count }
    runs.replaceSubrange(first..<last, with: pieces)
  }

  /// Gives the runs that no hole precedes any more.
  private mutating func drain(into deliveries: inout [TCPDelivery]) {
    var count = 0
    while count < runs.count, runs[count].start == delivered {
      let run = runs[count]
      bufferedCount -= run.octets.count
      deliver(run.octets, run.origin, into: &deliveries)
      count += 1
    }
    runs.removeFirst(count)
  }

  /// Gives up the first hole.
  private mutating func skipHole(into deliveries: inout [TCPDelivery]) {
    guard let run = runs.first else { return }
    skip(to: run.start, run.origin, into: &deliveries)
    drain(into: &deliveries)
  }

  private mutating func skip(to place: Int, _ origin: TCPOrigin, into deliveries: inout [TCPDelivery]) {
    let missing = place - delivered
    guard missing > 0 else { return }
    deliveries.append(.gap(count: missing, origin))
    delivered = place
    next = (next ?? 0) &+ UInt32(truncatingIfNeeded: missing)
  }

  /// Gives everything that waits, with gaps for the holes; for the end of a capture.
  public mutating func flush(into deliveries: inout [TCPDelivery]) {
    guard end == nil else { return }
    while !runs.isEmpty { skipHole(into: &deliveries) }
    if let finish {
      skip(to: finish.place, finish.origin, into: &deliveries)
      finished(.finished, finish.origin, into: &deliveries)
    }
  }

  /// Ends the direction from outside, after all that waits.
  public mutating func close(_ reason: TCPEnd, from origin: TCPOrigin, into deliveries: inout [TCPDelivery]) {
    flush(into: &deliveries)
    finished(reason, origin, into: &deliveries)
  }

  private mutating func finished(_ reason: TCPEnd, _ origin: TCPOrigin, into deliveries: inout [TCPDelivery]) {
    guard end == nil else { return }
    end = reason
    runs = []
    bufferedCount = 0
    deliveries.append(.end(reason, origin))
  }
}

extension Array {
  /// The first index for which `belongs` holds, where it holds for all later ones too.
  fileprivate func partitioningIndex(_ belongs: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if belongs(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
