import Messages

/// The home as far as the configurator knows it: devices, and how they are linked.
struct HomeTopology: Sendable, Hashable {
  enum Kind: String, Sendable { case gateway, `switch`, device, unknown }

  struct Node: Sendable, Hashable {
    /// The MAC address as text; of something that no frame tells of `unseen-1` ...
    var id: String
    var macAddress: MACAddress?
    var agentId: String?
    var name: String?
    var kind: Kind
    /// When it was last heard of; milliseconds since 1970.
    var heardAt: Int64
  }

  struct End: Sendable, Hashable {
    var node: String
    /// From 1; of switches that tell their tables.
    var port: UInt32?
  }

  struct Link: Sendable, Hashable {
    var a: End
    var b: End
    /// How old the older of the tables is that tell of it; milliseconds since 1970.
    var heardAt: Int64
  }

  var nodes: [Node] = []
  var links: [Link] = []
  /// True where the tables give every device that shows in them its place.
  var isComplete = false
  /// Claims to an address that the tables show elsewhere.
  var forgeries: [String] = []
}

/// What a ``HomeTopology`` is made from.
struct TopologyEvidence: Sendable {
  /// Someone that the configurator knows otherwise than by frames.
  struct Known: Sendable, Hashable {
    var addresses: [MACAddress]
    var agentId: String?
    var name: String?
    var kind: HomeTopology.Kind
    /// Milliseconds since 1970.
    var heardAt: Int64
  }

  var frames: [(key: HTIPCollection.Key, value: HTIPCollection.Entry)]
  /// Registered agents, L3 agents, the gateway and the configurator itself.
  var known: [Known]
  /// Addresses of devices that told of themselves and do so no longer: what tables show of them is old.
  var silent: Set<MACAddress> = []
}

extension HomeTopology {
  /// A device in the making.
  private struct Draft {
    var addresses: Set<MACAddress>
    /// In the order in which they were told; the first one names the node.
    var main: MACAddress
    var agentId: String?
    var name: String?
    var kind: Kind
    var heardAt: Int64
    var table: [UInt32: [MACAddress]]?
    /// When the table was told.
    var tableAt: Int64 = .max
  }

  /// Merges what is one device, and lets its tables speak.
  init(_ evidence: TopologyEvidence) {
    var drafts: [Draft] = []
    var owners: [MACAddress: Int] = [:]
    let places = AddressPlaces(evidence.frames.map(\.value))
    for known in evidence.known {
      guard let main = known.addresses.first else { continue }
      if let place = known.addresses.compactMap({ owners[$0] }).first {
        drafts[place].agentId = drafts[place].agentId ?? known.agentId
        drafts[place].name = drafts[place].name ?? known.name
        drafts[place].heardAt = max(drafts[place].heardAt, known.heardAt)
        if known.kind == .gateway { drafts[place].kind = .gateway }
        continue
      }
      drafts.append(
        Draft(
          addresses: Set(known.addresses), main: main, agentId: known.agentId, name: known.name, kind: known.kind,
          heardAt: known.heardAt))
      for address in known.addresses { owners[address] = drafts.count - 1 }
    }
    for (chassis, entries) in Self.byDevice(evidence.frames) {
      add(chassis, entries, to: &drafts, &owners, places, without: evidence.silent)
    }
    finish(drafts)
  }

  /// Frames of one chassis and sender are one device's.
  private static func byDevice(
    _ frames: [(key: HTIPCollection.Key, value: HTIPCollection.Entry)]
  ) -> [(ChassisID, [HTIPCollection.Entry])] {
    struct Device: Hashable {
      var chassis: ChassisID
      var source: MACAddress
    }
    let groups = Dictionary(grouping: frames) { Device(chassis: $0.key.chassis, source: $0.value.source) }
    // Who speaks with the address that names it comes first: claims by others are held against it.
    return groups.map { ($0.key, $0.value.map(\.value)) }.sorted { a, b in
      let (ofA, ofB) = (a.0.chassis == .mac(a.0.source), b.0.chassis == .mac(b.0.source))
      return ofA != ofB ? ofA : ("\(a.0.chassis)", a.0.source.bits) < ("\(b.0.chassis)", b.0.source.bits)
    }.map { ($0.0.chassis, $0.1) }
  }

