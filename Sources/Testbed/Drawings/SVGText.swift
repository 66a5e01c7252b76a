import TopologyLanguage

/// A picture as SVG 1.1: dark on white, no scripts, no outside resources.
enum SVGText {
  static func render(_ picture: Picture) -> String {
    var text = """
      <?xml version="1.0" encoding="UTF-8"?>
      <svg xmlns="http://www.w3.org/2000/svg" width="\(number(picture.width))" height="\(number(picture.height))" \
      viewBox="0 0 \(number(picture.width)) \(number(picture.height))" \
      font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="\(number(Lettering.wordSize))" fill="#1d2733">
      <title>\(escaped(picture.title))</title>
      <rect width="100%" height="100%" fill="#ffffff"/>

      """
    text += title(picture)
    for home in picture.homes { text += self.home(home) }
    for line in picture.lines { text += path(line) }
    for box in picture.boxes { text += self.box(box) }
    for line in picture.lines { text += words(line) }
    return text + "</svg>\n"
  }

  private static func title(_ picture: Picture) -> String {
    let subtitle = picture.subtitle.map {
      "<tspan dx=\"14\" font-size=\"\(number(Lettering.nameSize))\" font-weight=\"normal\" fill=\"#556070\">"
        + "\(escaped($0))</tspan>"
    }
    return """
      <text x="24" y="40" font-size="\(number(Lettering.titleSize))" font-weight="bold">\(escaped(picture.title))\
      \(subtitle ?? "")</text>

      """
  }

  private static func home(_ home: Picture.HomeFrame) -> String {
    let x = number(home.frame.x + 12)
    let below = home.lines.dropFirst().enumerated().map { index, line in
      let y = home.frame.y + 21 + Double(index + 1) * Lettering.lineHeight
      return "<text x=\"\(x)\" y=\"\(number(y))\" fill=\"#556070\">\(escaped(line))</text>"
    }
    return """
      <g class="home"><title>\(escaped(home.name))</title>\
      <rect \(attributes(home.frame)) rx="12" fill="#fbfaf5" stroke="#c9c3ae" stroke-width="1.5"/>\
      <text x="\(x)" y="\(number(home.frame.y + 21))">\
      <tspan font-size="\(number(Lettering.nameSize))" font-weight="bold">\(escaped(home.name))</tspan>\
      <tspan dx="8" fill="#556070">\(escaped(home.lines[0]))</tspan></text>\(below.joined())</g>

      """
  }

  private static func path(_ line: Picture.Line) -> String {
    let points = line.path.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
    let dash = line.isRadio ? " stroke-dasharray=\"4 4\"" : line.isExtra ? " stroke-dasharray=\"9 3\"" : ""
    return """
      <g class="link"><title>\(escaped(line.name))</title>\
      <polyline points="\(points)" fill="none" stroke="#5b6b7f" stroke-width="1.6"\(dash)/></g>

      """
  }

  private static func words(_ line: Picture.Line) -> String {
    var text = ""
    for (port, at) in line.ports {
      let width = Lettering.portWidth(port)
      let frame = Picture.Frame(
        x: at.x - width / 2, y: at.y - Lettering.portHeight / 2, width: width, height: Lettering.portHeight)
      text += """
        <rect \(attributes(frame)) rx="3" fill="#ffffff" stroke="#5b6b7f"/>\
        <text x="\(number(at.x))" y="\(number(at.y + 3.6))" text-anchor="middle" \
        font-size="\(number(Lettering.labelSize))">\(escaped(port))</text>

        """
    }
    for (index, label) in line.labels.enumerated() {
      text += """
        <text x="\(number(line.labelsAt.x))" \
        y="\(number(line.labelsAt.y + Double(index) * Lettering.labelHeight))" \
        font-size="\(number(Lettering.labelSize))" fill="#8a3a1c">\(escaped(label))</text>

        """
    }
    return text
  }

  private static func box(_ box: Picture.Box) -> String {
    let (fill, stroke) = colours(box.style)
    let radius = box.style == .network ? box.frame.height / 2 : 6
    var text = """
      <g class="\(box.style == .network ? "network" : "node")"><title>\(escaped(box.name))</title>\
      <rect \(attributes(box.frame)) rx="\(number(radius))" fill="\(fill)" stroke="\(stroke)" stroke-width="1.4"/>
      """
    if box.isBar {
      let y = box.frame.middle.y + 4
      let isNetwork = box.style == .network
      let x = isNetwork ? box.frame.middle.x : box.frame.x + 12
      text += """
        <text x="\(number(x))" y="\(number(y))"\(isNetwork ? " text-anchor=\"middle\"" : "")>\
        <tspan font-size="\(number(Lettering.nameSize))" font-weight="bold">\(escaped(box.lines[0]))</tspan>\
        <tspan dx="8" fill="#45525f">\(escaped(box.lines[1]))</tspan></text>
        """
    } else {
      for (index, line) in box.lines.enumerated() {
        let isName = index == 0
        let size = isName ? "font-size=\"\(number(Lettering.nameSize))\" font-weight=\"bold\"" : "fill=\"#45525f\""
        text += """
          <text x="\(number(box.frame.middle.x))" \
          y="\(number(box.frame.y + 18 + Double(index) * Lettering.lineHeight))" \
          text-anchor="middle" \(size)>\(escaped(line))</text>
          """
      }
    }
    return text + "</g>\n"
  }

  private static func colours(_ style: Picture.Box.Style) -> (fill: String, stroke: String) {
    switch style {
    case .network: ("#eaf1fb", "#7d9cc4")
    case .node(.homeGateway): ("#fdeed9", "#cf9a52")
    case .node(.configurator): ("#e3f3e2", "#76ab73")
    case .node(.serviceServer): ("#ece7f8", "#9a88c9")
    case .node(.mobile): ("#fbe6ee", "#cc86a2")
    case .node(.ce): ("#e2f0f7", "#6ea3bf")
    case .node(.host): ("#f0f0f0", "#9a9a9a")
    case .node(.switch), .node(.hub), .node(.accessPoint): ("#e8ecf1", "#8594a6")
    }
  }

  private static func attributes(_ frame: Picture.Frame) -> String {
    "x=\"\(number(frame.x))\" y=\"\(number(frame.y))\" width=\"\(number(frame.width))\" height=\"\(number(frame.height))\""
  }

  private static func number(_ value: Double) -> String { Captions.decimal((value * 10).rounded() / 10) }

  static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      // A title may have a line feed or another control character in it (\n, \u{1}), which XML has no place for.
      case _ where character.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }: result += " "
      default: result.append(character)
      }
    }
  }
}
