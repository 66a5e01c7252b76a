import LanguageKit
import Octets

// The syntax tree of a topology file, before names are resolved and ranges expanded.

struct TopologySyntax {
  enum Kind: String { case topology, fragment }
  var kind: Kind
  var name: Located<String>
  var title: String?
  var items: [TopologyItem]
  /// What lines that could not be read were about; nothing is said about their links missing.
  var mentioned: Set<String>
  /// True where a line's first word was unknown, so that a node or a home may be missing from the tree.
  var hasUnknownLines: Bool
}

indirect enum TopologyItem {
  case network(NetworkSyntax)
  case node(NodeSyntax)
  case link(LinkSyntax)
  case home(HomeSyntax)
  case include(Located<String>)
  /// In the place of a node whose lines are being read.
  case open
}

struct HomeSyntax {
  var name: Located<String>
  /// True where its first line could not be read.
  var isBroken: Bool
  var items: [TopologyItem]
}

struct NetworkSyntax {
  var name: Located<String>
  /// `nil` where the line could not be read; the network still counts as declared.
  var prefix: Located<CIDR>?
}

struct NodeSyntax {
  /// `nil` where the kind is unknown; the node still counts as declared.
  var kind: Node.Kind?
  var name: Located<String>
  var range: ClosedRange<Int>?
  var attachments: [AttachmentSyntax] = []
  var ports: Located<Int>?
  var htip: Position?
  /// True where the line could not be read whole.
  var isBroken = false
  /// Where the line starts.
  var position: Position

  var nat = NAT()
  var natPosition: Position?
  var categories: Located<[String]>?
  var oui: Located<String>?
  var model: Located<String>?
  var number: Located<String>?
  var serial: Located<String>?
  var devicePosition: Position?
  var applications: [Located<Application>] = []
  var settings: [SettingSyntax] = []
  var dhcp: Located<DHCP>?
  var names: [DNSName] = []
  var namesPosition: Position?
}

struct AttachmentSyntax {
  var network: Located<String>
  /// `nil`: automatic, or by DHCP.
  var address: Located<IPAddress>?
  /// True where the file says `address auto`, so that DHCP does not give it.
  var isAutomatic = false
  var mac: Located<MACAddress>?
}

struct SettingSyntax {
  var key: Located<Path>
  var value: Located<Value>
}

struct LinkSyntax {
  struct Towards {
    var end: Reference
    var qualities: [Located<Quality>]
  }
  var a: Reference
  var b: Reference
  var qualities: [Located<Quality>]
  var towards: [Towards]
  var position: Position
}
