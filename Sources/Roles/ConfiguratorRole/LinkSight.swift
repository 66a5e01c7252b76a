import Messages
import RoleKit

/// What the HTIP collector sees of one device: whether its MAC address stands in a forwarding table, where, and how
/// well its link does (4.6.3 step 3).
struct LinkSight: Sendable, Hashable {
  /// A port of an HTIP-NW device.
  struct Place: Sendable, Hashable {
    /// The switch's name, else its MAC address.
    var node: String
    var port: Int
    /// Milliseconds since it was told.
    var age: Int64

    /// As an element of a finding: `sw1.3`.
    var element: String { "\(node).\(port)" }
  }

  /// Where the device is now, and where it was before it went.
  var place: Place?
  var lastPlace: Place?
  /// 0 to 100, where the link's quality is told.
  var quality: Int?
  /// An element between the configurator and the device that HTIP told of and tells of no more, the nearest one: a link
  /// or a switch.
  var broken: String?
  /// That element said goodbye (a TTL of 0), so that it was switched off.
  var saidGoodbye = false
  /// Two devices claim the MAC address, or it shows at two ports at once.
  var isAmbiguous = false

  /// Whether the collector has heard any HTIP-NW device at all.
  var isKnown: Bool { place != nil || lastPlace != nil || broken != nil }

  static let nothing = LinkSight()

  /// The link between a device and the port that it was seen at last.
  func link(of device: String) -> String? { (place ?? lastPlace).map { "\(device)--\($0.element)" } }
}

extension Configurator {
  /// Where the collector sees a MAC address.
  func linkSight(of mac: MACAddress, at now: Moment) -> LinkSight { .nothing }
}
