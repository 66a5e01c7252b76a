import CLinux
import CaptureFiles
import Glibc
import LinuxNetwork
import Synchronization

/// Writes the frames of a home's taps into a pcapng file that grows, on one thread.
///
/// Comments and frames stand in the order of their times, so that a reader learns of an action before its effects.
public final class Capture: HomeCapture {
  public let path: String
  public let progress: AsyncStream<CaptureProgress>
  private let requests: Mutex<Requests>
  /// Wakes the thread when there is a request.
  private let wake: Descriptor
  /// Readable when the ring is open, or cannot be opened.
  private let opened: Descriptor

  /// What the thread is asked to do.
  struct Requests: Sendable {
    /// Marks not yet written, by time.
    var marks: [Mark] = []
    var relabels: [Relabel] = []
    var ending = false
    /// Set by the thread when the file is closed.
    var last: CaptureProgress?
    var waiting: [CheckedContinuation<CaptureProgress, Never>] = []
  }

  struct Mark: Sendable {
    var time: Int64
    /// `nil`: only tell when this time is reached.
    var text: String?
  }

  /// From `time` on, the frames of an interface belong to a link of another name.
  struct Relabel: Sendable {
    var time: Int64
    var interface: Int32
    var label: TapLabel
  }

  /// Opens the file, and starts the thread, which opens the ring: ``awaitOpen()`` says when frames are seen.
  ///
  /// Opening a ring waits for a grace period of the kernel, some 20 ms, in which a home can be built.
  /// - Parameter octets: the size of the ring; `nil`: by the number of taps, 4 to 16 MiB.
  init(world: NetworkNamespace, taps: [HomePlan.Tap], path: String, octets: Int? = nil) throws {
    self.path = path
    let file = try Files.open(path, O_WRONLY | O_CREAT | O_TRUNC)
    let wake = Descriptor(try SystemError.check(clinux_eventfd(), "make an event descriptor"))
    self.wake = wake
    opened = Descriptor(try SystemError.check(clinux_eventfd(), "make an event descriptor"))
    requests = Mutex(Requests())
    let (stream, continuation) = AsyncStream.makeStream(
      of: CaptureProgress.self, bufferingPolicy: .bufferingNewest(1))
    progress = stream
    let size = octets ?? (taps.count <= 32 ? 4 << 20 : 16 << 20)
    let labels = taps.map { ($0.index, TapLabel(link: $0.link, node: $0.node, isSwitchEnd: $0.isSwitchEnd)) }
    let captureFile = CaptureFile(file: file, labels: labels)
    try SystemThread.start("capture") { [self] in
      func end(_ last: CaptureProgress) {
        continuation.yield(last)
        continuation.finish()
        finish(last)
      }
      do {
        let ring = try PacketRing(in: world, firstInterface: HomePlan.firstTap, octets: size, retireAfter: 2)
        clinux_eventfd_signal(opened.number)
        var loop = CaptureLoop(ring: ring, file: captureFile, wake: wake)
        loop.run(taking: { self.takeRequests(&$0) }, telling: { continuation.yield($0) })
        // Told before the ring is closed, for which the kernel takes its time again.
        end(loop.finish())
      } catch {
        end(CaptureProgress(octets: 0, completeUntil: 0, dropped: 0, failure: "\(error)"))
        clinux_eventfd_signal(opened.number)
      }
    }
  }

  /// Waits until every further frame is captured; throws where there can be no ring.
  func awaitOpen() throws {
    _ = try opened.waitReadable(before: .now + .seconds(30))
    if let failure = requests.withLock({ $0.last?.failure }) { throw BackendError(failure) }
  }

  public func note(_ text: String, at time: Int64? = nil) { add(Mark(time: time ?? WallClock.now(), text: text)) }

  public func reach(_ time: Int64) { add(Mark(time: time, text: nil)) }

  private func add(_ mark: Mark) {
    requests.withLock { requests in
      // Mostly the latest comes last.
      let place = requests.marks.lastIndex { $0.time <= mark.time }.map { $0 + 1 } ?? 0
      requests.marks.insert(mark, at: place)
    }
    clinux_eventfd_signal(wake.number)
  }

  /// Frames of an interface from now on are those of another link.
  func relabel(_ interface: Int32, link: String, node: String) {
    let label = TapLabel(link: link, node: node, isSwitchEnd: false)
    requests.withLock { $0.relabels.append(Relabel(time: WallClock.now(), interface: interface, label: label)) }
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

  /// Moves new requests to the thread; `keeping` is what it has not written yet.
  private func takeRequests(_ keeping: inout CaptureLoop.Work) {
    requests.withLock { requests in
      if !requests.marks.isEmpty {
        keeping.marks = (keeping.marks + requests.marks).sorted { $0.time < $1.time }
        requests.marks = []
      }
      keeping.relabels += requests.relabels
      requests.relabels = []
      keeping.ending = requests.ending
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
