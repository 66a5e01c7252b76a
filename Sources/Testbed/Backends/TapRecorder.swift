import CLinux
import Glibc
import LinuxNetwork
import Octets
import Synchronization
import Taps

/// Writes what the taps of a home's programs tell into a pcapng file that grows, on one thread.
///
/// The same file as ``Capture`` writes, with frames made of octets. It is complete up to a time when every tap has
/// answered that it told everything before: a tap stamps and tells in one step.
public final class TapRecorder: HomeCapture {
  public let path: String
  public let progress: AsyncStream<CaptureProgress>
  private let requests: Mutex<Requests>
  private let wake: Descriptor
  private let socket: String
  private let changes: SharedCounter

  /// What the thread is asked to do.
  struct Requests: Sendable {
    var marks: [Capture.Mark] = []
    var relabels: [Capture.Relabel] = []
    /// What the runner itself sent and received.
    var own: [TapRecord] = []
    var orders: [LinkOrder] = []
    var released: [Int] = []
    /// What the runner itself offered and who waits for the verdict.
    var offered: [UInt32: @Sendable (TapVerdict) -> Void] = [:]
    var ending = false
    var last: CaptureProgress?
    var waiting: [CheckedContinuation<CaptureProgress, Never>] = []
  }

  /// The links of all nodes from now on.
  struct LinkOrder: Sendable {
    var links: [String: TapLinks]
    var seats: HomeSeats
  }

  /// A program wants another address.
  struct Move: Sendable {
    var node: String
    var interface: String
    var address: CIDR?
    var gateway: IPAddress?
  }

  /// Where the taps of a home call: beside what its programs keep, with which it goes.
  static func socket(in folder: String) throws -> String {
    let kept = folder + "/state"
    guard mkdir(kept, 0o755) == 0 || errno == EEXIST else { throw SystemError("make \(kept)", number: errno) }
    unlink(kept + "/tap")
    return kept + "/tap"
  }

  /// Makes the file and the socket, and starts the thread.
  ///
  /// - Parameters:
  ///   - socket: the path at which the taps of programs call.
  ///   - gate: decides on what is sent; `nil`: everything passes.
  ///   - moved: takes the wishes of programs, on a thread of its own.
  init(
    path: String, socket: String, labels: [(index: Int32, label: TapLabel)], seats: HomeSeats,
    links: [String: TapLinks], gate: (any FrameGate)? = nil, moved: @escaping @Sendable (Move) -> Void
  ) throws {
    self.path = path
    let file = CaptureFile(file: try Files.open(path, O_WRONLY | O_CREAT | O_TRUNC), labels: labels)
    let listener = try UnixSocket.listen(at: socket)
    self.socket = socket
    let folder = TapBoard.folder(besides: socket)
    guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { throw SystemError("make \(folder)", number: errno) }
    changes = try SharedCounter.make(at: TapBoard.counter(besides: socket))
    let wake = Descriptor(try SystemError.check(clinux_eventfd(), "make an event descriptor"))
    self.wake = wake
    requests = Mutex(Requests())
    let (stream, continuation) = AsyncStream.makeStream(
      of: CaptureProgress.self, bufferingPolicy: .bufferingNewest(1))
    progress = stream
    try SystemThread.start("taps") { [self] in
      let verdicts = gate.map { gate in
        TapVerdicts(gate, labels: labels) { number, verdict in
          self.requests.withLock { $0.offered.removeValue(forKey: number) }?(verdict)
        }
      }
      var loop = TapLoop(
        file: file, listener: listener, wake: wake, frames: TapFrames(seats), links: links, verdicts: verdicts,
        moved: moved)
      loop.run(taking: { work in self.requests.withLock { $0.moved(to: &work) } }, telling: { continuation.yield($0) })
      let last = loop.finish()
      continuation.yield(last)
      continuation.finish()
      finish(last)
      unlink(socket)
    }
  }

  public func note(_ text: String, at time: Int64? = nil) {
    add(Capture.Mark(time: time ?? WallClock.now(), text: text))
  }

  public func reach(_ time: Int64) { add(Capture.Mark(time: time, text: nil)) }

  private func add(_ mark: Capture.Mark) {
    requests.withLock { requests in
      let place = requests.marks.lastIndex { $0.time <= mark.time }.map { $0 + 1 } ?? 0
      requests.marks.insert(mark, at: place)
    }
    clinux_eventfd_signal(wake.number)
  }

  /// Tells what the runner itself is about to send, or has received; stamped now.
  func tell(_ content: TapRecord.Content) {
    // Stamped under the lock: then nothing older is told after the thread has looked.
    requests.withLock { $0.own.append(TapRecord(content, at: WallClock.now())) }
    clinux_eventfd_signal(wake.number)
  }

  /// Tells what the runner itself is about to send, if it may; `judged` takes the verdict on the recorder's thread.
  func offer(_ content: TapRecord.Content, _ number: UInt32, judged: @escaping @Sendable (TapVerdict) -> Void) {
    requests.withLock { requests in
      requests.offered[number] = judged
      requests.own.append(TapRecord(content, at: WallClock.now()))
    }
    clinux_eventfd_signal(wake.number)
  }

  /// Lets go on what the gate held until this number is released.
  func release(_ number: Int) {
    requests.withLock { $0.released.append(number) }
    clinux_eventfd_signal(wake.number)
  }

  /// Shows all taps their links; when this returns, every program acts by them.
  func apply(_ links: [String: TapLinks], seats: HomeSeats) throws {
    // Those that frames are made by first: what is told from now on may have other addresses.
    requests.withLock { $0.orders.append(LinkOrder(links: links, seats: seats)) }
    for (node, links) in links {
      let file = TapBoard.file(of: node, besides: socket)
      try Files.open(file + ".new", O_WRONLY | O_CREAT | O_TRUNC).write(TapOrder.links(0, links).octets, file)
      guard rename(file + ".new", file) == 0 else { throw SystemError("write \(file)", number: errno) }
    }
    changes.advance()
    clinux_eventfd_signal(wake.number)
  }

  /// Frames of a link end from now on are those of another link.
  func relabel(_ tap: Int32, link: String, node: String) {
    let label = TapLabel(link: link, node: node, isSwitchEnd: false)
    requests.withLock { $0.relabels.append(Capture.Relabel(time: WallClock.now(), interface: tap, label: label)) }
    clinux_eventfd_signal(wake.number)
  }

  /// Lets the thread end by itself, without waiting for it.
  func abandon() {
    requests.withLock { $0.ending = true }
    clinux_eventfd_signal(wake.number)
  }

  public func end() async -> CaptureProgress {
    await withCheckedContinuation { continuation in
      let last = requests.withLock { requests in
        requests.ending = true
        if requests.last == nil { requests.waiting.append(continuation) }
        return requests.last
      }
      if let last { continuation.resume(returning: last) } else { clinux_eventfd_signal(wake.number) }
    }
  }

  private func finish(_ last: CaptureProgress) {
    let waiting = requests.withLock { requests in
      requests.last = last
      defer { requests.waiting = [] }
      return requests.waiting
    }
    for continuation in waiting { continuation.resume(returning: last) }
  }
}
