import Octets
import TopologyLanguage

extension Picture {
  static func layout(_ topology: Topology) -> Picture {
    let tree = DrawingTree(topology)
    let layout = PictureLayout(tree: tree)
    var picture = Picture()
    var x = 0.0
    for hanging in tree.roots.map({ layout.root($0) }) + tree.loneHomes.map({ layout.home($0).hanging }) {
      picture.add(hanging.picture.moved(x, 0))
      picture.height = max(picture.height, hanging.height)
      x += hanging.width + PictureLayout.homeGap
    }
    picture.width = x - PictureLayout.homeGap
    for extra in tree.extras { if let line = layout.line(extra, in: picture) { picture.lines.append(line) } }
    picture.title = topology.name
    picture.subtitle = topology.title
    return picture.onPaper()
  }

  /// With a margin and the title's place.
  private func onPaper() -> Picture {
    let margin = 24.0
    let head = margin + Lettering.titleSize + 18
    var titleWidth = Lettering.width(title, size: Lettering.titleSize, isBold: true)
    if let subtitle { titleWidth += 14 + Lettering.width(subtitle, size: Lettering.nameSize) }
    let shift = max(0, (titleWidth - width) / 2)
    var result = moved(margin + shift, head)
    result.width = max(width, titleWidth) + 2 * margin
    result.height = height + head + margin
    return result
  }
}

/// Puts the branches of a tree side by side, each below what it hangs on.
///
/// A switch, a hub, an access point and a network is a bar as wide as all that hangs on it, so that links run straight
/// down and none crosses another. Many devices of a kind stand in columns, with their links side by side.
struct PictureLayout {
  static let gap = 18.0
  static let homeGap = 30.0
  static let barHeight = 50.0
  static let networkHeight = 38.0
  /// From a bar down to what hangs on it, where no labels need room.
  static let drop = 30.0
  /// More leaves of a kind than this stand in columns.
  static let rowLimit = 6

  let tree: DrawingTree

  /// A part of the picture whose upper left corner is at zero.
  struct Hanging {
    var picture = Picture()
    var width: Double
    var height: Double
    /// Where its link comes in from above.
    var anchor: Picture.Point
    /// Where the link's own port lies, if it is a bar.
    var isBar = false
  }

  // MARK: Boxes

  func box(_ vertex: DrawingTree.Vertex) -> Hanging {
    guard let node = tree.node(vertex) else { return Hanging(width: 0, height: 0, anchor: .init(x: 0, y: 0)) }
    var lines = [Captions.name(node), Captions.kind(node)] + Captions.addresses(node)
    lines += Captions.applications(node).prefix(3)
    let words = lines.dropFirst().map { Lettering.width($0, size: Lettering.wordSize) }
    let name = Lettering.width(lines[0], size: Lettering.nameSize, isBold: true)
    let width = max(116, (words + [name]).max() ?? 0) + 24
    let height = 14 + Double(lines.count) * Lettering.lineHeight
    var picture = Picture()
    picture.boxes.append(
      .init(
        name: node.name, style: .node(node.kind), frame: .init(x: 0, y: 0, width: width, height: height), lines: lines))
    return Hanging(picture: picture, width: width, height: height, anchor: .init(x: width / 2, y: 0))
  }

  private func isBar(_ branch: DrawingTree.Branch) -> Bool {
    guard let node = tree.node(branch.vertex) else { return true }
    return node.segment != nil
  }

  func hanging(_ branch: DrawingTree.Branch) -> Hanging {
    if isBar(branch) { return bar(branch) }
    return branch.isLeaf ? box(branch.vertex) : stack(branch)
  }

  // MARK: Bars

  /// A network outside of homes that nothing is above: what stands on it without more below stands above it.
  func root(_ branch: DrawingTree.Branch) -> Hanging {
    guard case .network = branch.vertex else { return hanging(branch) }
    var below = branch
    let above = branch.branches.filter(\.isLeaf)
    guard !above.isEmpty, above.count < branch.branches.count || !branch.homes.isEmpty else { return bar(branch) }
    below.branches.removeAll(where: \.isLeaf)
    let boxes = above.map { box($0.vertex) }
    let width = boxes.map(\.width).reduce(0, +) + Self.gap * Double(boxes.count - 1)
    let bar = bar(below, atLeast: width + 2 * Self.gap)
    let height = boxes.map(\.height).max() ?? 0
    var result = Hanging(width: bar.width, height: height + Self.drop + bar.height, anchor: bar.anchor)
    result.picture.add(bar.picture.moved(0, height + Self.drop))
    var x = (bar.width - width) / 2
    for (branch, box) in zip(above, boxes) {
      result.picture.add(box.picture.moved(x, height - box.height))
      let middle = x + box.width / 2
      if let joint = branch.joint {
        result.picture.lines.append(
          .init(
            name: joint.name, path: [.init(x: middle, y: height), .init(x: middle, y: height + Self.drop)],
            isRadio: false))
      }
      x += box.width + Self.gap
    }
    return result
  }

