/// Where a home on loopback shows what its links are like: a folder beside the taps' socket.
///
/// A tap looks at the counter before everything that it sends or receives, and reads its node's file when the counter
/// has changed. So a link is down for all programs in the same instant, without waiting for any of them.
public enum TapBoard {
  public static func folder(besides socket: String) -> String { socket + ".links" }
  /// The counter of changes.
  public static func counter(besides socket: String) -> String { folder(besides: socket) + "/.changes" }
  /// An order of links, with its length.
  public static func file(of node: String, besides socket: String) -> String { folder(besides: socket) + "/" + node }
}
