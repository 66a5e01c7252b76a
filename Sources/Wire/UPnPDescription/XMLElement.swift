/// An element of an XML document, with its children in order.
public struct XMLElement: Sendable, Hashable {
  /// An attribute, its value without quotation marks and references.
  public struct Attribute: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// What stands inside an element.
  public enum Node: Sendable, Hashable {
    case element(XMLElement)
    /// Character data; references and CDATA sections are resolved.
    case text(String)
    /// Character data that is written as a CDATA section; read, it is text.
    case section(String)
  }

  /// As written, with its prefix.
  public var name: String
  public var attributes: [Attribute]
  public var children: [Node]

  public init(_ name: String, attributes: [Attribute] = [], children: [Node] = []) {
    self.name = name
    self.attributes = attributes
    self.children = children
  }

  public init(_ name: String, text: String) {
    self.init(name, children: text.isEmpty ? [] : [.text(text)])
  }

  public init(_ name: String, _ elements: [XMLElement]) { self.init(name, children: elements.map { .element($0) }) }

  /// The name without its prefix; names are compared by it, since prefixes and even namespaces differ among devices.
  public var localName: Substring { Self.localName(of: name) }

  static func localName(of name: String) -> Substring {
    name.utf8.firstIndex(of: UInt8(ascii: ":")).map { name[name.index(after: $0)...] } ?? name[...]
  }

  public var elements: [XMLElement] {
    children.compactMap { if case .element(let element) = $0 { element } else { nil } }
  }

  /// The character data directly inside, without blanks around it.
  public var text: String {
    let whole = children.map { if case .text(let text) = $0 { text } else { "" } }.joined()
    let scalars = whole.unicodeScalars
    guard let first = scalars.firstIndex(where: { !Self.isBlank($0) }),
      let last = scalars.lastIndex(where: { !Self.isBlank($0) })
    else { return "" }
    return String(scalars[first...last])
  }

  static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
    scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r"
  }

  /// The first child element with that local name.
  public func first(_ localName: String) -> XMLElement? { elements.first { $0.localName == localName } }

  /// The value of an attribute, by its name as written.
  public func attribute(_ name: String) -> String? { attributes.first { $0.name == name }?.value }
}
