import LanguageKit
import Octets

/// Reads a topology or fragment file into its syntax tree, mending itself at line ends.
struct TopologyParser {
  var reader: LineReader
  private var mentioned: Set<String> = []
  private var hasUnknownLines = false

  private var report: DiagnosticReport { reader.report }

  init(file: String, octets: [UInt8], report: DiagnosticReport) {
    reader = LineReader(file: file, octets: octets, report: report)
  }

  static let continuationWords = ["nat", "device", "application", "setting", "dhcp", "dns"]
  static let itemWords = ["network", "link", "home", "include", "end"]
  static let kindWords = Node.Kind.allCases.map(\.rawValue)
  private static var lineWords: [String] { kindWords + itemWords + continuationWords }

  mutating func parse() -> TopologySyntax {
    let start = Position(file: reader.file, line: 1, column: 1)
    if reader.isAtEnd { report.error(at: start, "the file is empty", expected: "`topology NAME` or `fragment NAME`") }
    var tree = TopologySyntax(
      kind: .topology, name: Located("", at: start), title: nil, items: [], mentioned: [], hasUnknownLines: false)
    let word = reader.nextWord
    if !reader.isAtEnd, !TopologyParser.lineWords.contains(word) {
      let header = reader.take { cursor throws(Fault) in
        guard cursor.take("topology") || cursor.take("fragment") else {
          throw cursor.unexpected("`topology NAME` or `fragment NAME`", among: ["topology", "fragment"])
        }
        let name = try cursor.name("the \(word)'s name")
        let title = try cursor.optionalString()
        try cursor.expectEnd()
        return (name, title)
      }
      if let header { (tree.name, tree.title) = header }
      if word == "fragment" { tree.kind = .fragment }
    } else if let place = reader.next?.position {
      report.error(at: place, "the file has no header", expected: "`topology NAME` or `fragment NAME` first")
    }
    tree.items = items(of: nil)
    tree.mentioned = mentioned
    tree.hasUnknownLines = hasUnknownLines
    return tree
  }

  // MARK: Items

  /// Reads until the file ends, or the home that they are in does.
  private mutating func items(of home: Located<String>?) -> [TopologyItem] {
    var items: [TopologyItem] = []
    while let cursor = reader.next {
      let word = reader.nextWord
      let place = cursor.position
      switch word {
      case "network":
        if let network = network() { items.append(.network(network)) }
      case "link":
        if let link = link() { items.append(.link(link)) }
      case "include":
        let path = reader.take { cursor throws(Fault) in
          cursor.advance()
          let path = try cursor.string("a file's path")
          try cursor.expectEnd()
          return path
        }
        if let path { items.append(.include(path)) }
      case "home":
        if let home {
          tellMissingEnd(of: home)
          return items
        }
        items.append(.home(self.home()))
      case "end":
        if home != nil { return items }
        report.error(
          at: place, "nothing is open that `end` could close", expected: alternatives(TopologyParser.lineWords))
        reader.advance()
      case _ where TopologyParser.kindWords.contains(word):
        if let node = node(kind: Node.Kind(rawValue: word)) { items.append(.node(node)) }
      case _ where TopologyParser.continuationWords.contains(word):
        continuation(word, into: &items)
      default:
        if let item = unknownLine(isInHome: home != nil) { items.append(item) }
      }
    }
    if let home, !report.isFull { tellMissingEnd(of: home) }
    return items
  }

  private mutating func home() -> HomeSyntax {
    let place = reader.next?.position ?? reader.end
    var name = Located("", at: place)
    let head = reader.take { cursor throws(Fault) in
      cursor.advance()
      name.value = cursor.next.kind == .identifier ? cursor.next.text : ""
      let declared = try cursor.name("a home's name")
      try cursor.expectEnd()
      return declared
    }
    let items = items(of: Located(name.value, at: place))
    if reader.nextWord == "end" {
      _ = reader.take { cursor throws(Fault) in
        cursor.advance()
        try cursor.expectEnd()
      }
    }
    return HomeSyntax(name: head ?? name, isBroken: head == nil, items: items)
  }

  private func tellMissingEnd(of home: Located<String>) {
    report.error(
      at: home.position, "`home \(home.value)` has no `end`", expected: "`end` after the home's last line")
  }

