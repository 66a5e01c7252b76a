import LanguageKit
import Octets

// The lines of `given` and `when`.

extension TokenCursor {
  /// What an action may start with; at the start of a line these win over a node's name.
  static let actionWords = [
    "power", "crash", "restart", "drop", "duplicate", "corrupt", "hold", "unplug", "plug", "heal", "degrade", "move",
    "cut", "restore", "block", "unblock", "stop", "start", "set", "operator", "send", "run", "ask", "wait", "at",
  ]

  /// `( "at" arrow "do" )? act guard?`. A `holds` statement is not read here.
  mutating func action() throws(Fault) -> Action {
    let place = position
    var trigger: Arrow?
    if take("at") {
      trigger = try arrow()
      guard take("do") else { throw unexpected("`do` and an action") }
      if isNext("at") { throw Fault(at: position, "`at` within `at`", expected: "an action") }
    }
    let actPosition = position
    let act = try act(isTriggered: trigger != nil)
    let guardian = try guardAndEnd()
    return Action(
      trigger: trigger, act: act, guardian: guardian, position: place, text: line.text, actPosition: actPosition,
      places: marks)
  }

  private mutating func act(isTriggered: Bool) throws(Fault) -> Act {
    guard next.kind == .identifier || next.kind == .variable else { throw unexpected("an action") }
    let place = position
    let word = next.text
    guard TokenCursor.actionWords.contains(word) else { return try connect() }
    advance()
    switch word {
    case "power":
      let direction = try takeOne(of: ["on", "off"])
      let nodes = try nodes()
      return direction == "on" ? .powerOn(nodes) : .powerOff(nodes)
    case "crash": return .crash(try nodes())
    case "restart": return .restart(try nodes())
    case "drop", "duplicate", "corrupt", "hold":
      guard isTriggered else {
        throw Fault(
          at: place, "`\(word)` befalls a message", expected: "`at FROM -> TO NAME do \(word)`")
      }
      switch word {
      case "drop": return .drop
      case "duplicate": return .duplicate
      case "corrupt": return .corrupt
      default: return .hold(try positiveDuration().value)
      }
    case "unplug", "plug", "heal": return try linkAct(word)
    case "degrade": return try degrade()
    case "move":
      let node = try reference("a node")
      try expect("to")
      return .move(node, to: try reference("a port such as `sw2.3`"))
    case "cut", "restore":
      try expect("wan")
      try expect("of")
      let gateway = try reference("a home gateway")
      return word == "cut" ? .cutWAN(gateway) : .restoreWAN(gateway)
    case "block", "unblock":
      let transport = try transport()
      var port: Int?
      if case .integer = next.kind { port = try integer("a port", in: 1...65535).value }
      guard take("at") else { throw unexpected(port == nil ? "a port or `at`" : "`at`", among: ["at"]) }
      let node = try reference("a node")
      return word == "block" ? .block(transport, port: port, at: node) : .unblock(transport, port: port, at: node)
    case "stop", "start":
      try expect("application")
      mark()
      let application = try name("an application's name").value
      try expect("on")
      let node = try reference("a CE device")
      return word == "stop" ? .stopApplication(application, on: node) : .startApplication(application, on: node)
    case "set":
      let node = try reference("a node")
      mark()
      let key = try path("a setting's key")
      try expect(symbol: "=")
      mark()
      return .set(node, key.value, try value().value)
    case "operator": return try operatorChecks()
    case "send": return try send()
    case "run":
      let command = try string("a command").value
      try expect("on")
      return .run(command, on: try reference("a node"))
    case "ask": return .ask(try string("a question").value)
    case "wait":
      if take("until") { return .waitUntil(try fact()) }
      guard case .duration = next.kind else { throw unexpected("`until` and a fact, or a duration", among: ["until"]) }
      return .wait(try positiveDuration().value)
    default: throw unexpected("an action")
    }
  }

  private mutating func nodes() throws(Fault) -> [Reference] {
    var result: [Reference] = []
    repeat { result.append(try reference("a node")) } while take(symbol: ",")
    return result
  }

  mutating func transport() throws(Fault) -> TransportProtocol {
    try takeOne(of: ["tcp", "udp"]) == "tcp" ? .tcp : .udp
  }