  /// What hangs side by side on a bar.
  private enum Item {
    case one(Hanging, DrawingTree.Joint?)
    case home(Hanging, [(joint: DrawingTree.Joint, at: Picture.Point)])
    case column(Column)

    var width: Double {
      switch self {
      case .one(let hanging, _), .home(let hanging, _): hanging.width
      case .column(let column): column.width
      }
    }
    var height: Double {
      switch self {
      case .one(let hanging, _), .home(let hanging, _): hanging.height
      case .column(let column): column.height
      }
    }
    /// How far below the bar it begins.
    var drop: Double {
      let labels =
        switch self {
        case .one(_, let joint): joint?.labels.count ?? 0
        case .home(_, let joints): joints.map { $0.joint.labels.count }.max() ?? 0
        case .column: 0
        }
      return PictureLayout.drop + (labels > 0 ? 8 + Double(labels) * Lettering.labelHeight : 0)
    }
  }

  func bar(_ branch: DrawingTree.Branch, atLeast least: Double = 0) -> Hanging {
    let (box, wide) = barBox(branch.vertex)
    let height = box.frame.height
    let items = items(branch)
    let row = items.map(\.width).reduce(0, +) + Self.gap * Double(max(0, items.count - 1))
    let width = max(row, wide, least)
    let top = height + (items.map(\.drop).max() ?? 0)
    var result = Hanging(
      width: width, height: items.isEmpty ? height : top + (items.map(\.height).max() ?? 0),
      anchor: .init(x: width / 2, y: 0), isBar: true)
    result.picture.boxes.append(box)
    result.picture.boxes[0].frame.width = width
    var x = (width - row) / 2
    for item in items {
      result.picture.add(draw(item, at: .init(x: x, y: top), below: height))
      x += item.width + Self.gap
    }
    return result
  }

  private func barBox(_ vertex: DrawingTree.Vertex) -> (Picture.Box, width: Double) {
    var box = Picture.Box(name: "", style: .network, frame: .init(x: 0, y: 0, width: 0, height: 0), lines: [])
    box.isBar = true
    switch vertex {
    case .network(let index):
      let network = tree.topology.networks[index]
      box.name = network.qualifiedName
      box.lines = [network.name, "\(network.prefix)"]
      box.frame.height = Self.networkHeight
    case .node(let index):
      let node = tree.topology.nodes[index]
      box.name = node.name
      box.style = .node(node.kind)
      box.lines = [Captions.name(node), Captions.bridge(node)]
      box.frame.height = Self.barHeight
    }
    let words = Lettering.width(box.lines[1], size: Lettering.wordSize)
    return (box, Lettering.width(box.lines[0], size: Lettering.nameSize, isBold: true) + words + 36)
  }

  private func items(_ branch: DrawingTree.Branch) -> [Item] {
    let leaves = Dictionary(
      grouping: branch.branches.filter { $0.isLeaf && !isBar($0) }, by: { tree.node($0.vertex)?.kind })
    var result: [Item] = []
    var done: Set<Node.Kind?> = []
    for child in branch.branches {
      let kind = tree.node(child.vertex)?.kind
      let group = child.isLeaf && !isBar(child) ? leaves[kind] ?? [] : []
      if group.count > Self.rowLimit {
        if done.insert(kind).inserted { result += columns(group).map { .column($0) } }
      } else {
        result.append(.one(roomy(hanging(child), for: child.joint), child.joint))
      }
    }
    for home in branch.homes {
      let (hanging, joints) = self.home(home)
      result.append(.home(hanging, joints))
    }
    return result
  }

  /// Wide enough for the labels that stand to the right of its link.
  private func roomy(_ hanging: Hanging, for joint: DrawingTree.Joint?) -> Hanging {
    let labels = Lettering.width(ofLabels: joint?.labels ?? []) + 8
    let lacking = hanging.anchor.x + labels - hanging.width
    guard lacking > 0, joint?.labels.isEmpty == false else { return hanging }
    var result = hanging
    result.width += lacking
    return result
  }

  private func draw(_ item: Item, at corner: Picture.Point, below bar: Double) -> Picture {
    switch item {
    case .one(let hanging, let joint):
      var picture = hanging.picture.moved(corner.x, corner.y)
      if let joint { picture.lines.append(drop(joint, corner.x + hanging.anchor.x, bar, corner.y, hanging.isBar)) }
      return picture
    case .home(let hanging, let joints):
      var picture = hanging.picture.moved(corner.x, corner.y)
      for (joint, point) in joints {
        picture.lines.append(drop(joint, corner.x + point.x, bar, corner.y + point.y, false))
      }
      return picture
    case .column(let column): return column.drawn(at: corner, below: bar)
    }
  }