  /// A line whose first word is unknown: perhaps a node of a mistyped kind, which still counts as declared.
  private mutating func unknownLine(isInHome: Bool) -> TopologyItem? {
    guard let cursor = reader.next else { return nil }
    let word = reader.nextWord
    let hint = Suggestion.hint(for: word, among: TopologyParser.lineWords)
    report.error(
      at: cursor.position, word.isEmpty ? "unexpected \(cursor.next.name)" : "unknown word `\(word)`",
      expected: "a node, `network`, `link`, `include`" + (isInHome ? " or `end`" : " or `home`"), hint: hint)
    hasUnknownLines = true
    mentioned.formUnion(cursor.remainingIdentifiers)
    let meant = Suggestion.nearest(to: word, among: TopologyParser.lineWords)
    var rest = cursor
    rest.advance()
    let name = try? rest.name("a name")
    if meant == "home", !isInHome {
      reader.advance()
      let items = items(of: Located(name?.value ?? "", at: cursor.position))
      if reader.nextWord == "end" { reader.advance() }
      return .home(
        HomeSyntax(name: name ?? Located("", at: cursor.position), isBroken: name == nil, items: items))
    }
    reader.advance()
    guard let name else { return nil }
    if meant == "network" { return .network(NetworkSyntax(name: name, prefix: nil)) }
    if let meant, TopologyParser.itemWords.contains(meant) || TopologyParser.continuationWords.contains(meant) {
      return nil
    }
    var node = NodeSyntax(kind: meant.flatMap(Node.Kind.init), name: name, position: cursor.position)
    node.isBroken = true
    if case .range(let low, let high) = rest.next.kind, low <= high { node.range = low...high }
    return .node(node)
  }

  private mutating func network() -> NetworkSyntax? {
    var declared: Located<String>?
    let network = reader.take { cursor throws(Fault) in
      cursor.advance()
      let name = try cursor.name("a network's name")
      declared = name
      let place = cursor.position
      guard case .cidr(let prefix) = cursor.next.kind else {
        throw cursor.unexpected("an address and a prefix length, such as `192.168.10.0/24`")
      }
      cursor.advance()
      try cursor.expectEnd()
      return NetworkSyntax(name: name, prefix: Located(prefix, at: place))
    }
    return network ?? declared.map { NetworkSyntax(name: $0, prefix: nil) }
  }

  private mutating func node(kind: Node.Kind?) -> NodeSyntax? {
    guard let cursor = reader.next else { return nil }
    var read: NodeSyntax?
    let node = reader.take { cursor throws(Fault) in
      let place = cursor.position
      cursor.advance()
      var node = NodeSyntax(kind: kind, name: try cursor.name("the node's name"), position: place)
      read = node
      if case .range(let low, let high) = cursor.next.kind {
        guard low <= high else {
          throw Fault(
            at: cursor.position, "the range `[\(low)..\(high)]` is empty", expected: "the smaller number first")
        }
        node.range = low...high
        read = node
        cursor.advance()
      }
      while try cursor.attachment(of: &node) { read = node }
      if cursor.isNext("htip") {
        node.htip = cursor.position
        cursor.advance()
      }
      try cursor.expectEnd(or: node.htip == nil ? ["on", "address", "mac", "ports", "htip"] : [])
      return node
    }
    if node == nil {
      read?.isBroken = true
      mentioned.formUnion(cursor.remainingIdentifiers)
    }
    return node ?? read
  }

  private mutating func link() -> LinkSyntax? {
    guard let cursor = reader.next else { return nil }
    let link = reader.take { cursor throws(Fault) in try cursor.link() }
    if link == nil { mentioned.formUnion(cursor.remainingIdentifiers.dropFirst()) }
    return link
  }

  /// `nat device application setting dhcp dns` belong to the node above.
  private mutating func continuation(_ word: String, into items: inout [TopologyItem]) {
    guard let place = reader.next?.position else { return }
    guard let index = items.lastIndex(where: { if case .node = $0 { true } else { false } }),
      case .node(var node) = items[index]
    else {
      report.error(at: place, "`\(word)` belongs to no node", expected: "a node above it")
      return reader.advance()
    }
    // Out of the list while it changes, so that its arrays are not copied line by line.
    items[index] = .open
    _ = reader.take { (cursor: inout TokenCursor) throws(Fault) -> Void in
      cursor.advance()
      switch word {
      case "nat": try cursor.nat(of: &node, at: place)
      case "device": try cursor.device(of: &node, at: place)
      case "application": node.applications.append(try cursor.application())
      case "setting":
        let key = try cursor.path("a setting's key")
        try cursor.expect(symbol: "=")
        node.settings.append(SettingSyntax(key: key, value: try cursor.value()))
      case "dhcp": node.dhcp = try cursor.dhcp(at: place)
      default:
        let name = try cursor.string("a name").value
        node.names.append(DNSName(name: name, address: try cursor.address().value))
        node.namesPosition = place
      }
      try cursor.expectEnd()
    }
    items[index] = .node(node)
  }
}
