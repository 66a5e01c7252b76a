import CLinux
import CaptureFiles
import Glibc
import LinuxNetwork
import Octets
import Taps

/// The recorder thread's work: records of all taps and marks, merged by time, as frames into the file.
struct TapLoop {
  /// What is still to be done.
  struct Work: Sendable {
    /// By time.
    var marks: [Capture.Mark] = []
    var relabels: [Capture.Relabel] = []
    var own: [TapRecord] = []
    var orders: [TapRecorder.LinkOrder] = []
    /// Numbers of what an action held up and has let go.
    var released: [Int] = []
    var ending = false
  }

  private struct Pending {
    var record: TapRecord
    var tap: Int
    /// The tap has gone: its sockets are closed.
    var isLast = false
  }

  /// A program's tap.
  private struct Tap {
    var socket: Descriptor
    var framing = TapFraming()
    /// `nil` before it said hello.
    var node: String?
    var links: TapLinks?
  }

  /// All taps are being asked how far they got.
  private struct Round {
    var began: Int64
    var number: UInt32
    var open: Set<Int>
  }

  /// A mark is stamped a moment before it is handed over.
  private static let grace: Int64 = 1_000_000
  /// How long a tap may be silent when it is asked.
  private static let patience: Int64 = 10_000_000_000

  private var file: CaptureFile
  private let listener: Descriptor
  private let wake: Descriptor
  private var frames: TapFrames
  private var links: [String: TapLinks]
  private let moved: @Sendable (TapRecorder.Move) -> Void
  private var verdicts: TapVerdicts?
  private var work = Work()
  private var taps: [Int: Tap] = [:]
  private var lastTap = 0
  private var pending: [Pending] = []
  private var round: Round?
  private var lastNumber: UInt32 = 0
  private var completeUntil: Int64 = 0
  private var endAt: Int64?
  private var frameCount: UInt64 = 0
  private var failure: String?

  init(
    file: CaptureFile, listener: Descriptor, wake: Descriptor, frames: TapFrames, links: [String: TapLinks],
    verdicts: TapVerdicts?, moved: @escaping @Sendable (TapRecorder.Move) -> Void
  ) {
    self.verdicts = verdicts
    self.file = file
    self.listener = listener
    self.wake = wake
    self.frames = frames
    self.links = links
    self.moved = moved
  }

  /// Runs until an end was asked for and everything before it is written.
  mutating func run(taking: (inout Work) -> Void, telling: (CaptureProgress) -> Void) {
    telling(flush())
    while true {
      let readable = wait()
      let now = WallClock.now()
      taking(&work)
      for record in work.own { pending.append(Pending(record: record, tap: 0)) }
      work.own = []
      for number in readable { read(number) }
      acceptAll()
      for order in work.orders { begin(order) }
      work.orders = []
      for number in work.released { for address in verdicts?.release(number) ?? [] { send(.pass, to: address) } }
      work.released = []
      if work.ending, endAt == nil { endAt = now }
      let before = completeUntil
      advance(now, taking: taking)
      for (address, verdict) in verdicts?.due(WallClock.now()) ?? [] { send(verdict, to: address) }
      if file.hasNews && completeUntil > before || file.failure != nil || failure != nil { telling(flush()) }
      if let endAt, completeUntil >= endAt || failure != nil { return }
    }
  }

  /// Writes what is left, counts, and closes the file.
  mutating func finish() -> CaptureProgress {
    write(until: .max) { _ in }
    file.writeCounts(seen: frameCount, dropped: 0, time: WallClock.now())
    return flush()
  }

  private mutating func flush() -> CaptureProgress {
    file.flush()
    return CaptureProgress(
      octets: file.octets, completeUntil: completeUntil, dropped: 0, failure: file.failure ?? failure)
  }

  // MARK: Waiting

  /// Waits for something to do and gives the taps that have told something.
  private func wait() -> [Int] {
    let numbers = taps.keys.sorted()
    var descriptors = [wake.number, listener.number].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    for number in numbers {
      descriptors.append(pollfd(fd: taps[number]?.socket.number ?? -1, events: Int16(POLLIN), revents: 0))
    }
    var milliseconds: Int32 = -1
    if let round {
      milliseconds = Int32(clamping: max(1, (round.began + Self.patience - WallClock.now()) / 1_000_000 + 1))
    } else if let wanted {
      milliseconds = Int32(clamping: max(0, (wanted + Self.grace - WallClock.now() + 999_999) / 1_000_000))
    }
    if let due = verdicts?.next {
      let left = Int32(clamping: max(0, (due - WallClock.now() + 999_999) / 1_000_000))
      milliseconds = milliseconds < 0 ? left : min(milliseconds, left)
    }
    poll(&descriptors, UInt(descriptors.count), milliseconds)
    if descriptors[0].revents != 0 { clinux_eventfd_clear(wake.number) }
    return zip(numbers, descriptors.dropFirst(2)).filter { $0.1.revents != 0 }.map(\.0)
  }

  /// The time up to which the file should be complete next; `nil` where nothing waits.
  private var wanted: Int64? {
    [pending.map(\.record.time).min(), work.marks.first?.time, endAt].compactMap { $0 }.min()
  }

  // MARK: Taps

  private mutating func acceptAll() {
    while let socket = try? UnixSocket.accept(listener) {
      lastTap += 1
      taps[lastTap] = Tap(socket: socket)
    }
  }

