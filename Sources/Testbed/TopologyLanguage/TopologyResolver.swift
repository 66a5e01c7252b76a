import LanguageKit
import Octets

/// Turns syntax trees into a topology: includes, ranges, names, addresses, links.
struct TopologyResolver {
  /// Nodes a topology may have.
  static let nodeLimit = 4096
  /// Files that a topology may include, and octets that they may have together, counted each time.
  static let includeLimit = (files: 4096, octets: 16 << 20)
  /// The longest name of a node: it is also its host name (RFC 1123: a label of at most 63 octets).
  static let nodeNameLimit = 63
  /// The longest homeId of the profile.
  static let homeNameLimit = 64

  /// A name and the home that it is declared in; `nil` outside of homes.
  struct Scoped: Hashable {
    var home: String?
    var name: String
  }

  struct NetworkEntry {
    var name: String
    var home: String?
    /// `nil` where the line could not be read.
    var prefix: CIDR?
    var position: Position
    /// The offset at which the search for a free address goes on.
    var nextOffset: UInt64 = 0
    var usedAddresses: [IPAddress: String] = [:]
    var usedMACs: [MACAddress: String] = [:]
    var reserved: [ClosedRange<IPAddress>] = []
    /// True where a DHCP server gives addresses.
    var hasLeases = false
    var qualifiedName: String { (home.map { $0 + "." } ?? "") + name }
  }

  struct InterfaceEntry {
    var network: Int
    var syntax: AttachmentSyntax
    var address: IPAddress?
    var mac: MACAddress
    var isLinked = false
    /// DHCP gives the address when the node is running.
    var isLeased = false
  }

  struct NodeEntry {
    var syntax: NodeSyntax
    var name: String
    var home: String?
    var interfaces: [InterfaceEntry] = []
    /// Of switches, hubs and access points.
    var segment: Int?
    /// Which link uses a port.
    var portLinks: [Int: String] = [:]
    var ports = 0
    /// The LAN sides of a gateway, as indices of interfaces.
    var insides: [Int] = []
    var displayName = ""
    var kind: Node.Kind? { syntax.kind }
    var isBroken: Bool { syntax.isBroken || syntax.kind == nil }
    var qualifiedName: String { (home.map { $0 + "." } ?? "") + name }
    var isBridge: Bool { kind == .switch || kind == .hub || kind == .accessPoint }
  }

  let report: DiagnosticReport
  let loader: SourceLoader
  var homes: [Located<String>] = []
  var networks: [NetworkEntry] = []
  var nodes: [NodeEntry] = []
  var networkIndex: [Scoped: Int] = [:]
  var nodeIndex: [Scoped: Int] = [:]
  var linkItems: [(link: LinkSyntax, home: String?)] = []
  var links: [Link] = []
  var mentioned: Set<String> = []
  var hasUnknownLines = false
  private var declared: [Scoped: Position] = [:]
  private var isFull = false
  var homeNames: Set<String> = []
  /// How many files were included, and how many octets they had together.
  private var included = (files: 0, octets: 0)
  /// Homes whose first line could not be read.
  private var brokenHomes: Set<String> = []

  init(loader: SourceLoader, report: DiagnosticReport) {
    self.loader = loader
    self.report = report
  }

  /// - Returns: the topology, whole only where the report has no errors.
  mutating func resolve(_ tree: TopologySyntax, file: String) -> Topology {
    absorb(tree)
    collect(tree.items, home: nil, includes: IncludeChain(file: file))
    attach()
    checkOverlaps()
    giveAddresses()
    nameForDisplay()
    join()
    checkHomes()
    return topology(name: tree.name.value, title: tree.title)
  }

  // MARK: Declarations

  /// The files that lead to the one being read, and those that were taken in beside it.
  private struct IncludeChain {
    var files: [String]
    var seen: [String: Position] = [:]
    var file: String { files.last ?? "" }
    init(file: String) { files = [FilePath.normalised(file)] }
  }

  private mutating func absorb(_ tree: TopologySyntax) {
    mentioned.formUnion(tree.mentioned)
    if tree.hasUnknownLines { hasUnknownLines = true }
  }

