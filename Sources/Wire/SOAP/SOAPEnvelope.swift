import Octets
import UPnPDescription

/// An envelope of SOAP 1.1 with the one element in its body.
struct SOAPEnvelope {
  static let namespace = "http://schemas.xmlsoap.org/soap/envelope/"
  static let encoding = "http://schemas.xmlsoap.org/soap/encoding/"

  /// The element in the body, and the namespace that it is in; `nil` where none is declared.
  let content: XMLElement
  let namespace: String?
  let isFault: Bool
  let requiredHeaders: [String]

  static func fault(_ reason: String, _ code: WireError.Code = .malformed) -> WireError {
    WireError(code, in: "SOAP", at: 0, reason)
  }

  /// Prefixes are free, an envelope without a namespace is taken, and what stands in the body after its first element
  /// is passed over.
  init(parsing octets: some Collection<UInt8>, limits: XMLLimits) throws {
    let root = try XMLElement(parsing: octets, limits: limits)
    guard root.localName == "Envelope" else {
      throw Self.fault("the root element is \(root.name.prefix(80)), expected Envelope")
    }
    let names = NamespaceScope().entering(root)
    let version = names.namespace(of: root)
    guard version == nil || version == Self.namespace else {
      throw Self.fault("the envelope is in \(version?.prefix(80) ?? ""), expected \(Self.namespace)", .unsupported)
    }
    guard let body = root.first("Body") else { throw Self.fault("an envelope without Body") }
    guard let content = body.elements.first else { throw Self.fault("the body is empty") }
    requiredHeaders = (root.first("Header")?.elements ?? []).filter { entry in
      entry.attributes.contains { $0.name.hasSuffix("mustUnderstand") && $0.value == "1" }
    }.map { String($0.localName) }
    self.content = content
    namespace = names.entering(body).entering(content).namespace(of: content)
    isFault = content.localName == "Fault" && (namespace == nil || namespace == Self.namespace)
  }

  /// The children of the content; blanks in a value are the value's.
  var arguments: [SOAPArgument] {
    content.elements.map { element in
      let value = element.children.map { if case .text(let text) = $0 { text } else { "" } }.joined()
      return SOAPArgument(String(element.localName), value)
    }
  }

  /// A document with an action's element, or its response's.
  static func document(_ name: String, in serviceType: String, _ arguments: [SOAPArgument]) -> [UInt8] {
    // A document in an argument goes as a section: some control points do not resolve references there.
    var element = XMLElement(
      "u:" + name,
      arguments.map { argument in
        argument.value.hasPrefix("<")
          ? XMLElement(argument.name, children: [.section(argument.value)])
          : XMLElement(argument.name, text: argument.value)
      })
    element.attributes = [.init(name: "xmlns:u", value: serviceType)]
    return document(element)
  }

  static func document(_ content: XMLElement) -> [UInt8] {
    XMLElement(
      "s:Envelope",
      attributes: [
        .init(name: "xmlns:s", value: namespace), .init(name: "s:encodingStyle", value: encoding),
      ], children: [.element(XMLElement("s:Body", [content]))]
    ).document
  }
}

/// The namespaces that are declared around an element (Namespaces in XML 1.0).
struct NamespaceScope {
  private var byPrefix: [Substring: String] = [:]

  /// The scope inside of an element.
  func entering(_ element: XMLElement) -> NamespaceScope {
    var inner = self
    for attribute in element.attributes {
      if attribute.name == "xmlns" { inner.byPrefix[""] = attribute.value }
      if attribute.name.hasPrefix("xmlns:") { inner.byPrefix[attribute.name.dropFirst(6)] = attribute.value }
    }
    return inner
  }

  /// The namespace of an element whose own declarations were entered.
  func namespace(of element: XMLElement) -> String? {
    let prefix = element.name.utf8.count == element.localName.utf8.count ? "" : element.name.prefix { $0 != ":" }
    return byPrefix[prefix].flatMap { $0.isEmpty ? nil : $0 }
  }
}
