import LanguageKit
import Octets

// What stands on one line of a topology.

extension TokenCursor {
  /// `on NAME`, `address ...`, `mac ...` or `ports ...`; false where none of them is next.
  mutating func attachment(of node: inout NodeSyntax) throws(Fault) -> Bool {
    let place = position
    guard next.kind == .identifier else { return false }
    switch next.text {
    case "on":
      advance()
      node.attachments.append(AttachmentSyntax(network: try name("a network's name")))
    case "address":
      advance()
      let index = try lastAttachment(of: node, "address", at: place)
      if take("auto") {
        node.attachments[index].isAutomatic = true
        return true
      }
      guard case .address(let address) = next.kind else {
        throw unexpected("an address such as `192.168.10.21`, or `auto`", among: ["auto"])
      }
      guard node.attachments[index].address == nil else {
        throw Fault(at: place, "a second `address`", expected: "one on each network")
      }
      node.attachments[index].address = Located(address, at: position)
      advance()
    case "mac":
      advance()
      let index = try lastAttachment(of: node, "mac", at: place)
      guard case .mac(let mac) = next.kind else { throw unexpected("a MAC address such as `02:00:00:00:00:21`") }
      guard node.attachments[index].mac == nil else {
        throw Fault(at: place, "a second `mac`", expected: "one on each network")
      }
      node.attachments[index].mac = Located(mac, at: position)
      advance()
    case "ports":
      advance()
      guard node.ports == nil else { throw Fault(at: place, "a second `ports`", expected: "one") }
      node.ports = try integer("a number of ports", in: 1...1024)
    default: return false
    }
    return true
  }

  private func lastAttachment(of node: NodeSyntax, _ word: String, at place: Position) throws(Fault) -> Int {
    guard !node.attachments.isEmpty else {
      throw Fault(at: place, "`\(word)` before `on`", expected: "`on NETWORK` first")
    }
    return node.attachments.count - 1
  }

  /// `link ref -- ref quality* ( "towards" ref quality+ )*`.
  mutating func link() throws(Fault) -> LinkSyntax {
    let place = position
    advance()
    let a = try reference("a node or a port such as `sw1.3`")
    try expect(symbol: "--")
    let b = try reference("a node or a port such as `sw1.3`")
    var link = LinkSyntax(a: a, b: b, qualities: [], towards: [], position: place)
    link.qualities = try qualities()
    while take("towards") {
      let end = try reference("one of the link's ends")
      let qualities = try qualities()
      guard !qualities.isEmpty else { throw unexpected(alternatives(qualityWords), among: qualityWords) }
      link.towards.append(LinkSyntax.Towards(end: end, qualities: qualities))
    }
    try expectEnd(or: qualityWords + ["towards"])
    return link
  }

  private var qualityWords: [String] { ["rate", "delay", "jitter", "loss", "duplicate", "reorder"] }

  private mutating func qualities() throws(Fault) -> [Located<Quality>] {
    var result: [Located<Quality>] = []
    while let quality = try quality() {
      guard !result.contains(where: { $0.value.word == quality.value.word }) else {
        throw Fault(at: quality.position, "a second `\(quality.value.word)`", expected: "one in each direction")
      }
      result.append(quality)
    }
    return result
  }

  mutating func nat(of node: inout NodeSyntax, at place: Position) throws(Fault) {
    node.natPosition = node.natPosition ?? place
    repeat {
      switch try takeOne(of: ["mapping", "filtering", "hairpin"]) {
      case "mapping": node.nat.mapping = try natKind()
      case "filtering": node.nat.filtering = try natKind()
      default: node.nat.hairpin = try takeOne(of: ["yes", "no"]) == "yes"
      }
    } while !isAtEnd
  }

  private mutating func natKind() throws(Fault) -> NAT.Behaviour {
    NAT.Behaviour(rawValue: try takeOne(of: Words.natKinds)) ?? .endpointIndependent
  }

  mutating func device(of node: inout NodeSyntax, at place: Position) throws(Fault) {
    node.devicePosition = node.devicePosition ?? place
    repeat {
      let place = position
      let key = try takeOne(of: ["category", "oui", "model", "number", "serial"])
      let isSaid = [
        "category": node.categories != nil, "oui": node.oui != nil, "model": node.model != nil,
        "number": node.number != nil, "serial": node.serial != nil,
      ]
      guard isSaid[key] == false else { throw Fault(at: place, "a second `\(key)`", expected: "one") }
      let first = try word(key == "oui" ? "six hexadecimal digits" : "a word or a string")
      switch key {
      case "category":
        var words = [first.value]
        while take(symbol: ",") { words.append(try word("a word or a string").value) }
        node.categories = Located(words, at: first.position)
      case "oui":
        guard first.value.utf8.count == 6, first.value.utf8.allSatisfy(\.isHexDigit) else {
          throw Fault(at: first.position, "`\(first.value)` is no OUI", expected: "six hexadecimal digits")
        }
        node.oui = first
      case "model": node.model = first
      case "number": node.number = first
      default: node.serial = first
      }
    } while !isAtEnd
  }

  mutating func application() throws(Fault) -> Located<Application> {
    let name = try name("an application's name")
    let transport = Application.Transport(rawValue: try takeOne(of: ["tcp", "udp"])) ?? .tcp
    let port = try integer("a port", in: 1...65535).value
    let isRemote = take("remote")
    try expectEnd(or: isRemote ? [] : ["remote"])
    return Located(
      Application(name: name.value, transport: transport, port: port, isRemote: isRemote), at: name.position)
  }

  mutating func dhcp(at place: Position) throws(Fault) -> Located<DHCP> {
    if try takeOne(of: ["off", "from"]) == "off" { return Located(.off, at: place) }
    let from = try address()
    try expect("to")
    let to = try address()
    guard from.value.bitWidth == to.value.bitWidth, !(to.value < from.value) else {
      throw Fault(at: to.position, "the range ends before it starts", expected: "the lower address first")
    }
    let lease = take("lease") ? try positiveDuration().value : nil
    try expectEnd(or: lease == nil ? ["lease"] : [])
    return Located(.serving(from: from.value, to: to.value, lease: lease), at: place)
  }
}

extension Quality {
  /// The keyword that stands before it.
  var word: String {
    switch self {
    case .rate: "rate"
    case .delay: "delay"
    case .jitter: "jitter"
    case .loss: "loss"
    case .duplicate: "duplicate"
    case .reorder: "reorder"
    }
  }

  public var linkQuality: LinkQuality.Kind {
    switch self {
    case .rate(let bits): .rate(bits)
    case .delay(let time): .delay(time)
    case .jitter(let time): .jitter(time)
    case .loss(let share): .loss(share)
    case .duplicate(let share): .duplicate(share)
    case .reorder(let share): .reorder(share)
    }
  }
}
