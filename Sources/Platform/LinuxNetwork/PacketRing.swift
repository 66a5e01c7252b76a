import CLinux
import Glibc

/// A packet ring (TPACKET_V3) over the interfaces of one network namespace, for one thread at a time.
public struct PacketRing: ~Copyable {
  private var ring = clinux_ring()

  /// One captured frame; its octets are valid only while it is handed out.
  public struct Frame: ~Copyable {
    public let octets: UnsafeRawBufferPointer
    public let originalLength: Int
    public let interface: Int32
    /// Nanoseconds of CLOCK_REALTIME.
    public let time: Int64
    /// True if the interface sent the frame, false if it received it.
    public let isOutgoing: Bool
  }

  /// - Parameters:
  ///   - firstInterface: interfaces with a lower index are left out.
  ///   - octets: the size of the ring, a multiple of 128 KiB.
  ///   - retireAfter: milliseconds until a part-filled block is handed out, at least 1.
  public init(in namespace: NetworkNamespace, firstInterface: Int32, octets: Int, retireAfter: Int) throws {
    let block = 131_072
    try SystemError.check(
      clinux_ring_open(
        namespace.descriptor.number, block, UInt32(max(2, octets / block)), UInt32(max(1, retireAfter)),
        firstInterface, &ring), "open a packet ring of \(octets) octets")
  }

  deinit {
    var ring = ring
    clinux_ring_close(&ring)
  }

  /// Readable when frames wait.
  public var descriptor: Int32 { ring.socket }

  /// Hands out all frames that are ready, in the order in which the kernel saw them.
  public mutating func drain(_ body: (borrowing Frame) -> Void) {
    var frame = clinux_frame()
    while clinux_ring_next(&ring, &frame) == 1 {
      body(
        Frame(
          octets: UnsafeRawBufferPointer(start: frame.octets, count: Int(frame.captured)),
          originalLength: Int(frame.original), interface: frame.interface, time: Int64(frame.nanoseconds),
          isOutgoing: frame.outgoing != 0))
    }
  }

  /// False if frames lie in a block that the kernel still fills.
  public mutating func isEmpty() -> Bool { clinux_ring_is_empty(&ring) == 1 }

  /// Frames seen and frames lost since the ring was opened.
  public mutating func counts() -> (seen: UInt64, dropped: UInt64) {
    clinux_ring_count(&ring)
    return (ring.seen, ring.dropped)
  }
}