  private mutating func add(
    _ chassis: ChassisID, _ entries: [HTIPCollection.Entry], to drafts: inout [Draft],
    _ owners: inout [MACAddress: Int],
    _ places: AddressPlaces, without silent: Set<MACAddress>
  ) {
    guard let source = entries.first?.source else { return }
    var addresses: Set<MACAddress> = [source]
    var claims = entries.flatMap(\.frame.addresses)
    if case .mac(let address) = chassis { claims.append(address) }
    for claim in Set(claims).subtracting([source]).sorted(by: { $0.bits < $1.bits }) {
      // An address counts as the device's own unless somebody else has it, or the tables show it elsewhere.
      if let owner = owners[claim], owner != owners[source] {
        forgeries.append("\(source) claims \(claim), which is another device's")
      } else if places.areApart(source, claim) {
        forgeries.append("\(source) claims \(claim), which the tables show at another port")
      } else {
        addresses.insert(claim)
      }
    }
    let place: Int
    if let known = addresses.compactMap({ owners[$0] }).min() {
      place = known
    } else {
      place = drafts.count
      let main = if case .mac(let address) = chassis, addresses.contains(address) { address } else { source }
      drafts.append(Draft(addresses: [], main: main, kind: .device, heardAt: 0))
    }
    for address in addresses { owners[address] = place }
    drafts[place].addresses.formUnion(addresses)
    drafts[place].heardAt = max(drafts[place].heardAt, entries.map(\.heardAt).max() ?? 0)
    let told = entries.lazy.compactMap { $0.frame[.modelName]?.text }.first
    drafts[place].name = drafts[place].name ?? told
    let links = entries.flatMap(\.frame.links)
    guard !links.isEmpty else { return }
    if drafts[place].kind == .device { drafts[place].kind = .switch }
    var table = drafts[place].table ?? [:]
    for link in links { table[link.port, default: []] += link.addresses.filter { !silent.contains($0) } }
    drafts[place].table = table
    drafts[place].tableAt = min(drafts[place].tableAt, entries.map(\.heardAt).min() ?? 0)
  }

  private mutating func finish(_ drafts: [Draft]) {
    let tables = LinkTables(drafts.map { .init(addresses: $0.addresses, table: $0.table) })
    let found = LinkTopology(tables)
    nodes = drafts.map {
      Node(
        id: "\($0.main)", macAddress: $0.main, agentId: $0.agentId, name: $0.name, kind: $0.kind, heardAt: $0.heardAt)
    }
    let newest = drafts.filter { $0.table != nil }.map(\.tableAt).max() ?? 0
    for number in 0..<found.unseenCount {
      nodes.append(Node(id: "unseen-\(number + 1)", kind: .unknown, heardAt: newest))
    }
    links = found.links.map { link in
      let times = [link.a, link.b].compactMap { end in
        end.node.flatMap { drafts[$0].table == nil ? nil : drafts[$0].tableAt }
      }
      return Link(a: end(link.a), b: end(link.b), heardAt: times.min() ?? newest)
    }
    // Without a table nobody tells which device is where; one that shows in no table is not linked now.
    isComplete =
      drafts.contains { $0.table != nil } && found.doubtful.isEmpty && !found.unplaced.contains(where: tables.isSeen)
  }

  private func end(_ end: LinkTopology.End) -> End {
    End(node: end.node.map { nodes[$0].id } ?? "unseen-\((end.unseen ?? 0) + 1)", port: end.port)
  }
}

/// Where each switch has which address.
struct AddressPlaces: Sendable {
  /// By address: the port at each switch, by the switch's sender.
  private var ports: [MACAddress: [MACAddress: UInt32]] = [:]

  init(_ entries: [HTIPCollection.Entry]) {
    for entry in entries {
      for link in entry.frame.links {
        for address in link.addresses { ports[address, default: [:]][entry.source] = link.port }
      }
    }
  }

  /// Whether some switch has the two at different ports, so that they are no one device's.
  func areApart(_ a: MACAddress, _ b: MACAddress) -> Bool {
    guard let ofA = ports[a], let ofB = ports[b] else { return false }
    return ofA.contains { reporter, port in ofB[reporter].map { $0 != port } ?? false }
  }
}