  private mutating func collect(_ items: [TopologyItem], home: String?, includes: IncludeChain) {
    var includes = includes
    for item in items where !isFull {
      switch item {
      case .network(let network):
        guard declare(network.name, in: home) else { continue }
        networkIndex[Scoped(home: home, name: network.name.value)] = networks.count
        var entry = NetworkEntry(
          name: network.name.value, home: home, prefix: network.prefix?.value,
          position: network.prefix?.position ?? network.name.position)
        if let prefix = network.prefix, prefix.value.hasHostBits {
          report.error(
            at: prefix.position, "`\(prefix.value)` has host bits", expected: "the network, `\(prefix.value.network)`")
          entry.prefix = prefix.value.network
        }
        networks.append(entry)
      case .node(let node): collect(node, home: home)
      case .link(let link): linkItems.append((link, home))
      case .home(let block):
        if home != nil {
          report.error(at: block.name.position, "a home in a home", expected: "homes side by side")
          continue
        }
        if block.isBroken { brokenHomes.insert(block.name.value) } else { _ = declare(block.name, in: nil) }
        if block.name.value.utf8.count > TopologyResolver.homeNameLimit {
          report.error(
            at: block.name.position, "the home's name has \(block.name.value.utf8.count) characters",
            expected: "at most \(TopologyResolver.homeNameLimit)")
        }
        if homeNames.insert(block.name.value).inserted { homes.append(block.name) }
        collect(block.items, home: block.name.value, includes: includes)
      case .include(let path): include(path, home: home, includes: &includes)
      case .open: break
      }
    }
  }

  private mutating func collect(_ node: NodeSyntax, home: String?) {
    let names = node.range.map { range in range.map { node.name.value + String($0) } } ?? [node.name.value]
    if let longest = names.last?.utf8.count, longest > TopologyResolver.nodeNameLimit {
      report.error(
        at: node.name.position, "the node's name has \(longest) characters",
        expected: "at most \(TopologyResolver.nodeNameLimit), since it is a host name too")
    }
    for name in names {
      guard nodes.count < TopologyResolver.nodeLimit else {
        report.error(
          at: node.name.position, "more than \(TopologyResolver.nodeLimit) nodes",
          expected: "at most \(TopologyResolver.nodeLimit) in a topology")
        isFull = true
        return
      }
      guard declare(Located(name, at: node.name.position), in: home) else { continue }
      nodeIndex[Scoped(home: home, name: name)] = nodes.count
      nodes.append(NodeEntry(syntax: node, name: name, home: home))
    }
  }

  /// False, and an error, where the name is taken.
  private mutating func declare(_ name: Located<String>, in home: String?) -> Bool {
    let key = Scoped(home: home, name: name.value)
    if let first = declared[key] {
      let place = first.file == name.position.file ? "line \(first.line)" : first.description
      report.error(
        at: name.position, "the name `\(name.value)` is taken", expected: "a name of its own",
        hint: "it was first used in \(place)")
      return false
    }
    declared[key] = name.position
    return true
  }

  // MARK: Include

  private mutating func include(_ path: Located<String>, home: String?, includes: inout IncludeChain) {
    let file = FilePath.normalised(FilePath.join(FilePath.folder(of: path.position.file), path.value))
    guard !includes.files.contains(file) else {
      let circle = (includes.files.drop { $0 != file } + [file]).joined(separator: " -> ")
      return report.error(at: path.position, "the file includes itself", expected: "no circle", hint: circle)
    }
    if let first = includes.seen[file] {
      return report.error(
        at: path.position, "`\(path.value)` is included twice", expected: "one `include` of a file in a block",
        hint: "the first is in line \(first.line)")
    }
    guard includes.files.count <= SourceText.nestingLimit else {
      return report.error(
        at: path.position, "includes nest too deep", expected: "at most \(SourceText.nestingLimit) levels")
    }
    includes.seen[file] = path.position
    let octets: [UInt8]
    switch loader.read(file) {
    case .success(let read): octets = read
    case .failure(let failure):
      return report.error(at: path.position, "`\(file)`: \(failure.reason)", expected: "a file to include")
    }
    included = (included.files + 1, included.octets + octets.count)
    guard included.files <= TopologyResolver.includeLimit.files, included.octets <= TopologyResolver.includeLimit.octets
    else {
      isFull = true
      return report.error(
        at: path.position, "too much is included",
        expected:
          "at most \(TopologyResolver.includeLimit.files) files and \(TopologyResolver.includeLimit.octets) octets")
    }
    var parser = TopologyParser(file: file, octets: octets, report: report)
    let tree = parser.parse()
    absorb(tree)
    if tree.kind == .topology, !tree.name.value.isEmpty {
      report.error(
        at: tree.name.position, "`\(file)` is a topology of its own", expected: "`fragment NAME` in an included file")
    }
    TopologyFile.checkName(tree, file: file, report: report)
    var inner = includes
    inner.files.append(file)
    inner.seen = [:]
    collect(tree.items, home: home, includes: inner)
  }

