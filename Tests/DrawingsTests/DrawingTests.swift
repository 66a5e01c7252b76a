import Foundation
import FoundationXML
import LanguageKit
import Testing
import TopologyLanguage

@testable import Drawings

/// The topologies that come along, one with everything at once, and homes of every size.
struct DrawnTopology: CustomTestStringConvertible, Sendable {
  var name: String
  var text: String
  var testDescription: String { name }

  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let torture = "Tests/DrawingsTests/torture.topology"

  static let all: [DrawnTopology] = {
    let folder = root.appendingPathComponent("topologies").path
    let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().map {
      "topologies/" + $0
    }
    let shipped = (files + [torture]).compactMap { file -> DrawnTopology? in
      guard let text = try? String(contentsOf: root.appendingPathComponent(file), encoding: .utf8),
        !text.contains("\nfragment ")
      else { return nil }
      let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
      return DrawnTopology(name: name, text: text)
    }
    return shipped + [0, 1, 2, 7, 8, 33, 60].map(home)
  }()

  static func home(of devices: Int) -> DrawnTopology {
    var text = """
      topology home
      network internet 198.51.100.0/24
      home a
        network lan 192.168.0.0/16
        home-gateway hg on internet on lan
        configurator cfg on lan
        switch sw on lan ports 100
        link hg.lan -- sw.1
        link cfg -- sw.2 delay 1ms towards cfg loss 1%

      """
    if devices > 0 { text += "  ce d[1..\(devices)] on lan\n  link d[1..\(devices)] -- sw.[3..\(devices + 2)]\n" }
    return DrawnTopology(name: "home", text: text + "end\n")
  }

  func topology() throws -> Topology {
    let loader = SourceLoader { path in
      if path == "topologies/\(name).topology" { return .success(Array(text.utf8)) }
      guard let data = try? Data(contentsOf: DrawnTopology.root.appendingPathComponent(path)) else {
        return .failure(.notFound)
      }
      return .success([UInt8](data))
    }
    let (topology, diagnostics) = TopologyFile.read("topologies/\(name).topology", loader: loader)
    return try #require(topology, "\(diagnostics.map { $0.rendered() })")
  }
}

/// The titles of an SVG's groups, by their class.
private final class Titles: NSObject, XMLParserDelegate {
  var byClass: [String: [String]] = [:]
  var texts: [String] = []
  private var classes: [String] = []
  private var text = ""

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    if name == "g" { classes.append(attributes["class"] ?? "") }
    text = ""
  }

  func parser(_ parser: XMLParser, foundCharacters characters: String) { text += characters }

  func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
    if name == "title", let own = classes.last { byClass[own, default: []].append(text) }
    if name == "text" || name == "tspan" { texts.append(text) }
    if name == "g" { classes.removeLast() }
    text = ""
  }
}

