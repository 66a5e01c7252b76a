/// Decides what becomes of a frame before it goes on; asked by the wire for every frame that comes out of a node.
///
/// Called on the wire's thread, one frame at a time, in the order in which the frames are let on.
public protocol FrameGate: Sendable {
  func fate(of frame: GatedFrame) -> FrameFate
  /// A comment that stands in the capture before the frames that it is about.
  func read(comment: String)
}

/// A frame as its sender sent it.
public struct GatedFrame: Sendable {
  /// The number of the link end, the same for all frames of one end.
  public var end: Int
  /// The link's name in results.
  public var link: String
  /// The node whose link end it is.
  public var node: String
  /// When it was read: CLOCK_REALTIME in nanoseconds.
  public var time: Int64
  /// From the Ethernet header on.
  public var octets: [UInt8]

  public init(end: Int, link: String, node: String, time: Int64, octets: [UInt8]) {
    self.end = end
    self.link = link
    self.node = node
    self.time = time
    self.octets = octets
  }
}

/// What becomes of a frame.
public enum FrameFate: Sendable, Hashable {
  case pass
  case twice
  /// Other octets go on in its place.
  case replace([UInt8])
  /// It ends here; `onward` goes on in its place, `back` goes to its sender.
  case drop(onward: [[UInt8]], back: [[UInt8]])
  /// It waits, for so many nanoseconds or until its number is released.
  case hold(for: Int64), holdUntilReleased(Int)
}

extension FrameGate {
  /// For gates that read no messages.
  public func read(comment: String) {}
}
