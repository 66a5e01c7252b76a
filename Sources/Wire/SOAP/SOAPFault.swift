import UPnPDescription

/// A fault in the place of a reply (SOAP 1.1, 4.4; UDA 2.0, 3.2.2).
public struct SOAPFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// Without its prefix: `Client`, `Server`, `VersionMismatch`, `MustUnderstand`.
  public var faultCode: String
  /// `UPnPError` where there is an ``errorCode``.
  public var faultString: String
  /// The UPnP error, such as 718; `nil` in faults of SOAP itself.
  public var errorCode: Int?
  public var errorDescription: String?

  public init(faultCode: String, faultString: String) {
    self.faultCode = faultCode
    self.faultString = faultString
  }

  /// A UPnP error.
  public init(errorCode: Int, _ errorDescription: String) {
    self.init(faultCode: "Client", faultString: "UPnPError")
    self.errorCode = errorCode
    self.errorDescription = errorDescription
  }

  /// Takes a fault from its element; what is missing stays empty.
  init(_ element: XMLElement) {
    let code = element.first("faultcode")?.text ?? ""
    faultCode = String(code.split(separator: ":").last ?? "")
    faultString = element.first("faultstring")?.text ?? ""
    let error = element.first("detail")?.first("UPnPError")
    errorCode = error?.first("errorCode").flatMap { Int($0.text) }
    errorDescription = error?.first("errorDescription")?.text
  }

  public var description: String {
    guard let errorCode else { return "SOAP fault \(faultCode): \(faultString)" }
    return "UPnP error \(errorCode)" + (errorDescription.map { ": " + $0 } ?? "")
  }

  static let errorNamespace = "urn:schemas-upnp-org:control-1-0"

  /// The body in UTF-8.
  public var octets: [UInt8] {
    var children = [
      XMLElement("faultcode", text: "s:" + faultCode), XMLElement("faultstring", text: faultString),
    ]
    if let errorCode {
      var error = XMLElement(
        "UPnPError",
        [
          XMLElement("errorCode", text: String(errorCode)),
          XMLElement("errorDescription", text: errorDescription ?? ""),
        ])
      error.attributes = [.init(name: "xmlns", value: Self.errorNamespace)]
      children.append(XMLElement("detail", [error]))
    }
    return SOAPEnvelope.document(XMLElement("s:Fault", children))
  }
}