@Suite struct DrawingTests {
  @Test func theTopologiesAreThere() { #expect(DrawnTopology.all.count > 12) }

  @Test(arguments: DrawnTopology.all) func everyNodeAndLinkIsInTheSVG(_ drawn: DrawnTopology) throws {
    let topology = try drawn.topology()
    let parser = XMLParser(data: Data(Drawing.text(of: topology, as: .svg).utf8))
    let titles = Titles()
    parser.delegate = titles
    #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "") in line \(parser.lineNumber)")
    #expect(titles.byClass["node"]?.sorted() == topology.nodes.map(\.name).sorted())
    let places = topology.attachments.filter { $0.link == nil }.map(\.name)
    #expect((titles.byClass["link"] ?? []).sorted() == (topology.links.map(\.name) + places).sorted())
    #expect((titles.byClass["home"] ?? []).sorted() == topology.homes.map(\.name).sorted())
    #expect(
      (titles.byClass["network"] ?? []).sorted()
        == topology.networks.filter { $0.home == nil }.map(\.qualifiedName).sorted())
    for link in topology.links {
      for label in Captions.qualities(link) { #expect(titles.texts.contains(label)) }
      if let port = link.b.port { #expect(titles.texts.contains { $0.split(separator: "-").contains("\(port)") }) }
    }
  }

  @Test(arguments: DrawnTopology.all) func noBoxLiesOnAnother(_ drawn: DrawnTopology) throws {
    let picture = Picture.layout(try drawn.topology())
    let paper = Picture.Frame(x: 0, y: 0, width: picture.width, height: picture.height)
    for (index, box) in picture.boxes.enumerated() {
      #expect(
        box.frame.x >= 0 && box.frame.y >= 0 && box.frame.right <= paper.right && box.frame.bottom <= paper.bottom)
      for other in picture.boxes[(index + 1)...] {
        #expect(!box.frame.overlaps(other.frame), "\(box.name) and \(other.name)")
      }
    }
    for (index, home) in picture.homes.enumerated() {
      for other in picture.homes[(index + 1)...] { #expect(!home.frame.overlaps(other.frame)) }
    }
  }

  @Test(arguments: DrawnTopology.all) func everyNodeLiesInItsHome(_ drawn: DrawnTopology) throws {
    let topology = try drawn.topology()
    let picture = Picture.layout(topology)
    for node in topology.nodes {
      let box = try #require(picture.box(named: node.name))
      for home in picture.homes {
        #expect(home.frame.overlaps(box.frame) == (home.name == node.home), "\(node.name) and \(home.name)")
      }
    }
  }

  /// A link may pass through a home's edge, but not through a box that it does not belong to.
  @Test(arguments: DrawnTopology.all) func linksOfTheTreeCrossNoBox(_ drawn: DrawnTopology) throws {
    let picture = Picture.layout(try drawn.topology())
    for line in picture.lines where !line.isExtra {
      for (a, b) in zip(line.path, line.path.dropFirst()) {
        let stroke = Picture.Frame(
          x: min(a.x, b.x) - 0.1, y: min(a.y, b.y) + 0.1, width: abs(a.x - b.x) + 0.2,
          height: max(0, abs(a.y - b.y) - 0.2))
        for box in picture.boxes {
          // It ends at the edge of its own boxes.
          let inner = Picture.Frame(
            x: box.frame.x + 1, y: box.frame.y + 1, width: box.frame.width - 2, height: box.frame.height - 2)
          #expect(!inner.overlaps(stroke), "\(line.name) and \(box.name)")
        }
      }
    }
  }

  @Test func wordsFitIntoTheirBoxes() throws {
    let picture = Picture.layout(try #require(DrawnTopology.all.first { $0.name == "torture" }).topology())
    for box in picture.boxes where !box.isBar {
      for line in box.lines { #expect(Lettering.width(line, size: Lettering.wordSize) <= box.frame.width) }
    }
  }

  @Test(arguments: DrawnTopology.all) func theDOTIsAGraph(_ drawn: DrawnTopology) throws {
    let text = Drawing.text(of: try drawn.topology(), as: .dot)
    #expect(text.hasPrefix("graph \"\(drawn.name)\" {\n") && text.hasSuffix("}\n"))
  }

  private static let dot = ["/usr/bin/dot", "/usr/local/bin/dot"].first(where: FileManager.default.isExecutableFile)

  @Test(.enabled(if: dot != nil, "graphviz is not installed"), arguments: DrawnTopology.all)
  func graphvizTakesTheDOT(_ drawn: DrawnTopology) throws {
    let text = Drawing.text(of: try drawn.topology(), as: .dot)
    let dot = try #require(Self.dot)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: dot)
    process.arguments = ["-Tcanon", "-o", "/dev/null"]
    let (input, errors) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardError = errors
    try process.run()
    input.fileHandleForWriting.write(Data(text.utf8))
    try input.fileHandleForWriting.close()
    let told = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0 && told.isEmpty, "\(told)")
  }

  @Test func aTreeForTerminals() throws {
    let text = Drawing.text(of: try DrawnTopology.home(of: 2).topology(), as: .text)
    #expect(
      text == """
        home

        internet  198.51.100.0/24
        └─ home a  lan 192.168.0.0/16
           └─ hg  home gateway  internet 198.51.100.10  lan 192.168.0.1
              └─ sw  switch, 100 ports  (hg.lan--sw.1)
                 ├─ cfg  configurator  192.168.0.10  (cfg--sw.2, delay 1 ms, to cfg: loss 1 %)
                 ├─ d1  CE device  192.168.0.11  (d1--sw.3)
                 └─ d2  CE device  192.168.0.12  (d2--sw.4)

        """)
  }

  @Test func aFlowchartForMarkdown() throws {
    let text = Drawing.text(of: try DrawnTopology.home(of: 0).topology(), as: .mermaid)
    #expect(
      text == """
        %% home
        flowchart TB
          n0(["internet<br/>198.51.100.0/24"])
          subgraph h0 ["a lan 192.168.0.0/16"]
            n2["hg<br/>home gateway<br/>internet 198.51.100.10<br/>lan 192.168.0.1"]
            n3["cfg<br/>configurator<br/>192.168.0.10"]
            n4["sw<br/>switch, 100 ports"]
          end
          n0 --- n2
          n2 ---|"1"| n4
          n3 ---|"2<br/>delay 1 ms<br/>to cfg: loss 1 %"| n4

        """)
  }

  @Test func everyNodeIsInEveryFormat() throws {
    let topology = try #require(DrawnTopology.all.first { $0.name == "torture" }).topology()
    for format in Drawing.Format.allCases {
      let text = Drawing.text(of: topology, as: format)
      for node in topology.nodes { #expect(text.contains(Captions.name(node)), "\(node.name) in \(format)") }
    }
  }

  /// What docs/topologies.md shows of its first example.
  @Test func theDocumentationShowsWhatIsDrawn() throws {
    let root = DrawnTopology.root
    let file = root.appendingPathComponent("examples/topologies/small.topology")
    let small = try DrawnTopology(name: "small", text: String(contentsOf: file, encoding: .utf8)).topology()
    let page = try String(contentsOf: root.appendingPathComponent("docs/topologies.md"), encoding: .utf8)
    #expect(page.contains("```text\n" + Drawing.text(of: small, as: .text) + "```"))
    let picture = root.appendingPathComponent("docs/small.svg")
    let drawn = Drawing.text(of: small, as: .svg)
    if ProcessInfo.processInfo.environment["UPDATE_DOCS"] != nil {
      try drawn.write(to: picture, atomically: true, encoding: .utf8)
    }
    #expect(
      try String(contentsOf: picture, encoding: .utf8) == drawn,
      "docs/small.svg is not what is drawn: run the tests once with UPDATE_DOCS=1")
  }

  @Test func quantitiesAreRead() {
    #expect(Captions.decimal(0.1 * 100) == "10")
    #expect(Captions.decimal(2.5) == "2.5")
    #expect(Captions.decimal(1.0 / 3) == "0.3333")
  }
}
