import CaptureFiles
import Messages
import Octets

/// Nodes, their interfaces in the capture, and which address is whose, as far as it is known by now.
struct PartyTable: Sendable {
  struct Node: Sendable {
    var name: String
    var kind: PartyKind?
    var home: String?
    var interfaces: [PartyInterface]
    var forwards: Bool
    /// A switch, hub or access point: it passes frames on unchanged.
    var isSegment: Bool
    var taps = 0

    var party: Party { kind == .operator || name == "operator" ? .operator : .node(name) }
  }

  /// An interface of the capture.
  struct Tap: Sendable {
    /// Index of the node whose link end it is; `nil` where the capture does not tell.
    var node: Int?
    /// Index of the network; 0 where it is not known.
    var network = 0
    var isNetworkKnown = false
    /// What was learnt of the last packet, which most packets repeat.
    var lastSource: (address: UInt32, mac: UInt64)?
  }

  private struct Place: Hashable {
    var network: Int
    var address: IPAddress
  }

  private struct Seat: Hashable {
    var network: Int
    var node: Int
  }

  private(set) var nodes: [Node] = []
  /// By the interface's index; `nil` where it was not declared.
  private(set) var taps: [Tap?] = []
  private var byName: [String: Int] = [:]
  /// Network 0 stands for all that no topology names.
  private var networks: [PartyNetwork] = [PartyNetwork(name: "", home: nil)]
  private var networkByName: [String: Int] = [:]
  /// Directed broadcast addresses.
  private var broadcasts: Set<Place> = []
  private var owners: [Place: Int] = [:]
  /// Whose an address is by the topology: it can always take it back.
  private var rightful: [Place: Int] = [:]
  private var rightfulMACs: [MACAddress: Int] = [:]
  /// The address that a node used last on a network.
  private var latest: [Seat: IPAddress] = [:]
  private var macOwners: [MACAddress: Int] = [:]
  /// What parties turned out to be, where no topology tells.
  private var learntKinds: [Party: PartyKind] = [:]
  private static let learningLimit = 65_536

  init(_ map: PartyMap) {
    for network in map.networks { _ = index(ofNetwork: network.name, home: network.home) }
    for node in map.nodes {
      let index = nodes.count
      byName[node.name] = index
      nodes.append(
        Node(
          name: node.name, kind: node.kind, home: node.home, interfaces: node.interfaces, forwards: node.forwards,
          isSegment: [.switch, .hub, .accessPoint].contains(node.kind)))
      for interface in node.interfaces {
        let network = self.index(ofNetwork: interface.network, home: nil)
        if let address = interface.address {
          owners[Place(network: network, address: address.address)] = index
          rightful[Place(network: network, address: address.address)] = index
          if let broadcast = address.broadcast { broadcasts.insert(Place(network: network, address: broadcast)) }
        }
        if let mac = interface.mac {
          macOwners[mac] = index
          rightfulMACs[mac] = index
        }
      }
    }
  }

  private mutating func index(ofNetwork name: String, home: String?) -> Int {
    if let index = networkByName[name] { return index }
    networkByName[name] = networks.count
    networks.append(PartyNetwork(name: name, home: home))
    return networks.count - 1
  }

  /// Takes note of an interface: its description names the node whose link end it is.
  mutating func declare(_ interface: CaptureInterface) {
    guard interface.index >= taps.count || taps[interface.index] == nil else { return }
    guard (0..<PartyTable.learningLimit).contains(interface.index) else { return }
    while taps.count <= interface.index { taps.append(nil) }
    var tap = Tap()
    if let name = PartyTable.nodeName(interface.description) {
      let index = byName[name] ?? addNode(name)
      nodes[index].taps += 1
      // `sw1.3` in a link's name is a port; a node with several links and no ports passes packets between them.
      if nodes[index].kind == nil {
        if PartyTable.hasPort(of: name, in: interface.name ?? "") { nodes[index].isSegment = true }
        if nodes[index].taps > 1, !nodes[index].isSegment { nodes[index].forwards = true }
      }
      tap.node = index
      if nodes[index].interfaces.count == 1, let network = networkByName[nodes[index].interfaces[0].network] {
        tap.network = network
        tap.isNetworkKnown = true
      }
    }
    taps[interface.index] = tap
  }

  func tap(_ index: Int) -> Tap { taps.indices.contains(index) ? taps[index] ?? Tap() : Tap() }

  private mutating func addNode(_ name: String) -> Int {
    byName[name] = nodes.count
    nodes.append(
      Node(
        name: name, kind: name == "operator" ? .operator : nil, home: nil, interfaces: [], forwards: false,
        isSegment: false))
    return nodes.count - 1
  }

  static func nodeName(_ description: String?) -> String? {
    guard let description else { return nil }
    for part in description.split(separator: " ") where part.hasPrefix("node=") && part.count > 5 {
      return String(part.dropFirst(5))
    }
    return nil
  }

  private static func hasPort(of node: String, in link: String) -> Bool {
    guard let range = link.firstRange(of: "--") else { return false }
    return [link[..<range.lowerBound], link[range.upperBound...]].contains { end in
      end.hasPrefix(node + ".") && end.dropFirst(node.count + 1).allSatisfy(\.isNumber)
    }
  }

