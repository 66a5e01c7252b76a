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
    var switchAddress: MACAddress?

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
  /// Where the collector sees a MAC address, and where it did before.
  func linkSight(of mac: MACAddress, at now: Moment) -> LinkSight {
    let home = topology(at: now)
    var sight = LinkSight()
    sight.place = LinkSight.Place(of: mac, in: home, at: now)
    sight.lastPlace = sight.place ?? lastPlaces[mac]
    guard sight.place == nil, let last = sight.lastPlace, let id = last.switchAddress else { return sight }
    // Where the switch itself is in no table any more, it is the way to it that is broken.
    guard !home.nodes.contains(where: { $0.macAddress == id && $0.kind == .switch }) else { return sight }
    sight.broken = lastPlaces[id].map { "\(last.node)--\($0.element)" } ?? last.node
    return sight
  }

  /// Keeps in mind where everything is, for when it is gone.
  mutating func rememberPlaces(at now: Moment) {
    let home = topology(at: now)
    for node in home.nodes {
      guard let mac = node.macAddress, let place = LinkSight.Place(of: mac, in: home, at: now) else { continue }
      if lastPlaces.count < Configurator.placeLimit || lastPlaces[mac] != nil { lastPlaces[mac] = place }
    }
  }

  /// Devices whose places are kept in mind.
  static let placeLimit = 2048
}

extension LinkSight.Place {
  /// The port of a switch that a device's link leads to; `nil` where no table tells of one.
  init?(of mac: MACAddress, in home: HomeTopology, at now: Moment) {
    guard let node = home.nodes.first(where: { $0.macAddress == mac }) else { return nil }
    for link in home.links {
      for (end, other) in [(link.a, link.b), (link.b, link.a)] where end.node == node.id {
        guard let port = other.port, let neighbour = home.nodes.first(where: { $0.id == other.node }) else { continue }
        self.init(
          node: neighbour.name ?? neighbour.id, port: Int(port), age: max(0, now.wall - link.heardAt),
          switchAddress: neighbour.macAddress)
        return
      }
    }
    return nil
  }
}