  private mutating func linkAct(_ word: String) throws(Fault) -> Act {
    if word == "plug" { try expect("in") }
    let end = try reference("a node or a link")
    let other = take(symbol: "--") ? try reference("the link's other end") : nil
    switch word {
    case "unplug": return .unplug(end, other: other)
    case "plug": return .plugIn(end, other: other)
    default: return .heal(end, other: other)
    }
  }

  private mutating func degrade() throws(Fault) -> Act {
    let end = try reference("a link")
    try expect(symbol: "--")
    let other = try reference("the link's other end")
    let towards = take("towards") ? try reference("one of the link's ends") : nil
    var qualities: [Quality] = []
    while let quality = try quality() { qualities.append(quality.value) }
    guard !qualities.isEmpty else {
      let words = ["rate", "delay", "jitter", "loss", "duplicate", "reorder"]
      throw unexpected(alternatives(words + (towards == nil ? ["towards"] : [])), among: words + ["towards"])
    }
    return .degrade(end, other, towards: towards, qualities)
  }

  private mutating func connect() throws(Fault) -> Act {
    let place = position
    let word = next.text
    let from = try reference("an action or a node")
    guard take("connects") else {
      if isNext(symbol: "->") {
        throw Fault(
          at: place, "a message is no action", expected: "an action",
          hint: "messages stand in `expect`; to send one, write `send NODE -> NODE ...`")
      }
      let isNearlyConnects = Suggestion.nearest(to: next.text, among: ["connects", "holds"]) != nil
      guard isNearlyConnects, next.kind == .identifier else {
        throw Fault(
          at: place, "unknown action `\(word)`", expected: "an action, `NODE connects to ...` or `NODE holds ...`",
          hint: Suggestion.hint(for: word, among: TokenCursor.actionWords))
      }
      throw unexpected("`connects to` or `holds configuration for`", among: ["connects", "holds"])
    }
    try expect("to")
    let to = try reference("a CE device")
    mark()
    let application = try name("an application's name").value
    var token: Value?
    if take("with") {
      try expect("token")
      token = try value("a token").value
    }
    return .connect(from, to: to, application: application, token: token)
  }

  private mutating func operatorChecks() throws(Fault) -> Act {
    guard take("checks") else {
      if isNext(symbol: "->") {
        throw Fault(at: position, "a message is no action", expected: "`checks`", hint: "messages stand in `expect`")
      }
      throw unexpected("`checks`", among: ["checks"])
    }
    if try takeOne(of: ["reachability", "application"]) == "reachability" {
      try expect("of")
      return .checkReachability(of: try reference("a CE device"))
    }
    mark()
    let application = try name("an application's name").value
    try expect("of")
    return .checkApplication(application, of: try reference("a CE device"))
  }

  /// `send NODE -> NODE|network http|udp PORT|tcp PORT|ethernet STRING|hex "..." ...`.
  private mutating func send() throws(Fault) -> Act {
    let from = try reference("a node")
    try expect(symbol: "->")
    let to: PartyReference = take("network") ? .network : .node(try reference("a node or `network`"))
    let carrier: Carrier
    switch try takeOne(of: ["http", "udp", "tcp", "ethernet"]) {
    case "http": carrier = .http
    case "udp": carrier = .udp(try integer("a port", in: 1...65535).value)
    case "tcp": carrier = .tcp(try integer("a port", in: 1...65535).value)
    default: carrier = .ethernet
    }
    var octets: [UInt8] = []
    var count = 0
    while true {
      if take("hex") {
        octets += try hexOctets()
      } else if case .string(let text) = next.kind {
        octets += Array(text.utf8)
        advance()
      } else if count == 0 {
        throw unexpected("a string or `hex` and a string", among: ["hex"])
      } else {
        return .send(from: from, to: to, carrier, octets)
      }
      count += 1
    }
  }

  private mutating func hexOctets() throws(Fault) -> [UInt8] {
    let text = try string("hexadecimal digits")
    let digits = Array(text.value.utf8)
    guard digits.count.isMultiple(of: 2), digits.allSatisfy(\.isHexDigit) else {
      throw Fault(
        at: text.position, "not octets in hexadecimal", expected: "two digits an octet, such as `hex \"0a1b\"`")
    }
    return stride(from: 0, to: digits.count, by: 2).map { index in
      UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) ?? 0
    }
  }
}
