import Messages

extension HomeTopology {
  /// A row of the drawing: a node under the one that it hangs on.
  private struct Row {
    var node: Node
    var depth: Int
    /// The row of the node that it hangs on.
    var parent: Int?
    /// Ports at the upper and the lower end of the link.
    var upper: UInt32?
    var lower: UInt32?
  }

  private static let rowHeight = 34
  private static let indent = 40

  /// The home as a page of HTML with a drawing in it, without scripts.
  func page(title: String, at now: Int64) -> String {
    let rows = drawingRows()
    let width = 460 + Self.indent * (rows.map(\.depth).max() ?? 0)
    let drawing = rows.enumerated().map { draw($1, at: $0, now) }.joined(separator: "\n")
    let note = isComplete ? "" : "<p>Not every device could be given its place.</p>"
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head><meta charset="utf-8"><title>\(Self.escaped(title))</title></head>
      <body style="font-family: sans-serif">
      <h1>\(Self.escaped(title))</h1>
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(rows.count * Self.rowHeight + 10)" \
      font-family="sans-serif" font-size="13">
      \(drawing)
      </svg>
      \(note)
      </body>
      </html>

      """
  }

  private func draw(_ row: Row, at place: Int, _ now: Int64) -> String {
    let (x, y) = (10 + row.depth * Self.indent, place * Self.rowHeight + 8)
    let colour =
      switch row.node.kind {
      case .gateway: "#f4d9b0"
      case .switch: "#c9daf0"
      case .device: "#d7ecd0"
      case .unknown: "#e4e4e4"
      }
    var lines: [String] = []
    if let parent = row.parent {
      let (fromX, fromY) = (x - Self.indent + 14, parent * Self.rowHeight + 32)
      lines.append(
        "<path d=\"M\(fromX) \(fromY) V\(y + 12) H\(x)\" fill=\"none\" stroke=\"#555\"/>")
      if let port = row.upper {
        lines.append("<text x=\"\(fromX + 3)\" y=\"\(y + 9)\" font-size=\"10\">\(port)</text>")
      }
    }
    let name = row.node.name ?? (row.node.kind == .unknown ? "a hub or a switch that tells nothing" : row.node.id)
    let age = row.node.kind == .unknown ? "" : ", \(max(0, now - row.node.heardAt) / 1000) s ago"
    let address = row.node.macAddress.map { " \($0)" } ?? ""
    let port = row.lower.map { ", by its port \($0)" } ?? ""
    lines += [
      "<rect x=\"\(x)\" y=\"\(y)\" width=\"24\" height=\"24\" rx=\"4\" fill=\"\(colour)\" stroke=\"#555\"/>",
      "<text x=\"\(x + 32)\" y=\"\(y + 17)\">\(Self.escaped(String(name.prefix(48)))) "
        + "<tspan fill=\"#777\" font-size=\"11\">\(row.node.kind.rawValue)\(address)\(port)\(age)</tspan></text>",
    ]
    return lines.joined(separator: "\n")
  }

  /// A tree from the gateway, else from the first switch, down; what hangs nowhere follows.
  private func drawingRows() -> [Row] {
    var links: [String: [(own: End, other: End)]] = [:]
    for link in self.links {
      links[link.a.node, default: []].append((link.a, link.b))
      links[link.b.node, default: []].append((link.b, link.a))
    }
    let byID = Dictionary(nodes.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    var seen: Set<String> = []
    var rows: [Row] = []
    let order: [Kind] = [.gateway, .switch, .unknown, .device]
    let roots = nodes.sorted {
      (order.firstIndex(of: $0.kind) ?? 9, $0.id) < (order.firstIndex(of: $1.kind) ?? 9, $1.id)
    }
    for root in roots where seen.insert(root.id).inserted {
      var stack = [Row(node: root, depth: 0)]
      while let row = stack.popLast() {
        rows.append(row)
        let next = (links[row.node.id] ?? []).sorted {
          ($0.own.port ?? 0, $0.other.node) > ($1.own.port ?? 0, $1.other.node)
        }
        for (own, other) in next {
          guard let node = byID[other.node], seen.insert(node.id).inserted else { continue }
          stack.append(
            Row(node: node, depth: row.depth + 1, parent: rows.count - 1, upper: own.port, lower: other.port))
        }
      }
    }
    return rows
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
