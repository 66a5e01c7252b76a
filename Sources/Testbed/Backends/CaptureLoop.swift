import CLinux
import CaptureFiles
import Glibc
import LinuxNetwork

/// How a tap is called in the file.
struct TapLabel: Sendable {
  var link: String
  var node: String
  /// What this end sends then came from the node, which is a switch.
  var isSwitchEnd: Bool
}

/// The capture thread's work: frames from the ring and marks, merged by time, into the file.
struct CaptureLoop: ~Copyable {
  /// What is still to be written.
  struct Work: Sendable {
    /// By time.
    var marks: [Capture.Mark] = []
    var relabels: [Capture.Relabel] = []
    var ending = false
  }

  /// A frame may be stamped and not yet in the ring: on its way through the receive queue of a busy core.
  private static let inFlight: Int64 = 2_000_000

  private var ring: PacketRing
  private var file: CaptureFile
  private let wake: Descriptor
  private var work = Work()
  private var endAt: Int64?

  init(ring: consuming PacketRing, file: CaptureFile, wake: Descriptor) {
    self.ring = ring
    self.file = file
    self.wake = wake
  }

  /// Runs until an end was asked for and every frame before it is written.
  mutating func run(taking: (inout Work) -> Void, telling: (CaptureProgress) -> Void) {
    telling(flush(completeUntil: 0))
    while true {
      wait()
      taking(&work)
      let now = WallClock.now()
      drain()
      var reached = file.lastTime - Self.inFlight
      if ring.isEmpty() {
        reached = max(reached, now - Self.inFlight)
        writeMarks(until: now - Self.inFlight)
      }
      if work.ending, endAt == nil { endAt = now }
      if file.hasNews || file.failure != nil { telling(flush(completeUntil: reached)) }
      if let endAt, reached >= endAt, work.marks.first.map({ $0.time > endAt }) ?? true { return }
    }
  }

  /// Writes what is left, counts, and closes the file.
  mutating func finish() -> CaptureProgress {
    writeMarks(until: .max)
    let (seen, dropped) = ring.counts()
    file.writeCounts(seen: seen, dropped: dropped, time: WallClock.now())
    return flush(completeUntil: endAt ?? file.lastTime)
  }

  /// Until frames or requests come; while something waits for its time, not for long.
  private mutating func wait() {
    var descriptors = [
      pollfd(fd: ring.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: wake.number, events: Int16(POLLIN), revents: 0),
    ]
    var milliseconds: Int32 = -1
    if endAt != nil {
      milliseconds = 1
    } else if let mark = work.marks.first {
      milliseconds = Int32(clamping: max(1, (mark.time - WallClock.now() + Self.inFlight) / 1_000_000 + 1))
    }
    poll(&descriptors, 2, milliseconds)
    if descriptors[1].revents != 0 { clinux_eventfd_clear(wake.number) }
  }

  private mutating func drain() {
    // The closure may not reach into self while the ring, a part of it, is being read.
    var file = self.file
    var work = self.work
    ring.drain { frame in
      while let mark = work.marks.first, mark.time < frame.time {
        work.marks.removeFirst()
        file.write(mark)
      }
      while let first = work.relabels.first, first.time < frame.time {
        work.relabels.removeFirst()
        file.relabel(first)
      }
      file.write(frame)
    }
    self.file = file
    self.work = work
  }

  private mutating func writeMarks(until time: Int64) {
    while let mark = work.marks.first, mark.time <= time {
      work.marks.removeFirst()
      file.write(mark)
    }
  }

  private mutating func flush(completeUntil: Int64) -> CaptureProgress {
    file.flush()
    return CaptureProgress(
      octets: file.octets, completeUntil: completeUntil, dropped: ring.counts().dropped, failure: file.failure)
  }
}
