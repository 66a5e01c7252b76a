import TopologyLanguage

extension PictureLayout {
  /// Leaves one below the other, each with a link that leaves a common trunk to its left.
  struct Column {
    /// From the trunk to the boxes; the port's number stands there.
    static let stub = 34.0
    static let gap = 8.0

    var leaves: [(hanging: Hanging, joint: DrawingTree.Joint)] = []
    /// The trunk's distance from the left edge.
    let trunk = 8.0
    var width: Double {
      let words = leaves.map { Lettering.width(ofLabels: $0.joint.labels) + 8 }.max() ?? 0
      return trunk + max(Self.stub + (leaves.map(\.hanging.width).max() ?? 0), words)
    }
    var height: Double { leaves.map { Self.height($0) }.reduce(-Self.gap) { $0 + $1 + Self.gap } }

    private static func height(_ leaf: (hanging: Hanging, joint: DrawingTree.Joint)) -> Double {
      labelHeight(leaf.joint) + leaf.hanging.height
    }

    private static func labelHeight(_ joint: DrawingTree.Joint) -> Double {
      joint.labels.isEmpty ? 0 : Double(joint.labels.count) * Lettering.labelHeight + 4
    }

    func drawn(at corner: Picture.Point, below bar: Double) -> Picture {
      var picture = Picture()
      let x = corner.x + trunk
      var y = corner.y
      for (hanging, joint) in leaves {
        let labels = Self.labelHeight(joint)
        picture.add(hanging.picture.moved(x + Self.stub, y + labels))
        let middle = y + labels + hanging.height / 2
        var line = Picture.Line(
          name: joint.name,
          path: [.init(x: x, y: bar), .init(x: x, y: middle), .init(x: x + Self.stub, y: middle)],
          isRadio: joint.isRadio, labels: joint.labels, labelsAt: .init(x: x + 6, y: y + Lettering.labelHeight - 2))
        // Radio links have no ports to tell apart.
        if let port = joint.above, !joint.isRadio { line.ports.append((port, .init(x: x + Self.stub / 2, y: middle))) }
        picture.lines.append(line)
        y += labels + hanging.height + Self.gap
      }
      return picture
    }
  }

  /// As many columns as make the group some half as high as wide.
  func columns(_ group: [DrawingTree.Branch]) -> [Column] {
    let leaves = group.compactMap { branch in branch.joint.map { (hanging: box(branch.vertex), joint: $0) } }
    var single = Column()
    single.leaves = leaves
    let area = single.height * (single.width + PictureLayout.gap)
    let wanted = (area / 2).squareRoot()
    var result: [Column] = []
    let rows = max(4, Int((Double(leaves.count) * wanted / max(1, single.height)).rounded(.up)))
    for start in stride(from: 0, to: leaves.count, by: rows) {
      var column = Column()
      column.leaves = Array(leaves[start..<min(start + rows, leaves.count)])
      result.append(column)
    }
    return result
  }

  /// A link that closes a circle: down from the upper end and sideways into the lower one, where that is a bar beside it,
  /// else straight through.
  func line(_ extra: DrawingTree.Extra, in picture: Picture) -> Picture.Line? {
    guard var from = frame(extra.from, in: picture), var to = frame(extra.to, in: picture) else { return nil }
    if from.y > to.y { swap(&from, &to) }
    var line = Picture.Line(
      name: extra.joint.name, path: [from.middle, to.middle], isRadio: extra.joint.isRadio, isExtra: true,
      labels: extra.joint.labels)
    let middle = from.middle
    if middle.x > to.x, middle.x < to.right {
      line.path = [.init(x: middle.x, y: from.bottom), .init(x: middle.x, y: to.y)]
    } else if from.bottom < to.middle.y {
      let side = middle.x < to.x ? to.x : to.right
      line.path = [
        .init(x: middle.x, y: from.bottom), .init(x: middle.x, y: to.middle.y), .init(x: side, y: to.middle.y),
      ]
    } else {
      // Side by side.
      line.path =
        from.right <= to.x
        ? [.init(x: from.right, y: middle.y), .init(x: to.x, y: to.middle.y)]
        : [.init(x: from.x, y: middle.y), .init(x: to.right, y: to.middle.y)]
    }
    let (a, b) = (line.path[line.path.count - 2], line.path[line.path.count - 1])
    line.labelsAt = .init(x: (a.x + b.x) / 2 + 6, y: (a.y + b.y) / 2 + 14)
    let ports = [extra.joint.above, extra.joint.below].compactMap { $0 }.joined(separator: "-")
    if !ports.isEmpty { line.ports.append((ports, .init(x: (a.x + b.x) / 2, y: (a.y + b.y) / 2))) }
    return line
  }

  private func frame(_ vertex: DrawingTree.Vertex, in picture: Picture) -> Picture.Frame? {
    switch vertex {
    case .node(let index): picture.box(named: tree.topology.nodes[index].name)?.frame
    case .network(let index): picture.box(named: tree.topology.networks[index].qualifiedName)?.frame
    }
  }
}