  private mutating func read(_ number: Int) {
    do {
      for _ in 0..<16 {
        guard let socket = taps[number]?.socket,
          let octets = try UnixSocket.receiveNow(socket, atMost: 262_144)
        else { return }
        if octets.isEmpty { return gone(number) }
        taps[number]?.framing.feed(octets)
        while let message = try taps[number]?.framing.next() {
          take(try TapRecord(parsing: message), from: number)
        }
      }
    } catch {
      // A reset is the end of a program; anything else is no tap of ours.
      gone(number)
    }
  }

  private mutating func gone(_ number: Int) {
    taps[number] = nil
    pending.append(Pending(record: TapRecord(.reached(0), at: WallClock.now()), tap: number, isLast: true))
    round?.open.remove(number)
  }

  private mutating func take(_ record: TapRecord, from number: Int) {
    switch record.content {
    case .hello(let node, _):
      // It waits for its links: what it tells is younger than every round of questions that has begun.
      taps[number]?.node = node
      frames.add(number, node: node)
      send(links[node] ?? TapLinks(), to: number)
    case .reached(let answer) where answer == round?.number: round?.open.remove(number)
    case .reached: break
    case .done: break
    case .moving(let interface, let address, let gateway):
      guard let node = taps[number]?.node else { return }
      let (move, moved) = (
        TapRecorder.Move(node: node, interface: interface, address: address, gateway: gateway), moved
      )
      // The home answers with an order of links, which this thread has to carry out.
      do { try SystemThread.start("moved") { moved(move) } } catch { failure = "\(error)" }
    default: pending.append(Pending(record: record, tap: number))
    }
  }

  // MARK: Links

  private mutating func begin(_ order: TapRecorder.LinkOrder) {
    links = order.links
    frames.update(order.seats)
    for number in taps.keys.sorted() {
      guard let node = taps[number]?.node, let now = links[node], now != taps[number]?.links else { continue }
      send(now, to: number)
    }
  }

  private mutating func send(_ links: TapLinks, to number: Int) {
    guard let socket = taps[number]?.socket else { return }
    lastNumber += 1
    taps[number]?.links = links
    // A tap that cannot be written to is found gone when it is read.
    try? UnixSocket.send(TapOrder.links(lastNumber, links).octets, on: socket)
  }

  // MARK: Time

  private mutating func advance(_ now: Int64, taking: (inout Work) -> Void) {
    if round == nil, let wanted, now - Self.grace >= wanted { ask(now) }
    guard let current = round else { return }
    if current.open.isEmpty {
      round = nil
      // Nothing of the runner's own is younger than the last look at its queue, which was later than the round's start.
      let reached = current.began - Self.grace
      write(until: reached, taking: taking)
      completeUntil = max(completeUntil, reached)
    } else if now - current.began > Self.patience {
      let silent = current.open.compactMap { taps[$0]?.node }.sorted().joined(separator: ", ")
      failure = "the tap of \(silent) does not answer"
    }
  }

  private mutating func ask(_ now: Int64) {
    lastNumber += 1
    let asked = taps.filter { $0.value.node != nil }
    round = Round(began: now, number: lastNumber, open: Set(asked.keys))
    for tap in asked.values { try? UnixSocket.send(TapOrder.reach(lastNumber).octets, on: tap.socket) }
  }

  // MARK: Writing

  private mutating func write(until time: Int64, taking: (inout Work) -> Void) {
    let due = pending.filter { $0.record.time < time || time == .max }
    pending.removeAll { $0.record.time < time || time == .max }
    // Each tap's own records keep their order.
    let ordered = due.enumerated().sorted {
      ($0.element.record.time, $0.offset) < ($1.element.record.time, $1.offset)
    }.map(\.element)
    var made: [(time: Int64, frames: [TapFrames.Frame])] = []
    for item in ordered {
      do {
        let frames = try frames.frames(of: item.record, from: item.tap)
        made.append((item.record.time, frames))
        if let now = verdicts?.judge(frames, of: item.record, from: item.tap) { send(now.verdict, to: now.address) }
        if item.isLast { self.frames.forget(item.tap) }
      } catch {
        failure = failure ?? "what a tap told cannot be written: \(error)"
      }
    }
    // A fault that has befallen a message is noted before what follows from it.
    if verdicts != nil { taking(&work) }
    for (time, frames) in made {
      writeMarks(until: time)
      while let first = work.relabels.first, first.time < time {
        work.relabels.removeFirst()
        file.relabel(first)
      }
      for frame in frames {
        frameCount += 1
        file.write(frame, at: time)
      }
    }
    writeMarks(until: time)
  }

  private func send(_ verdict: TapVerdict, to address: TapVerdicts.Address) {
    guard address.tap != 0 else { return verdicts?.tellRunner(address.number, verdict) ?? () }
    guard let socket = taps[address.tap]?.socket else { return }
    let order: TapOrder =
      address.isDatagram ? .datagramVerdict(address.number, verdict) : .verdict(address.number, verdict)
    try? UnixSocket.send(order.octets, on: socket)
  }

  private mutating func writeMarks(until time: Int64) {
    while let mark = work.marks.first, mark.time <= time {
      work.marks.removeFirst()
      if let text = mark.text { verdicts?.read(comment: text) }
      file.write(mark)
    }
  }
}

extension TapRecorder.Requests {
  /// Moves what is asked for to the thread, whose own list keeps what is not written yet.
  mutating func moved(to work: inout TapLoop.Work) {
    if !marks.isEmpty {
      work.marks = (work.marks + marks).sorted { $0.time < $1.time }
      marks = []
    }
    work.relabels += relabels
    relabels = []
    work.own += own
    own = []
    work.orders += orders
    orders = []
    work.released += released
    released = []
    work.ending = ending
  }
}
