import TopologyLanguage

/// Everything of a drawing with its place on the paper; lengths in pixels, y downwards.
struct Picture {
  struct Point: Hashable {
    var x: Double
    var y: Double
  }

  struct Frame: Hashable {
    var x: Double
    var y: Double
    var width: Double
    var height: Double
    var right: Double { x + width }
    var bottom: Double { y + height }
    var middle: Point { Point(x: x + width / 2, y: y + height / 2) }

    func overlaps(_ other: Frame) -> Bool {
      x < other.right && other.x < right && y < other.bottom && other.y < bottom
    }
  }

  /// A node that is no switch, a switch, or a network outside of homes.
  struct Box {
    enum Style: Equatable {
      case node(Node.Kind)
      case network
    }
    /// The node's display name, or the network's qualified one.
    var name: String
    var style: Style
    var frame: Frame
    /// The first one is its name.
    var lines: [String]
    /// True where it is a bar that others hang on: its words stand in one line.
    var isBar = false
  }

  struct HomeFrame {
    var name: String
    /// Its networks: beside the name, and below it.
    var lines: [String]
    var frame: Frame

    var labelWidth: Double {
      let name = Lettering.width(name, size: Lettering.nameSize, isBold: true)
      let first = lines[0].isEmpty ? name : name + 8 + Lettering.width(lines[0], size: Lettering.wordSize)
      return lines.dropFirst().map { Lettering.width($0, size: Lettering.wordSize) }.reduce(first, max)
    }
  }

  struct Line {
    var name: String
    var path: [Point]
    var isRadio: Bool
    /// True for a link that is no branch of the tree.
    var isExtra = false
    /// Port numbers, by the middle of their little boxes.
    var ports: [(text: String, at: Point)] = []
    var labels: [String] = []
    /// The left end of the first label's base line.
    var labelsAt = Point(x: 0, y: 0)
  }

  var title = ""
  var subtitle: String?
  var width = 0.0
  var height = 0.0
  var boxes: [Box] = []
  var homes: [HomeFrame] = []
  var lines: [Line] = []

  func box(named name: String) -> Box? { boxes.first { $0.name == name } }

  /// Everything further right and down.
  func moved(_ dx: Double, _ dy: Double) -> Picture {
    func moved(_ point: Point) -> Point { Point(x: point.x + dx, y: point.y + dy) }
    var result = self
    for index in boxes.indices {
      result.boxes[index].frame.x += dx
      result.boxes[index].frame.y += dy
    }
    for index in homes.indices {
      result.homes[index].frame.x += dx
      result.homes[index].frame.y += dy
    }
    for index in lines.indices {
      result.lines[index].path = lines[index].path.map(moved)
      result.lines[index].ports = lines[index].ports.map { ($0.text, moved($0.at)) }
      result.lines[index].labelsAt = moved(lines[index].labelsAt)
    }
    return result
  }

  /// Draws another picture's contents too.
  mutating func add(_ other: Picture) {
    boxes += other.boxes
    homes += other.homes
    lines += other.lines
  }
}
