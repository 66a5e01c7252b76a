import Backends
import JSONText
import Octets
import LanguageKit
import TopologyLanguage

extension LiveHome {
  /// A running home as somebody needs to see it who wants to work with it.
  public struct Sight: Sendable {
    public struct Place: Sendable {
      public var name: String
      public var kind: String
      public var addresses: [String]
      /// False for switches, hubs and access points, in which no program could run.
      public var isEntered: Bool
    }

    /// What `--home` takes.
    public var id: String
    public var nodes: [Place]
    /// The path of the capture, which grows.
    public var capture: String

    /// Nodes, addresses and commands, a line each.
    public var text: String {
      let rows = nodes.map { node in
        (
          node.name, node.kind, node.addresses.joined(separator: ", "),
          node.isEntered ? "homebed enter \(node.name)" : ""
        )
      }
      func width(_ column: (((String, String, String, String)) -> String)) -> Int {
        rows.map { column($0).count }.max() ?? 0
      }
      let widths = (width(\.0), width(\.1), width(\.2))
      func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
      }
      let table = rows.map { row in
        let line = "  \(padded(row.0, widths.0))  \(padded(row.1, widths.1))  \(padded(row.2, widths.2))  \(row.3)"
        return String(line.reversed().drop { $0 == " " }.reversed())
      }
      return
        ([id + " is up"] + table + [
          "messages: tail -c +1 -f \(capture) | homebed decode -",
          "by hand:  homebed do \"unplug \((nodes.last { $0.kind == "ce" } ?? nodes.last)?.name ?? "NODE")\"",
          "Ctrl-C ends it",
        ]).joined(separator: "\n")
    }
  }

  var nodes: [Sight.Place] {
    topology.nodes.map { node in
      Sight.Place(
        name: node.name, kind: node.kind.rawValue,
        addresses: addresses.all(of: node.name).sorted { $0.key < $1.key }.map {
          self.told($0.value.address, in: node.interfaces[$0.key].network)
        },
        isEntered: node.segment == nil && options.backend == .namespaces)
    }
  }

  private func told(_ address: IPAddress, in network: String) -> String {
    let place = place(of: address, in: network)
    return place == address ? "\(address)" : "\(address) at \(place)"
  }

  /// The answer to those who look for the home that has a node.
  var description: HomeAnswer {
    HomeAnswer(0, "", details: ["nodes": .array(nodes.map { ["name": .string($0.name)] })])
  }

  /// How to enter a node: the descriptor of its network namespace in this process, and what its programs are given.
  func entrance(of name: String) -> HomeAnswer {
    guard options.backend == .namespaces else {
      return HomeAnswer(
        1, "a home on loopback has no nodes to enter; hint: its programs listen at the addresses that homebed up shows")
    }
    let known = nodes.filter(\.isEntered).map(\.name)
    guard let node = names.node(named: name), known.contains(node.name) else {
      let isSegment = names.node(named: name) != nil
      let hint = Suggestion.hint(for: name, among: known).map { "; hint: \($0)" } ?? ""
      return HomeAnswer(
        2,
        isSegment
          ? "\(name) is a node without programs; expected \(alternatives(known))"
          : "there is no node \(name) in \(topology.name); expected \(alternatives(known))\(hint)")
    }
    do {
      guard let descriptor = try descriptor(of: node.name) else { return HomeAnswer(3, "\(name) has no namespace") }
      let variables = environment.variables(
        for: node, stateFolder: "\(folder)/state/\(node.name)", tokenFile: nil, addresses: addresses.all(of: node.name))
      var object = JSONObject()
      for (name, value) in variables.sorted(by: { $0.key < $1.key }) { object[name] = .string(value) }
      return HomeAnswer(
        0, "",
        details: [
          "descriptor": .int(Int(descriptor)), "resolv": .string(try resolverFile(of: node)),
          "environment": .object(object),
        ])
    } catch {
      return HomeAnswer(3, "\(error)")
    }
  }
}
