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

extension LinkSight {
  /// A link on the way from the configurator to a device, and who is behind it.
  struct Hop: Sendable, Hashable {
    /// As it stands in findings: `sw1.7--sw2.1`, `tv--sw2.3`.
    var element: String
    var far: MACAddress?
  }
}

extension Configurator {
  /// Devices whose places are kept in mind.
  static let placeLimit = 2048

  /// Where the collector sees a MAC address, and where it did before.
  func linkSight(of mac: MACAddress, at now: Moment) -> LinkSight {
    let home = topology(at: now)
    var sight = LinkSight()
    sight.place = LinkSight.Place(of: mac, in: home, at: now)
    sight.lastPlace = sight.place ?? lastPlaces[mac]
    // What a table tells beyond a broken link is old.
    let linked = reached(in: home)
    guard sight.place == nil || !linked.contains(mac) else { return sight }
    sight.place = nil
    // Where the tables do not even link the configurator itself, no link is named.
    guard linked.count > interfaces.count else { return .nothing }
    // The nearest link whose far end no table shows behind it any more is the one that is broken.
    for hop in (lastWays[mac] ?? []).dropLast() {
      guard let far = hop.far, !linked.contains(far) else { continue }
      sight.broken = hop.element
      break
    }
    return sight
  }

  /// Who is linked with the configurator now, however far.
  private func reached(in home: HomeTopology) -> Set<MACAddress> {
    let own = Set(interfaces.values.compactMap(\.macAddress))
    var waiting = home.nodes.filter { $0.macAddress.map(own.contains) ?? false }.map(\.id)
    var reached = Set(waiting)
    while let near = waiting.popLast() {
      for link in home.links {
        for (here, there) in [(link.a, link.b), (link.b, link.a)]
        where here.node == near && reached.insert(there.node).inserted { waiting.append(there.node) }
      }
    }
    return Set(home.nodes.filter { reached.contains($0.id) }.compactMap(\.macAddress))
  }

  /// Keeps in mind where everything is, for when it is gone.
  mutating func rememberPlaces(at now: Moment) {
    let home = topology(at: now)
    guard home.isComplete, let own = interfaces.values.lazy.compactMap(\.macAddress).first,
      let start = home.nodes.first(where: { $0.macAddress == own })
    else { return }
    let names = Dictionary(home.nodes.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var ways: [String: [LinkSight.Hop]] = [start.id: []]
    var waiting = [start.id]
    while let near = waiting.popLast() {
      for link in home.links {
        for (here, there) in [(link.a, link.b), (link.b, link.a)] where here.node == near && ways[there.node] == nil {
          guard let node = names[there.node] else { continue }
          ways[there.node] = (ways[near] ?? []) + [hop(here, there, names)]
          waiting.append(there.node)
          guard let mac = node.macAddress, lastWays.count < Configurator.placeLimit || lastWays[mac] != nil else {
            continue
          }
          lastWays[mac] = ways[there.node]
          lastPlaces[mac] = LinkSight.Place(of: mac, in: home, at: now) ?? lastPlaces[mac]
        }
      }
    }
  }

  private func hop(
    _ here: HomeTopology.End, _ there: HomeTopology.End, _ names: [String: HomeTopology.Node]
  ) -> LinkSight.Hop {
    func text(_ end: HomeTopology.End) -> String {
      let name = names[end.node].map { $0.name ?? $0.id } ?? end.node
      return end.port.map { "\(name).\($0)" } ?? name
    }
    let ends = there.port == nil ? [text(there), text(here)] : [text(here), text(there)]
    return LinkSight.Hop(element: ends.joined(separator: "--"), far: names[there.node]?.macAddress)
  }
}

extension LinkSight.Place {
  /// The port of a switch that a device's link leads to; `nil` where no table tells of one.
  init?(of mac: MACAddress, in home: HomeTopology, at now: Moment) {
    guard let node = home.nodes.first(where: { $0.macAddress == mac }) else { return nil }
    for link in home.links {
      for (end, other) in [(link.a, link.b), (link.b, link.a)] where end.node == node.id && end.port == nil {
        guard let port = other.port, let neighbour = home.nodes.first(where: { $0.id == other.node }) else { continue }
        self.init(node: neighbour.name ?? neighbour.id, port: Int(port), age: max(0, now.wall - link.heardAt))
        return
      }
    }
    return nil
  }
}
