import Octets
import TopologyLanguage

/// The words that stand in drawings.
enum Captions {
  static func kind(_ node: Node) -> String {
    switch node.kind {
    case .ce: "CE device"
    default: String(node.kind.rawValue.map { $0 == "-" ? " " : $0 })
    }
  }

  /// How a node is called in its home's box.
  static func name(_ node: Node) -> String {
    node.home.map { String(node.qualifiedName.dropFirst($0.utf8.count + 1)) } ?? node.name
  }

  /// Its addresses, with the network's name before each where there are several.
  static func addresses(_ node: Node) -> [String] {
    if node.segment != nil { return node.managementAddress.map { ["\($0.address)"] } ?? [] }
    return node.interfaces.map { interface in
      let address = interface.address.map { "\($0.address)" } ?? "by DHCP"
      return node.interfaces.count > 1 ? "\(interface.networkName) \(address)" : address
    }
  }

  static func applications(_ node: Node) -> [String] {
    node.applications.map { "\($0.name) \($0.transport.rawValue) \($0.port)" }
  }

  /// `switch, 8 ports, HTIP`.
  static func bridge(_ node: Node) -> String {
    var words = [kind(node)]
    if node.kind != .accessPoint { words.append("\(node.ports) ports") }
    if node.speaksHTIP { words.append("HTIP") }
    return (words + addresses(node)).joined(separator: ", ")
  }

  /// A line for each quality: `rate 100 Mbit/s`, `to tv: loss 1 %`.
  static func qualities(_ link: Link) -> [String] {
    link.qualities.map { quality in
      let words =
        switch quality.kind {
        case .rate(let bits): rate(bits)
        case .delay(let nanoseconds): "delay \(time(nanoseconds))"
        case .jitter(let nanoseconds): "jitter \(time(nanoseconds))"
        case .loss(let share): "loss \(percent(share))"
        case .duplicate(let share): "duplicate \(percent(share))"
        case .reorder(let share): "reorder \(percent(share))"
        }
      return quality.towards.map { "to \($0): \(words)" } ?? words
    }
  }

  private static func rate(_ bits: Int64) -> String {
    for (unit, size) in [("Gbit/s", 1e9), ("Mbit/s", 1e6)] where Double(bits) >= size {
      return "\(decimal(Double(bits) / size)) \(unit)"
    }
    return "\(decimal(Double(bits) / 1e3)) kbit/s"
  }

  private static func time(_ nanoseconds: Int64) -> String {
    for (unit, size) in [("s", 1e9), ("ms", 1e6)] where Double(nanoseconds) >= size {
      return "\(decimal(Double(nanoseconds) / size)) \(unit)"
    }
    return "\(decimal(Double(nanoseconds) / 1e3)) µs"
  }

  private static func percent(_ share: Double) -> String { "\(decimal(share * 100)) %" }

  /// At most four decimals, and none that say nothing.
  static func decimal(_ number: Double) -> String {
    let scaled = (number * 10_000).rounded() / 10_000
    let text = "\(scaled)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// What stands at a link's end: a port's number, `radio`; nothing at a node's only interface.
  static func end(_ end: Link.End) -> String? {
    if end.isRadio { return "radio" }
    return end.port.map(String.init)
  }
}