  /// Which of a node's networks its tap is on, told by the MAC address that it sends from.
  mutating func locate(tap index: Int, source: MACAddress) {
    var tap = tap(index)
    guard !tap.isNetworkKnown, let node = tap.node else { return }
    guard let interface = nodes[node].interfaces.first(where: { $0.mac == source }),
      let network = networkByName[interface.network]
    else { return }
    tap.network = network
    tap.isNetworkKnown = true
    taps[index] = tap
  }

  /// Whether a frame that came in at a switch's link end is the switch's own, not one that it passes on.
  func isOwnFrame(of node: Int, source: MACAddress, isLLDP: Bool) -> Bool {
    if let owner = macOwners[source] { return owner == node }
    return isLLDP
  }

  /// Whether an address is one of the node's own, as far as it is known.
  func owns(_ node: Int, _ address: IPAddress) -> Bool {
    nodes[node].interfaces.contains { $0.address?.address == address } || nodes[node].interfaces.isEmpty
  }

  /// The node of an interface sent a packet from this address.
  mutating func learn(_ bits: UInt32, at index: Int, mac: MACAddress) {
    let tap = tap(index)
    guard let node = tap.node, tap.lastSource?.address != bits || tap.lastSource?.mac != mac.bits else { return }
    taps[index]?.lastSource = (bits, mac.bits)
    learn(.v4(bits), of: node, on: tap.network, mac: mac)
  }

  /// A node sent from this address on this network.
  ///
  /// An address that another node still uses stays with that one, lest a forged packet take it away.
  mutating func learn(_ address: IPAddress, of node: Int, on network: Int, mac: MACAddress) {
    let place = Place(network: network, address: address)
    let seat = Seat(network: network, node: node)
    if owners[place] == node, latest[seat] == address, macOwners[mac] != nil { return }
    guard !address.isUnspecified, !address.isMulticast, owners.count < PartyTable.learningLimit,
      macOwners.count < PartyTable.learningLimit, latest.count < PartyTable.learningLimit
    else { return }
    if macOwners[mac] == nil || rightfulMACs[mac] == node { macOwners[mac] = node }
    if let owner = owners[place], owner != node, rightful[place] != node,
      latest[Seat(network: network, node: owner)] == address
    {
      return
    }
    owners[place] = node
    latest[seat] = address
  }

  /// A DHCP server gave an address; one that is another node's by the topology stays with that node.
  mutating func lend(_ address: IPAddress, to mac: MACAddress, on network: Int) {
    let place = Place(network: network, address: address)
    guard let node = macOwners[mac], rightful[place] == nil || rightful[place] == node, !address.isUnspecified,
      owners.count < PartyTable.learningLimit, latest.count < PartyTable.learningLimit
    else { return }
    owners[place] = node
    latest[Seat(network: network, node: node)] = address
  }

  /// Whom a packet is for, from the place of its sender: addresses count within its network, then its home, then outside.
  func receiver(_ address: IPAddress, from network: Int) -> Party {
    let place = Place(network: network, address: address)
    if address.isMulticast || address.isLimitedBroadcast || broadcasts.contains(place) { return .network }
    return owner(address, from: network).map { nodes[$0].party } ?? .address("\(address)")
  }

  func owner(_ address: IPAddress, from network: Int) -> Int? {
    for place in networks(visibleFrom: network) {
      if let owner = owners[Place(network: place, address: address)] { return owner }
    }
    return nil
  }

  /// The node that has an address, on whatever network; `nil` where none has, or several have.
  func onlyOwner(of address: IPAddress) -> Int? {
    let found = Set(networks.indices.compactMap { owners[Place(network: $0, address: address)] })
    return found.count == 1 ? found.first : nil
  }

  /// The network itself, then the others of its home, then those outside of all homes.
  func networks(visibleFrom network: Int) -> some Sequence<Int> {
    let home = networks[network].home
    let ofHome = networks.indices.lazy.filter { $0 != network && home != nil && networks[$0].home == home }
    let outside = networks.indices.lazy.filter { $0 != network && networks[$0].home == nil }
    return [network] + Array(ofHome) + Array(outside)
  }

  func receiver(_ mac: MACAddress) -> Party {
    if mac.isMulticast { return .network }
    return macOwners[mac].map { nodes[$0].party } ?? .address("\(mac)")
  }

  /// Whether a party passes other nodes' packets on.
  func isForwarding(_ party: Party) -> Bool {
    guard case .node(let name) = party, let index = byName[name] else { return false }
    return nodes[index].forwards
  }
  func isSegment(_ node: String) -> Bool { byName[node].map { nodes[$0].isSegment } ?? false }

  func kind(of party: Party) -> PartyKind? {
    switch party {
    case .operator: return .operator
    case .network: return .network
    case .node(let name):
      if let index = byName[name], let kind = nodes[index].kind { return kind }
      return learntKinds[party]
    case .address: return learntKinds[party]
    }
  }

  mutating func learn(_ kind: PartyKind, of party: Party) {
    guard learntKinds[party] == nil, learntKinds.count < PartyTable.learningLimit else { return }
    learntKinds[party] = kind
  }
}