  // MARK: Results

  /// The bare name where no other node has it, else `home.name`.
  private mutating func nameForDisplay() {
    let counts = nodes.reduce(into: [String: Int]()) { $0[$1.name, default: 0] += 1 }
    for index in nodes.indices {
      let node = nodes[index]
      nodes[index].displayName = counts[node.name] == 1 ? node.name : node.qualifiedName
    }
  }

  private func checkHomes() {
    var kindsByHome: [String: Set<Node.Kind?>] = [:]
    for index in nodes.indices {
      if let home = nodes[index].home { kindsByHome[home, default: []].insert(nodes[index].kind) }
    }
    for home in homes where !brokenHomes.contains(home.value) {
      let kinds = kindsByHome[home.value] ?? []
      let isSure = !hasUnknownLines && !kinds.contains(nil)
      if !kinds.contains(.homeGateway), isSure {
        report.error(
          at: home.position, "home `\(home.value)` has no gateway", expected: "a `home-gateway` in it")
      }
      if !kinds.contains(.configurator), isSure {
        report.warning(at: home.position, "home `\(home.value)` has no configurator")
      }
    }
  }

  private func topology(name: String, title: String?) -> Topology {
    // Where several gateways serve a network, the one declared first.
    var gateways: [Int: IPAddress] = [:]
    for index in nodes.indices where nodes[index].kind == .homeGateway {
      for inside in nodes[index].insides {
        let interface = nodes[index].interfaces[inside]
        if gateways[interface.network] == nil { gateways[interface.network] = interface.address }
      }
    }
    return Topology(
      name: name, title: title, homes: homes.map { Home(name: $0.value) },
      networks: networks.compactMap { entry in
        entry.prefix.map { Network(name: entry.name, home: entry.home, prefix: $0) }
      },
      nodes: nodes.compactMap { node($0, gateways) }, links: links)
  }

  private func node(_ entry: NodeEntry, _ gateways: [Int: IPAddress]) -> Node? {
    guard let kind = entry.kind else { return nil }
    let syntax = entry.syntax
    let interfaces = entry.interfaces.enumerated().map { index, interface in
      let network = networks[interface.network]
      // DHCP tells the gateway along with the address.
      let gateway = entry.insides.contains(index) || interface.isLeased ? nil : gateways[interface.network]
      return Interface(
        network: network.qualifiedName, networkName: network.name,
        address: interface.address.flatMap { address in
          network.prefix.map { CIDR(address, prefixLength: $0.prefixLength) }
        }, mac: interface.mac, gateway: gateway)
    }
    var node = Node(
      name: entry.displayName, qualifiedName: entry.qualifiedName, home: entry.home, kind: kind,
      interfaces: entry.isBridge ? [] : interfaces, segment: entry.segment.map { networks[$0].qualifiedName },
      ports: entry.ports, speaksHTIP: syntax.htip != nil, nat: syntax.nat,
      device: Device(
        categories: syntax.categories?.value ?? ["AV_TV"], oui: syntax.oui?.value ?? "02CE01",
        model: syntax.model?.value ?? entry.name, number: syntax.number?.value ?? "1",
        serial: syntax.serial?.value ?? entry.name),
      applications: syntax.applications.map(\.value), settings: settings(of: syntax), dhcp: syntax.dhcp?.value,
      names: syntax.names, position: syntax.name.position)
    if entry.isBridge, let first = interfaces.first {
      node.managementAddress = first.address
      node.bridgeMAC = syntax.attachments.first?.mac == nil ? nil : first.mac
    }
    return node
  }

  private func settings(of syntax: NodeSyntax) -> [Setting] {
    syntax.settings.map { setting in
      Setting(
        key: setting.key.value.description, value: setting.value.value.json.description, position: setting.key.position)
    }
  }
}
