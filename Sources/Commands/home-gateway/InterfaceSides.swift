import JSONText
import RoleHost

/// Which interfaces lead into the home, and which out of it.
struct InterfaceSides: Sendable, Hashable {
  var outside: [String]
  var inside: [String]
  /// True where the addresses are loopback ones: those are no interfaces of the kernel.
  var isOnLoopback = false

  private static let expected =
    "a JSON array of objects with name and outside, such as [{\"name\": \"eth0\", \"outside\": true}]"

  /// Flags win over their variables, and these over HOMEBED_INTERFACES.
  ///
  /// - Parameter address: the one that is given for the home's side, if any.
  /// - Throws: ``HostError`` (usage) unless there is one of each side at least, or the address is a loopback one.
  static func read(
    outside: [String], inside: [String], address: OptionValue?
  ) throws(HostError) -> InterfaceSides {
    var sides = InterfaceSides(
      outside: outside.isEmpty ? names("outside") : outside, inside: inside.isEmpty ? names("inside") : inside)
    if sides.outside.isEmpty, sides.inside.isEmpty, let value = OptionValue.find("interfaces", flag: nil) {
      sides = try value.json(expected, read)
    }
    if sides.outside.isEmpty, sides.inside.isEmpty, try address?.address().isLoopback ?? false {
      sides.isOnLoopback = true
    }
    if sides.isOnLoopback { return sides }
    guard !sides.outside.isEmpty, !sides.inside.isEmpty else {
      throw .usage(
        "a gateway needs an interface on each side: --outside \(list(sides.outside)), --inside \(list(sides.inside))")
    }
    for name in sides.outside + sides.inside {
      // The kernel's limit; and the name goes into the rules of nft.
      guard (1...15).contains(name.utf8.count), name.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x22 && $0 < 0x7F }) else {
        throw .usage("\"\(name)\" is not the name of an interface: expected 1 to 15 visible characters")
      }
    }
    if let both = sides.outside.first(where: sides.inside.contains) {
      throw .usage("\(both) cannot be on both sides")
    }
    return sides
  }

  private static func names(_ option: String) -> [String] {
    OptionValue.find(option, flag: nil)?.text.split(separator: ",").map(String.init) ?? []
  }

  private static func list(_ names: [String]) -> String { names.isEmpty ? "(none)" : names.joined(separator: ",") }

  private static func read(_ value: JSONValue) -> InterfaceSides? {
    guard let items = value.array else { return nil }
    var sides = InterfaceSides(outside: [], inside: [])
    sides.isOnLoopback = items.contains { item in
      item["address"]?.string?.hasPrefix("127.") ?? false
    }
    for item in items {
      guard let name = item["name"]?.string else { return nil }
      if item["outside"]?.bool ?? false { sides.outside.append(name) } else { sides.inside.append(name) }
    }
    // Between two networks outside of homes, the first one named is the way out.
    if sides.inside.isEmpty, sides.outside.count > 1 {
      sides.inside = Array(sides.outside.dropFirst())
      sides.outside = Array(sides.outside.prefix(1))
    }
    return sides
  }
}
