import Octets
import Testing
import UPnPDescription

@Suite struct XMLElementTests {
  @Test func elementsAttributesAndText() throws {
    let text = """
      <?xml version="1.0" encoding='UTF-8'?><!-- hello --><?pi x?>
      <a:root x = "1 &lt; 2" y='it"s'><!-- c --><b/>
      <c>one<![CDATA[ <two> & ]]>three</c><d>&#x263A;&#65;&amp;</d>  <e>  </e></a:root>
      """
    let root = try XMLElement(parsing: text.utf8)
    #expect(root.name == "a:root" && root.localName == "root")
    #expect(root.attribute("x") == "1 < 2")
    #expect(root.attribute("y") == "it\"s")
    #expect(root.elements.map(\.name) == ["b", "c", "d", "e"])
    #expect(root.children.count == 4)
    #expect(root.first("c")?.text == "one <two> & three")
    #expect(root.first("d")?.text == "\u{263A}A&")
    #expect(root.first("e")?.children == [.text("  ")])
    #expect(try XMLElement(parsing: root.document) == root)
  }

  @Test func lineEndsAreNormalised() throws {
    let root = try XMLElement(parsing: "<a x='1\r\n2\t3'>b\r\nc\rd&#13;e</a>".utf8)
    #expect(root.children == [.text("b\nc\nd\re")])
    #expect(root.attribute("x") == "1 2 3")
    #expect(try XMLElement(parsing: root.document) == root)
  }

  @Test func aByteOrderMarkIsTaken() throws {
    #expect(try XMLElement(parsing: [0xEF, 0xBB, 0xBF] + Array("<a/>".utf8)) == XMLElement("a"))
  }

  static let refused: [(String, WireError.Code)] = [
    ("", .truncated), ("   ", .truncated), ("text", .malformed), ("<a>", .truncated), ("<a", .truncated),
    ("<a></b>", .malformed), ("<a/><b/>", .malformed), ("<a/>text", .malformed), ("<a x=1/>", .malformed),
    ("<a x/>", .malformed), ("<a x='1' x='2'/>", .malformed), ("<a x='<'/>", .malformed), ("<a x='1/>", .truncated),
    ("<a x='1'y='2'/>", .malformed), ("<1a/>", .malformed), ("<-a/>", .malformed), ("< a/>", .malformed),
    ("<a>&nbsp;</a>", .malformed), ("<a>&</a>", .malformed), ("<a>&#0;</a>", .malformed), ("<a>&#;</a>", .malformed),
    ("<a>&#xD800;</a>", .malformed), ("<a>&#x110000;</a>", .malformed), ("<a>&#x;</a>", .malformed),
    ("<a>&#99999999999;</a>", .malformed), ("<a>]]></a>", .malformed), ("<a><![CDATA[x</a>", .truncated),
    ("<a><!-- x</a>", .truncated), ("<a><!-- x -- y --></a>", .malformed), ("<a>\u{1}</a>", .malformed),
    ("<a>\u{FFFE}</a>", .malformed), ("<!DOCTYPE a><a/>", .unsupported),
    ("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", .unsupported), ("<a><!DOCTYPE b></a>", .malformed),
    ("<?xml version='1.0' encoding='iso-8859-1'?><a/>", .unsupported), ("<a>&b;</a>", .malformed),
    (String(repeating: "<a>", count: 25), .tooLong),
    ("<a>" + String(repeating: "<b/>", count: 8192) + "</a>", .tooLong),
    ("<a " + (0..<33).map { "b\($0)='' " }.joined() + "/>", .tooLong),
    ("<a>" + String(repeating: "x", count: 256 << 10) + "</a>", .tooLong),
  ]

  @Test(arguments: refused.indices) func faultyDocumentsAreRefused(index: Int) {
    let (text, code) = Self.refused[index]
    do {
      _ = try XMLElement(parsing: text.utf8)
      Issue.record("\(text.prefix(60)) was taken")
    } catch let error as WireError {
      #expect(error.code == code, "\(text.prefix(60)): \(error)")
      #expect((0...text.utf8.count).contains(error.offset))
    } catch {
      Issue.record("\(error)")
    }
  }

  @Test func textThatIsNoUTF8IsRefused() {
    #expect(throws: WireError(.malformed, in: "XML", at: 3, "")) {
      try XMLElement(parsing: Array("<a>".utf8) + [0xFF] + Array("</a>".utf8))
    }
  }

  @Test func mutatedAndCutDocumentsNeverTrap() throws {
    let document = try VectorFile.octets("miniupnpd_rootDesc.xml")
    var random = SeededNumbers(seed: 29341)
    for _ in 0..<300 {
      var octets = document
      for _ in 0..<Int.random(in: 1...8, using: &random) {
        octets[Int.random(in: 0..<octets.count, using: &random)] = [
          UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"), UInt8(ascii: "\""), 0xC3, 0,
          UInt8.random(in: 0...255, using: &random),
        ].randomElement(using: &random)!
      }
      if Bool.random(using: &random) { octets.removeLast(Int.random(in: 0...octets.count, using: &random)) }
      guard let root = try? XMLElement(parsing: octets) else { continue }
      #expect(try XMLElement(parsing: root.document) == root)
      _ = try? DeviceDescription(root: root)
    }
  }

  @Test func everyPrefixIsTruncated() throws {
    let document = try VectorFile.octets("miniupnpd_rootDesc.xml")
    for count in stride(from: 0, to: document.lastIndex(of: UInt8(ascii: ">"))!, by: 7) {
      #expect(throws: WireError.self) { try XMLElement(parsing: document.prefix(count)) }
    }
  }

  @Test func whatXMLCannotHoldIsReplacedInWriting() throws {
    let element = XMLElement(
      "a", attributes: [.init(name: "b", value: "\t\"\n<&>")], children: [.text("\u{0}x\u{FFFF}")])
    let read = try XMLElement(parsing: element.document)
    #expect(read.children == [.text("\u{FFFD}x\u{FFFD}")])
    #expect(read.attributes == element.attributes)
  }
}