  /// A link straight down, from the lower edge of a bar.
  private func drop(_ joint: DrawingTree.Joint, _ x: Double, _ top: Double, _ end: Double, _ isBar: Bool)
    -> Picture.Line
  {
    var line = Picture.Line(
      name: joint.name, path: [.init(x: x, y: top), .init(x: x, y: end)], isRadio: joint.isRadio,
      labels: joint.labels, labelsAt: .init(x: x + 6, y: top + 16))
    let half = Lettering.portHeight / 2
    if let port = joint.above { line.ports.append((port, .init(x: x, y: top - half))) }
    if isBar, let port = joint.below { line.ports.append((port, .init(x: x, y: end + half))) }
    return line
  }

  // MARK: Stacks and homes

  /// A node with something below it that is no bar itself: a gateway and its networks.
  private func stack(_ branch: DrawingTree.Branch) -> Hanging {
    let top = box(branch.vertex)
    let items = items(branch)
    let row = items.map(\.width).reduce(0, +) + Self.gap * Double(max(0, items.count - 1))
    let width = max(row, top.width)
    let channels = items.count > 1 ? Double(items.count) * 8 : 0
    let below = top.height + channels + (items.map(\.drop).max() ?? 0)
    // The end of each link, as it hangs in a row that is centred below the box.
    var x = (width - row) / 2
    var ends: [Double] = []
    for item in items {
      switch item {
      case .one(let hanging, _): ends.append(x + hanging.anchor.x)
      case .home(let hanging, let joints): ends.append(x + (joints.first?.at.x ?? hanging.anchor.x))
      case .column(let column): ends.append(x + column.trunk)
      }
      x += item.width + Self.gap
    }
    let middle = ends.count == 1 ? ends[0] : ((ends.first ?? 0) + (ends.last ?? 0)) / 2
    let left = min(max(0, middle - top.width / 2), width - top.width)
    var result = Hanging(
      width: width, height: below + (items.map(\.height).max() ?? 0), anchor: .init(x: left + top.width / 2, y: 0))
    result.picture.add(top.picture.moved(left, 0))
    x = (width - row) / 2
    for (number, item) in items.enumerated() {
      var part = draw(item, at: .init(x: x, y: below), below: top.height)
      let start = left + top.width * Double(number + 1) / Double(items.count + 1)
      let from = ends.count == 1 ? ends[0] : start
      // Left-going links turn the later the further right they begin, right-going ones the other way round.
      let turn = ends[number] < from ? Double(number) : Double(items.count - 1 - number)
      if let index = part.lines.lastIndex(where: { $0.path.first?.y == top.height }) {
        part.lines[index].bend(from: from, turn: top.height + 10 + turn * 8)
      }
      result.picture.add(part)
      x += item.width + Self.gap
    }
    return result
  }

  /// A home's box, and where the links from above come in.
  func home(_ home: DrawingTree.HomeBranch) -> (
    hanging: Hanging, joints: [(joint: DrawingTree.Joint, at: Picture.Point)]
  ) {
    let padding = 16.0
    let parts = home.branches.map(hanging)
    let row = parts.map(\.width).reduce(0, +) + Self.gap * Double(max(0, parts.count - 1))
    let networks = tree.topology.networks.filter { $0.home == home.home }.map { "\($0.name) \($0.prefix)" }
    // The words at the upper left keep clear of the links that come in from above.
    let first = home.branches.first?.joint == nil ? .infinity : padding + (parts.first?.anchor.x ?? 0)
    var frame = Picture.HomeFrame(
      name: home.home, lines: [networks.joined(separator: ", ")], frame: .init(x: 0, y: 0, width: 0, height: 0))
    var label = frame.labelWidth
    if 12 + label + 12 > first {
      frame.lines = [""] + networks
      label = frame.labelWidth
    }
    let head = 40 + Double(frame.lines.count - 1) * Lettering.lineHeight
    let shift = max(0, 12 + label + 12 - first)
    let width = max(row + 2 * padding + shift, label + 24)
    let height = head + (parts.map(\.height).max() ?? 0) + padding
    var result = Hanging(width: width, height: height, anchor: .init(x: width / 2, y: 0))
    frame.frame.width = width
    frame.frame.height = height
    result.picture.homes.append(frame)
    var joints: [(joint: DrawingTree.Joint, at: Picture.Point)] = []
    var x = first == .infinity ? (width - row) / 2 : padding + shift
    for (branch, part) in zip(home.branches, parts) {
      result.picture.add(part.picture.moved(x, head))
      if let joint = branch.joint { joints.append((joint, .init(x: x + part.anchor.x, y: head + part.anchor.y))) }
      x += part.width + Self.gap
    }
    return (result, joints)
  }
}

extension Picture.Line {
  /// Lets a link that runs straight down begin further left or right.
  fileprivate mutating func bend(from x: Double, turn: Double) {
    guard let end = path.last, abs(end.x - x) > 0.5 else { return }
    path = [Picture.Point(x: x, y: path[0].y), Picture.Point(x: x, y: turn), Picture.Point(x: end.x, y: turn), end]
    labelsAt.y = max(labelsAt.y, turn + 14)
    if let port = ports.first, port.at.y < turn { ports[0].at.x = x }
  }
}
