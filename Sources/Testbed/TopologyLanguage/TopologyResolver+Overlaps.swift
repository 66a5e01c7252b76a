import LanguageKit
import Octets

extension TopologyResolver {
  /// Networks of one home, or outside of homes, and those that one node stands in, have addresses of their own: else no
  /// routes could tell them apart.
  func checkOverlaps() {
    for (_, scope) in Dictionary(grouping: networks.indices, by: { networks[$0].home }) {
      for (first, second) in overlaps(among: scope) {
        guard let prefix = networks[first].prefix, let other = networks[second].prefix else { continue }
        report.error(
          at: networks[second].position, "`\(other)` overlaps `\(networks[first].name)`",
          expected: "a network apart from `\(prefix)`")
      }
    }
    for node in nodes where node.interfaces.count > 1 {
      // Pairs of one scope were told already.
      for (first, second) in overlaps(among: node.interfaces.map(\.network))
      where networks[first].home != networks[second].home {
        let place = node.interfaces.first { $0.network == second }?.syntax.network.position
        report.error(
          at: place ?? node.syntax.name.position,
          "`\(node.name)` stands in two networks that overlap: `\(networks[first].name)` and `\(networks[second].name)`",
          expected: "networks apart from each other")
      }
    }
  }

  /// Pairs of networks with common addresses, as they follow each other in the file; of many that lie in one network each
  /// is told once.
  private func overlaps(among indices: [Int]) -> [(Int, Int)] {
    // Prefixes are apart or one lies in the other, which then follows it in this order.
    let sorted = indices.compactMap { index in networks[index].prefix.map { (index: index, prefix: $0.network) } }
      .sorted {
        ($0.prefix.address, $0.prefix.prefixLength, $0.index) < ($1.prefix.address, $1.prefix.prefixLength, $1.index)
      }
    var result: [(Int, Int)] = []
    var outer: (index: Int, prefix: CIDR)?
    for entry in sorted {
      if let outer, outer.prefix.address.bitWidth == entry.prefix.address.bitWidth,
        outer.prefix.contains(entry.prefix.address)
      {
        result.append((min(outer.index, entry.index), max(outer.index, entry.index)))
      } else {
        outer = entry
      }
    }
    return result.sorted { $0.1 < $1.1 }
  }
}
